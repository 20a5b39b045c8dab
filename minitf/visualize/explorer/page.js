// The page: which run, which moment of it, which node.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);

const state = { run: null, graph: null, time: 0, item: null, timer: null };

const view = new GraphView(byId("graph"), (item) => choose(item));
const details = new Details(byId("details"), data, {
  goTo: (order) => setTime(order),
  reveal: (number) => view.reveal(number),
  select: (number) => {
    choose(view.tree.leaves.get(number));
    view.reveal(number);
  },
});

// ---- which run

function showRun(number) {
  stop();
  state.run = data.runs[number];
  state.graph = data.graphs[state.run.graph];
  state.item = null;
  state.time = state.run.moments.length - 1;
  byId("time").max = Math.max(state.time, 0);
  byId("fetched").textContent = "fetches " + state.run.fetches.slice(0, 4).join(", ") +
    (state.run.fetches.length > 4 ? ", \u2026" : "");
  const error = byId("error");
  error.hidden = !state.run.error;
  error.textContent = state.run.error ? state.run.error.split("\n")[0] : "";
  error.onclick = () => state.run.failed !== undefined && details.actions.select(state.run.failed);
  view.show(state.graph, state.run);
  showLegend();
  drawStrip();
  showTime();
  showDetails();
}

function showLegend() {
  const parts = [...new Set(state.run.nodes.map((number) => state.graph.nodes[number].part))];
  const items = parts.map((part) => make("li", { class: `part-${part}` }, make("i"), PART_NAMES[part]));
  items.push(make("li", { class: "kind-variable" }, make("i"), "variable"), make("li", { class: "kind-given" }, make("i"), "fed"));
  byId("legend").replaceChildren(...items);
}

// ---- which node

function choose(item) {
  state.item = item;
  view.select(item);
  showDetails();
}

function showDetails() {
  details.show(state.run, state.graph, state.item, state.time, view);
}

// ---- which moment

function setTime(time) {
  const last = state.run.moments.length - 1;
  state.time = Math.min(Math.max(time, 0), Math.max(last, 0));
  if (last < 0) return;
  // The panel follows what runs.
  state.item = view.tree.leaves.get(state.run.moments[state.time][0]) || null;
  view.select(state.item);
  showTime();
  showDetails();
}

function showTime() {
  const { run, time } = state;
  byId("time").value = time;
  view.showTime(time);
  const moment = run.moments[time];
  const text = moment ? `${time + 1} / ${run.moments.length}` : "nothing ran";
  byId("now").replaceChildren(make("b", {}, text), moment ? " " + state.graph.nodes[moment[0]].name : "");
  byId("time").setAttribute("aria-valuetext", byId("now").textContent);
  drawStrip();
}

function play() {
  if (state.timer) return stop();
  if (state.time >= state.run.moments.length - 1) setTime(0);
  byId("play").textContent = "\u275A\u275A";
  // The whole run in about twenty seconds, and no step faster than the eye.
  const pause = Math.min(Math.max(20000 / state.run.moments.length, 60), 600);
  state.timer = setInterval(() => {
    if (state.time >= state.run.moments.length - 1) return stop();
    return setTime(state.time + 1);
  }, pause);
  return undefined;
}

function stop() {
  clearInterval(state.timer);
  state.timer = null;
  byId("play").textContent = "\u25B6";
}

// One bar for each moment, as high as it took long (each step up is ten times as long).
function drawStrip() {
  const canvas = byId("strip");
  const { moments } = state.run;
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const style = getComputedStyle(document.documentElement);
  const colours = {};
  const longest = Math.log10(Math.max(10, ...moments.map((moment) => moment[2])));
  const step = width / Math.max(moments.length, 1);
  moments.forEach(([number, , time], order) => {
    const { part } = state.graph.nodes[number];
    colours[part] = colours[part] || style.getPropertyValue(`--${part}`);
    const share = Math.max(0.08, Math.log10(Math.max(time, 1)) / longest);
    context.globalAlpha = order <= state.time ? 1 : 0.28;
    context.fillStyle = order === state.time ? style.getPropertyValue("--now") : colours[part];
    context.fillRect(order * step, height * (1 - share), Math.max(step - (step > 3 ? 1 : 0), 0.7), height * share);
  });
}

byId("strip").onpointerdown = (event) => {
  const seek = (each) => {
    const box = byId("strip").getBoundingClientRect();
    setTime(Math.floor(((each.clientX - box.left) / box.width) * state.run.moments.length));
  };
  stop();
  seek(event);
  window.addEventListener("pointermove", seek);
  window.addEventListener("pointerup", () => window.removeEventListener("pointermove", seek), { once: true });
};

// ---- search

function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const isFound = (number) => {
    const node = state.graph.nodes[number];
    const where = `${node.name} ${node.type}`.toLowerCase();
    return words.every((word) => where.includes(word));
  };
  const found = words.length ? state.run.nodes.filter(isFound) : [];
  const shown = found.slice(0, 50).map((number, i) => {
    const node = state.graph.nodes[number];
    const item = make("li", { role: "option", "data-number": number, "aria-selected": i === 0 ? "true" : "false" },
      make("span", { class: `dot part-${node.part}` }), make("span", {}, node.name), make("span", { class: "quiet" }, node.type));
    item.onpointerdown = (event) => {
      event.preventDefault();
      take(number);
    };
    return item;
  });
  const list = byId("found");
  list.replaceChildren(...shown);
  if (words.length && !found.length) list.append(make("li", { class: "quiet" }, "no such node in this run"));
  if (found.length > 50) list.append(make("li", { class: "quiet" }, `and ${found.length - 50} more`));
  list.hidden = !words.length;
  byId("search").setAttribute("aria-expanded", String(!list.hidden));
}

function take(number) {
  byId("search").value = "";
  search("");
  byId("search").blur();
  details.actions.select(number);
}

byId("search").oninput = (event) => search(event.target.value);
byId("search").onblur = () => search("");
byId("search").onkeydown = (event) => {
  const options = [...byId("found").querySelectorAll("[data-number]")];
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = Math.min(Math.max(at + (event.key === "ArrowDown" ? 1 : -1), 0), options.length - 1);
    options.forEach((option, i) => option.setAttribute("aria-selected", String(i === next)));
    options[next]?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "Enter" && options[at]) {
    take(Number(options[at].dataset.number));
  } else if (event.key === "Escape") {
    event.target.value = "";
    event.target.blur();
  }
  event.stopPropagation();
};

// ---- theme

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  if (state.run) drawStrip();
}

setTheme(window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
const otherTheme = () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");

// ---- keys and buttons

const KEYS = {
  ArrowLeft: () => setTime(state.time - 1),
  ArrowRight: () => setTime(state.time + 1),
  Home: () => setTime(0),
  End: () => setTime(state.run.moments.length - 1),
  " ": play,
  "/": () => byId("search").focus(),
  r: () => state.item instanceof Leaf && view.reveal(state.item.number),
  o: () => view.setAll(true),
  c: () => view.setAll(false),
  "+": () => view.zoom(1.25),
  "=": () => view.zoom(1.25),
  "-": () => view.zoom(0.8),
  f: () => view.fit(),
  d: otherTheme,
  "?": () => byId("keys").showModal(),
  Escape: () => choose(null),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  if (event.target.matches("select, input[type=search]")) return;
  if (event.key === " " && event.target.matches("button")) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  if (event.key.startsWith("Arrow")) stop();
  action();
});

byId("time").oninput = (event) => {
  stop();
  setTime(Number(event.target.value));
};
byId("play").onclick = play;
byId("theme").onclick = otherTheme;
byId("help").onclick = () => byId("keys").showModal();
byId("closer").onclick = () => view.zoom(1.25);
byId("farther").onclick = () => view.zoom(0.8);
byId("fit").onclick = () => view.fit();
byId("open-all").onclick = () => view.setAll(true);
byId("close-all").onclick = () => view.setAll(false);
byId("runs").replaceChildren(...data.runs.map((run, i) => make("option", { value: i }, run.title)));
byId("runs").onchange = (event) => showRun(Number(event.target.value));
window.addEventListener("resize", drawStrip);

// What failed is what one wants to see; else the largest run: a training step says more than what
// gives variables their first values.
const sizes = data.runs.map((run) => (run.error ? Infinity : run.nodes.length));
const first = sizes.indexOf(Math.max(...sizes));
byId("runs").value = first;
showRun(first);
if (state.run.failed !== undefined) details.actions.select(state.run.failed);
