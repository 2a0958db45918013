'use strict';
/*
 * What changed while profiles were collected: a line for threads, live heap, p95 and whatever else was noted, over the
 * same time. What was collected before is behind it, dashed.
 */
const SERIES = [['threads', 'Threads', 'count'], ['heap', 'Live heap', 'bytes'], ['p95_ms', 'p95 of requests', 'ms'],
  ['waiting', 'Threads that wait for a lock', 'count'], ['cache_entries', 'Cache entries', 'count']];
const STRIP = {left: 4, right: 4, top: 6, bottom: 6};

/* Those known, then others by the name they have. */
function seriesIn(...collections) {
  const names = new Set(collections.flatMap((taken) => (taken ? taken.timeline : [])).map(([, name]) => name));
  const known = SERIES.filter(([name]) => names.delete(name));
  return known.concat(Array.from(names, (name) => [name, name.replaceAll('_', ' '), '']));
}

/* [[ms, value], ...] of a name, by time. */
const seriesOf = (taken, name) => (taken ? taken.timeline : []).filter(([, n]) => n === name)
  .map(([ms, , value]) => [ms, value]).sort((a, b) => a[0] - b[0]);

class Timeline {
  constructor(now, before, height = 64) {
    this.height = height;
    this.strips = seriesIn(now, before).map(([name, title, unit]) => ({title, unit, now: seriesOf(now, name), before: seriesOf(before, name)}));
    this.end = Math.max(1, ...this.strips.flatMap((s) => [...s.now, ...s.before]).map(([ms]) => ms));
    this.said = el('output', {class: 'note'});
    this.element = el('div', {id: 'timeline'}, ...this.strips.map((s) => this.strip(s)), this.said);
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  strip(s) {
    const values = (points) => points.map(([, v]) => v), shown = (v) => format(v, s.unit);
    const range = (points) => [...new Set(points.length ? [Math.min, Math.max].map((f) => shown(f(...values(points)))) : [])].join(' to ');
    const was = s.now.length && s.before.length ? `, before ${range(s.before)}` : '';
    s.about = `${s.title}: ${range(s.now.length ? s.now : s.before)}${was}`;
    s.picture = svg('svg', {role: 'img', 'aria-label': `${s.about}, over ${format(this.end, 'ms')}`, height: this.height});
    s.picture.addEventListener('pointermove', (e) => {
      const box = s.picture.getBoundingClientRect();
      this.point((e.clientX - box.left) / box.width);
    });
    s.picture.addEventListener('pointerleave', () => this.point(null));
    return el('figure', {}, el('figcaption', {}, el('b', {}, s.title), ` ${s.about.slice(s.title.length + 2)}`), s.picture);
  }

  x(ms) {
    return STRIP.left + (this.width - STRIP.left - STRIP.right) * ms / this.end;
  }

  line(points, top, style) {
    const y = (v) => this.height - STRIP.bottom - (this.height - STRIP.top - STRIP.bottom) * v / (top || 1);
    const at = points.map(([ms, v]) => [this.x(ms).toFixed(1), y(v).toFixed(1)]);
    const dots = points.length <= 12 ? at.map(([cx, cy]) => svg('circle', {cx, cy, r: 2.5, class: style})) : [];
    return [svg('polyline', {points: at.map((p) => p.join()).join(' '), class: style}), ...dots];
  }

  draw() {
    for (const s of this.strips) {
      this.width = s.picture.clientWidth || 300;
      const top = Math.max(...[...s.now, ...s.before].map(([, v]) => v)), floor = this.height - STRIP.bottom;
      s.cursor = svg('line', {y1: 0, y2: this.height, class: 'cursor', visibility: 'hidden'});
      s.picture.replaceChildren(svg('line', {x1: 0, x2: this.width, y1: floor, y2: floor, class: 'axis'}),
        ...this.line(s.before, top, 'before'), ...this.line(s.now, top, 'now'), s.cursor);
    }
  }

  /* The values nearest to that part of the time; null: none. */
  point(part) {
    const ms = part === null ? 0 : Math.min(1, Math.max(0, part)) * this.end, said = [];
    for (const s of this.strips) {
      s.cursor.setAttribute('visibility', part === null ? 'hidden' : 'visible');
      for (const end of ['x1', 'x2']) s.cursor.setAttribute(end, this.x(ms));
      const near = (points) => points.reduce((best, p) => (best && Math.abs(best[0] - ms) <= Math.abs(p[0] - ms) ? best : p), null);
      const [now, was] = [s.now, s.before].map((points) => points.length && format(near(points)[1], s.unit));
      if (now || was) said.push(`${s.title} ${now || 'not noted'}${was ? ` (${was})` : ''}`);
    }
    this.said.textContent = part === null ? '' : `after ${format(ms, 'ms')}: ${said.join(', ')}`;
  }

  /* The same as a table, for those who read: of now, or of before. */
  table(which = 'now', title = 'As a table') {
    const times = [...new Set(this.strips.flatMap((s) => s[which].map(([ms]) => ms)))].sort((a, b) => a - b);
    const cell = (s, ms) => s[which].filter(([at]) => at === ms).map(([, v]) => format(v, s.unit))[0] || '';
    return el('details', {class: 'figures'}, el('summary', {}, title), el('div', {class: 'scroll'}, el('table', {},
      el('thead', {}, el('tr', {}, el('th', {scope: 'col'}, 'After'), ...this.strips.map((s) => el('th', {scope: 'col'}, s.title)))),
      el('tbody', {}, ...times.map((ms) => el('tr', {}, el('td', {}, format(ms, 'ms')), ...this.strips.map((s) => el('td', {}, cell(s, ms)))))))));
  }
}
