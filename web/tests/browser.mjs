// Chromium with an empty profile, the page in it, and a board in an emulator. `cargo xtask web --test` says where all of
// that is.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

/** What the task runner has told; without it nothing is tested, and that is no success. */
export function told(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`cargo xtask web --test\``);
  return value;
}

const { chromium } = createRequire(join(told('POCKETREC_PACKAGES'), 'node_modules', 'x'))('playwright-core');

const PLAIN = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Does something in a browser that nobody has used, which is gone then. */
export async function inBrowser(options, work) {
  const profile = await mkdtemp(join(tmpdir(), 'pocketrec-page-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: told('POCKETREC_CHROMIUM'),
    headless: true,
    args: PLAIN,
    acceptDownloads: true,
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  try {
    return await work(context);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}

/** Opens the page from disk; `wrong` collects what it complains of, and what it would load from elsewhere. */
export async function openPage(context, wrong = [], prepare) {
  const page = context.pages()[0] ?? (await context.newPage());
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
  page.on('request', (request) => /^(https?|wss?):/.test(request.url()) && wrong.push(request.url()));
  await prepare?.(page);
  await page.goto(pathToFileURL(told('POCKETREC_PAGE')).href);
  await page.waitForFunction(() => window.pocketrec && !document.querySelector('#list:empty'));
  await settled(page);
  return page;
}

/** Waits until the page has done all that it was asked. */
export async function settled(page) {
  await page.waitForFunction(() => window.pocketrec.settling === null);
  await page.evaluate(async () => {
    // Work may begin more work.
    for (let last; last !== window.pocketrec.busy; ) {
      last = window.pocketrec.busy;
      await last;
    }
  });
}

/** The titles of the list, as they stand there. */
export function titles(page) {
  return page.locator('#list .row .name').evaluateAll((names) => names.map((name) => name.firstChild.textContent));
}

/** A firmware in an emulator with the page's image, which programs ask at a port of this machine. */
export async function withBoard(work) {
  const folder = await mkdtemp(join(tmpdir(), 'pocketrec-board-'));
  const host = spawn(told('POCKETREC_HOST'), ['emulate', 'stm32f405', '--image', told('POCKETREC_IMAGE'), '--profile', join(folder, 'profile')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  const ended = new Promise((done) => host.on('exit', done));
  try {
    const port = await new Promise((found, lost) => {
      createInterface({ input: host.stdout }).on('line', (line) => {
        const match = /tcp:127\.0\.0\.1:(\d+)/.exec(line);
        if (match) found(Number(match[1]));
      });
      ended.then((code) => lost(new Error(`the emulated board ended with ${code}`)));
    });
    return await work(port);
  } finally {
    host.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

/** Gives a page a `navigator.serial` whose one port is the board at `port`. */
export async function bridge(page, port) {
  const socket = net.connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await page.exposeFunction('bridgeWrite', (bytes) => new Promise((done) => socket.write(Buffer.from(bytes), done)));
  await page.addInitScript(() => {
    let inbox;
    window.bridgeRead = (bytes) => inbox?.enqueue(new Uint8Array(bytes));
    window.bridgeEnd = () => inbox?.close();
    class Port {
      async open({ baudRate }) {
        if (baudRate !== 115200) throw new Error(`the board does not speak at ${baudRate}`);
        this.readable = new ReadableStream({
          start(controller) {
            inbox = controller;
          },
          cancel: () => {
            this.readable = null;
          },
        });
        this.writable = new WritableStream({ write: (bytes) => window.bridgeWrite([...bytes]) });
      }
      async close() {
        inbox = null;
      }
    }
    Object.defineProperty(navigator, 'serial', { configurable: true, value: { requestPort: async () => new Port() } });
  });
  let turn = Promise.resolve();
  socket.on('data', (bytes) => {
    turn = turn.then(() => page.evaluate((list) => window.bridgeRead(list), [...bytes])).catch(() => {});
  });
  return socket;
}
