'use strict';
/*
 * The flame graph. The tree as the server packs it (view/report_flametree.c), callers before callees, and boxes over it. A box is a set of nodes with weights,
 * so that one way of drawing serves the tree (a box is a node), the inverted one (leaves by name, then their callers)
 * and the callers and callees of a function. Boxes are made as they come into sight, rows as they are scrolled to.
 */
class Tree {
  constructor(body) {
    const n = body.count, packed = body.nodes;
    let at = 0;
    const next = () => {
      let sum = 0, digit;
      while ((digit = packed.charCodeAt(at++)) < 94) sum = sum * 26 + digit - 65;
      return sum * 32 + digit - 94;
    };
    const signed = (u) => (u % 2 ? -(u + 1) / 2 : u / 2);
    this.names = body.names;
    this.signed = body.signed;
    this.count = n;
    this.name = new Uint32Array(n);
    this.value = new Float64Array(n);
    this.delta = body.signed ? new Float64Array(n) : this.value;
    this.parent = new Int32Array(n).fill(-1);
    this.end = new Uint32Array(n); /* behind the last node below */
    const open = [];
    for (let i = 0; i < n; i++) {
      this.name[i] = next();
      const depth = open.length - next(), value = next();
      while (open.length > depth) this.end[open.pop()] = i;
      if (depth) this.parent[i] = open[depth - 1];
      this.value[i] = value ? signed(value - 1) * body.step : this.value[this.parent[i]];
      if (body.signed) this.delta[i] = signed(next()) * body.step;
      open.push(i);
    }
    while (open.length) this.end[open.pop()] = n;
  }

  /* What is neither this node's callees'. */
  own(values) {
    const own = Float64Array.from(values);
    for (let i = 1; i < this.count; i++) own[this.parent[i]] -= values[i];
    return own;
  }

  box(name, nodes, values, deltas, callers) {
    const box = {name, nodes, callers, values, deltas, value: 0, delta: 0, parent: null, kids: null};
    for (let i = 0; i < nodes.length; i++) {
      box.value += values ? values[i] : this.value[nodes[i]];
      box.delta += deltas ? deltas[i] : this.delta[nodes[i]];
    }
    return box;
  }

  whole() {
    return this.box(this.names[0], [0], null, null, false);
  }

  inverted() {
    const own = this.own(this.value), ownDelta = this.signed ? this.own(this.delta) : own;
    const root = this.box(this.names[0], [0], null, null, true), groups = new Map();
    for (let i = 1; i < this.count; i++)
      if (own[i]) put(groups, this.name[i], i, own[i], ownDelta[i]);
    this.adopt(root, groups);
    return root;
  }

  /* Of each stack the outermost one of that name counts, or what is called again would count twice. */
  around(name) {
    const id = this.names.indexOf(name), nodes = [];
    for (let i = 1; i < this.count; i++) {
      if (this.name[i] !== id) continue;
      nodes.push(i);
      i = this.end[i] - 1;
    }
    const values = nodes.map((i) => this.value[i]), deltas = nodes.map((i) => this.delta[i]);
    return {callers: this.box(name, nodes, values, deltas, true), callees: this.box(name, nodes, null, null, false)};
  }

  adopt(box, groups) {
    box.kids = Array.from(groups, ([name, g]) => this.box(this.names[name], g.nodes, g.values, g.deltas, box.callers));
    box.kids.sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
    box.kids.forEach((kid, i) => { kid.parent = box; kid.index = i; });
  }

  kids(box) {
    if (box.kids) return box.kids;
    const groups = new Map();
    box.nodes.forEach((node, k) => {
      if (box.callers) {
        const up = this.parent[node];
        if (up > 0) put(groups, this.name[up], up, box.values[k], box.deltas[k]);
      } else {
        for (let c = node + 1; c < this.end[node]; c = this.end[c])
          put(groups, this.name[c], c, this.value[c], this.delta[c]);
      }
    });
    this.adopt(box, groups);
    return box.kids;
  }

  /* How much of all goes through what matches: each stack once. */
  matched(hits) {
    let sum = 0;
    for (let i = 1; i < this.count; i++) {
      if (!hits[this.name[i]]) continue;
      sum += this.value[i];
      i = this.end[i] - 1;
    }
    return sum;
  }
}

function put(groups, name, node, value, delta) {
  let g = groups.get(name);
  if (!g) groups.set(name, (g = {nodes: [], values: [], deltas: []}));
  g.nodes.push(node);
  g.values.push(value);
  g.deltas.push(delta);
}

const ROW = 20, LEAST_WIDTH = 2, TEXT_WIDTH = 26, MOST_BOXES = 20000, FEW_BOXES = 1000;

/* One hue a package, so that what belongs together looks it; of C, a function. */
function hue(name) {
  const parts = /^(?:.*\/)?[^.:(]*(?=\.|::)/.exec(name);
  let h = 7;
  for (const c of parts ? parts[0] : name) h = (h * 31 + c.codePointAt(0)) >>> 0;
  return (h * 47) % 360;
}

const short = (name) => name.replace(/^[^(<\s]*\/(?=[^/]*\.)/, '');

/* In place; values are of that unit. */
class Flame {
  constructor(body, place = $('main'), unit = data.unit) {
    this.tree = new Tree(body);
    this.unit = unit;
    this.total = body.total;
    this.cut = body.cut; /* there is more than was sent */
    this.hits = null;
    this.rows = [];
    this.made = new Map(); /* roots, by what they are of */
    this.graph = el('div', {id: 'flame', tabindex: '0', role: 'tree', 'aria-label':
      'Flame graph: arrow keys move, Enter zooms, p shows callers and callees, Escape goes back'});
    this.unzoom = this.button('Reset zoom', () => this.go({z: null}));
    this.invert = this.button('Invert', () => this.go({z: null, p: null, inv: query().get('inv') ? null : '1'}));
    this.leave = this.button('Whole graph', () => this.go({z: null, p: null}));
    this.note = el('span', {class: 'note'});
    place.replaceChildren(el('div', {class: 'tools'}, this.unzoom, this.invert, this.leave, this.note), this.graph);
    this.graph.addEventListener('click', (e) => e.target.box && this.zoom(e.target.box));
    this.graph.addEventListener('dblclick', (e) => e.target.box && this.pivot(e.target.box.name));
    this.graph.addEventListener('mouseover', (e) => this.describe(e.target));
    this.graph.addEventListener('keydown', (e) => this.key(e));
    new ResizeObserver(() => this.graph.clientWidth !== this.width && this.draw()).observe(this.graph);
    this.when('scroll', () => this.fill());
    this.when('resize', () => this.fill());
    this.when('beforeprint', () => this.fill(0, this.rows.length));
  }

  button(text, action) {
    const b = el('button', {type: 'button'}, text);
    b.addEventListener('click', action);
    return b;
  }

  /* For as long as this graph is on the page. */
  when(event, action) {
    const listener = () => (this.graph.isConnected ? action() : removeEventListener(event, listener, true));
    addEventListener(event, listener, {capture: true, passive: true});
  }

  about(box) {
    const value = format(box.value, this.unit), sign = box.delta > 0 ? '+' : box.delta < 0 ? '-' : '';
    if (!this.tree.signed) return `${value} (${percent(box.value, this.total)})`;
    return `${sign}${format(Math.abs(box.delta), this.unit)} (${sign}${percent(box.delta, this.total)} of all), of ${value} compared`;
  }

  describe(e) {
    if (e.box && !e.title) e.title = `${e.box.name}\n${this.about(e.box)}`;
  }

  go(changes) {
    remember(changes);
    this.show();
  }

  pivot(name) {
    if (name !== this.tree.names[0]) this.go({p: name, z: null, inv: null});
  }

  /* "3.0.1" are the numbers of kids from the root; of callers, behind a u. */
  path(box) {
    const steps = [];
    for (let b = box; b.parent; b = b.parent) steps.unshift(b.index);
    return steps.length ? (box.callers && this.both ? 'u' : '') + steps.join('.') : null;
  }

  find(path) {
    let box = this.roots.find((root) => root.callers === path.startsWith('u')) || this.roots[0];
    for (const step of path.replace('u', '').split('.')) {
      const kid = path && this.tree.kids(box)[Number(step)];
      if (kid) box = kid;
    }
    return box;
  }

  zoom(box) {
    this.current = box;
    this.go({z: this.path(box)});
    this.choose(box);
  }

  choose(box) {
    this.current = box;
    for (const e of this.graph.querySelectorAll('.current')) e.classList.remove('current');
    if (this.isDrawn(box)) {
      this.fill(box.row, box.row + 1);
      box.element.classList.add('current');
      this.graph.setAttribute('aria-activedescendant', box.element.id);
      box.element.scrollIntoView({block: 'nearest'});
    }
    select(box.parent || this.both ? box.name : '', this.about(box));
  }

  make(pivot, inverted) {
    if (!pivot) return [inverted ? this.tree.inverted() : this.tree.whole()];
    const around = this.tree.around(pivot);
    return [around.callees, around.callers];
  }

  /* What the address says. */
  show() {
    const q = query(), pivot = q.get('p'), inverted = q.get('inv') && !pivot, key = pivot ? 'p' + pivot : String(inverted);
    if (key !== this.shown) {
      this.both = Boolean(pivot);
      this.roots = this.made.get(key) || this.make(pivot, inverted);
      this.made.set(key, this.roots);
      this.shown = key;
      this.current = null;
    }
    this.zoomed = this.find(q.get('z') || '');
    this.invert.setAttribute('aria-pressed', String(Boolean(inverted)));
    this.leave.hidden = !pivot;
    this.unzoom.disabled = !this.zoomed.parent;
    this.note.textContent = !pivot ? (inverted ? 'Functions by their own weight, with their callers below' : '')
      : this.roots[0].value ? `Callers of ${pivot} above it, callees below` : `${pivot} is not in this profile`;
    this.draw();
  }

  /* Boxes from root outwards, into out; zoomed fills the width. Gives the number of rows. */
  lay(root, zoomed, out) {
    const line = [];
    for (let b = zoomed; b; b = b.parent) line.unshift(b);
    line.forEach((box, row) => out.push({box, x: 0, width: this.width, row, above: row < line.length - 1}));
    const scale = this.width / (zoomed.value || 1), open = [[zoomed, 0, line.length]];
    while (open.length && out.length < MOST_BOXES) {
      const [box, from, row] = open.pop();
      let x = from;
      const kids = this.tree.kids(box);
      for (const [i, kid] of kids.entries()) {
        const width = kid.value * scale;
        if (width < LEAST_WIDTH) { /* and those behind are narrower */
          this.layRest(kids.slice(i), x, scale, row, out);
          break;
        }
        out.push({box: kid, x, width, row, above: false});
        open.push([kid, x, row + 1]);
        x += width;
      }
    }
    return out.reduce((rows, place) => Math.max(rows, place.row + 1), 0);
  }

  /* Those too narrow to be seen, as one strip. */
  layRest(kids, x, scale, row, out) {
    const value = kids.reduce((sum, kid) => sum + kid.value, 0);
    if (value * scale >= 2 * LEAST_WIDTH) out.push({rest: kids, value, x, width: value * scale, row});
  }

  element(place, y, id) {
    const {box, x, width} = place, e = document.createElement('div');
    e.id = 'b' + id;
    e.style.left = x + 'px';
    e.style.top = y + 'px';
    e.style.width = Math.max(1, width - (width > 3 ? 1 : 0)) + 'px';
    e.setAttribute('role', 'treeitem');
    e.setAttribute('aria-level', place.row + 1);
    if (place.rest) {
      const text = `${place.rest.length} more, each too narrow to draw: ${format(place.value, this.unit)}`;
      e.className = 'rest';
      e.rest = place.rest;
      e.title = text;
      e.setAttribute('aria-label', text);
      e.textContent = width > TEXT_WIDTH ? text : '';
      return e;
    }
    e.box = box;
    box.element = e;
    e.setAttribute('aria-label', `${box.name} ${this.about(box)}`);
    e.className = (place.above ? 'above ' : '') + (box.parent || this.both ? '' : 'root ') + (width < 8 ? 'thin' : '');
    if (width > TEXT_WIDTH) e.textContent = short(box.name);
    if (box === this.current) e.className += ' current';
    this.paint(e, box);
    return e;
  }

  paint(e, box) {
    if (this.tree.signed) {
      const much = box.value ? box.delta / box.value : 0;
      e.classList.add(much > 0 ? 'grew' : much < 0 ? 'shrank' : 'root');
      e.style.setProperty('--much', Math.abs(much).toFixed(2));
    } else e.style.setProperty('--hue', hue(box.name));
  }

  draw() {
    this.width = this.graph.clientWidth;
    this.rows = []; /* what there is to draw in each, from the top */
    this.count = this.laid = 0;
    const put = (row, place) => {
      this.laid++;
      (this.rows[row] ||= {places: [], made: false}).places.push(place);
      if (place.box) Object.assign(place.box, {row, drawing: this.rows});
    };
    let top = 0;
    if (this.both) {
      const up = [];
      top = this.lay(this.roots[1], this.zoomed.callers ? this.zoomed : this.roots[1], up) - 1;
      for (const place of up) if (place.row) put(top - place.row, place);
    }
    const down = [], root = this.roots[0];
    this.lay(root, this.both && this.zoomed.callers ? root : this.zoomed, down);
    for (const place of down) put(top + place.row, place);
    this.graph.style.height = this.rows.length * ROW + 'px';
    this.graph.replaceChildren();
    this.graph.classList.toggle('searched', Boolean(this.hits));
    this.fill();
  }

  isDrawn(box) {
    return Boolean(box) && box.drawing === this.rows;
  }

  /* Makes the boxes of rows that have none yet: these, or what is in sight and half a window around it. Few are made at once. */
  fill(first = 0, end = this.rows.length) {
    if (!arguments.length && this.laid > FEW_BOXES) {
      const y = this.graph.getBoundingClientRect().top;
      first = Math.max(0, Math.floor((-innerHeight / 2 - y) / ROW));
      end = Math.ceil((1.5 * innerHeight - y) / ROW);
    }
    const all = document.createDocumentFragment();
    for (let row = first; row < Math.min(end, this.rows.length); row++) {
      if (this.rows[row].made) continue;
      this.rows[row].made = true;
      for (const place of this.rows[row].places) all.append(this.element(place, row * ROW, this.count++));
    }
    this.mark(all);
    this.graph.append(all);
  }

  /* Those that match, among the boxes there are. */
  mark(boxes) {
    const hit = (box) => Boolean(this.hits && this.hitNames.has(box.name));
    for (const e of boxes.children) e.classList.toggle('hit', e.rest ? e.rest.some(hit) : hit(e.box));
  }

  search(re) {
    const names = this.tree.names;
    this.hits = re && Uint8Array.from(names, (name, i) => Number(i > 0 && re.test(name)));
    this.hitNames = re && new Set(names.filter((_, i) => this.hits[i]));
    this.graph.classList.toggle('searched', Boolean(re));
    this.mark(this.graph);
    remember({q: $('search').value}, true);
    if (!re) return '';
    const sum = this.tree.matched(this.hits);
    return `${this.hitNames.size} functions, ${this.cut ? 'at least ' : ''}${percent(sum, this.total)} of the total (${format(sum, this.unit)})`;
  }

  /* The box in that direction, among those drawn. */
  neighbour(box, key) {
    const outward = box.callers && this.both ? 'ArrowUp' : 'ArrowDown';
    const drawn = (b) => (this.isDrawn(b) ? b : null);
    if (key === 'ArrowLeft' || key === 'ArrowRight')
      return box.parent && drawn(this.tree.kids(box.parent)[box.index + (key === 'ArrowLeft' ? -1 : 1)]);
    if (this.both && !box.parent) box = this.roots[key === 'ArrowUp' ? 1 : 0];
    else if (key !== outward) return box.parent && (box.parent.parent || !this.both ? drawn(box.parent) : this.roots[0]);
    return drawn(this.tree.kids(box)[0]);
  }

  key(e) {
    const box = this.current || this.roots[0];
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key.startsWith('Arrow')) this.choose((this.current && this.neighbour(box, e.key)) || box);
    else if (e.key === 'Enter' || e.key === ' ') this.zoom(box);
    else if (e.key === 'p') this.pivot(box.name);
    else if (e.key === 'Escape') this.go(this.zoomed.parent ? {z: this.path(this.zoomed.parent)} : {p: null});
    else return;
    e.preventDefault();
  }

  redraw() {
    this.show();
  }
}
