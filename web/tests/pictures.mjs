// The README's pictures of the page: after three ratings, with one movie open, in light and dark.

import { writeFile } from 'node:fs/promises';

import { inBrowser, openPage, settled } from './browser.mjs';

for (const colorScheme of ['light', 'dark']) {
  const options = { viewport: { width: 1280, height: 900 }, colorScheme, reducedMotion: 'reduce' };
  await inBrowser(options, async (context) => {
    const page = await openPage(context);
    for (const [movie, stars] of [[1, 5], [1214, 1], [1210, 4.5]]) {
      await page.evaluate(([movie, stars]) => window.pocketrec.rate(movie, stars), [movie, stars]);
    }
    await settled(page);
    await page.evaluate(() => window.pocketrec.open(window.pocketrec.top[1].movie));
    await settled(page);
    // Frames that are drawn when there is time.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const browser = await context.newCDPSession(page);
    const { data } = await browser.send('Page.captureScreenshot', { format: 'webp', quality: 82 });
    await writeFile(`docs/page-${colorScheme}.webp`, Buffer.from(data, 'base64'));
  });
}
