'use strict';
/*
 * What pprof -compare writes: two collections, what was before and what is after. Figures first, then what stands out in
 * each, what changed while they were taken, and a flame graph of what each profile differs by.
 */
const TOTALS = [
  ['CPU time', LENS.cpu, 'ns'], ['Live heap at the end', LENS.heap, 'bytes'], ['Threads, when it was worst', LENS.threads, 'count'],
  ['Delay caused (mutex)', LENS.mutex, 'ns'], ['Delay suffered (block)', LENS.block, 'ns'],
];

/* What a figure became: "-58%"; of one that more than doubled, how many times as much. */
function became(before, after) {
  if (!before || before === after) return before ? 'same' : '';
  const times = after / before, percents = (times - 1) * 100, digits = after && percents < -99 ? 1 : 0;
  return times > 2 ? `×${number(Number(times.toPrecision(2)))}` : `${times > 1 ? '+' : ''}${percents.toFixed(digits)}%`;
}

class Compare {
  constructor(body) {
    Object.assign(this, body);
    this.timeline = new Timeline(this.after, this.before, 120);
    this.tabs = PANELS.filter(({of}) => body.flames[of]).map(({of, title}) => this.tab(of, title));
    this.place = el('div');
    $('main').classList.add('all', 'compare');
    $('main').replaceChildren(el('h1', {}, `Before (${this.before.name}) and after (${this.after.name})`), this.changes(), this.words(),
      this.meanwhile(), this.differences());
  }

  /* ---- figures ---- */

  /* [what, before, after, unit]: what was noted over time at its most, and what the profiles add up to. */
  figures() {
    const most = (points) => (points.length ? Math.max(...points.map(([, v]) => v)) : null);
    const total = (taken, lens) => (Object.values(taken.lenses)[lens].missing ? null : Object.values(taken.lenses)[lens].total);
    return this.timeline.strips.map((s) => [`${s.title}, at most`, most(s.before), most(s.now), s.unit])
      .concat(TOTALS.map(([title, lens, unit]) => [title, total(this.before, lens), total(this.after, lens), unit]));
  }

  changes() {
    const shown = (value, unit) => (value === null ? 'not there' : format(value, unit));
    const line = ([what, before, after, unit]) => el('tr', {}, el('td', {}, what), el('td', {}, shown(before, unit)), el('td', {}, shown(after, unit)),
      el('td', {}, before === null || after === null ? '' : became(before, after)));
    return el('section', {'aria-label': 'Figures'}, el('div', {class: 'scroll'}, el('table', {id: 'changes'},
      el('thead', {}, el('tr', {}, ...['What', 'Before', 'After', 'Change'].map((title) => el('th', {scope: 'col'}, title)))),
      el('tbody', {}, ...this.figures().map(line)))));
  }

  words() {
    const side = (title, taken) => el('section', {'aria-label': title}, el('h2', {}, `${title}: what stands out`), el('ul', {}, ...taken.words.map(wordLine)));
    return el('div', {class: 'sides'}, side('Before', this.before), side('After', this.after));
  }

  /* ---- over time ---- */

  meanwhile() {
    const lacking = [['before', this.before], ['after', this.after]].filter(([, taken]) => !taken.timeline.length);
    const note = lacking.length ? el('p', {class: 'note'}, `What was noted over time is not in the folder of ${lacking.map(([side]) => side).join(', nor of ')}: ` +
      'it was collected without.') : null;
    const drawn = lacking.length === 2 ? [] : [this.timeline.element, this.timeline.table('before', 'Before, as a table'), this.timeline.table('now', 'After, as a table')];
    const key = el('p', {class: 'note'}, el('span', {class: 'key before'}), 'before ', el('span', {class: 'key'}), 'after');
    return el('section', {'aria-labelledby': 'timeline-title'}, el('h2', {id: 'timeline-title'}, 'Meanwhile'), note, drawn.length ? key : null, ...drawn);
  }

  /* ---- flame graphs ---- */

  tab(of, title) {
    const button = el('button', {type: 'button', 'data-of': of}, title);
    button.addEventListener('click', () => {
      remember({of, z: null, p: null, inv: null});
      this.redraw();
    });
    return button;
  }

  differences() {
    const none = el('p', {class: 'note'}, 'There is no profile that both folders have.');
    return el('section', {'aria-labelledby': 'flame-title'}, el('h2', {id: 'flame-title'}, 'What grew, and what shrank'),
      this.tabs.length ? el('div', {class: 'tools', role: 'group', 'aria-label': 'Profile'}, ...this.tabs) : none,
      el('p', {class: 'note'}, 'A box is as wide as both together; red is what grew, blue what shrank, pale what stayed.'), this.place);
  }

  /* What the address says: which profile, and where in it. */
  redraw() {
    const wanted = query().get('of'), of = this.flames[wanted] ? wanted : this.tabs.length ? this.tabs[0].dataset.of : '';
    for (const b of this.tabs) b.setAttribute('aria-pressed', String(b.dataset.of === of));
    if (!of) return;
    const isOther = of !== this.of;
    if (isOther) this.flame = new Flame(this.flames[of].tree, this.place, this.flames[of].unit);
    this.of = of;
    this.flame.show();
    if (!isOther) return;
    select('');
    search();
  }

  search(re) {
    return this.flame ? this.flame.search(re) : '';
  }

  pivot(name) {
    this.flame.pivot(name);
  }
}
