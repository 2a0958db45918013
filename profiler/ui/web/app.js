'use strict';
/*
 * The page of pprof -http. Each view is a page of the server's, with what it shows as JSON in it; what a reader
 * chooses is in the address, so that back, reload and a copied link work. Names come from profiles, and these from
 * anywhere: they become text, never markup.
 */
const data = JSON.parse(document.getElementById('data').textContent);
const $ = (id) => document.getElementById(id);

/* el('a', {href: '#'}, 'text', child): an element, with attributes; null children are left out. */
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== null && value !== false) e.setAttribute(name, value === true ? '' : value);
  e.append(...children.filter((c) => c !== null));
  return e;
}

/* ---- addresses ---- */

const FILTERS = {f: 'Focus', i: 'Ignore', h: 'Hide', s: 'Show', sf: 'Show from', prunefrom: 'Prune from',
  tf: 'Tag focus', ti: 'Tag ignore', ts: 'Tag show', th: 'Tag hide', tagroot: 'Tag root', tagleaf: 'Tag leaf'};

const query = () => new URLSearchParams(location.search);
const setting = (name) => (query().has(name) ? query().get(name) : data.defaults[name] || '');

/* The address of a view with these parameters changed; null takes one out, unless the command line gave it, when it
 * has to be emptied. Where a zoom is, only this very graph knows. */
function address(changes, view) {
  const q = query();
  q.delete('z');
  for (const [name, value] of Object.entries(changes)) {
    q.delete(name);
    if (value !== null) q.append(name, value);
    else if (data.defaults[name]) q.append(name, '');
  }
  const text = q.toString();
  return './' + (view === undefined ? data.view : view) + (text ? '?' + text : '');
}

function remember(changes, replace) {
  const q = query();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') q.delete(name);
    else q.set(name, value);
  }
  const text = q.toString(), to = location.pathname + (text ? '?' + text : '');
  if (to !== location.pathname + location.search) history[replace ? 'replaceState' : 'pushState'](null, '', to);
}

/* ---- values ---- */

const TIMES = [['ns', 1], ['us', 1e3], ['ms', 1e6], ['s', 1e9], ['mins', 6e10], ['hrs', 3.6e12]];
const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'].map((unit, i) => [unit, 1024 ** i]);
const UNITS = {
  nanosecond: [TIMES, 1], ns: [TIMES, 1], microsecond: [TIMES, 1e3], us: [TIMES, 1e3], millisecond: [TIMES, 1e6],
  ms: [TIMES, 1e6], second: [TIMES, 1e9], s: [TIMES, 1e9], byte: [SIZES, 1], b: [SIZES, 1], kilobyte: [SIZES, 1024],
  kb: [SIZES, 1024], megabyte: [SIZES, 1024 ** 2], mb: [SIZES, 1024 ** 2],
};

function number(x) {
  return x.toFixed(2).replace(/\.?0+$/, '');
}

/* As the reports print it with -unit=auto. */
function format(value) {
  const unit = (data.unit || '').toLowerCase();
  const known = UNITS[unit] || UNITS[unit.replace(/s$/, '')];
  if (!value) return '0';
  if (!known) return String(value) + (/^(count|sample|unit|)s?$/.test(unit) ? '' : data.unit);
  const base = value * known[1];
  const scale = known[0].filter(([, factor]) => Math.abs(base) >= factor).pop() || known[0][0];
  return number(base / scale[1]) + scale[0];
}

function percent(value, total) {
  return total ? (100 * Math.abs(value / total)).toFixed(2) + '%' : '0%';
}

/* ---- what is searched and selected ---- */

let wanted = null; /* the expression of the search, or null */
let selected = ''; /* a function's name */
let view = {search() { return ''; }, redraw() {}}; /* what the view in sight does */

/* An expression for the function (or file, or binary) that an entry is of: entries may have an address before it, and
 * its file and line behind it, and a binary that stands for its functions is in brackets. */
function escaped(entry) {
  const quoted = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const binary = /^\[(.*)\]$/.exec(entry), granularity = setting('g') || 'functions';
  if (binary) return quoted(binary[1]) + '$';
  if (granularity === 'functions' || granularity === 'files') return `^${quoted(entry)}$`;
  const bare = entry.replace(/^[0-9a-f]{16} /, '').replace(/(.) \S*$/, '$1');
  return `^${quoted(bare)}$`;
}

const term = () => $('search').value || (selected && escaped(selected));

/* Go's (?i) at the beginning is a flag here. */
function expression(text) {
  const flags = /^\(\?([ims]+)\)/.exec(text);
  return new RegExp(flags ? text.slice(flags[0].length) : text, flags ? flags[1] : '');
}

function search() {
  const text = $('search').value;
  let wrong = '';
  wanted = null;
  try {
    if (text) wanted = expression(text);
  } catch (e) {
    wrong = 'no regular expression';
  }
  $('search').setAttribute('aria-invalid', String(wrong !== ''));
  $('found').textContent = wrong || view.search(wanted);
  fillRefine();
}

function select(name, about) {
  selected = name;
  const bar = $('selection');
  bar.hidden = !name;
  bar.replaceChildren();
  if (name) {
    const only = escaped(name), go = (text, changes, to) => el('a', {href: address(changes, to)}, text);
    bar.append(el('b', {}, name), el('span', {}, about || ''));
    if (view.pivot) {
      const pivot = el('button', {type: 'button'}, 'Callers and callees');
      pivot.addEventListener('click', () => view.pivot(name));
      bar.append(pivot);
    }
    bar.append(go('Focus', {f: only}), go('Ignore', {i: only}), go('Hide', {h: only}), go('Show from', {sf: only}),
      go('Peek', {f: only}, 'peek'), go('Source', {f: only}, 'source'), go('Disassemble', {f: only}, 'disasm'));
  }
  fillRefine();
}

/* ---- header ---- */

function fillViews() {
  const granularity = setting('g') || 'functions';
  $('views').append(...data.views.map(([name, title, summary]) =>
    el('a', {href: address({}, name), title: summary, 'aria-current': name === data.view && 'page'}, title)));
  $('views').append(el('h2', {}, 'One entry is a'), ...[['functions', 'Function'],
    ['filefunctions', 'Function and file'], ['files', 'File'], ['lines', 'Line'], ['addresses', 'Address']].map(
    ([g, title]) => el('a', {href: address({g}), 'aria-current': g === granularity && 'true'}, title)));
}

function fillSamples() {
  $('sample').hidden = data.types.length < 2;
  $('samples').append(...data.types.map((type, i) =>
    el('a', {href: address({si: type}), 'aria-current': i === data.type && 'true'}, type)));
}

function fillRefine() {
  const what = term();
  const item = (name, title, help) => {
    const a = el('a', {href: what ? address({[name]: what}) : '#', title: help, 'aria-disabled': !what && 'true'}, title);
    if (!what) a.addEventListener('click', (e) => {
      e.preventDefault();
      say('Search for a regular expression, or select a function, first.');
      $('search').focus();
    });
    return a;
  };
  const none = Object.fromEntries(Object.keys(FILTERS).map((name) => [name, null]));
  $('refine').replaceChildren(item('f', 'Focus', 'Only samples through it'), item('i', 'Ignore', 'No samples through it'),
    item('h', 'Hide', 'Leave its frames out; samples stay'), item('s', 'Show', 'Only its frames'),
    item('sf', 'Show from', 'Cut stacks above it'),
    el('a', {href: address({...none, p: null, q: null}), title: 'The whole profile'}, 'Reset'));
}

function fillFilters() {
  const set = Object.entries(FILTERS).filter(([name]) => setting(name));
  $('filters').hidden = set.length === 0;
  $('filters').append(...set.map(([name, title]) =>
    el('a', {href: address({[name]: null}), 'aria-label': `${title} ${setting(name)}: remove`},
      `${title}: ${setting(name)} ✕`)));
}

/* ---- configurations ---- */

/* All that a configuration holds; p, q, z, inv and the sample type are of the moment. */
const OF_CONFIG = ['dropneg', 'calltree', 'rel', 'unit', 'compact', 'intel', 'n', 'nf', 'ef', 'trim', 'f', 'i',
  'prunefrom', 'h', 's', 'sf', 'tf', 'ti', 'ts', 'th', 'tagroot', 'tagleaf', 'mean', 'norm', 'sort', 'g', 'noinlines',
  'showcolumns'];

async function change(what, name) {
  const q = query();
  q.set('config', name);
  const reply = await fetch(`./${what}?${q}`, {method: 'POST'}).catch((e) => ({ok: false, text: () => String(e)}));
  if (reply.ok) location.reload();
  else say(await reply.text());
}

function fillConfigs() {
  const nothing = Object.fromEntries(OF_CONFIG.map((name) => [name, null]));
  const isCurrent = (parameters) => OF_CONFIG.every((name) => setting(name) === (parameters[name] || ''));
  const entry = (name, parameters) => el('a', {href: address({...nothing, ...parameters}),
    'aria-current': isCurrent(parameters) && 'true'}, name);
  const saved = data.configs.map(([name, parameters]) => {
    const remove = el('button', {type: 'button', 'aria-label': `Delete ${name}`}, '✕');
    remove.addEventListener('click', () => confirm(`Delete the configuration ${name}?`) && change('deleteconfig', name));
    return el('div', {class: 'entry'}, entry(name, parameters), remove);
  });
  const name = el('input', {type: 'text', 'aria-label': 'Name of the configuration', placeholder: 'Name', required: true,
    maxlength: '100', size: '14'});
  const form = el('form', {class: 'entry'}, name, el('button', {}, 'Save'));
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    change('saveconfig', name.value);
  });
  $('configs').append(entry('Default', {}), ...saved, el('h2', {}, 'Save these filters and options as'), form);
}

function fillHeader() {
  const of = (key) => (data.legend.find((line) => line.startsWith(key + ': ')) || '').slice(key.length + 2);
  const title = [of('File'), of('Type')].filter(Boolean).join(' ') || 'profile';
  const shown = data.views.find(([name]) => name === data.view)[1];
  document.title = `${title}: ${shown} - pprof`;
  $('home').href = address({p: null, q: null}, '');
  $('title').textContent = title;
  $('legend').append(...data.legend.map((line) => el('div', {}, line)));
  fillViews();
  fillSamples();
  fillFilters();
  fillConfigs();
  for (const d of document.querySelectorAll('details'))
    d.addEventListener('toggle', () => {
      if (d.open) for (const other of document.querySelectorAll('details[open]')) if (other !== d) other.open = false;
    });
}

function say(text) {
  $('messages').replaceChildren(el('p', {}, text));
}

function closeMenus(except) {
  for (const d of document.querySelectorAll('details[open]'))
    if (!d.contains(except)) d.open = false;
}

/* ---- flame graph ---- */

/*
 * The tree as the server sends it, callers before callees, and boxes over it. A box is a set of nodes with weights,
 * so that one way of drawing serves the tree (a box is a node), the inverted one (leaves by name, then their callers)
 * and the callers and callees of a function. Boxes are made as they come into sight.
 */
class Tree {
  constructor(body) {
    const width = body.signed ? 4 : 3, n = body.nodes.length / width;
    this.names = body.names;
    this.signed = body.signed;
    this.count = n;
    this.name = new Uint32Array(n);
    this.depth = new Uint32Array(n);
    this.value = new Float64Array(n);
    this.delta = body.signed ? new Float64Array(n) : this.value;
    this.parent = new Int32Array(n).fill(-1);
    this.end = new Uint32Array(n); /* behind the last node below */
    const open = [];
    for (let i = 0; i < n; i++) {
      const at = i * width, depth = body.nodes[at + 1];
      this.name[i] = body.nodes[at];
      this.depth[i] = depth;
      this.value[i] = body.nodes[at + 2] * body.step;
      if (body.signed) this.delta[i] = body.nodes[at + 3] * body.step;
      while (open.length > depth) this.end[open.pop()] = i;
      if (depth) this.parent[i] = open[depth - 1];
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

const ROW = 20, LEAST_WIDTH = 1, TEXT_WIDTH = 26, MOST_BOXES = 20000;

/* One hue a package, so that what belongs together looks it; of C, a function. */
function hue(name) {
  const parts = /^(?:.*\/)?[^.:(]*(?=\.|::)/.exec(name);
  let h = 7;
  for (const c of parts ? parts[0] : name) h = (h * 31 + c.codePointAt(0)) >>> 0;
  return (h * 47) % 360;
}

const short = (name) => name.replace(/^[^(<\s]*\/(?=[^/]*\.)/, '');

class Flame {
  constructor(body) {
    this.tree = new Tree(body);
    this.total = body.total;
    this.hits = null;
    this.made = new Map(); /* roots, by what they are of */
    this.graph = el('div', {id: 'flame', tabindex: '0', role: 'tree', 'aria-label':
      'Flame graph: arrow keys move, Enter zooms, p shows callers and callees, Escape goes back'});
    this.unzoom = this.button('Reset zoom', () => this.go({z: null}));
    this.invert = this.button('Invert', () => this.go({z: null, p: null, inv: query().get('inv') ? null : '1'}));
    this.leave = this.button('Whole graph', () => this.go({z: null, p: null}));
    this.note = el('span', {class: 'note'});
    $('main').replaceChildren(el('div', {class: 'tools'}, this.unzoom, this.invert, this.leave, this.note), this.graph);
    this.graph.addEventListener('click', (e) => e.target.box && this.zoom(e.target.box));
    this.graph.addEventListener('dblclick', (e) => e.target.box && this.pivot(e.target.box.name));
    this.graph.addEventListener('mouseover', (e) => this.describe(e.target));
    this.graph.addEventListener('keydown', (e) => this.key(e));
    new ResizeObserver(() => this.graph.clientWidth !== this.width && this.draw()).observe(this.graph);
  }

  button(text, action) {
    const b = el('button', {type: 'button'}, text);
    b.addEventListener('click', action);
    return b;
  }

  about(box) {
    if (!this.tree.signed) return `${format(box.value)} (${percent(box.value, this.total)})`;
    const sign = box.delta > 0 ? '+' : '';
    return `${sign}${format(box.delta)} (${sign}${percent(box.delta, this.total)} of all), of ${format(box.value)} compared`;
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
    if (box.element && box.element.isConnected) {
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
      const text = `${place.rest.length} more, each too narrow to draw: ${format(place.value)}`;
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
    const all = document.createDocumentFragment();
    let id = 0, height = 0;
    if (this.both) {
      const up = [], top = this.lay(this.roots[1], this.zoomed.callers ? this.zoomed : this.roots[1], up) - 1;
      for (const place of up) if (place.row) all.append(this.element(place, (top - place.row) * ROW, id++));
      height = top * ROW;
    }
    const down = [], root = this.roots[0];
    const rows = this.lay(root, this.both && this.zoomed.callers ? root : this.zoomed, down);
    for (const place of down) all.append(this.element(place, height + place.row * ROW, id++));
    this.graph.style.height = height + rows * ROW + 'px';
    this.graph.replaceChildren(all);
    this.mark();
    if (this.current && this.current.element && this.current.element.isConnected) this.current.element.classList.add('current');
  }

  mark() {
    this.graph.classList.toggle('searched', Boolean(this.hits));
    const hit = (box) => Boolean(this.hits && this.hitNames.has(box.name));
    for (const e of this.graph.children) e.classList.toggle('hit', e.rest ? e.rest.some(hit) : hit(e.box));
  }

  search(re) {
    const names = this.tree.names;
    this.hits = re && Uint8Array.from(names, (name, i) => Number(i > 0 && re.test(name)));
    this.hitNames = re && new Set(names.filter((_, i) => this.hits[i]));
    this.mark();
    remember({q: $('search').value}, true);
    if (!re) return '';
    const sum = this.tree.matched(this.hits);
    return `${this.hitNames.size} functions, ${percent(sum, this.total)} of the total (${format(sum)})`;
  }

  /* The box in that direction, among those drawn. */
  neighbour(box, key) {
    const outward = box.callers && this.both ? 'ArrowUp' : 'ArrowDown';
    const drawn = (b) => (b && b.element && b.element.isConnected ? b : null);
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

/* ---- top ---- */

const COLUMNS = [['Flat', 'flat', ''], ['Flat%', 'flat_percent', 'share'], ['Sum%', 'sum_percent', 'sum'],
  ['Cum', 'cum', ''], ['Cum%', 'cum_percent', 'share'], ['Name', 'name', '']];

class Top {
  constructor(body) {
    this.rows = body.rows;
    this.total = body.total;
    this.head = el('tr');
    this.lines = el('tbody');
    $('main').replaceChildren(el('div', {class: 'scroll'}, el('table', {},
      el('caption', {}, `${body.rows.length} entries, of ${format(body.total)} in all`),
      el('thead', {}, this.head), this.lines)));
    for (const row of this.rows) row.element = this.line(row);
    this.head.append(...COLUMNS.map(([title, key, style]) => {
      const b = el('button', {type: 'button'}, title);
      b.addEventListener('click', () => this.sort(key, this.sorted === key ? -this.way : key === 'name' ? 1 : -1));
      return el('th', {scope: 'col', class: style}, b);
    }));
    this.sort(setting('sort') === 'cum' ? 'cum' : 'flat', -1);
  }

  line(row) {
    const name = el('button', {type: 'button'}, row.name);
    name.addEventListener('click', () => {
      for (const r of this.rows) r.element.classList.toggle('current', r === row && selected !== row.name);
      select(selected === row.name ? '' : row.name, `flat ${format(row.flat)}, cum ${format(row.cum)}`);
    });
    return el('tr', {}, ...COLUMNS.slice(0, -1).map(([, key, style]) =>
      el('td', {class: style}, key.endsWith('percent') ? row[key].toFixed(2) + '%' : format(row[key]))),
    el('td', {}, name, row.inline ? el('small', {}, `(${row.inline})`) : null));
  }

  sort(key, way) {
    const by = (a, b) => (key === 'name' ? (a.name < b.name ? -1 : a.name > b.name ? 1 : 0) : a[key] - b[key]);
    if (this.sorted && (key === 'flat' || key === 'cum')) remember({sort: key === 'cum' ? key : data.defaults.sort && key}, true);
    this.sorted = key;
    this.way = way;
    this.rows.sort((a, b) => way * by(a, b));
    this.lines.replaceChildren(...this.rows.map((row) => row.element));
    COLUMNS.forEach(([, k], i) => {
      const th = this.head.children[i];
      if (k === key) th.setAttribute('aria-sort', way < 0 ? 'descending' : 'ascending');
      else th.removeAttribute('aria-sort');
    });
  }

  search(re) {
    const hits = this.rows.filter((row) => re && re.test(row.name)), set = new Set(hits);
    for (const row of this.rows) row.element.classList.toggle('hit', set.has(row));
    const flat = hits.reduce((sum, row) => sum + row.flat, 0);
    remember({q: $('search').value}, true);
    return re ? `${hits.length} entries, ${percent(flat, this.total)} of the total by flat` : '';
  }

  redraw() {}
}

/* ---- graph ---- */

class Graph {
  constructor(svg) {
    const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
    for (const script of parsed.querySelectorAll('script, foreignObject')) script.remove();
    this.svg = document.importNode(parsed, true);
    this.svg.removeAttribute('width');
    this.svg.removeAttribute('height');
    this.svg.setAttribute('role', 'img');
    this.svg.setAttribute('aria-label', 'Call graph');
    const tools = [['Larger', () => this.scale(0.75)], ['Smaller', () => this.scale(1 / 0.75)], ['Fit', () => this.fit()]];
    this.frame = el('div', {id: 'graph', tabindex: '0', role: 'application', 'aria-label':
      'Call graph: arrow keys move it, plus and minus zoom, 0 shows all'}, this.svg);
    $('main').replaceChildren(el('div', {class: 'tools'}, ...tools.map(([text, action]) => {
      const b = el('button', {type: 'button'}, text);
      b.addEventListener('click', action);
      return b;
    }), el('span', {class: 'note'}, 'Drag to move, turn the wheel to zoom, click a function to select it')), this.frame);
    this.whole = (this.svg.getAttribute('viewBox') || '0 0 100 100').split(/[\s,]+/).map(Number);
    this.nodes = Array.from(this.svg.querySelectorAll('g.node'), (g) => ({g, name: this.nameOf(g)})).filter((n) => n.name);
    this.listen();
    this.fit();
  }

  /* dot's tooltip is "name (value)". */
  nameOf(g) {
    const a = g.querySelector('a');
    const tip = a && (a.getAttributeNS('http://www.w3.org/1999/xlink', 'title') || a.getAttribute('title')) || '';
    return tip.replace(/ \([^()]*\)$/, '');
  }

  fit() {
    this.at = this.whole.slice();
    this.place();
  }

  place() {
    this.svg.setAttribute('viewBox', this.at.join(' '));
  }

  scale(k, x = this.at[0] + this.at[2] / 2, y = this.at[1] + this.at[3] / 2) {
    this.at = [x + (this.at[0] - x) * k, y + (this.at[1] - y) * k, this.at[2] * k, this.at[3] * k];
    this.place();
  }

  pan(x, y) {
    this.at[0] += x;
    this.at[1] += y;
    this.place();
  }

  units() {
    return Math.max(this.at[2] / this.frame.clientWidth, this.at[3] / this.frame.clientHeight);
  }

  listen() {
    let from = null, moved = 0;
    this.frame.addEventListener('wheel', (e) => {
      const m = this.svg.getScreenCTM().inverse();
      e.preventDefault();
      this.scale(1.0015 ** e.deltaY, e.clientX * m.a + m.e, e.clientY * m.d + m.f);
    }, {passive: false});
    this.frame.addEventListener('pointerdown', (e) => { from = e; moved = 0; });
    this.frame.addEventListener('pointermove', (e) => {
      if (!from || !e.buttons) return;
      moved += Math.abs(e.clientX - from.clientX) + Math.abs(e.clientY - from.clientY);
      this.pan((from.clientX - e.clientX) * this.units(), (from.clientY - e.clientY) * this.units());
      from = e;
    });
    this.frame.addEventListener('click', (e) => {
      const g = e.target.closest('g.node'), node = moved < 5 && this.nodes.find((n) => n.g === g);
      if (!node) return;
      for (const n of this.nodes) n.g.classList.toggle('current', n === node && selected !== node.name);
      select(selected === node.name ? '' : node.name);
    });
    this.frame.addEventListener('keydown', (e) => {
      const step = this.at[2] / 10, keys = {ArrowLeft: () => this.pan(-step, 0), ArrowRight: () => this.pan(step, 0),
        ArrowUp: () => this.pan(0, -step), ArrowDown: () => this.pan(0, step), '+': () => this.scale(0.75),
        '-': () => this.scale(1 / 0.75), 0: () => this.fit()};
      if (!keys[e.key] || e.ctrlKey || e.metaKey) return;
      keys[e.key]();
      e.preventDefault();
    });
  }

  search(re) {
    const hits = this.nodes.filter((n) => re && re.test(n.name)), set = new Set(hits);
    for (const n of this.nodes) n.g.classList.toggle('hit', set.has(n));
    remember({q: $('search').value}, true);
    return re ? `${hits.length} functions` : '';
  }

  redraw() {}
}

/* ---- text ---- */

class Text {
  constructor(...parts) {
    $('main').replaceChildren(...parts);
  }

  search(re) {
    return re ? 'Enter shows the functions that match' : '';
  }

  redraw() {}
}

/* The server's page of sources without anything that could act: text in the elements it is known to use. */
function sanitized(node) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE || !/^(H2|P|PRE|SPAN|DIV|BR)$/.test(node.tagName)) return null;
  return el(node.tagName, {class: node.getAttribute('class')}, ...Array.from(node.childNodes, sanitized));
}

function listing(html) {
  /* Its style and handlers, which no text of a profile can look like, are refused by the policy, and told. */
  const body = html.slice(html.indexOf('<body>')).replaceAll(' onClick="pprof_toggle_asm(event)"', '');
  const page = new DOMParser().parseFromString(body, 'text/html');
  const all = el('div', {class: 'listing'}, ...Array.from(page.body.childNodes, sanitized));
  const toggle = (line) => {
    const asm = line.nextElementSibling;
    asm.hidden = !asm.hidden;
    line.setAttribute('aria-expanded', String(!asm.hidden));
  };
  for (const legend of all.querySelectorAll('.legend')) legend.remove();
  for (const line of all.querySelectorAll('.livesrc')) {
    if (!line.nextElementSibling || !line.nextElementSibling.classList.contains('asm')) continue;
    line.nextElementSibling.hidden = true;
    for (const [name, value] of [['role', 'button'], ['tabindex', '0'], ['aria-expanded', 'false']]) line.setAttribute(name, value);
    line.addEventListener('click', () => toggle(line));
    line.addEventListener('keydown', (e) => {
      if (e.key !== 'Enter' && e.key !== ' ') return;
      toggle(line);
      e.preventDefault();
    });
  }
  return all;
}

const plain = (text) => new Text(el('pre', {tabindex: '0', 'aria-label': 'Report'}, text));

const draw = {
  flamegraph: (body) => new Flame(body),
  top: (body) => new Top(body),
  graph: (body) => new Graph(body),
  peek: plain,
  source: (body) => new Text(listing(body)),
  disasm: plain,
};

/* ---- all ---- */

function start() {
  const shown = query().get('q');
  fillHeader();
  $('messages').append(...(data.error ? [data.error] : []).concat(data.notes).map((text) => el('p', {}, text)));
  $('main').replaceChildren();
  if (data.error) $('messages').setAttribute('role', 'alert');
  else view = draw[data.view](data.body);
  view.redraw();
  $('search').value = shown || '';
  search();
  $('search').addEventListener('input', search);
  $('searching').addEventListener('submit', (e) => {
    e.preventDefault();
    if ($('search').value && (view instanceof Text || data.error)) location.assign(address({f: $('search').value, q: null}));
  });
  window.addEventListener('popstate', () => {
    $('search').value = query().get('q') || '';
    view.redraw();
    search();
  });
  document.addEventListener('click', (e) => closeMenus(e.target));
  document.addEventListener('keydown', (e) => {
    if (e.key === 'Escape') closeMenus(null);
    if (e.key !== '/' || e.ctrlKey || /^(INPUT|TEXTAREA)$/.test(e.target.tagName)) return;
    $('search').focus();
    e.preventDefault();
  });
}

start();
