// Bits: what the page's board answers, and a board behind Web Serial, are what core answers on a PC.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { bridge, inBrowser, openPage, settled, titles, told, withBoard } from './browser.mjs';

test('the page answers a whole transcript with the bytes of core on a PC, and of a board', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pocketrec-bits-'));
  try {
    const file = join(folder, 'transcript.txt');
    // Written by core on this PC, and then compared with the emulated board's answers.
    await withBoard((port) =>
      promisify(execFile)(told('POCKETREC_HOST'), ['selftest', '--image', told('POCKETREC_IMAGE'), '--predictions', '300', '--write', file, '--port', `tcp:127.0.0.1:${port}`]),
    );
    const lines = (await readFile(file, 'utf8')).split('\n');
    const plain = (line) => line.slice(2).split('  ')[0];
    const asked = lines.filter((line) => line.startsWith('> ')).map(plain);
    const due = lines.filter((line) => line.startsWith('< ')).map(plain);
    assert.ok(asked.length > 300 && asked.length === due.length);
    await inBrowser({}, async (context) => {
      const page = await openPage(context);
      const came = await page.evaluate(async (bodies) => {
        const all = [];
        for (const body of bodies) all.push(await window.pocketrec.connection.askBytes(body));
        return all;
      }, asked);
      assert.deepEqual(came, due);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a board behind Web Serial is rated, explained and undone, and the page goes on when it is unplugged', async () => {
  await withBoard((port) =>
    inBrowser({}, async (context) => {
      const wrong = [];
      let socket;
      const page = await openPage(context, wrong, async (page) => {
        socket = await bridge(page, port);
      });
      const here = await titles(page);
      await page.click('#use-serial');
      await settled(page);
      assert.match(await page.locator('#board').innerText(), /The board on USB/);
      assert.deepEqual(await titles(page), here, 'the same image, the same list');

      await page.locator('#list .row').nth(3).click();
      await settled(page);
      await page.getByRole('radio', { name: '0.5 stars', exact: true }).click();
      await settled(page);
      assert.match(await page.locator('#told').innerText(), /^0\.5 stars for .*Of the best 20, \d+ moved/);
      const moved = await titles(page);
      assert.notDeepEqual(moved, here);
      assert.equal(await page.locator('#count').innerText(), '1');

      // The page's own board knows nothing of it, and learns the same by the same rating.
      await page.click('#use-page');
      await settled(page);
      assert.deepEqual(await titles(page), here);
      await page.locator('#list .row').nth(3).click();
      await settled(page);
      await page.getByRole('radio', { name: '0.5 stars', exact: true }).click();
      await settled(page);
      assert.deepEqual(await titles(page), moved);

      await page.click('#use-serial');
      await settled(page);
      assert.equal(await page.locator('#count').innerText(), '1', 'the board has kept it');
      await page.click('#undo');
      await settled(page);
      assert.deepEqual(await titles(page), here);

      await page.evaluate(() => window.bridgeEnd());
      await page.waitForFunction(() => /unplugged/.test(document.querySelector('#notice').textContent));
      await settled(page);
      assert.deepEqual(await titles(page), moved);
      assert.deepEqual(wrong, []);
      socket.destroy();
    }),
  );
});
