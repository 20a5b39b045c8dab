// The graph on the screen: scopes as boxes that open on a click, states of nodes in time, links.

const SVG = "http://www.w3.org/2000/svg";

function svgElement(tag, attributes, parent) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (parent) parent.append(made);
  return made;
}

const whenIdle = window.requestIdleCallback || ((action) => setTimeout(action, 20));

class GraphView {
  constructor(element, onSelect) {
    this.element = element;
    this.world = element.querySelector("#world");
    this.onSelect = onSelect;
    this.at = { x: 0, y: 0, scale: 1 };
    this.selected = null;
    this.listen();
  }

  show(graph, run) {
    this.selected = null;
    this.nodes = graph.nodes;
    const values = new Map(run.moments.map((moment) => [moment[0], moment[4]]));
    this.tree = new Tree(graph.nodes, run.nodes, (number, slot) => {
      const value = values.get(number)?.[slot];
      return value?.shape?.length ? value.shape.join("\u00d7") : "";
    });
    this.orders = new Map(run.moments.map((moment, order) => [moment[0], order]));
    this.dead = new Set(run.moments.filter((moment) => moment[3]).map((moment) => moment[0]));
    this.failed = run.failed;
    this.readers = new Map(run.nodes.map((number) => [number, []]));
    for (const number of run.nodes) {
      for (const [from] of graph.nodes[number].inputs) this.readers.get(from)?.push(number);
    }
    for (const scope of this.tree.scopes) {
      const orders = scope.numbers.map((number) => this.orders.get(number));
      scope.orders = orders.filter((order) => order !== undefined).sort((a, b) => a - b);
    }
    if (run.nodes.length <= 30) for (const scope of this.tree.scopes) scope.open = true;
    this.time = run.moments.length - 1;
    this.draw();
    this.fit(0.3);
    this.layoutAhead();
  }

  // Lays out all scopes, opened, while nobody waits: then opening them all takes no time.
  layoutAhead() {
    const { tree } = this;
    const waiting = [...tree.scopes, tree.root].sort((a, b) => a.depth - b.depth);
    const next = () => {
      const scope = waiting.pop();
      if (!scope || tree !== this.tree) return;
      const open = tree.scopes.filter((each) => each.open);
      for (const each of tree.scopes) each.open = true;
      scope.layout();
      for (const each of tree.scopes) each.open = open.includes(each);
      whenIdle(next);
    };
    whenIdle(next);
  }

  // ---- drawing

  draw() {
    const inside = this.tree.root.layout();
    this.world.replaceChildren();
    this.drawn = new Map();
    this.drawInside(this.tree.root, 0, 0, this.world);
    this.box = { x: 0, y: 0, width: inside.width, height: inside.height };
    this.links = svgElement("g", { class: "links" }, this.world);
    this.showTime(this.time);
    this.showSelected();
  }

  drawInside(scope, left, top, parent) {
    const { boxes, paths } = scope.placed;
    const layer = svgElement("g", { class: "edges", transform: `translate(${left},${top})` }, parent);
    for (const { edge, d, label } of paths) {
      const line = svgElement("path", { d, class: "edge", "marker-end": "url(#arrow)" }, layer);
      line.classList.toggle("control", edge.isControl);
      line.classList.toggle("aside", edge.isAside);
      line.style.strokeWidth = edge.isAside ? 1.2 : Math.min(1.2 + Math.log2(edge.count) * 0.6, 4);
      if (label) {
        const at = { x: label.x, y: label.y + 4, class: "shape" };
        svgElement("text", at, layer).textContent = edge.label;
      }
    }
    for (const [item, box] of boxes) {
      const at = { ...box, x: box.x + left, y: box.y + top };
      this.drawItem(item, at, parent);
      if (item.open) this.drawInside(item, at.x + PAD, at.y + TITLE, parent);
    }
  }

  drawItem(item, box, parent) {
    const made = svgElement("g", { transform: `translate(${box.x},${box.y})` }, parent);
    made.classList.add("item", item instanceof Scope ? "scope" : "node", "part-" + partOf(item));
    made.dataset.id = item.id;
    made.setAttribute("tabindex", "0");
    made.setAttribute("role", "button");
    const { width, height } = box;
    const drawn = { item, box, element: made };
    if (item instanceof Scope) this.drawScope(item, drawn, width, height);
    else this.drawLeaf(item, drawn, width, height);
    this.drawn.set(item, drawn);
  }

  drawScope(scope, drawn, width, height) {
    const { element } = drawn;
    element.classList.toggle("open", scope.open);
    element.setAttribute("aria-expanded", scope.open);
    element.setAttribute("aria-label", `scope ${scope.id}, ${scope.size} nodes`);
    svgElement("rect", { width, height, rx: 10, class: "box" }, element);
    const variable = scope.items.some((item) => item.id === "node:" + scope.id && item.node.kind === "variable");
    if (variable) svgElement("rect", { x: 0, y: 10, width: 4, height: height - 20, class: "mark" }, element);
    const middle = scope.open ? TITLE / 2 + 1 : 19;
    const sign = svgElement("text", { x: 12, y: middle, class: "sign" }, element);
    sign.textContent = scope.open ? "\u2212" : "+";
    const name = svgElement("text", { x: 26, y: middle, class: "name" }, element);
    name.textContent = shortened(scope.name, 26);
    const count = svgElement("text", { x: width - 10, y: middle, class: "count" }, element);
    count.textContent = scope.size;
    if (scope.open) return;
    svgElement("rect", { x: 12, y: 34, width: width - 24, height: 4, rx: 2, class: "track" }, element);
    drawn.progress = svgElement("rect", { x: 12, y: 34, width: 0, height: 4, rx: 2, class: "bar" }, element);
    drawn.room = width - 24;
  }

  drawLeaf(leaf, drawn, width, height) {
    const { element } = drawn;
    const { node } = leaf;
    if (node.kind) element.classList.add("kind-" + node.kind);
    element.setAttribute("aria-label", `${node.name}, ${node.type}`);
    const rx = node.kind === "variable" ? 4 : height / 2;
    svgElement("rect", { width, height, rx, class: "box" }, element);
    if (node.kind === "variable") svgElement("rect", { width: 4, height, rx: 2, class: "mark" }, element);
    const name = svgElement("text", { x: width / 2, y: height / 2 + 1, class: "name" }, element);
    name.textContent = shortened(leaf.label, 30);
    svgElement("title", {}, element).textContent = `${node.name} = ${node.type}`;
  }

  // ---- time

  showTime(time) {
    this.time = time;
    for (const drawn of this.drawn.values()) {
      const state = this.stateOf(drawn.item, drawn);
      if (state === drawn.state) continue;
      drawn.element.classList.remove(...(drawn.state || "").split(" ").filter(Boolean));
      drawn.element.classList.add(...state.split(" "));
      drawn.state = state;
    }
  }

  stateOf(item, drawn) {
    if (item instanceof Leaf) {
      if (item.number === this.failed) return "failed";
      const order = this.orders.get(item.number);
      if (order === undefined) return "idle";
      if (order > this.time) return "todo";
      const state = order === this.time ? "now" : "done";
      return this.dead.has(item.number) ? state + " dead" : state;
    }
    let done = 0;
    while (done < item.orders.length && item.orders[done] <= this.time) done++;
    if (drawn.progress) {
      const share = item.orders.length ? done / item.orders.length : 0;
      drawn.progress.setAttribute("width", share * drawn.room);
    }
    const isNow = done > 0 && item.orders[done - 1] === this.time && !item.open;
    const state = isNow ? "now" : done === 0 && item.orders.length ? "todo" : "done";
    return item.numbers.includes(this.failed) && !item.open ? state + " failed" : state;
  }

  // ---- selection

  // What stands for a node: itself, or the innermost closed scope around it.
  visible(number) {
    const leaf = this.tree.leaves.get(number);
    return leaf && (leaf.chain.find((item) => item instanceof Scope && !item.open) || leaf);
  }

  select(item) {
    this.selected = item;
    this.showSelected();
  }

  showSelected() {
    for (const { item, element } of this.drawn.values()) {
      element.classList.toggle("selected", item === this.selected);
    }
    this.links.replaceChildren();
    if (!(this.selected instanceof Leaf)) return;
    const { number } = this.selected;
    const here = this.drawn.get(this.visible(number));
    here.element.classList.add("selected");
    const inputs = this.nodes[number].inputs.map(([from]) => from);
    for (const from of new Set(inputs)) this.drawLink(from, number, "in");
    for (const to of new Set(this.readers.get(number))) this.drawLink(number, to, "out");
  }

  drawLink(from, to, kind) {
    const [start, end] = [from, to].map((number) => this.drawn.get(this.visible(number)));
    if (!start || !end || start === end) return;
    const d = between(start.box, end.box);
    svgElement("path", { d, class: kind, "marker-end": `url(#arrow-${kind})` }, this.links);
  }

  toggle(scope) {
    const before = this.drawn.get(scope).box;
    scope.open = !scope.open;
    this.draw();
    // What was clicked stays where it is.
    const after = this.drawn.get(scope).box;
    this.at.x += (before.x + before.width / 2 - after.x - after.width / 2) * this.at.scale;
    this.at.y += (before.y - after.y) * this.at.scale;
    this.move();
  }

  setAll(open) {
    for (const scope of this.tree.scopes) scope.open = open;
    this.draw();
    this.fit(open ? 0.3 : 0);
  }

  // Opens the scopes around a node and brings it into view.
  reveal(number) {
    const leaf = this.tree.leaves.get(number);
    const closed = leaf.chain.filter((item) => item instanceof Scope && !item.open);
    for (const scope of closed) scope.open = true;
    if (closed.length) this.draw();
    const { box } = this.drawn.get(leaf);
    const { clientWidth, clientHeight } = this.element;
    if (this.at.scale < 0.7) this.at.scale = 0.9;
    this.at.x = clientWidth / 2 - (box.x + box.width / 2) * this.at.scale;
    this.at.y = clientHeight / 2 - (box.y + box.height / 2) * this.at.scale;
    this.move();
  }

  // ---- moving

  move() {
    const { x, y, scale } = this.at;
    this.world.setAttribute("transform", `translate(${x},${y}) scale(${scale})`);
  }

  // Shows the whole graph; with a least scale, as much of it from the top as there is room for.
  fit(least = 0) {
    const { clientWidth, clientHeight } = this.element;
    const { width, height } = this.box;
    const room = { x: clientWidth - 60, y: clientHeight - 100 }; // the legend stands below
    const scale = Math.max(Math.min(room.x / width, room.y / height, 1.25), least);
    const top = Math.max((clientHeight - 40 - height * scale) / 2, 24);
    this.at = { scale, x: (clientWidth - width * scale) / 2, y: top };
    this.move();
  }

  zoom(factor, x = this.element.clientWidth / 2, y = this.element.clientHeight / 2) {
    const scale = Math.min(Math.max(this.at.scale * factor, 0.05), 5);
    const real = scale / this.at.scale;
    this.at = { scale, x: x - (x - this.at.x) * real, y: y - (y - this.at.y) * real };
    this.move();
  }

  listen() {
    const { element } = this;
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      this.zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    let from = null;
    let hasMoved = false;
    element.addEventListener("pointerdown", (event) => {
      from = { x: event.clientX - this.at.x, y: event.clientY - this.at.y, start: event };
      hasMoved = false;
    });
    window.addEventListener("pointermove", (event) => {
      if (!from) return;
      const far = Math.hypot(event.clientX - from.start.clientX, event.clientY - from.start.clientY);
      hasMoved = hasMoved || far > 4;
      if (!hasMoved) return;
      element.classList.add("dragging");
      this.at.x = event.clientX - from.x;
      this.at.y = event.clientY - from.y;
      this.move();
    });
    window.addEventListener("pointerup", () => {
      from = null;
      element.classList.remove("dragging");
    });
    element.addEventListener("click", (event) => {
      if (!hasMoved) this.activate(event.target.closest(".item"));
    });
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      const { id } = event.target.dataset;
      this.activate(event.target.closest(".item"));
      // The element was drawn anew; whoever uses the keyboard stays where they were.
      this.world.querySelector(`[data-id="${CSS.escape(id)}"]`)?.focus();
    });
  }

  activate(element) {
    if (!element) return this.onSelect(null);
    const item = [...this.drawn.keys()].find((each) => each.id === element.dataset.id);
    if (item instanceof Scope) this.toggle(item);
    return this.onSelect(item);
  }
}
