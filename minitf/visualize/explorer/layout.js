"use strict";
// Where everything in the graph stands: the tree of scopes, each laid out by itself.

// Width of a text in the graph's font, without asking the browser.
const CHARACTER = 6.7;
const widthOf = (text) => text.length * CHARACTER;
const shortened = (text, most) => (text.length <= most ? text : text.slice(0, most - 1) + "\u2026");

const TITLE = 26; // the height of an open scope's title
const PAD = 12;
const COLUMN_GAP = 90;
const MOST_EDGES = 120; // for more in one scope dagre takes longer than anybody waits

// What stands in a scope: another scope, or a node.
class Item {
  constructor(id, name, parent) {
    Object.assign(this, { id, name, parent, depth: parent ? parent.depth + 1 : 0 });
  }

  // The scopes around it, outermost first, and itself.
  get chain() {
    const chain = [this];
    while (chain[0].parent) chain.unshift(chain[0].parent);
    return chain;
  }
}

class Leaf extends Item {
  constructor(number, node, parent) {
    super("node:" + node.name, node.name, parent);
    Object.assign(this, { number, node, size: 1 });
    const prefix = parent.id + "/";
    const inside = node.name.startsWith(prefix) ? node.name.slice(prefix.length) : node.name;
    this.label = node.name === parent.id ? parent.name : inside;
  }

  measure() {
    return { width: Math.max(44, widthOf(shortened(this.label, 30)) + 22), height: 28 };
  }
}

class Scope extends Item {
  constructor(id, name, parent) {
    super(id, name, parent);
    Object.assign(this, { items: [], open: false, edges: new Map(), numbers: [], layouts: new Map() });
  }

  get size() {
    return this.numbers.length;
  }

  measure() {
    if (this.open) {
      const inside = this.layout();
      return { width: inside.width + 2 * PAD, height: inside.height + TITLE + PAD };
    }
    return { width: Math.max(96, widthOf(shortened(this.name, 26)) + 58), height: 46 };
  }

  // Where everything inside is; the same again as long as the same scopes are open. Until the next
  // call it is `placed`, in this scope and in the open ones inside.
  layout() {
    const sizes = this.items.map((item) => item.measure());
    const key = sizes.map((size) => Math.round(size.width) + "x" + size.height).join();
    if (!this.layouts.has(key)) this.layouts.set(key, layoutOf(this, sizes));
    this.placed = this.layouts.get(key);
    return this.placed;
  }
}

// Where the items of a scope are, and the lines between them.
function layoutOf(scope, sizes) {
  const columns = scope.parent ? [scope.items] : columnsOf(scope);
  const sizeOf = new Map(scope.items.map((item, i) => [item, sizes[i]]));
  const edges = [...scope.edges.values()];
  const placed = columns.map((items) => {
    const inside = new Set(items);
    const own = edges.filter((edge) => inside.has(edge.from) && inside.has(edge.to));
    const rankdir = partOf(items[0]) === "gradient" ? "BT" : "TB";
    return (own.length > MOST_EDGES ? stacked : arranged)(items, sizeOf, own, rankdir);
  });
  const height = Math.max(0, ...placed.map((column) => column.height));
  const boxes = new Map();
  const paths = [];
  let width = 0;
  for (const column of placed) {
    const at = { x: width ? width + COLUMN_GAP : 0, y: (height - column.height) / 2 };
    for (const [item, box] of column.boxes) boxes.set(item, { ...box, x: box.x + at.x, y: box.y + at.y });
    for (const path of column.paths) paths.push(moved(path, at));
    width = at.x + column.width;
  }
  const drawn = new Set(paths.map((path) => path.edge));
  for (const edge of edges) {
    if (!drawn.has(edge)) paths.push({ edge, d: between(boxes.get(edge.from), boxes.get(edge.to)) });
  }
  return { width, height, boxes, paths };
}

// The model, beside it its gradients, which run the other way, and then what updates variables.
function columnsOf(root) {
  const columns = [[], [], []];
  const numbers = { gradient: 1, update: 2 };
  for (const item of root.items) columns[numbers[partOf(item)] || 0].push(item);
  return columns.filter((items) => items.length);
}

// Lays out items along the links between them, with dagre; those without a link in rows below.
function arranged(items, sizeOf, edges, rankdir) {
  const linked = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir, nodesep: 20, ranksep: 30, edgesep: 12, marginx: 0, marginy: 8 });
  for (const item of items) {
    if (linked.has(item)) graph.setNode(item.id, { ...sizeOf.get(item) });
  }
  for (const edge of edges) {
    const label = edge.label ? { width: edge.label.length * 5.6, height: 12, labelpos: "c" } : {};
    graph.setEdge(edge.from.id, edge.to.id, { ...label, weight: edge.isAside || edge.isControl ? 0 : 6 });
  }
  let width = 0;
  let height = 0;
  if (linked.size) {
    dagre.layout(graph);
    ({ width, height } = graph.graph());
  }
  const boxes = new Map();
  const room = Math.max(width, 360);
  let [x, y, row] = [0, linked.size ? height + 6 : 8, 0];
  for (const item of items) {
    const size = sizeOf.get(item);
    if (linked.has(item)) {
      const at = graph.node(item.id);
      boxes.set(item, { x: at.x - size.width / 2, y: at.y - size.height / 2, ...size });
    } else {
      if (x && x + size.width > room) [x, y, row] = [0, y + row + 12, 0];
      boxes.set(item, { x, y, ...size });
      x += size.width + 14;
      row = Math.max(row, size.height);
      width = Math.max(width, x - 14);
      height = y + row + 8;
    }
  }
  const paths = edges.map((edge) => {
    const { points, x: labelX, y: labelY } = graph.edge(edge.from.id, edge.to.id);
    return { edge, points, label: edge.label ? { x: labelX, y: labelY } : null };
  });
  return { width, height, boxes, paths };
}

// Lays out many items in no time, where dagre would take seconds: in rows, each item below all that
// it reads and near the middle of it, and what reads nothing just above its first reader.
function stacked(items, sizeOf, edges, rankdir) {
  const [before, after] = [new Map(), new Map()];
  for (const item of items) [before, after].forEach((links) => links.set(item, []));
  for (const { from, to } of edges) {
    before.get(to).push(from);
    after.get(from).push(to);
  }
  const ranks = ranksOf(items, before, after);
  for (const item of items) {
    const readers = after.get(item).map((reader) => ranks.get(reader));
    if (!before.get(item).length && readers.length) ranks.set(item, Math.min(...readers) - 1);
  }
  const rows = new Map();
  for (const item of items) {
    const rank = ranks.get(item);
    if (!rows.has(rank)) rows.set(rank, []);
    rows.get(rank).push(item);
  }
  const boxes = new Map();
  const middle = (item) => boxes.get(item).x + boxes.get(item).width / 2;
  let y = 8;
  for (const rank of [...rows.keys()].sort((a, b) => a - b)) {
    const wanted = new Map(rows.get(rank).map((item) => {
      const above = before.get(item).filter((other) => boxes.has(other)).map(middle);
      return [item, above.length ? above.reduce((a, b) => a + b, 0) / above.length : 0];
    }));
    let right = -Infinity;
    let height = 0;
    for (const [item, x] of [...wanted].sort((a, b) => a[1] - b[1])) {
      const size = sizeOf.get(item);
      const left = Math.max(x - size.width / 2, right + 20);
      boxes.set(item, { x: left, y, ...size });
      right = left + size.width;
      height = Math.max(height, size.height);
    }
    y += height + 36;
  }
  const all = [...boxes.values()];
  const left = Math.min(...all.map((box) => box.x));
  const width = Math.max(...all.map((box) => box.x + box.width)) - left;
  for (const box of all) {
    box.x -= left;
    if (rankdir === "BT") box.y = y - box.y - box.height;
  }
  return { width, height: y, boxes, paths: [] };
}

// For each item in which row it stands: below all that lead to it, but for those in a circle.
function ranksOf(items, before, after) {
  const missing = new Map(items.map((item) => [item, before.get(item).length]));
  const ranks = new Map(items.map((item) => [item, 0]));
  const ready = items.filter((item) => !missing.get(item));
  for (const item of ready) {
    for (const reader of after.get(item)) {
      ranks.set(reader, Math.max(ranks.get(reader), ranks.get(item) + 1));
      missing.set(reader, missing.get(reader) - 1);
      if (!missing.get(reader)) ready.push(reader);
    }
  }
  return ranks;
}

function moved({ edge, points, label }, by) {
  const shifted = (point) => ({ x: point.x + by.x, y: point.y + by.y });
  return { edge, d: curve(points.map(shifted)), label: label && shifted(label) };
}

// A smooth line through points.
function curve(points) {
  const middle = (a, b) => `${(a.x + b.x) / 2},${(a.y + b.y) / 2}`;
  let path = `M${points[0].x},${points[0].y}`;
  for (let i = 1; i < points.length - 1; i++) {
    const to = i === points.length - 2 ? points[i + 1] : null;
    const end = to ? `${to.x},${to.y}` : middle(points[i], points[i + 1]);
    path += ` Q${points[i].x},${points[i].y} ${end}`;
  }
  if (points.length === 2) path += ` L${points[1].x},${points[1].y}`;
  return path;
}

function mostFrequent(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] || 0) + 1;
  return Object.keys(counts).sort((a, b) => counts[b] - counts[a])[0];
}

// A line between two boxes: from below to above, or from side to side where they stand side by side.
function between(a, b) {
  const from = { x: a.x + a.width / 2, y: a.y + a.height / 2 };
  const to = { x: b.x + b.width / 2, y: b.y + b.height / 2 };
  const apart = { x: b.x > a.x + a.width || a.x > b.x + b.width, y: b.y > a.y + a.height || a.y > b.y + b.height };
  if (apart.x && (!apart.y || Math.abs(to.x - from.x) > Math.abs(to.y - from.y) * 0.4)) {
    const side = Math.sign(to.x - from.x);
    [from.x, to.x] = [from.x + (side * a.width) / 2, to.x - (side * b.width) / 2];
    const bend = from.x + (to.x - from.x) / 2;
    return `M${from.x},${from.y} C${bend},${from.y} ${bend},${to.y} ${to.x},${to.y}`;
  }
  const side = Math.sign(to.y - from.y) || 1;
  [from.y, to.y] = [from.y + (side * a.height) / 2, to.y - (side * b.height) / 2];
  const bend = (side * Math.max(24, Math.abs(to.y - from.y))) / 2;
  return `M${from.x},${from.y} C${from.x},${from.y + bend} ${to.x},${to.y - bend} ${to.x},${to.y}`;
}

// The tree of scopes of a run's nodes, with the links between the items of each scope.
class Tree {
  constructor(nodes, numbers, shapeOf) {
    this.shapeOf = shapeOf;
    this.root = new Scope("", "", null);
    this.root.open = true;
    this.scopes = [];
    this.leaves = new Map();
    const scopes = new Map([["", this.root]]);
    const homes = numbers.map((number) => this.scopeOf(nodes[number].path, scopes));
    numbers.forEach((number, i) => {
      for (let scope = homes[i]; scope; scope = scope.parent) scope.numbers.push(number);
    });
    // A scope around one node alone would only hide it.
    numbers.forEach((number, i) => {
      let home = homes[i];
      while (home.parent && home.size === 1) home = home.parent;
      const leaf = new Leaf(number, nodes[number], home);
      this.leaves.set(number, leaf);
      home.items.push(leaf);
    });
    for (const scope of scopes.values()) {
      if (scope.parent && scope.size > 1) {
        scope.parent.items.push(scope);
        this.scopes.push(scope);
      }
    }
    for (const scope of [this.root, ...this.scopes]) scope.part = mostFrequent(scope.numbers.map((n) => nodes[n].part));
    this.link(nodes, numbers);
  }

  scopeOf(path, scopes) {
    let scope = this.root;
    for (const name of path) {
      const id = scope.id ? scope.id + "/" + name : name;
      if (!scopes.has(id)) scopes.set(id, new Scope(id, name, scope));
      scope = scopes.get(id);
    }
    return scope;
  }

  // Draws each link of the graph once, in the innermost scope that holds both of its ends.
  link(nodes, numbers) {
    for (const number of numbers) {
      const node = nodes[number];
      for (const [from, slot] of node.inputs) this.addLink(from, number, this.shapeOf(from, slot));
      for (const from of node.waits) this.addLink(from, number, null);
    }
    for (const scope of [this.root, ...this.scopes]) {
      for (const edge of scope.edges.values()) {
        // From the model to its gradients goes nearly everything: that is not where data flow on.
        edge.isAside = partOf(edge.from) !== partOf(edge.to);
        edge.label = edge.shapes.size === 1 && !edge.isAside ? [...edge.shapes][0] : "";
      }
    }
  }

  addLink(from, to, shape) {
    if (!this.leaves.has(from) || from === to) return;
    const a = this.leaves.get(from).chain;
    const b = this.leaves.get(to).chain;
    let level = 0;
    while (a[level + 1] === b[level + 1]) level++;
    const key = a[level + 1].id + " > " + b[level + 1].id;
    const edges = a[level].edges;
    if (!edges.has(key)) {
      const ends = { from: a[level + 1], to: b[level + 1] };
      edges.set(key, { ...ends, count: 0, isControl: true, shapes: new Set() });
    }
    const edge = edges.get(key);
    edge.count += 1;
    if (shape !== null) {
      edge.isControl = false;
      edge.shapes.add(shape);
    }
  }
}

// What a node, or most of a scope, is for: that decides its colour, and its place.
function partOf(item) {
  return item instanceof Leaf ? item.node.part : item.part;
}
