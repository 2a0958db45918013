'use strict';
/*
 * How quick the flame graph of a pprof -http is in the browser. Used by paint.sh:
 *
 *   node paint.js CHROMIUM URL RUNS
 *
 * Prints medians and the longest, a line each: "first N M", ms from opening the page until the graph is painted; "zoom N M" and "search N M", ms
 * from a click, or a letter typed, until what it changes is painted; "bytes N", of all that was transferred.
 */
const {send, ask, open, run} = require('../browser.js');

const [chromium, url, runs] = process.argv.slice(2);
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/* In each page, before its own scripts: when the graph's first boxes were painted. */
const watch = `
  globalThis.painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0)));
  globalThis.first = new Promise((done) => new MutationObserver((_, observer) => {
    if (!document.querySelector('#flame div')) return;
    observer.disconnect();
    done(painted());
  }).observe(document, {childList: true, subtree: true}));`;

/* How long until the effect of something is painted. */
const timed = (action) => ask(`(async () => { const began = performance.now(); ${action}; return await painted() - began; })()`);

/* Zooms on the widest box that is not the root's whole, from row to row, and back. */
const deeper = `(view.roots[0], (() => { let box = view.zoomed; for (let kids; (kids = view.tree.kids(box)).length;)
  if ((box = kids[0]).value < 0.9 * view.zoomed.value) return box; return box; })())`;

run(chromium, undefined, async () => {
  const first = [], zoom = [], search = [];
  let bytes = 0;
  await send('Page.addScriptToEvaluateOnNewDocument', {source: watch});
  for (let i = 0; i < Number(runs); i++) {
    await send('Page.navigate', {url: 'about:blank'});
    await open(url);
    first.push(await ask('first'));
    bytes = await ask(`['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type)).reduce((sum, e) => sum + e.transferSize, 0)`);
    for (let depth = 0; depth < 4; depth++) zoom.push(await timed(`view.zoom(${deeper})`));
    zoom.push(await timed('view.go({z: null})'));
    for (const text of ['e', 'er', '^.*(read|write)', 'f.*1$', ''])
      search.push(await timed(`$('search').value = ${JSON.stringify(text)}; $('search').dispatchEvent(new Event('input'))`));
  }
  const longest = (values) => Math.max(...values).toFixed(0);
  console.log(`first ${median(first).toFixed(0)} ${longest(first)}`);
  console.log(`zoom ${median(zoom).toFixed(0)} ${longest(zoom)}`);
  console.log(`search ${median(search).toFixed(0)} ${longest(search)}`);
  console.log(`bytes ${bytes}`);
});
