'use strict';
/* The table of functions. */

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
