// The panel at the side: all that is known of the node, or the scope, that is selected.

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") made.onclick = value;
    else if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const PART_NAMES = {
  forward: "model", gradient: "gradients", update: "updates", initialize: "first values",
  save: "saving", summary: "summaries",
};

function duration(micros) {
  if (micros >= 1e6) return (micros / 1e6).toFixed(2) + " s";
  return micros >= 1e3 ? (micros / 1e3).toFixed(2) + " ms" : micros.toFixed(micros < 10 ? 1 : 0) + " \u00b5s";
}

function bytes(count) {
  if (count >= 1e6) return (count / 1e6).toFixed(1) + " MB";
  return count >= 1e3 ? (count / 1e3).toFixed(1) + " kB" : count + " B";
}

// A number with four digits, as a person writes it.
function number(value) {
  if (value === undefined) return "\u2013";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return String(value);
  return size !== 0 && (size < 1e-3 || size >= 1e7) ? value.toExponential(3) : String(+value.toPrecision(5));
}

const KEYWORDS = new Set(("and as assert async await break class continue def del elif else except finally for from " +
  "global if import in is lambda nonlocal not or pass raise return try while with yield None True False").split(" "));
const TOKENS = /("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(#[^\n]*)|(@\w[\w.]*)|(\b\d[\w.]*)|([A-Za-z_]\w*)/g;

// Python source with its tokens coloured, as lines of elements.
function highlighted(code) {
  const lines = [make("span", { class: "line" })];
  const add = (text, kind) => {
    text.split("\n").forEach((piece, i) => {
      if (i) lines.push(make("span", { class: "line" }));
      if (piece) lines.at(-1).append(kind ? make("span", { class: kind }, piece) : piece);
    });
  };
  let end = 0;
  let before = "";
  for (const match of code.matchAll(TOKENS)) {
    add(code.slice(end, match.index), "");
    const [text, string, comment, decorator, digits, word] = match;
    const isName = word && (before === "def" || before === "class");
    add(text, string ? "string" : comment ? "comment" : decorator ? "decorator" : digits ? "number"
      : KEYWORDS.has(word) ? "keyword" : isName ? "defined" : "");
    before = word;
    end = match.index + text.length;
  }
  add(code.slice(end), "");
  return lines;
}

class Details {
  constructor(element, data, actions) {
    Object.assign(this, { element, data, actions, tab: "line" });
  }

  show(run, graph, item, time, view) {
    Object.assign(this, { run, graph, time, view });
    const content = !item ? this.overview() : item instanceof Scope ? this.scope(item) : this.node(item);
    this.element.replaceChildren(...content.filter(Boolean));
  }

  // ---- nothing is selected: the whole run

  overview() {
    const { run } = this;
    const total = run.moments.reduce((sum, moment) => sum + moment[2], 0);
    return [
      make("h2", {}, run.title),
      make("p", { class: "facts" }, `${run.nodes.length} nodes \u00b7 ${duration(total)}`),
      make("p", { class: "quiet" }, "Each node ran by itself, so that its value could be kept. An ordinary run puts many " +
        "of them together, and is faster."),
      this.section("Fetched", this.links(run.fetches.map((name) => this.numberOf(name)).filter((n) => n !== undefined))),
      this.section("Took longest", this.slowest(run.moments)),
    ];
  }

  numberOf(name) {
    const node = name.replace(/:\d+$/, "");
    return this.run.nodes.find((each) => this.graph.nodes[each].name === node);
  }

  slowest(moments) {
    const total = moments.reduce((sum, moment) => sum + moment[2], 0) || 1;
    const longest = [...moments].sort((a, b) => b[2] - a[2]).slice(0, 10);
    return make("ul", { class: "times" }, ...longest.map(([each, , time]) => make("li", { class: `part-${this.graph.nodes[each].part}` },
      this.link(each), make("span", { class: "meter" }, make("i", { style: `width:${(100 * time) / longest[0][2]}%` })),
      make("span", { class: "amount" }, duration(time)),
      make("span", { class: "amount quiet" }, `${((100 * time) / total).toFixed(0)} %`))));
  }

  // ---- a scope

  scope(scope) {
    const inside = new Set(scope.numbers);
    const moments = this.run.moments.filter((moment) => inside.has(moment[0]));
    const total = moments.reduce((sum, moment) => sum + moment[2], 0);
    const counts = {};
    for (const each of scope.numbers) counts[this.graph.nodes[each].type] = (counts[this.graph.nodes[each].type] || 0) + 1;
    const types = Object.entries(counts).sort((a, b) => b[1] - a[1]).slice(0, 12);
    return [
      make("h2", {}, scope.id),
      make("p", { class: "facts" }, `a scope of ${scope.size} nodes \u00b7 ${duration(total)}`),
      this.section("Took longest", this.slowest(moments)),
      this.section("Op types", make("p", { class: "types" },
        ...types.map(([type, count]) => make("span", { class: "chip" }, `${type} ${count > 1 ? "\u00d7" + count : ""}`)))),
    ];
  }

  // ---- a node

  node(leaf) {
    const node = this.graph.nodes[leaf.number];
    const order = this.run.moments.findIndex((moment) => moment[0] === leaf.number);
    const moment = this.run.moments[order];
    return [
      make("h2", {}, node.name),
      make("p", { class: "chips" }, make("span", { class: "chip type" }, node.type),
        make("span", { class: `chip part-${node.part}` }, PART_NAMES[node.part]),
        node.device ? make("span", { class: "chip" }, node.device) : null),
      this.when(leaf, order, moment),
      leaf.number === this.run.failed ? make("pre", { class: "failure" }, this.run.error) : null,
      ...this.values(node, order, moment),
      this.section("Reads", this.links(node.inputs.map(([each]) => each), node.inputs.map(([from, slot]) => slot))),
      this.section("Waits for", this.links(node.waits)),
      this.section("Read by", this.links(this.view.readers.get(leaf.number))),
      this.gradientLinks(leaf.number, node),
      this.sources(node),
    ];
  }

  when(leaf, order, moment) {
    if (leaf.number === this.run.failed) return make("p", { class: "facts" }, "here the run failed");
    if (!moment) return make("p", { class: "facts" }, "did not run");
    const go = make("button", { class: "link", onclick: () => this.actions.goTo(order) }, `step ${order + 1}`);
    if (moment[3]) return make("p", { class: "facts" }, go, " \u00b7 in a branch that was not taken");
    return make("p", { class: "facts" }, go, ` of ${this.run.moments.length} \u00b7 took ${duration(moment[2])} \u00b7 `,
      make("button", { class: "link", onclick: () => this.actions.reveal(leaf.number) }, "show in the graph"));
  }

  values(node, order, moment) {
    return node.outputs.map(([dtype, shape], slot) => {
      const value = moment && moment[4][slot];
      const head = make("h3", {}, node.outputs.length > 1 ? `output ${slot}` : "Value", " ",
        make("code", {}, value && value.shape ? `${value.dtype} (${value.shape.join(", ")})` : `${dtype} ${shape}`));
      const card = make("section", { class: "value" }, head);
      if (value && value.shape && shape.includes("?")) {
        card.append(make("p", { class: "quiet" }, `known before the run: ${shape}`));
      }
      if (!value || order > this.time) card.classList.add("later");
      if (value && order > this.time) card.append(make("p", { class: "quiet" }, "comes later than the moment shown below"));
      if (value) card.append(...this.shown(value));
      return card;
    });
  }

  shown(value) {
    if (value.kind === "dead") return [make("p", { class: "quiet" }, "no value: the branch was not taken")];
    if (value.kind === "empty") return [make("p", { class: "quiet" }, "no value")];
    if (value.kind === "text") return [make("pre", { class: "some" }, value.some.join("\n"))];
    const size = value.shape.reduce((product, dim) => product * dim, 1);
    const shown = [];
    if (value.picture) shown.push(this.picture(value.picture));
    if (value.bins && size > value.some.length) shown.push(this.histogram(value));
    if (size > value.some.length || value.nan || value.inf) shown.push(this.statistics(value));
    const some = value.some.map((each) => (typeof each === "string" ? each : number(each))).join("  ");
    shown.push(make("pre", { class: "some" }, size > value.some.length ? some + "  \u2026" : some));
    return shown;
  }

  picture(picture) {
    const zoom = Math.max(1, Math.min(6, Math.floor(320 / picture.width)));
    const image = make("img", {
      src: "data:image/png;base64," + this.data.pictures[picture.png], alt: picture.what,
      width: picture.width * zoom, height: picture.height * zoom,
    });
    const scale = make("span", { class: picture.signed ? "scale signed" : "scale" });
    return make("figure", {}, image, make("figcaption", {}, picture.what, make("span", { class: "range" },
      number(picture.low), scale, number(picture.high))));
  }

  histogram(value) {
    const most = Math.max(...value.bins);
    const chart = svgElement("svg", { viewBox: "0 0 320 72", preserveAspectRatio: "none", class: "histogram", role: "img" });
    chart.setAttribute("aria-label", `spread from ${value.low} to ${value.high}`);
    const step = 320 / value.bins.length;
    value.bins.forEach((count, i) => {
      const height = count ? Math.max(1, (count / most) * 68) : 0;
      svgElement("rect", { x: i * step + 0.5, y: 70 - height, width: step - 1, height }, chart);
    });
    if (value.low < 0 && value.high > 0) {
      const zero = (-value.low / (value.high - value.low)) * 320;
      svgElement("line", { x1: zero, x2: zero, y1: 0, y2: 72 }, chart);
    }
    const ends = make("div", { class: "ends" }, make("span", {}, number(value.low)), make("span", {}, number(value.high)));
    return make("div", { class: "spread" }, chart, ends);
  }

  statistics(value) {
    const rows = [["min", value.min], ["max", value.max], ["mean", value.mean], ["std", value.std],
      ["zeros", value.zeros], ["size", bytes(value.bytes)]];
    const table = make("dl", { class: "stats" }, ...rows.map(([name, each]) => make("div", {},
      make("dt", {}, name), make("dd", {}, number(each)))));
    for (const name of ["nan", "inf"]) {
      if (value[name]) table.append(make("div", { class: "bad" }, make("dt", {}, name), make("dd", {}, value[name])));
    }
    return table;
  }

  // ---- links to other nodes

  link(each) {
    const node = this.graph.nodes[each];
    return make("button", {
      class: `to part-${node.part}`, title: node.type, onclick: () => this.actions.select(each),
    }, make("span", { class: "dot" }), make("span", {}, node.name));
  }

  links(numbers, slots = []) {
    if (!numbers || !numbers.length) return null;
    const most = 40;
    const shown = [...new Set(numbers)].slice(0, most).map((each, i) => make("li", {}, this.link(each),
      slots[i] ? make("span", { class: "quiet" }, `:${slots[i]}`) : null));
    const rest = new Set(numbers).size - most;
    if (rest > 0) shown.push(make("li", { class: "quiet" }, `and ${rest} more`));
    return make("ul", { class: "list" }, ...shown);
  }

  section(title, content) {
    return content ? make("section", {}, make("h3", {}, title), content) : null;
  }

  gradientLinks(number_, node) {
    const added = this.run.nodes.filter((each) => this.graph.nodes[each].forward === number_);
    if (added.length) return this.section("Its gradient added", this.links(added));
    return node.forward === undefined ? null : this.section("Belongs to the gradient of", this.links([node.forward]));
  }

  // ---- source code

  sources(node) {
    const type = this.data.types[node.type];
    const tabs = [["line", "your line", node.frames.length], ["kernel", "kernel", type.kernel],
      ["gradient", "gradient", type.gradient]].filter(([, , there]) => there);
    if (!tabs.length) return null;
    const chosen = tabs.some(([key]) => key === this.tab) ? this.tab : tabs[0][0];
    const body = make("div", { role: "tabpanel" });
    const bar = make("div", { class: "tabs", role: "tablist" });
    const choose = (key) => {
      this.tab = key;
      for (const each of bar.children) each.setAttribute("aria-selected", each.dataset.key === key);
      body.replaceChildren(...(key === "line" ? this.userLines(node) : this.ownCode(type, type[key])));
    };
    for (const [key, name] of tabs) {
      bar.append(make("button", { role: "tab", "data-key": key, onclick: () => choose(key) }, name));
    }
    const tab = this.tab;
    choose(chosen);
    this.tab = tab;
    return make("section", { class: "source" }, bar, body);
  }

  userLines(node) {
    return node.frames.flatMap(([file, line, func], i) => {
      const { path, text } = this.data.files[file];
      const where = make("p", { class: "where" }, i ? "called from " : "", `${path}, line ${line}`,
        func && func !== "<module>" ? `, in ${func}` : "");
      return text ? [where, this.listing(text, line, i ? 0 : 3)] : [where];
    });
  }

  ownCode(type, code) {
    return [make("p", { class: "where" }, `${code.path}, line ${code.line}`),
      make("p", { class: "signature" }, type.signature),
      make("pre", { class: "code" }, ...highlighted(code.code))];
  }

  // The lines of a file around one of them.
  listing(text, line, around) {
    const all = text.split("\n");
    const first = Math.max(1, line - around);
    const last = Math.min(all.length, line + around);
    const lines = highlighted(all.slice(first - 1, last).join("\n"));
    lines.forEach((each, i) => {
      each.prepend(make("span", { class: "digits" }, String(first + i).padStart(4)));
      each.classList.toggle("here", first + i === line);
    });
    return make("pre", { class: "code" }, ...lines);
  }
}
