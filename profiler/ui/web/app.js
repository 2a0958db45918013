'use strict';
/* The last file: which view is drawn by what, and the start. */

const draw = {
  all: (body) => new All(body),
  compare: (body) => new Compare(body),
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
