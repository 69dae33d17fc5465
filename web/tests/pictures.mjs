// The README's pictures of the page: after three ratings, with one movie open, in light and dark.

import { join } from 'node:path';

import { inBrowser, openPage, settled } from './browser.mjs';

const FOLDER = process.env.POCKETREC_PICTURES ?? 'docs';
const SIZES = process.env.POCKETREC_PICTURES ? [[1280, 860], [390, 844]] : [[1280, 860]];

for (const [width, height] of SIZES) {
  for (const colorScheme of ['light', 'dark']) {
    await inBrowser({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' }, async (context) => {
      const page = await openPage(context);
      for (const [movie, stars] of [[1, 5], [1210, 4.5], [1214, 1]]) {
        await page.evaluate(([movie, stars]) => window.pocketrec.rate(movie, stars), [movie, stars]);
      }
      await settled(page);
      await page.evaluate(() => window.pocketrec.open(window.pocketrec.top[1].movie));
      await settled(page);
      const name = width < 1000 ? `page-${width}-${colorScheme}` : `page-${colorScheme}`;
      await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: width < 1000 });
    });
  }
}
