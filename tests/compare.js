'use strict';
/*
 * The page that pprof -compare writes, as a browser shows it. Used by compare.sh:
 *
 *   node compare.js CHROMIUM DIRECTORY [DIRECTORY-FOR-PICTURES]
 *
 * In the directory are the pages: flawed-yours.html; bare-yours.html and bare-bare.html, of a folder with nothing over time;
 * hostile-hostile.html, of hostile names.
 */
const {check, send, ask, until, open, key, click, named, looks, run, noProblems} = require('./browser.js');

const [chromium, directory, pictures] = process.argv.slice(2);
const page = (name) => `file://${directory}/${name}.html`;
const all = (selector) => `Array.from(document.querySelectorAll(${JSON.stringify(selector)}))`;
const texts = (selector) => ask(`${all(selector)}.map((e) => e.textContent)`);
const row = (title) => ask(`Array.from(${all('#changes tr')}.find((tr) => tr.cells[0].textContent === ${JSON.stringify(title)}).cells, (c) => c.textContent).slice(1).join()`);
const tab = (of) => `document.querySelector('button[data-of=${of}]')`;
const box = (name) => `${all('#flame div')}.find((e) => e.box && e.box.name === ${JSON.stringify(name)})`;

async function figures() {
  await open(page('flawed-yours'));
  check('it says of what it is', /Before \(flawed\) and after \(yours\)/.test(await ask('document.querySelector("h1").textContent')));
  for (const [title, wanted] of [['Threads, at most', '2290,175,-92%'], ['p95 of requests, at most', '2.51s,765ms,-70%'],
    ['Threads that wait for a lock, at most', '2000,0,-100%'], ['Live heap, at most', '71.53MB,39.1MB,-45%'], ['Cache entries, at most', '14000,10000,-29%'],
    ['queue length, at most', '3,not there,'], ['CPU time', '1.05s,600ms,-43%'], ['Delay suffered (block)', 'not there,not there,']])
    check(`figures: ${title}`, await row(title) === wanted, await row(title));
  check('what stands out is there for both', await ask(`${all('.sides li')}.length >= 2`), await texts('.sides'));
  await named('compare');
}

async function plots() {
  const strips = await ask(`${all('#timeline svg')}.map((e) => e.getAttribute('aria-label').split(':')[0]).join()`);
  check('each figure is drawn', strips === 'Threads,Live heap,p95 of requests,Threads that wait for a lock,Cache entries,queue length', strips);
  check('both over each other', await ask(`${all('#timeline figure')}.slice(0, 5).every((f) => ['now', 'before'].every((side) =>
    f.querySelector('polyline.' + side).getAttribute('points').split(' ').length === 26))`));
  const at = await ask(`(() => { const e = document.querySelector('#timeline svg'); e.scrollIntoView({block: 'center'});
    const r = e.getBoundingClientRect(); return {x: r.right - 5, y: r.y + 4}; })()`);
  await send('Input.dispatchMouseEvent', {type: 'mouseMoved', ...at});
  check('pointing says both', /Threads 175 \(2290\).*queue length not noted \(3\)/.test(await ask('document.querySelector("#timeline output").textContent')),
    await texts('#timeline output'));
  check('tables of both', await ask(`${all('.figures tbody')}.map((e) => e.rows.length).join()`) === '26,26');
}

async function flames() {
  await open(page('flawed-yours'));
  check('a tab for each profile both have', (await texts('button[data-of]')).join() === 'CPU,Live heap,Threads,Mutex', await texts('button[data-of]'));
  check('what is gone shrank', await ask(`${box('list_move')}.classList.contains('shrank')`));
  const label = await ask(`${box('list_move')}.getAttribute('aria-label')`);
  check('by how much', label === 'list_move -450ms (-42.86% of all), of 450ms compared', label);
  await click(tab('mutex'));
  check('another profile', await ask(`${tab('mutex')}.getAttribute('aria-pressed') === 'true' && ${tab('cpu')}.getAttribute('aria-pressed') === 'false'`));
  await click(box('cache_get'));
  check('a click zooms', await ask(`${box('cache_get')}.offsetWidth >= 0.99 * document.querySelector('#flame').offsetWidth`));
  check('it is in the address', /^#of=mutex&z=/.test(await ask('location.hash')), await ask('location.hash'));
  check('what is chosen leads nowhere else', await ask('document.querySelector("footer b").textContent === "cache_get" && document.querySelectorAll("footer a").length === 0'));
  await ask('history.back()');
  await until('back unzooms', `${box('json_write')} !== undefined`);
  await ask('history.back()');
  await until('and back again is the first', `${tab('cpu')}.getAttribute('aria-pressed') === 'true'`);
  await key('/', '/');
  await send('Input.insertText', {text: '^json_'});
  await until('search says how many', '/^[1-9]\\d* functions, /.test(document.querySelector("#found").textContent)');
  await click(tab('threads'));
  check('another profile is searched, too', await ask(`${all('#flame .hit')}.length > 0`));
  await click(box('json_write'));
  await click('document.querySelector("footer button")');
  check('callers and callees', /p=json_write/.test(await ask('location.hash')) && await ask(`${box('serve_request')}.offsetTop < ${box('json_write')}.offsetTop`));
  await send('Page.reload');
  await until('reload keeps all of it', `document.readyState === 'complete' && ${tab('threads')}.getAttribute('aria-pressed') === 'true' &&
    ${box('json_write')} !== undefined && ${box('list_move')} === undefined && document.querySelector('#search').value === '^json_'`);
}

/* Folders of which one, or both, noted nothing over time. */
async function without() {
  await open(page('bare-yours'));
  check('it is said that one noted nothing', /not in the folder of before:/.test((await texts('section .note')).join('\n')));
  check('the other is drawn', await ask(`${all('polyline.now')}.length`) === 5);
  await open(page('bare-bare'));
  check('it is said that both noted nothing', /not in the folder of before, nor of after:/.test((await texts('section .note')).join('\n')));
  check('nothing is drawn, and the rest is there', await ask(`${all('polyline')}.length === 0 && ${all('#flame div')}.length > 5`));
  check('what is the same is said to be', await row('CPU time') === '860ms,860ms,same', await row('CPU time'));
}

async function alone() {
  for (const name of ['flawed-yours', 'hostile-hostile']) {
    await open(page(name));
    check(`${name} asks for nothing`, await ask('performance.getEntriesByType("resource").length') === 0,
      await ask('performance.getEntriesByType("resource").map((e) => e.name)'));
    check(`${name} may ask for nothing`, await ask('fetch("https://example.com/").then(() => false, () => true)'));
  }
  check('hostile names run nothing', await ask('window.hacked === undefined && document.querySelectorAll("main script, main img, main iframe").length === 0'));
  check('hostile names are shown as they are', await ask('["#flame", "#timeline"].every((s) => document.querySelector(s).textContent.includes("<script>"))'));
}

run(chromium, pictures, async () => {
  for (const part of [figures, plots, flames, without]) await part();
  noProblems();
  await looks(page('flawed-yours'), 'compare');
  await looks(page('bare-yours'), 'compare-without');
  noProblems();
  await alone(); /* the refusal of which is told in the console */
});
