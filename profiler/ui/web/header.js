'use strict';
/* What every view has: menus, the search, what is selected, configurations. */

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
    bar.append(el('b', {}, name), el('span', {}, about || ''));
    if (view.pivot) {
      const pivot = el('button', {type: 'button'}, 'Callers and callees');
      pivot.addEventListener('click', () => view.pivot(name));
      bar.append(pivot);
    }
    if (!isFile) bar.append(...leads(escaped(name)));
  }
  fillRefine();
}

/* The views of a function alone. */
function leads(only) {
  const go = (text, changes, to) => el('a', {href: address(changes, to)}, text);
  return [go('Focus', {f: only}), go('Ignore', {i: only}), go('Hide', {h: only}), go('Show from', {sf: only}),
    go('Peek', {f: only}, 'peek'), go('Source', {f: only}, 'source'), go('Disassemble', {f: only}, 'disasm')];
}

/* ---- header ---- */

/* Of a triage: its profiles, in the view at hand, and the page of them all. What is focused stays; sample types are
 * each profile's own. */
function fillProfiles() {
  $('profile').hidden = !data.profiles;
  if (!data.profiles) return;
  const view = data.view === 'all' ? 'flamegraph' : data.view;
  const entry = ([of, title, summary]) => el('a', {href: address({of, si: null, p: null, fn: null}, view), title: summary,
    'aria-current': of === data.of && 'page'}, title);
  $('profiles').append(el('a', {href: './all', title: 'Every profile, side by side', 'aria-current': data.view === 'all' && 'page'},
    'All three'), ...data.profiles.map(entry));
  $('profile').querySelector('summary').textContent = data.of ? data.profiles.find(([of]) => of === data.of)?.[1] || 'Profile' : 'Profile';
  $('home').href = './all';
  $('download').href = data.of ? `./download?of=${encodeURIComponent(data.of)}` : './download';
  for (const id of ['viewing', 'refining', 'configuring', 'download']) $(id).hidden = data.view === 'all';
}

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
  if (isFile) {
    document.title = $('title').textContent = 'Before and after';
    document.querySelector('header > nav').hidden = $('about').hidden = true;
    return;
  }
  const of = (key) => (data.legend.find((line) => line.startsWith(key + ': ')) || '').slice(key.length + 2);
  const all = data.view === 'all', shown = all ? 'All three' : data.views.find(([name]) => name === data.view)[1];
  const title = all ? 'About' : [of('File'), of('Type')].filter(Boolean).join(' ') || 'profile';
  document.title = `${all ? '' : title + ': '}${shown} - pprof`;
  $('home').href = address({p: null, q: null}, '');
  $('title').textContent = title;
  $('legend').append(...data.legend.map((line) => el('div', {}, line)));
  fillViews();
  fillSamples();
  fillFilters();
  fillConfigs();
  fillProfiles();
  for (const d of document.querySelectorAll('details[name="menu"]'))
    d.addEventListener('toggle', () => {
      if (d.open) for (const other of document.querySelectorAll('details[name="menu"][open]')) if (other !== d) other.open = false;
    });
}

function say(text) {
  $('messages').replaceChildren(el('p', {}, text));
}

function closeMenus(except) {
  for (const d of document.querySelectorAll('details[name="menu"][open]'))
    if (!d.contains(except)) d.open = false;
}
