'use strict';
/* The call graph that dot has drawn. */

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
