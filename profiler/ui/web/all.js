'use strict';
/*
 * The page "All three": a panel a profile, and a function that is pointed at or chosen lit in all of them, with what
 * each says of it side by side. Below, what changed over time, who waits for whom, and the threads one by one.
 *
 * Figures are those of pprof -triage: "own" is what is charged to a function as the owner of its stack, the innermost
 * of the program's own, with what libc and the like cost it. What was collected before stands behind, in brackets.
 */
const LENS = {cpu: 0, heapStart: 1, heap: 2, threads: 3, mutex: 4, block: 5}; /* as enum triage_lens */
const PANELS = [
  {of: 'cpu', title: 'CPU', says: 'where processor time goes', lens: LENS.cpu, unit: 'ns'},
  {of: 'heap', title: 'Live heap', says: 'who allocated what lives, and its growth', lens: LENS.heap, unit: 'bytes'},
  {of: 'threads', title: 'Threads', says: 'where each one is', lens: LENS.threads, unit: 'count'},
  {of: 'mutex', title: 'Mutex', says: 'who makes others wait', lens: LENS.mutex, unit: 'ns'},
  {of: 'block', title: 'Block', says: 'who waits', lens: LENS.block, unit: 'ns'},
];
const ROWS = 10, STATES = 6, FIRST_THREADS = 200, POLL_MS = 500;

const signed = (value, unit) => (value > 0 ? '+' : '') + format(value, unit);

/* As -triage prints them: "~0%" of what is there, but little; "libz+0x1f0" of "libz.so.1.2.13+0x1f0". */
function share(value, total) {
  const percents = total ? 100 * value / total : 0;
  return value && Math.abs(percents) < 0.05 ? '~0%' : `${percents.toFixed(value && Math.abs(percents) < 9.95 ? 1 : 0)}%`;
}

const brief = (name) => short(name).replace(/\.so[.\d]*\+/, '+');

/* ---- a collection ---- */

class Taken {
  constructor(body) {
    Object.assign(this, {title: body.title, seconds: body.seconds, words: body.words, timeline: body.timeline});
    this.lenses = Object.values(body.lenses);
    this.rows = body.rows.map(([name, verdict, blameless, own, flat, cum, stuck, stuckNs]) =>
      ({name, verdict, blameless, own, flat, cum, stuck, stuckNs}));
    this.byName = new Map(this.rows.map((row) => [row.name, row]));
    this.order = body.order.map((i) => this.rows[i]);
    this.grows = !this.lenses[LENS.heap].missing && !this.lenses[LENS.heapStart].missing;
    this.readThreads(body.threads);
  }

  readThreads(list) {
    this.isDump = Boolean(list && list.dump);
    this.stacks = (list ? list.stacks : []).map(([owner, frames], id) => {
      const names = frames.map(([name]) => name);
      return {id, frames, owner: names[owner] || '(no stack)', callers: names.slice(owner + 1), names: new Set(names),
        text: names.join(' ').toLowerCase()};
    });
    this.threads = (list ? list.threads : []).map(([id, state, ns, on, holder, name, cpu, stack, count]) =>
      ({id, state, ns, on, holder, name, cpu, count, stack: this.stacks[stack], in: this.stacks[stack].owner}));
  }

  total(lens) {
    return this.lenses[lens].total;
  }

  growth(row) {
    return row.own[LENS.heap] - row.own[LENS.heapStart];
  }

  /* Those with the most of their own in a profile. */
  first(lens) {
    return this.rows.filter((row) => row.own[lens] > 0).sort((a, b) => b.own[lens] - a.own[lens]).slice(0, ROWS);
  }

  /* Threads alike, by state and stack, the most first. */
  groups() {
    const groups = new Map();
    for (const t of this.threads) {
      const key = t.stack.id + t.state, g = groups.get(key) || {state: t.state, stack: t.stack, count: 0};
      g.count += t.count;
      groups.set(key, g);
    }
    return Array.from(groups.values()).sort((a, b) => b.count - a.count);
  }

  states() {
    const states = new Map();
    for (const t of this.threads) states.set(t.state, (states.get(t.state) || 0) + t.count);
    return Array.from(states).sort((a, b) => b[1] - a[1]);
  }

  /* Those of the list, without the profiler's own, or what the profile says. */
  threadCount() {
    return this.threads.reduce((sum, t) => sum + t.count, 0) || this.total(LENS.threads);
  }
}

/* ---- the panels ---- */

/* Elements that stand for functions: lit when one of theirs is pointed at or chosen. */
class Functions {
  constructor(changed) {
    this.all = [];
    this.changed = changed;
    this.chosen = query().get('fn') || '';
    this.pointed = '';
  }

  get name() {
    return this.pointed || this.chosen;
  }

  /* A button for a function; names: those it is lit for, its own when not given. */
  button(name, names, ...inside) {
    const e = el('button', {type: 'button', class: 'function', title: name}, ...inside);
    e.addEventListener('click', () => this.choose(this.chosen === name ? '' : name));
    e.addEventListener('mouseenter', () => this.point(name));
    e.addEventListener('mouseleave', () => this.point(''));
    e.addEventListener('focus', () => e.matches(':focus-visible') && this.point(name));
    e.addEventListener('blur', () => this.point(''));
    this.all.push({e, name, names: names || new Set([name])});
    return e;
  }

  choose(name) {
    this.chosen = name;
    this.pointed = '';
    remember({fn: name});
    this.light();
  }

  point(name) {
    if (this.pointed === name) return;
    this.pointed = name;
    this.light();
  }

  light() {
    for (const {e, name, names} of this.all) {
      e.classList.toggle('lit', names.has(this.name));
      e.setAttribute('aria-pressed', String(name === this.chosen));
    }
    this.changed(this.name);
  }

  mark(re) {
    const found = new Set();
    for (const {e, name} of this.all) {
      const hit = Boolean(re && re.test(name));
      e.classList.toggle('hit', hit);
      if (hit) found.add(name);
    }
    return found.size;
  }
}

class Panel {
  constructor(kind, now, before, functions) {
    Object.assign(this, kind, {now, before, functions});
    this.lists = new Set(); /* names that have a row */
    this.also = el('p', {class: 'also'});
    this.element = el('section', {class: 'panel', id: 'panel-' + this.of, 'aria-labelledby': 'title-' + this.of},
      el('h2', {id: 'title-' + this.of}, this.title, ' ', el('small', {}, this.says)), this.head(), ...this.body(), this.also, this.links());
  }

  missing() {
    return this.of === 'threads' && this.now.threads.length ? '' : this.now.lenses[this.lens].missing;
  }

  head() {
    const l = this.now.lenses[this.lens], totalOf = (taken) => (this.of === 'threads' ? taken.threadCount() : taken.total(this.lens));
    const was = this.before && !this.before.lenses[this.lens].missing ? ` (${format(totalOf(this.before), this.unit)})` : '';
    if (this.missing()) return el('p', {class: 'total'}, `Not there: ${this.missing()}`);
    const total = totalOf(this.now);
    const grown = this.of === 'heap' && this.now.grows ? `, ${signed(total - this.now.total(LENS.heapStart), 'bytes')}` : '';
    const lasted = l.ns && this.unit === 'ns' ? ` in ${format(l.ns, 'ns')}` : '';
    return el('p', {class: 'total'}, el('b', {}, format(total, this.unit)), lasted + grown + was);
  }

  body() {
    if (this.missing()) return [];
    return this.of === 'threads' ? this.threads() : [el('ol', {}, ...this.now.first(this.lens).map((row) => el('li', {}, this.row(row))))];
  }

  row(row) {
    const value = row.own[this.lens], total = this.now.total(this.lens), was = this.before && this.before.byName.get(row.name);
    const old = this.before ? ` (${share(was ? was.own[this.lens] : 0, this.before.total(this.lens))})` : '';
    const grown = this.of === 'heap' && this.now.grows && this.now.growth(row) ? ` ${signed(this.now.growth(row), 'bytes')}` : '';
    this.lists.add(row.name);
    return this.bar(this.functions.button(row.name, null, el('span', {class: 'name'}, brief(row.name)),
      el('span', {class: 'value'}, share(value, total) + old, el('small', {}, ` ${format(value, this.unit)}${grown}`))), value / total);
  }

  bar(e, part) {
    e.style.setProperty('--share', (100 * Math.min(1, Math.max(0, part))).toFixed(1) + '%');
    return e;
  }

  threads() {
    const states = this.now.states(), total = this.now.threadCount(), groups = this.now.groups();
    const rest = states.slice(STATES).reduce((sum, [, n]) => sum + n, 0);
    const were = new Map(this.before ? this.before.states() : []), was = (state) => (this.before ? ` (${were.get(state) || 0})` : '');
    const chips = states.slice(0, STATES).map(([state, n]) => el('li', {}, el('b', {}, String(n)), ` ${state}${was(state)}`));
    if (rest) chips.push(el('li', {}, el('b', {}, String(rest)), ' others'));
    const rows = groups.slice(0, ROWS - 2).map((g) => {
      for (const name of g.stack.names) this.lists.add(name);
      return el('li', {}, this.bar(this.functions.button(g.stack.owner, g.stack.names,
        el('span', {class: 'name'}, brief(g.stack.owner)), el('span', {class: 'value'}, String(g.count), el('small', {}, ` ${g.state}`)),
        el('span', {class: 'callers'}, g.stack.callers.slice(0, 3).map((name) => '◂ ' + brief(name)).join(' '))), g.count / total));
    });
    return [el('ul', {class: 'states', 'aria-label': 'Threads by state'}, ...chips), el('ol', {}, ...rows)];
  }

  /* The function in question has no row: one line says what there is of it. */
  show(name) {
    const row = name && !this.missing() && !this.lists.has(name) && this.now.byName.get(name);
    const value = row ? row.own[this.lens] : 0, cum = row ? row.cum[this.lens] : 0;
    this.also.classList.toggle('lit', Boolean(row && (value || cum)));
    this.also.textContent = !name || this.missing() || this.lists.has(name) ? ''
      : value || cum ? `${brief(name)}: ${format(value, this.unit)} own, ${format(cum, this.unit)} with all it calls` : `${brief(name)}: nothing here`;
  }

  links() {
    if (!data.profiles.some(([of]) => of === this.of)) return null;
    const link = (of, name, text) => el('a', {href: `./${name}?of=${of}`, 'aria-label': `${this.title}: ${text}`}, text);
    const there = (of) => data.profiles.some(([name]) => name === of);
    return el('p', {class: 'links'}, ...data.views.filter(([name]) => /^(flamegraph|top|graph|peek|source)$/.test(name))
      .map(([name, title]) => link(this.of, name, title)), this.of === 'heap' && there('growth') ? link('growth', 'flamegraph', 'Growth') : null,
    there(this.of + '-change') ? link(this.of + '-change', 'flamegraph', 'Compared') : null);
  }
}

/* ---- one function's figures, side by side ---- */

class Figures {
  constructor(now, before, functions) {
    Object.assign(this, {now, before, functions});
    this.title = el('h2', {id: 'figures-title'});
    this.clear = el('button', {type: 'button'}, 'Clear');
    this.clear.addEventListener('click', () => functions.choose(''));
    this.cards = el('div', {class: 'cards'});
    this.element = el('section', {id: 'figures', 'aria-labelledby': 'figures-title'}, el('div', {class: 'tools'}, this.title, this.clear), this.cards);
  }

  card(of, title, value, note, old) {
    const link = this.name && data.profiles.some(([name]) => name === of);
    return el('div', {class: 'card', 'data-of': of}, link ? el('a', {href: `./flamegraph?of=${of}&p=${encodeURIComponent(this.name)}`,
      'aria-label': `${title}: callers and callees of ${this.name}`}, title) : el('span', {}, title),
    el('b', {}, value), el('small', {}, note), old ? el('small', {}, `before: ${old}`) : null);
  }

  own(taken, row, lens, unit) {
    if (!taken || taken.lenses[lens].missing) return '';
    const value = row ? row.own[lens] : 0;
    return value ? `${format(value, unit)} ${share(value, taken.total(lens))}` : '0';
  }

  /* A profile's card; said: what more there is to say. */
  of(panel, said) {
    const row = this.row, lens = panel.lens;
    if (this.now.lenses[lens].missing) return this.card(panel.of, panel.title, '?', 'not there');
    const note = row ? said || `${format(row.flat[lens], panel.unit)} flat, ${format(row.cum[lens], panel.unit)} cum` : '';
    return this.card(panel.of, panel.title, this.name ? this.own(this.now, row, lens, panel.unit) : '', note,
      this.name && this.own(this.before, this.was, lens, panel.unit));
  }

  grown() {
    const {now, row} = this, was = this.before && this.before.grows && this.was;
    const value = !this.name ? '' : !now.grows ? '?' : row ? signed(now.growth(row), 'bytes') : '0';
    return this.card('growth', 'Growth', value, this.name && now.grows ? 'since the start' : '', was ? signed(this.before.growth(was), 'bytes') : '');
  }

  show(name) {
    this.name = name;
    this.row = this.now.byName.get(name);
    this.was = this.before && this.before.byName.get(name);
    const {row} = this, verdict = row && row.verdict ? ` (${row.verdict}${row.blameless ? ', but blameless' : ''})` : '';
    this.title.textContent = name ? name + verdict : 'Point at a function, or choose one';
    this.clear.hidden = !this.functions.chosen;
    this.element.classList.toggle('empty', !name);
    const [cpu, heap, threads, mutex, block] = PANELS;
    this.cards.replaceChildren(this.of(cpu), this.of(heap), this.grown(),
      this.of(threads, row && `${row.stuck} wait for a lock, ${row.cum[LENS.threads]} cum`), this.of(mutex),
      this.of(block, row && `${format(row.stuckNs, 'ns') || '0'} at locks, ${format(row.cum[LENS.block], 'ns')} cum`));
  }
}

/* ---- the threads, one by one ---- */

class ThreadTable {
  constructor(now, functions) {
    this.now = now;
    this.functions = functions;
    this.input = el('input', {type: 'search', id: 'thread-search', 'aria-label': 'Search threads: words, or #ID', placeholder: 'Search threads',
      autocomplete: 'off', spellcheck: 'false'});
    this.count = el('output', {class: 'note', for: 'thread-search'});
    this.lines = el('tbody');
    this.more = el('button', {type: 'button'}, 'Show all');
    this.input.addEventListener('input', () => this.fill(false));
    this.more.addEventListener('click', () => this.fill(true));
    const heads = ['Thread', 'State', 'Since', 'Waits for', 'Held by', 'In'].map((t) => el('th', {scope: 'col'}, t));
    for (const t of now.threads) t.text = this.textOf(t);
    this.element = el('section', {id: 'threads', 'aria-labelledby': 'threads-title'},
      el('h2', {id: 'threads-title'}, now.isDump ? 'Threads, those first that wait longest' : 'Threads, of which one look tells no more than the stack'),
      el('div', {class: 'tools'}, this.input, this.count), el('div', {class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Table of threads'},
        el('table', {}, el('thead', {}, el('tr', {}, ...heads)), this.lines)), this.more);
    this.fill(false);
  }

  textOf(t) {
    return `#${t.id} ${t.name} ${t.state} ${t.on} ${t.holder ? 'held by ' + t.holder : ''}`.toLowerCase() + ' ' + t.stack.text;
  }

  /* Every word has to be there; #ID is a thread alone. */
  matching() {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (t, word) => (word.startsWith('#') ? `#${t.id}` === word : t.text.includes(word));
    return this.now.threads.filter((t) => words.every((word) => fits(t, word)));
  }

  search(text) {
    this.input.value = text;
    this.fill(false);
    this.element.scrollIntoView({block: 'nearest'});
    this.input.focus({preventScroll: true});
  }

  line(t) {
    const stack = el('button', {type: 'button', 'aria-expanded': 'false'}, brief(t.in));
    const line = el('tr', {}, el('td', {}, t.id ? `${t.id} ${t.name}` : `${t.count} alike`), el('td', {}, t.state),
      el('td', {}, t.ns >= 0 ? format(t.ns, 'ns') : ''), el('td', {}, t.on), el('td', {}, this.holder(t)), el('td', {}, stack));
    stack.addEventListener('click', () => this.toggle(t, line, stack));
    return line;
  }

  holder(t) {
    if (!t.holder) return '';
    const b = el('button', {type: 'button', 'aria-label': `Thread ${t.holder}: show it alone`}, String(t.holder));
    b.addEventListener('click', () => this.search(`#${t.holder}`));
    return b;
  }

  toggle(t, line, button) {
    const open = button.getAttribute('aria-expanded') === 'true';
    button.setAttribute('aria-expanded', String(!open));
    if (open) line.nextSibling.remove();
    else line.after(el('tr', {}, el('td', {colspan: '6'}, el('pre', {}, t.stack.frames.map(([name, place]) => `${name}\n    ${place}`).join('\n')))));
  }

  fill(whole) {
    const found = this.matching(), shown = whole ? found : found.slice(0, FIRST_THREADS), sum = (list) => list.reduce((n, t) => n + t.count, 0);
    this.count.textContent = `${sum(found)} of ${this.now.threadCount()} threads`;
    this.more.hidden = shown.length === found.length;
    this.more.textContent = `Show all ${found.length}`;
    this.lines.replaceChildren(...shown.map((t) => this.line(t)));
  }
}

/* ---- collecting again ---- */

class Collecting {
  constructor(body) {
    this.taken = body.taken;
    this.seconds = el('input', {type: 'number', min: '1', max: '3600', value: String(body.seconds), 'aria-label': 'Seconds to collect for'});
    this.stats = el('input', {type: 'text', value: body.stats, placeholder: '8080 or URL', size: '12',
      'aria-label': "Where the server's own figures are: a port, or the URL of its /stats", autocomplete: 'off', spellcheck: 'false'});
    this.button = el('button', {}, 'Collect again');
    this.bar = el('progress', {max: '1', value: '0', hidden: true, 'aria-label': 'How far collecting is'});
    this.note = el('output', {class: 'note'});
    this.element = el('form', {id: 'collecting', class: 'tools'}, this.button, el('span', {}, 'for'), this.seconds, el('span', {}, 's; /stats at'),
      this.stats, this.bar, this.note);
    this.element.addEventListener('submit', (e) => {
      e.preventDefault();
      this.start();
    });
    if (!body.live) this.element.replaceChildren(el('span', {class: 'note'},
      'From a folder: pprof -http=: -triage URL collects from a server, again and again.'));
    else this.watch();
  }

  async start() {
    const q = new URLSearchParams({seconds: this.seconds.value, stats: this.stats.value.trim()});
    const reply = await fetch(`./collect?${q}`, {method: 'POST'}).catch((e) => ({ok: false, text: () => String(e)}));
    if (reply.ok) this.watch();
    else say(await reply.text());
  }

  async watch() {
    const reply = await fetch('./collecting').catch(() => null), state = reply && reply.ok ? await reply.json() : null;
    if (!state) return this.show(false, 'pprof does not answer any more');
    if (state.taken !== this.taken) return location.reload();
    if (state.error) say(`It could not be collected: ${state.error}`);
    this.show(state.running, state.running ? `${Math.min(state.seconds, Math.floor(state.ms / 1000))} of ${state.seconds} s` : '', state.ms / 1000 / state.seconds);
    if (state.running) setTimeout(() => this.watch(), POLL_MS);
  }

  show(running, text, part = 0) {
    this.button.disabled = running;
    this.bar.hidden = !running;
    this.bar.value = Math.min(1, part);
    this.note.textContent = text;
  }
}

/* ---- the whole ---- */

/* A sentence of the verdict, as an entry of a list. */
function wordLine(text) {
  const [, verdict, rest] = /^(cause|waits|part|grows|busy|holds)\s+(.*)$/.exec(text) || [null, '', text];
  return el('li', {}, verdict ? el('b', {class: 'verdict ' + verdict}, verdict) : null, ' ' + rest);
}

class All {
  constructor(body) {
    this.now = new Taken(body.now);
    this.before = body.before && new Taken(body.before);
    this.functions = new Functions((name) => this.show(name));
    this.figures = new Figures(this.now, this.before, this.functions);
    this.panels = PANELS.map((kind) => new Panel(kind, this.now, this.before, this.functions));
    this.table = new ThreadTable(this.now, this.functions);
    $('main').classList.add('all');
    $('main').replaceChildren(el('h1', {}, this.now.title), new Collecting(body).element, this.words(),
      el('div', {id: 'panels'}, ...this.panels.map((p) => p.element)), this.figures.element, this.changes(body.live), this.locks(), this.table.element);
    this.functions.light();
    $('main').addEventListener('keydown', (e) => this.key(e));
  }

  /* Escape lets go of the function; arrows go to the one below, above, or in the panel beside. */
  key(e) {
    if (e.key === 'Escape' && this.functions.chosen) this.functions.choose('');
    const at = e.target.closest('.panel .function'), steps = {ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0]};
    if (!at || !steps[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
    const lists = this.panels.map((p) => Array.from(p.element.querySelectorAll('.function'))).filter((list) => list.length);
    const panel = lists.findIndex((list) => list.includes(at)), [aside, down] = steps[e.key], to = lists[panel + aside];
    if (to) to[Math.min(to.length - 1, Math.max(0, lists[panel].indexOf(at) + down))].focus();
    e.preventDefault();
  }

  words() {
    const was = this.before ? el('li', {class: 'note'}, `In brackets, and dashed: ${this.before.title}`) : null;
    return el('ul', {id: 'words', 'aria-label': 'What stands out'}, ...this.now.words.map(wordLine), was);
  }

  changes(live) {
    const timeline = new Timeline(this.now, this.before), empty = timeline.strips.length === 0;
    const unasked = live && !this.now.timeline.some(([, name]) => name === 'p95_ms');
    return el('section', {'aria-labelledby': 'timeline-title'}, el('h2', {id: 'timeline-title'}, 'Meanwhile'),
      empty ? el('p', {class: 'note'}, 'This folder does not say what changed while it was collected.') : timeline.element,
      unasked ? el('p', {class: 'note'}, 'For p95, say above where the server has its /stats, or start with -stats.') : null, empty ? null : timeline.table());
  }

  locks() {
    const locks = new Locks(this.now.threads, (text) => this.table.search(text)), any = locks.shown.length > 0;
    const none = this.now.isDump ? 'No thread waited for a lock at that moment.' : 'Who holds a lock is in threads.txt, which this folder lacks.';
    return el('section', {'aria-labelledby': 'locks-title'}, el('h2', {id: 'locks-title'}, 'Locks: who waits for whom'),
      el('p', {class: 'note'}, any ? locks.words() : none), any ? el('div', {id: 'locks', class: 'scroll'}, locks.draw()) : null);
  }

  show(name) {
    if (!this.panels) return;
    this.figures.show(name);
    for (const panel of this.panels) panel.show(name);
  }

  search(re) {
    const n = this.functions.mark(re);
    remember({q: $('search').value}, true);
    return re ? `${n} functions` : '';
  }

  redraw() {
    this.functions.chosen = query().get('fn') || '';
    this.functions.light();
  }
}
