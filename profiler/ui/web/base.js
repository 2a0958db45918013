'use strict';
/*
 * The page of pprof -http. Each view is a page of the server's, with what it shows as JSON in it; what a reader
 * chooses is in the address, so that back, reload and a copied link work. Names come from profiles, and these from
 * anywhere: they become text, never markup. What pprof -compare writes is such a page, too, but a file: it leads to no
 * other view.
 *
 * Files in this order, each of which knows those before it: base.js (elements, addresses, values), header.js (menus,
 * search, selection), a file for each view, app.js, which starts.
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

const isFile = data.view === 'compare';

/* Behind the ? of an address, which the server reads; of a file, behind the #. */
const query = () => new URLSearchParams(isFile ? location.hash.slice(1) : location.search);
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
  const text = q.toString(), to = isFile ? '#' + text : location.pathname + (text ? '?' + text : '');
  if (text !== query().toString()) history[replace ? 'replaceState' : 'pushState'](null, '', to);
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
function format(value, unitName = data.unit || '') {
  const unit = unitName.toLowerCase();
  const known = UNITS[unit] || UNITS[unit.replace(/s$/, '')];
  if (!value) return '0';
  if (!known) return String(value) + (/^(count|sample|unit|)s?$/.test(unit) ? '' : unitName);
  const base = value * known[1];
  const scale = known[0].filter(([, factor]) => Math.abs(base) >= factor).pop() || known[0][0];
  return number(base / scale[1]) + scale[0];
}

function percent(value, total) {
  return total ? (100 * Math.abs(value / total)).toFixed(2) + '%' : '0%';
}
