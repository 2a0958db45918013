'use strict';
/*
 * pprof -http as a browser shows it. Used by web_browser.sh:
 *
 *   node web_browser.js CHROMIUM GATEWAY-URL DIFFERENCE-URL HOSTILE-URL OWN-URL CROWD-URL PROGRAM-URL [DIRECTORY-FOR-PICTURES]
 *
 * Each URL is a pprof -http, OWN's of a binary that is there, CROWD's of 3,000 boxes; but for the program's, which are its endpoints.
 */
const http = require('node:http');
const {check, send, ask, until, open, key, click, named, looks, run, problems, noProblems, dialog, ready} = require('./browser.js');

const [chromium, gateway, difference, hostile, own, crowd, program, pictures] = process.argv.slice(2);

async function type(text) {
  await ask('document.querySelector("#search").select()');
  await send('Input.insertText', {text});
}

const box = (name) => `Array.from(document.querySelectorAll('#flame div')).find((e) => e.box && e.box.name === ${JSON.stringify(name)})`;
const width = (name) => ask(`Math.round(100 * (${box(name)}?.offsetWidth || 0) / document.querySelector('#flame').offsetWidth)`);
const item = (text, where = '') => `Array.from(document.querySelectorAll('${where || '#refine a, .tools button, #filters a'}'))
  .find((e) => e.textContent.startsWith(${JSON.stringify(text)}))`;

async function flame() {
  await open(`${gateway}/ui/`);
  check('all is as wide as there is room', (await width('all')) >= 99, await width('all'));
  check('main is all', (await width('main')) >= 99);
  const before = await width('cache_get');
  check('cache_get has its share', before > 50 && before < 65, before);
  await named('flame graph');

  await type('^json_');
  await until('search says how many, and the share', '/^3 functions, 40\\.95% of the total/.test(document.querySelector("#found").textContent)');
  check('what matches is marked', await ask('Array.from(document.querySelectorAll("#flame .hit")).every((e) => e.box.name.startsWith("json_")) && document.querySelectorAll("#flame .hit").length === 5'));
  check('the search is in the address', await ask('new URLSearchParams(location.search).get("q")') === '^json_');
  await type('(');
  check('a bad expression is told', await ask('document.querySelector("#search").getAttribute("aria-invalid")') === 'true');
  await type('');

  await click(box('cache_get'));
  check('a click zooms', (await width('cache_get')) >= 99, await width('cache_get'));
  check('others go', (await width('json_write')) === 0);
  check('callers stay', (await width('main')) >= 99);
  await ask('history.back()');
  await until('back unzooms', `${box('json_write')} !== undefined`);
  await ask('history.forward()');
  await until('forward zooms', `${box('json_write')} === undefined`);
  await send('Page.reload');
  await until('reload keeps the zoom', `${ready} && ${box('json_write')} === undefined && ${box('cache_get')} !== undefined`);
  await click(item('Reset zoom'));
  check('the button unzooms', (await width('json_write')) > 30);

  await ask('document.querySelector("#flame").focus()');
  for (const name of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowDown', 'ArrowUp']) await key(name);
  const at = await ask('document.querySelector("footer b").textContent');
  check('arrow keys move', at === 'json_write', at);
  check('the keys\' box is named', await ask('document.getElementById(document.querySelector("#flame").getAttribute("aria-activedescendant")).getAttribute("aria-label")').then((t) => /^json_write 430ms \(40\.95%\)/.test(t)));
  await key('Enter');
  check('Enter zooms', (await width('json_write')) >= 99);
  await key('Escape');
  check('Escape goes out', (await width('json_write')) < 99);
  await key('/', '/');
  check('/ goes to the search', await ask('document.activeElement.id') === 'search');

  await click(item('Invert'));
  check('inverted: the heaviest own weight first', await ask('document.querySelectorAll("#flame div")[1].box.name') === 'list_move');
  check('inverted: 450 of 1050 ms', (await width('list_move')) === 43, await width('list_move'));
  await open(`${gateway}/ui/flamegraph?p=cache_get`);
  check('pivot: all around it', (await width('cache_get')) >= 99 && (await width('serve_request')) >= 99);
  check('pivot: its callers are above, its callees below', await ask(`${box('serve_request')}.offsetTop < ${box('cache_get')}.offsetTop &&
    ${box('list_move')}.offsetTop > ${box('cache_get')}.offsetTop`));
  check('pivot: others are not there', (await width('json_write')) === 0);
}

/* Of a large graph, rows are made as they come into sight. */
async function large() {
  const boxes = () => ask('document.querySelectorAll("#flame div").length');
  await open(`${crowd}/ui/`);
  const first = await boxes();
  check('not all is made at once', first > 30 * 20 && first < 30 * 90, first);
  check('there is room for all', await ask('document.querySelector("#flame").offsetHeight') >= 100 * 20);
  await type('^f7_99$');
  await until('what is out of sight is found', '/^1 functions, 3\\.33% of/.test(document.querySelector("#found").textContent)');
  await ask('document.querySelector("#flame").scrollIntoView({block: "end"})');
  await until('what comes into sight is made, and marked', 'document.querySelector("#flame .hit")?.box.name === "f7_99"');
  await open(`${crowd}/ui/`);
  await ask('document.querySelector("#flame").focus()');
  for (let i = 0; i < 90; i++) await key('ArrowDown');
  const at = await ask('document.querySelector("#flame .current").box.name');
  check('arrow keys lead out of sight', at === 'f0_88', at);
  await ask('dispatchEvent(new Event("beforeprint"))');
  check('all is printed', (await boxes()) === 3001, await boxes());
}

async function refine() {
  await open(`${gateway}/ui/`);
  await type('json_write');
  await click('document.querySelector("#refining > summary")');
  await click(item('Focus'));
  await until('focus is in the address', `new URLSearchParams(location.search).get('f') === 'json_write' && ${ready}`);
  check('focus leaves percentages of the whole', await ask(`${box('json_write')}.getAttribute('aria-label')`) === 'json_write 430ms (40.95%)');
  check('focus leaves its samples', (await width('json_write')) >= 99 && (await width('cache_get')) === 0);
  check('the filter is shown', await ask(`${item('Focus: json_write')} !== undefined`));
  await ask('history.back()');
  await until('back takes the focus away', `!new URLSearchParams(location.search).has('f') && ${ready} && ${box('cache_get')} !== undefined`);
  await open(`${gateway}/ui/top?i=json_write&h=main`);
  check('ignore and hide', await ask('!/json_|^main$/m.test(document.querySelector("tbody").innerText) && /list_move/.test(document.querySelector("tbody").innerText)'));
  await click(item('Hide: main'));
  await until('a filter is removed by a click', `new URLSearchParams(location.search).get('h') === null && ${ready}`);
  const terms = {lines: ['list_move', 'list_move'], files: ['cache.c', 'demos/lesson6/cache\\.c'], addresses: ['list_move', 'list_move']};
  for (const [g, [part, wanted]] of Object.entries(terms)) {
    await open(`${gateway}/ui/top?g=${g}`);
    await click(`Array.from(document.querySelectorAll('tbody button')).find((b) => b.textContent.includes(${JSON.stringify(part)}))`);
    const f = await ask(`new URL(${item('Focus', 'footer a')}.href).searchParams.get('f')`);
    check(`an entry of ${g} is focused by its name`, f === `^${wanted}$`, f);
  }
  await open(`${gateway}/ui/top`);
  await click(`Array.from(document.querySelectorAll('tbody button')).find((b) => b.textContent === '[libc.so.6]')`);
  await click(item('Focus', 'footer a'));
  await until('a binary is focused', `/f=/.test(location.search) && ${ready} && document.querySelector('#messages').textContent === '' && document.querySelectorAll('tbody tr').length > 1`);
  await open(`${gateway}/ui/top?f=nosuchthing`);
  check('a focus that matches nothing is told', await ask('/matched no samples/.test(document.querySelector("#messages").textContent)'));
  await open(`${gateway}/ui/?f=%28`);
  check('a bad focus is told, and can be left', await ask('/missing closing parenthesis/.test(document.querySelector("#messages").textContent) && document.querySelectorAll("#filters a").length === 1'));
  problems.length = 0; /* a page with status 400 is one to Chromium */
}

async function others() {
  await open(`${gateway}/ui/top`);
  await named('top');
  check('top: by flat', await ask('document.querySelector("tbody td:last-child button").textContent') === 'list_move');
  await click('document.querySelectorAll("th button")[3]');
  check('top: by cum', await ask('Number.parseFloat(document.querySelector("tbody tr").children[4].textContent)') === 100);
  check('top: the order is in the address', await ask('new URLSearchParams(location.search).get("sort")') === 'cum');
  await type('hash_key');
  check('top: search marks', await ask('Array.from(document.querySelectorAll("tr.hit"), (r) => r.querySelector("button").textContent).join()') === 'hash_key');
  await type('');
  await click('document.querySelector("tbody td:last-child button")');
  await click(item('Peek', 'footer a'));
  await until('top leads to peek', `/\\/ui\\/peek/.test(location.pathname) && ${ready} && /calls%/.test(document.querySelector('pre').textContent)`);

  await open(`${gateway}/ui/source?f=list_move`);
  check('source has the function', await ask('/list_move/.test(document.querySelector(".listing h2").textContent)'));
  await named('source');
  await open(`${gateway}/ui/graph`);
  if (await ask('/dot, which draws/.test(document.querySelector("#messages").textContent)')) {
    console.log('no dot here: its view says so');
  } else {
    check('graph: has the functions', await ask('document.querySelectorAll("#graph g.node").length') > 5);
    const before = await ask('document.querySelector("#graph svg").getAttribute("viewBox")');
    await click(item('Larger'));
    check('graph: zooms', await ask('document.querySelector("#graph svg").getAttribute("viewBox")') !== before);
    await type('^json_');
    check('graph: search marks', await ask('document.querySelectorAll("#graph .hit").length') === 3);
    await named('graph');
  }
  await open(`${gateway}/ui/flamegraph?si=samples`);
  check('another sample type', await ask('/^main 105 /.test(Array.from(document.querySelectorAll("#flame div"))[1].getAttribute("aria-label"))'));
}

async function configurations() {
  await open(`${gateway}/ui/top?i=json_write`);
  const menu = 'document.querySelector("#configuring > summary")', links = (sign) => `Array.from(document.querySelectorAll('#configs a${sign}'), (a) => a.textContent).join()`;
  check('no configuration but the default', await ask(links('')) === 'Default');
  await click(menu);
  await click('document.querySelector("#configs input")');
  await send('Input.insertText', {text: 'without <json>'});
  await key('Enter');
  await until('a configuration is saved, and is the present one', `${ready} && ${links('[aria-current]')} === 'without <json>'`);
  await open(`${gateway}/ui/top`);
  await click(menu);
  await click('document.querySelectorAll("#configs a")[1]');
  await until('it is gone back to', `new URLSearchParams(location.search).get('i') === 'json_write' && ${ready}`);
  await named('configurations');
  await click(menu);
  const pressed = click('document.querySelector("#configs .entry button")');
  await dialog;
  await send('Page.handleJavaScriptDialog', {accept: true});
  await pressed;
  await until('it is deleted', `${ready} && ${links('')} === 'Default'`);
}

async function compared() {
  await open(`${difference}/ui/`);
  check('what grew and what shrank differ in colour', await ask('document.querySelectorAll("#flame .grew").length > 0 && document.querySelectorAll("#flame .shrank").length > 0'));
  check('a change has its sign', await ask('Array.from(document.querySelectorAll("#flame .grew")).every((e) => / \\+/.test(e.getAttribute("aria-label")))'));
}

/* Instructions of a true binary, each with what it costs. */
async function instructions() {
  await open(`${own}/ui/`);
  await click(box('sampled_function'));
  await click(item('Disassemble', 'footer a'));
  await until('a function leads to its instructions', `location.pathname === '/ui/disasm' && ${ready} && document.querySelector('pre') !== null`);
  const lines = (await ask('document.querySelector("pre").textContent')).split('\n');
  check('disasm: names the function', lines.some((line) => /^ROUTINE =+ sampled_function$/.test(line)), lines.slice(0, 5));
  check('disasm: an instruction has the samples', lines.some((line) => /^ +7 +7 .*[0-9a-f]+: +[a-z]+/.test(line)), lines);
  check('disasm: it returns', lines.some((line) => /: +ret/.test(line)), lines);
  await named('disasm');
}

async function strangers() {
  for (const view of ['', 'top', 'graph', 'peek', 'source']) {
    await open(`${hostile}/ui/${view}`);
    check(`hostile names run nothing in ${view || 'flamegraph'}`, await ask('window.hacked === undefined && document.querySelectorAll("main script, main img, main iframe").length === 0'));
    check(`hostile names are shown as they are in ${view || 'flamegraph'}`, await ask('document.querySelector("main").textContent.includes("<script>")'));
  }
}

/* What a page at another address than theirs gets, in every way in which it can have a browser ask: what it can read, and
 * whether there is an answer at all, since a profile of an hour would take that long. */
const attempts = (urls) => `(async () => {
  const soon = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, 3000, 'is still made'))]);
  const element = (tag, url) => new Promise((done) => {
    const e = document.createElement(tag);
    e.onload = () => done(tag === 'iframe' ? '' : 'loaded');
    e.onerror = () => done('');
    e.src = url;
    document.body.append(e);
  });
  const got = [];
  for (const url of ${JSON.stringify(urls)}) {
    const ways = {
      fetch: fetch(url).then((r) => r.text(), () => ''),
      opaque: fetch(url, {mode: 'no-cors'}).then((r) => r.text(), () => ''),
      post: fetch(url, {mode: 'no-cors', method: 'POST', body: 'a=b'}).then((r) => r.text(), () => ''),
    };
    for (const tag of ['img', 'script', 'iframe']) ways[tag] = element(tag, url);
    for (const [way, promise] of Object.entries(ways)) {
      const answer = await soon(promise);
      if (answer) got.push(way + ' ' + url + ': ' + answer.slice(0, 40));
    }
  }
  return got;
})()`;

async function elsewhere() {
  const site = http.createServer((_, answer) => answer.setHeader('Content-Type', 'text/html')
    .end(`<!doctype html><title>elsewhere</title><link rel="icon" href="data:,"><a href="${gateway}/ui/top">here</a>`));
  await new Promise((done) => site.listen(0, '127.0.0.1', done));
  const urls = ['/ui/', '/ui/top', '/ui/download', '/ui/app.js', '/ui/saveconfig?config=stranger&f=x'].map((at) => gateway + at)
    .concat(['/', '/heap', '/threads?debug=2', '/profile?seconds=3600', '/symbol?0x1'].map((at) => program + at));
  for (const name of ['localhost', '127.0.0.1']) { // of the same site, by another port; of another
    const url = `http://${name}:${site.address().port}/`;
    await send('Page.navigate', {url});
    await until('the page of a stranger is there', `location.href === ${JSON.stringify(url)} && document.readyState === 'complete'`);
    const got = await ask(attempts(urls));
    check(`a page at ${name} gets nothing`, got.length === 0, got);
  }
  await click('document.querySelector("a")');
  await until('its link can be followed', `location.href === ${JSON.stringify(gateway + '/ui/top')} && ${ready}`);
  check('it has saved nothing', await ask('!document.querySelector("#configs").textContent.includes("stranger")'));
  site.close();
  problems.length = 0; // of its page
}

run(chromium, pictures, async () => {
  for (const part of [flame, large, refine, others, configurations, compared, instructions, strangers]) await part();
  noProblems();
  await elsewhere();
  for (const name of ['flamegraph', 'top', 'graph', 'peek', 'source']) await looks(`${gateway}/ui/${name}`, name);
  await looks(`${difference}/ui/`, 'difference');
  await looks(`${own}/ui/disasm?f=sampled_function`, 'disasm');
});
