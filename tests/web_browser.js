'use strict';
/*
 * Chromium without a window, spoken to over a pipe in its own protocol: no packages. Used by web_browser.sh:
 *
 *   node web_browser.js CHROMIUM GATEWAY-URL DIFFERENCE-URL HOSTILE-URL [DIRECTORY-FOR-PICTURES]
 *
 * Each URL is a pprof -http. Prints what fails; exit 1 if something does.
 */
const {spawn} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const [chromium, gateway, difference, hostile, pictures] = process.argv.slice(2);
const profile = fs.mkdtempSync(path.join(process.env.HOME || os.tmpdir(), 'web-browser-'));
const browser = spawn(chromium, ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run',
  '--disable-background-networking', '--disable-dev-shm-usage', '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
{stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], env: {...process.env, HOME: profile}});

let failed = 0, checks = 0, last = 0, session, rest = '';
const waiting = new Map(), problems = [];
let asked; /* resolved when the page asks a question */
const dialog = new Promise((resolve) => { asked = resolve; });

function check(what, good, found) {
  checks++;
  if (good) return;
  failed++;
  console.log(`fails: ${what}${found === undefined ? '' : ': ' + JSON.stringify(found)}`);
}

function send(method, params = {}) {
  const id = ++last;
  browser.stdio[3].write(JSON.stringify({id, method, params, sessionId: session}) + '\0');
  return new Promise((resolve, reject) => waiting.set(id, {resolve, reject, method}));
}

function receive(message) {
  const one = message.id && waiting.get(message.id);
  if (one && message.error) one.reject(new Error(`${one.method}: ${message.error.message}`));
  else if (one) one.resolve(message.result);
  if (message.method === 'Page.javascriptDialogOpening') asked();
  if (message.method === 'Runtime.exceptionThrown')
    problems.push(message.params.exceptionDetails.exception?.description || message.params.exceptionDetails.text);
  if (message.method === 'Log.entryAdded' && message.params.entry.level === 'error')
    problems.push(message.params.entry.text + ' ' + (message.params.entry.url || ''));
  if (message.method === 'Runtime.consoleAPICalled' && message.params.type === 'error')
    problems.push(message.params.args.map((a) => a.value).join(' '));
}

browser.stdio[4].on('data', (bytes) => {
  rest += bytes;
  const parts = rest.split('\0');
  rest = parts.pop();
  for (const part of parts) receive(JSON.parse(part));
});

/* The value of an expression in the page. */
async function ask(expression) {
  const r = await send('Runtime.evaluate', {expression, returnByValue: true, awaitPromise: true});
  if (r.exceptionDetails) throw new Error(expression + ': ' + (r.exceptionDetails.exception?.description || r.exceptionDetails.text));
  return r.result.value;
}

/* Asks until it is true, for as long as a busy machine may need. */
async function until(what, expression) {
  for (let i = 0; i < 400; i++) {
    if (await ask(expression).catch(() => false)) return check(what, true);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  check(what, false, await ask('location.href + " " + document.body.innerText.slice(0, 300)').catch(String));
}

const ready = 'document.readyState === "complete" && document.querySelector("#title").textContent !== "profile"';

async function open(url) {
  await send('Page.navigate', {url});
  await until(`${url} is there`, `location.href === ${JSON.stringify(url)} && ${ready}`);
}

async function key(name, text) {
  const codes = {Enter: 13, Escape: 27, ArrowDown: 40, ArrowUp: 38, ArrowLeft: 37, ArrowRight: 39};
  const event = {key: name, windowsVirtualKeyCode: codes[name] || name.toUpperCase().charCodeAt(0), text: text || (name === 'Enter' ? '\r' : undefined)};
  await send('Input.dispatchKeyEvent', {type: 'keyDown', ...event});
  await send('Input.dispatchKeyEvent', {type: 'keyUp', ...event});
}

async function click(selector) {
  const at = await ask(`(() => { const e = ${selector}; e.scrollIntoView({block: 'nearest'});
    const r = e.getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()`);
  for (const type of ['mousePressed', 'mouseReleased'])
    await send('Input.dispatchMouseEvent', {type, button: 'left', clickCount: 1, ...at});
}

async function type(text) {
  await ask('document.querySelector("#search").select()');
  await send('Input.insertText', {text});
}

const box = (name) => `Array.from(document.querySelectorAll('#flame div')).find((e) => e.box && e.box.name === ${JSON.stringify(name)})`;
const width = (name) => ask(`Math.round(100 * (${box(name)}?.offsetWidth || 0) / document.querySelector('#flame').offsetWidth)`);
const item = (text, where = '') => `Array.from(document.querySelectorAll('${where || '#refine a, .tools button, #filters a'}'))
  .find((e) => e.textContent.startsWith(${JSON.stringify(text)}))`;

/* Every control has a name for those who do not see it. */
async function named(where) {
  const {nodes} = await send('Accessibility.getFullAXTree');
  const roles = /^(button|link|textbox|searchbox|treeitem|tree|DisclosureTriangle|img|application)$/;
  const bare = nodes.filter((n) => !n.ignored && roles.test(n.role?.value) && !n.name?.value).map((n) => n.role.value);
  check(`${where}: all controls have names`, bare.length === 0, bare);
  check(`${where}: there are controls`, nodes.some((n) => roles.test(n.role?.value)));
}

/* The least contrast of text that is in sight with what is painted behind it. */
const contrast = `(() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  let least = [99, ''];
  for (const e of document.querySelectorAll('body *')) {
    if (!e.getClientRects().length || e.closest('svg, script, .rest') || e.disabled) continue;
    if (!Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.data.trim())) continue;
    let behind = e, back = [0, 0, 0, 0];
    for (; behind && (back[3] === 0); behind = behind.parentElement) {
      back = parse(getComputedStyle(behind).backgroundColor);
      if (back.length === 3) back.push(1);
    }
    const a = light(parse(getComputedStyle(e).color)), b = light(back);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0]) least = [ratio, e.outerHTML.slice(0, 120)];
  }
  return least;
})()`;

async function looks(url, name) {
  for (const scheme of ['light', 'dark']) {
    for (const size of [1400, 420]) {
      await send('Emulation.setEmulatedMedia', {features: [{name: 'prefers-color-scheme', value: scheme}]});
      await send('Emulation.setDeviceMetricsOverride', {width: size, height: 800, deviceScaleFactor: 1, mobile: false});
      await open(url);
      const [least, where] = await ask(contrast);
      check(`${name} in ${scheme}, ${size}: contrast ${least.toFixed(2)}`, least >= 4.5, where);
      const over = await ask('document.documentElement.scrollWidth - innerWidth');
      check(`${name}, ${size}: no wider than the window`, over <= 0, over);
      if (pictures) {
        const {data} = await send('Page.captureScreenshot');
        fs.writeFileSync(path.join(pictures, `${name}-${scheme}-${size}.png`), Buffer.from(data, 'base64'));
      }
    }
  }
  await send('Emulation.setEmulatedMedia', {features: []});
  await send('Emulation.clearDeviceMetricsOverride');
}

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

async function refine() {
  await open(`${gateway}/ui/`);
  await type('json_write');
  await click('document.querySelectorAll("summary")[2]');
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
  const menu = 'document.querySelectorAll("summary")[3]', links = (sign) => `Array.from(document.querySelectorAll('#configs a${sign}'), (a) => a.textContent).join()`;
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

async function strangers() {
  for (const view of ['', 'top', 'graph', 'peek', 'source']) {
    await open(`${hostile}/ui/${view}`);
    check(`hostile names run nothing in ${view || 'flamegraph'}`, await ask('window.hacked === undefined && document.querySelectorAll("main script, main img, main iframe").length === 0'));
    check(`hostile names are shown as they are in ${view || 'flamegraph'}`, await ask('document.querySelector("main").textContent.includes("<script>")'));
  }
}

async function main() {
  const {targetInfos} = await send('Target.getTargets');
  const target = targetInfos.find((t) => t.type === 'page');
  ({sessionId: session} = await send('Target.attachToTarget', {targetId: target.targetId, flatten: true}));
  for (const domain of ['Page', 'Runtime', 'Log', 'Accessibility']) await send(domain + '.enable');
  for (const part of [flame, refine, others, configurations, compared, strangers]) await part();
  check('nothing goes wrong in the page', problems.length === 0, problems);
  for (const name of ['flamegraph', 'top', 'graph', 'peek', 'source']) await looks(`${gateway}/ui/${name}`, name);
  await looks(`${difference}/ui/`, 'difference');
  console.log(`${checks} checks, ${failed} failed`);
}

const watchdog = setTimeout(() => { console.log('fails: it takes too long'); finish(1); }, 240000);
function finish(code) {
  clearTimeout(watchdog);
  setTimeout(() => browser.kill('SIGKILL'), 5000);
  browser.on('exit', () => {
    try {
      fs.rmSync(profile, {recursive: true, force: true, maxRetries: 20, retryDelay: 100});
    } catch (e) {
      console.log(`left behind: ${e.message}`); /* a process of its that is still writing */
    }
    process.exit(code);
  });
  session = undefined;
  send('Browser.close').catch(() => {});
}
browser.on('error', (e) => { console.log(String(e)); process.exit(1); });
main().then(() => finish(failed ? 1 : 0), (e) => { console.log('fails: ' + e.stack); finish(1); });
