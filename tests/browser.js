'use strict';
/*
 * Chromium without a window, spoken to over a pipe in its own protocol: no packages. For the scripts that look at what
 * pprof -http shows:
 *
 *   const {check, open, ...} = require('./browser.js');
 *   run(CHROMIUM, DIRECTORY-FOR-PICTURES or undefined, async () => { ... });
 *
 * Prints what fails; exit 1 if something does, an error in a page's console included.
 */
const {spawn} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

let browser, profile, pictures;
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

function hear(bytes) {
  rest += bytes;
  const parts = rest.split('\0');
  rest = parts.pop();
  for (const part of parts) receive(JSON.parse(part));
}

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

function start(chromium) {
  profile = fs.mkdtempSync(path.join(process.env.HOME || os.tmpdir(), 'web-browser-'));
  browser = spawn(chromium, ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run',
    '--disable-background-networking', '--disable-dev-shm-usage', '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
  {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], env: {...process.env, HOME: profile}});
  browser.stdio[4].on('data', hear);
  browser.on('error', (e) => { console.log(String(e)); process.exit(1); });
}

async function attach() {
  const {targetInfos} = await send('Target.getTargets');
  const target = targetInfos.find((t) => t.type === 'page');
  ({sessionId: session} = await send('Target.attachToTarget', {targetId: target.targetId, flatten: true}));
  for (const domain of ['Page', 'Runtime', 'Log', 'Accessibility']) await send(domain + '.enable');
}

function finish(code) {
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

/* look() is all there is to check; it may take this long, on a machine that is busy. */
function run(chromium, directory, look) {
  const watchdog = setTimeout(() => { console.log('fails: it takes too long'); finish(1); }, 240000);
  pictures = directory;
  start(chromium);
  attach().then(look).then(() => {
    console.log(`${checks} checks, ${failed} failed`);
    return failed ? 1 : 0;
  }, (e) => { console.log('fails: ' + e.stack); return 1; }).then((code) => { clearTimeout(watchdog); finish(code); });
}

/* What went wrong in the pages so far. */
function noProblems() {
  check('nothing goes wrong in the page', problems.length === 0, problems);
}

module.exports = {check, send, ask, until, open, key, click, named, looks, run, problems, noProblems, dialog, ready};
