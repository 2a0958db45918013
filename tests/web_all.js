'use strict';
/*
 * The page "All three" of pprof -http -triage as a browser shows it. Used by web_all.sh:
 *
 *   node web_all.js CHROMIUM DIRECTORY [DIRECTORY-FOR-PICTURES]
 *
 * In the directory is what a pprof each says, where it serves and what it saved: live.err of a gateway under load, ring.err
 * of a folder with a deadlock in threads.txt, hostile.err of one with hostile names.
 */
const {spawn} = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const {check, send, ask, until, open, key, click, named, looks, run, problems, noProblems, ready} = require('./browser.js');

const [chromium, directory, pictures] = process.argv.slice(2);
let live, folder, ring, hostile;
const PANELS = ['cpu', 'heap', 'threads', 'mutex', 'block'];

const said = (name) => (fs.existsSync(path.join(directory, name + '.err')) ? fs.readFileSync(path.join(directory, name + '.err'), 'utf8') : '');

/* Where that one serves, once it does. */
async function served(name) {
  for (let i = 0; i < 1200; i++) {
    const found = /^Serving web UI on (.*)$/m.exec(said(name));
    if (found) return found[1];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`pprof of ${name} does not say where it is`);
}

const panel = (of, rest = '') => `#panel-${of} ${rest}`;
const all = (selector) => `Array.from(document.querySelectorAll(${JSON.stringify(selector)}))`;
const one = (selector) => `document.querySelector(${JSON.stringify(selector)})`;
const text = (selector) => ask(`${one(selector)}?.textContent || ''`);
const count = (selector) => ask(`${all(selector)}.length`);
const parameter = (name) => ask(`new URLSearchParams(location.search).get(${JSON.stringify(name)})`);
const card = (of) => text(`.card[data-of=${of}] b`);

async function type(selector, value) {
  await ask(`${one(selector)}.focus(), ${one(selector)}.select()`);
  await send('Input.insertText', {text: value});
}

async function hover(expression) {
  const at = await ask(`(() => { const e = ${expression}; e.scrollIntoView({block: 'center'});
    const r = e.getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + 4}; })()`);
  await send('Input.dispatchMouseEvent', {type: 'mouseMoved', ...at});
}

async function panels() {
  await open(`${folder}/ui/`);
  check('All three is first', /All three/.test(await ask('document.title')));
  for (const of of PANELS) {
    const rows = await count(panel(of, '.function'));
    check(`${of} has rows`, rows > 0, rows);
    check(`${of} says how much`, /\d/.test(await text(panel(of, '.total'))));
    check(`${of} leads to its views`, await count(panel(of, `.links a[href*="of=${of}"]`)) >= 4);
  }
  check('threads by state', await ask(`${all('.states b')}.reduce((n, b) => n + Number(b.textContent), 0)`) > 50);
  check('the heap has its growth', /[+-]\d/.test(await text(panel('heap', '.total'))));
  check('the cause is named', /^cause/.test(await text('#words li')), await text('#words'));
  await named('all three');
}

/* A function that is chosen is lit wherever it is, with its figures. */
async function choosing() {
  const first = one(panel('mutex', '.function')), name = await ask(`${first}.title`);
  await click(first);
  /* In each profile that has it; the mutex profile and a look at the threads have. */
  const figures = await ask(`data.body.now.rows.find((row) => row[0] === ${JSON.stringify(name)})`);
  for (const [lens, of] of Object.entries({0: 'cpu', 2: 'heap', 3: 'threads', 4: 'mutex', 5: 'block'})) {
    const has = figures[3][lens] !== 0 || figures[5][lens] !== 0;
    check(`${name} is lit in ${of} if it is in it`, (await count(panel(of, '.lit')) > 0) === has, await text(panel(of)));
    check(`${of} says if it is not`, /: nothing here/.test(await text(panel(of, '.also'))) === !has, await text(panel(of, '.also')));
  }
  check(`${name} is lit in two at least`, await ask(`${all('.panel')}.filter((e) => e.querySelector('.lit')).length`) >= 2);
  check('it alone is lit', await ask(`${all('.panel:not(#panel-threads) .function.lit')}.every((e) => e.title === ${JSON.stringify(name)})`));
  check('it is pressed', await ask(`${first}.getAttribute('aria-pressed')`) === 'true');
  check('its figures stand side by side', (await text('#figures h2')).startsWith(name) && await count('.card b') === 6);
  check('it causes delay', /^[\d.]+\D+ \d/.test(await card('mutex')), await card('mutex'));
  check('it works', /^[\d.]+\D+ \d/.test(await card('cpu')) || (await card('cpu')) === '0', await card('cpu'));
  check('threads stand in it', /\d/.test(await card('threads')), await card('threads'));
  check('it is in the address', await parameter('fn') === name);
  await hover(one(panel('cpu', '.function')));
  const other = await ask(`${one(panel('cpu', '.function'))}.title`);
  check('pointing shows another', (await text('#figures h2')).startsWith(other) && await count(panel('cpu', '.lit')) > 0);
  await hover(one('h1'));
  check('and the chosen one comes back', (await text('#figures h2')).startsWith(name));
  await send('Page.reload');
  await until('reload keeps it', `${ready} && ${one('#figures h2')}.textContent.startsWith(${JSON.stringify(name)})`);
  await click(one('#figures button'));
  check('it can be cleared', await count('.lit') === 0 && !(await parameter('fn')));
  await ask(`${one(panel('block', '.function'))}.focus()`);
  await key('Enter');
  check('Enter chooses', await ask(`document.activeElement.getAttribute('aria-pressed')`) === 'true');
  await key('ArrowLeft');
  check('arrows go to the panel beside', await ask(`document.activeElement.closest('.panel').id`) === 'panel-mutex');
  await ask('history.back()');
  await until('back goes back', `${all('[aria-pressed=true]')}.length === 0`);
  await type('#search', name);
  await until('search says how many', `/^[1-9]\\d* functions/.test(${one('#found')}.textContent)`);
  check('search marks', await ask(`${all('.function.hit')}.length > 0 && ${all('.function.hit')}.every((e) => e.title.includes(${JSON.stringify(name)}))`));
}

async function views() {
  await open(`${folder}/ui/all`);
  await click(one(panel('mutex', '.links a')));
  await until('a panel leads to its flame graph', `location.search === '?of=mutex' && ${ready} && document.querySelectorAll('#flame div').length > 2`);
  await click(one('#profile > summary'));
  check('the other profiles are in a menu', await count('#profiles a') >= 7);
  await click(`${all('#profiles a')}.find((a) => a.textContent === 'Heap growth')`);
  await until('growth has its colours', `/of=growth/.test(location.search) && ${ready} && document.querySelectorAll('#flame .grew, #flame .shrank').length > 0`);
  await click(one('#viewing > summary'));
  await click(`${all('#views a')}.find((a) => a.textContent === 'Top')`);
  await until('a view keeps the profile', `location.pathname === '/ui/top' && /of=growth/.test(location.search) && ${ready}`);
  check('the download is of this profile', await ask(`${one('#download')}.search`) === '?of=growth');
  await click(one('#home'));
  await until('and back to all', `location.pathname === '/ui/all' && ${ready} && document.querySelectorAll('.panel').length === 5`);
}

async function threads() {
  await open(`${folder}/ui/all`);
  const total = Number(/of (\d+) threads/.exec(await text('#threads output'))?.[1]);
  check('threads one by one', total > 50, total);
  check('all that are shown have a state', await ask(`${all('#threads tbody tr')}.every((tr) => tr.children[1].textContent)`));
  const id = await ask(`${one('#threads tbody td')}.textContent.split(' ')[0]`);
  await type('#thread-search', `#${id}`);
  check('#ID finds one', await count('#threads tbody tr') === 1 && (await text('#threads output')) === `1 of ${total} threads`);
  await click(one('#threads tbody td:last-child button'));
  check('its stack opens', await count('#threads pre') === 1 && /\n {4}/.test(await text('#threads pre')));
  await type('#thread-search', 'nosuchthing');
  check('nothing is found', await count('#threads tbody tr') === 0);
  await type('#thread-search', '');
  check('all are back', /^(\d+) of \1 /.test(await text('#threads output')));
}

async function locks() {
  await open(`${ring}/ui/all`);
  const boxes = () => ask(`${all('#locks .box')}.map((e) => e.getAttribute('aria-label'))`);
  const labels = await boxes();
  check('locks, their waiters and holders are drawn', ['mutex 0xa, 2 wait', 'mutex 0xb, 1 waits', '13 late', '12 right', '11 left']
    .every((start) => labels.some((label) => label.startsWith(start))), labels);
  check('the ring is told', /a deadlock of 2/.test(await ask(`${one('#locks svg')}.getAttribute('aria-label')`)));
  check('the ring is marked', await count('#locks .lock.ring') === 2 && await count('#locks path.ring') >= 2);
  await click(one('#locks .lock'));
  check('a lock shows its waiters', await ask(`${all('#threads tbody tr')}.map((tr) => tr.children[0].textContent).sort().join()`) === '11 left,13 late');
  await click(`${all('#threads tbody button')}.find((b) => b.textContent === '12')`);
  check('a holder can be gone to', await ask(`${all('#threads tbody tr')}.map((tr) => tr.children[0].textContent).join()`) === '12 right');
  await ask(`${one('#locks .holds')}.focus()`);
  await key('Enter');
  check('Enter does, too', /^#1[12]$/.test(await ask(`${one('#thread-search')}.value`)));
  check('what is not there is said', /Not there: not collected/.test(await text(panel('mutex'))));
  await named('locks');
}

async function again(seconds) {
  const before = await text('h1');
  await type('#collecting input[type=number]', String(seconds));
  await click(one('#collecting button'));
  await until('it is told how far it is', `${one('#collecting button')}.disabled && !${one('progress')}.hidden`);
  for (let i = 0; i < seconds; i++) await new Promise((resolve) => setTimeout(resolve, 1000));
  await until('it is collected again', `${ready} && ${one('h1')}.textContent !== ${JSON.stringify(before)}`);
  return before;
}

/* The gateway's trouble comes and goes: until a look at its threads has met it. */
async function trouble() {
  const met = `${one('#locks .lock')} !== null && ${all(panel('threads', '.function'))}.some((e) => e.title === ${one(panel('mutex', '.function'))}?.title) &&
    ${one('#words li')}.textContent.startsWith('cause')`;
  await open(`${live}/ui/`);
  for (let i = 0; i < 6 && !(await ask(met)); i++) await again(7);
  check('threads wait for the lock that makes others wait', await ask(met), await text('#panel-threads'));
}

/* The folder that was left, in a pprof of its own. */
async function serveFolder() {
  const last = said('live').match(/^Saved profiles in [^;\n]*/mg).pop().replace('Saved profiles in ', '');
  const err = fs.openSync(path.join(directory, 'folder.err'), 'w');
  const pprof = spawn('profiler/pprof', ['-no_browser', '-http=localhost:0', '-triage', last], {stdio: ['ignore', 'ignore', err]});
  process.on('exit', () => pprof.kill());
  return served('folder');
}

async function collecting() {
  await open(`${live}/ui/`);
  const strips = await ask(`${all('#timeline svg')}.map((e) => e.getAttribute('aria-label').split(':')[0]).join()`);
  check('threads, heap and p95 over time', strips === 'Threads,Live heap,p95 of requests', `${strips}\n${said('live')}`);
  check('the lines have points', await ask(`${all('#timeline polyline.now')}.every((e) => e.getAttribute('points').split(' ').length >= 5)`));
  await hover(one('#timeline svg'));
  check('pointing says the values', /^after .*Threads \d/.test(await text('#timeline output')), await text('#timeline output'));
  const before = await again(1);
  check('what was before is named', (await text('#words')).includes(before));
  check('and stands beside each figure', await ask(`${all(panel('cpu', '.value'))}.every((e) => /\\(\\d.*%\\)/.test(e.textContent))`));
  check('and behind the lines', await count('#timeline polyline.before') >= 3);
  await click(one(panel('cpu', '.function')));
  check('a function has what it was', /^before: /.test(await text('.card[data-of=cpu] small:last-child')), await text('.card[data-of=cpu]'));
  await click(`${all(panel('cpu', '.links a'))}.find((a) => a.textContent === 'Compared')`);
  await until('the flame graph compares', `/of=cpu-change/.test(location.search) && ${ready} && document.querySelectorAll('#flame .grew, #flame .shrank').length > 0`);
  await open(`${live}/ui/all`);
  await type('#collecting input[type=text]', 'http://10.0.0.1/stats');
  await click(one('#collecting button'));
  await until('another machine is not asked', `/on another machine/.test(${one('#messages')}.textContent)`);
  check('nothing but that goes wrong', problems.length === 1 && /status of 400/.test(problems[0]), problems);
  problems.length = 0; /* what is refused is told in the page, and by Chromium */
}

async function strangers() {
  await open(`${hostile}/ui/`);
  await click(one(panel('cpu', '.function')));
  await click(one('#threads tbody td:last-child button'));
  check('hostile names run nothing', await ask('window.hacked === undefined && document.querySelectorAll("main script, main img, main iframe").length === 0'));
  check('hostile names are shown as they are', await ask('["#panels", "#threads", "h1", "#locks"].every((s) => document.querySelector(s).textContent.includes("<script>"))'));
}

run(chromium, pictures, async () => {
  ring = await served('ring');
  await locks();
  hostile = await served('hostile');
  await strangers();
  live = await served('live');
  await trouble();
  folder = await serveFolder();
  for (const part of [panels, choosing, views, threads, collecting]) await part();
  noProblems();
  await open(`${folder}/ui/`);
  const name = await ask(`${one(panel('mutex', '.function'))}.title`);
  await looks(`${folder}/ui/all?fn=${encodeURIComponent(name)}`, 'all');
  await looks(`${live}/ui/all`, 'compared');
});
