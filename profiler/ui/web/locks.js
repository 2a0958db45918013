'use strict';
/*
 * Who waits for whom, drawn: for each lock those that wait, the lock, and the thread that holds it. A holder that waits
 * itself leads on to its lock, one column further right; a ring of them is a deadlock.
 *
 *     [412 threads] ──► (mutex 0x5601) ──► [4712 "sweeper"] ──► (mutex 0x5622) ──► ...
 */
const LOCKS_SHOWN = 12, BOX = {width: 168, height: 40, gapX: 44, gapY: 22};

function svg(tag, attributes, ...children) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes || {})) if (value !== null) e.setAttribute(name, value);
  e.append(...children.filter((c) => c !== null));
  return e;
}

/* Threads as the page has them (all.js) into locks with their waiters, those with the most first. */
function findLocks(threads) {
  const locks = new Map(), byId = new Map(threads.map((t) => [t.id, t]));
  for (const t of threads) {
    if (!t.holder && !(t.on && /lock|mutex/.test(t.state))) continue;
    const key = t.on || `thread ${t.holder}`;
    if (!locks.has(key)) locks.set(key, {key, kind: t.state.replace(/ (?:read |write )?wait$/, ''), waiters: [], holder: 0});
    const lock = locks.get(key);
    lock.waiters.push(t);
    lock.holder = lock.holder || t.holder;
  }
  const all = Array.from(locks.values()).sort((a, b) => b.waiters.length - a.waiters.length);
  markRings(all, byId);
  return {locks: all, byId};
}

/* Locks of a ring: from one along its holder's wait, back to it. */
function markRings(locks, byId) {
  const waitsFor = (id) => locks.find((l) => l.waiters.includes(byId.get(id)));
  for (const lock of locks) {
    const met = new Set();
    let at = lock;
    while (at && at.holder && !met.has(at)) {
      met.add(at);
      at = waitsFor(at.holder);
    }
    lock.ring = met.size > 0 && at === lock;
  }
}

class Locks {
  /* pick(text) is called with what to search the table for. */
  constructor(threads, pick) {
    const found = findLocks(threads);
    this.byId = found.byId;
    this.pick = pick;
    this.shown = found.locks.slice(0, LOCKS_SHOWN);
    this.left = found.locks.length - this.shown.length;
    this.rings = found.locks.filter((l) => l.ring).length;
    this.place();
  }

  /* The locks that a waiter of this one holds. */
  before(lock) {
    return this.shown.filter((other) => lock.waiters.some((t) => t.id && t.id === other.holder) && other !== lock);
  }

  column(lock, path = new Set()) {
    if (lock.column !== undefined) return lock.column;
    path.add(lock);
    const column = this.before(lock).filter((other) => !path.has(other))
      .reduce((most, other) => Math.max(most, this.column(other, path) + 1), 0);
    path.delete(lock);
    return (lock.column = column);
  }

  place() {
    for (const lock of this.shown) this.column(lock);
    const inOrder = [...this.shown].sort((a, b) => a.column - b.column);
    inOrder.forEach((lock, row) => { lock.row = row; });
    this.height = inOrder.length * (BOX.height + BOX.gapY);
    this.columns = 2 * inOrder.reduce((most, l) => Math.max(most, l.column), 0) + 3;
  }

  at(column, row) {
    return {x: 2 + column * (BOX.width + BOX.gapX), y: 2 + row * (BOX.height + BOX.gapY)};
  }

  box({x, y}, style, title, note, search) {
    const clip = (text) => (text.length > 24 ? text.slice(0, 23) + '…' : text);
    const g = svg('g', {class: 'box ' + style, transform: `translate(${x} ${y})`, role: 'button', tabindex: '0',
      'aria-label': `${title}, ${note}: show in the table`}, svg('title', {}, `${title}\n${note}`),
    svg('rect', {width: BOX.width, height: BOX.height, rx: style.startsWith('lock') ? 20 : 5}),
    svg('text', {x: 10, y: 16}, clip(title)), svg('text', {x: 10, y: 32, class: 'note'}, clip(note)));
    g.addEventListener('click', () => this.pick(search));
    g.addEventListener('keydown', (e) => {
      if (e.key !== 'Enter' && e.key !== ' ') return;
      this.pick(search);
      e.preventDefault();
    });
    return g;
  }

  /* To the right straight; back to the left below all boxes. */
  arrow(from, to, ring) {
    const a = {x: from.x + BOX.width, y: from.y + BOX.height / 2}, b = {x: to.x - 2, y: to.y + BOX.height / 2};
    const bend = (b.x - a.x) / 2, low = this.height + BOX.gapY / 2;
    const back = `M${from.x + BOX.width / 2} ${from.y + BOX.height} V${low} H${to.x - BOX.gapX / 2} V${b.y} H${b.x}`;
    return svg('path', {class: ring ? 'ring' : null, 'marker-end': ring ? 'url(#ring-arrow)' : 'url(#arrow)',
      d: b.x > a.x ? `M${a.x} ${a.y} C${a.x + bend} ${a.y} ${b.x - bend} ${b.y} ${b.x} ${b.y}` : back});
  }

  drawLock(lock, out) {
    const column = 2 * lock.column, here = this.at(column + 1, lock.row), holders = new Set(this.shown.map((l) => l.holder));
    const rest = lock.waiters.filter((t) => !t.id || !holders.has(t.id));
    const ring = lock.ring ? ' ring' : '', count = lock.waiters.length;
    if (rest.length) {
      const from = this.at(column, lock.row), one = rest.length === 1;
      out.push(this.arrow(from, here, false), this.box(from, 'waits', one ? threadName(rest[0]) : `${rest.length} threads`,
        one ? `in ${rest[0].in}` : `most in ${mostIn(rest)}`, lock.key));
    }
    out.push(this.box(here, 'lock' + ring, `${lock.kind} ${lock.key}`, `${count} ${count === 1 ? 'waits' : 'wait'}`, lock.key));
    const holder = this.byId.get(lock.holder), to = this.at(column + 2, lock.row);
    if (!lock.holder) {
      out.push(this.arrow(here, to, false), this.box(to, 'nobody', 'holder not seen', 'free just then, or not told', lock.key));
      return;
    }
    out.push(this.arrow(here, to, lock.ring), this.box(to, 'holds' + ring, holder ? threadName(holder) : `thread ${lock.holder}`,
      holder ? `${holder.state} in ${holder.in}` : 'not in the dump', holder ? `#${holder.id}` : lock.key));
    const next = holder && this.shown.find((l) => l.waiters.includes(holder));
    if (next) out.push(this.arrow(to, this.at(2 * next.column + 1, next.row), next.ring && lock.ring));
  }

  draw() {
    const parts = [], width = this.columns * (BOX.width + BOX.gapX), height = this.height + (this.rings ? BOX.gapY : 0);
    const head = (id) => svg('marker', {id, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: 'userSpaceOnUse',
      orient: 'auto'}, svg('path', {d: 'M0 0L8 4L0 8z'}));
    for (const lock of this.shown) this.drawLock(lock, parts);
    return svg('svg', {width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': this.words()},
      svg('defs', {}, head('arrow'), head('ring-arrow')), ...parts);
  }

  words() {
    const n = this.shown.length + this.left;
    return `${n} ${n === 1 ? 'lock' : 'locks'} that threads wait for` + (this.rings ? `; a deadlock of ${this.rings}` : '') +
      (this.left ? `; ${this.shown.length} are drawn` : '');
  }
}

const threadName = (t) => (t.id ? `${t.id} ${t.name}`.trim() : `${t.count} threads`);

function mostIn(threads) {
  const counts = new Map();
  for (const t of threads) counts.set(t.in, (counts.get(t.in) || 0) + t.count);
  return Array.from(counts).sort((a, b) => b[1] - a[1])[0][0];
}
