// An owner's ratings as a file, as `host query ratings --save` writes and `--load` reads it.

import { idColumn, say, stars } from './words.js';

/** Ratings in one `Import`. */
const AT_ONCE = 8;

export function toFile(ratings) {
  return [`${idColumn()},rating`, ...ratings.map(({ movie, stars }) => `${movie},${stars}`), ''].join('\n');
}

/** The cells of a line of CSV: those in double quotes may hold commas, and a double quote twice. */
function cellsOf(line) {
  const cells = [];
  const cell = /\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(,|$)/y;
  for (let end = ','; end === ','; ) {
    const match = cell.exec(line);
    if (!match) return null;
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2].trim());
    end = match[3];
  }
  return cells;
}

/**
 * The ratings in a file's text, and how many in it are other people's than the `owner`'s, where it says whose they are, as the
 * file does in which `host` keeps an emulated board's. Throws a sentence that names the line which is none.
 */
export function fromFile(text, name, owner) {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = (cellsOf(lines[0]) ?? []).map((cell) => cell.toLowerCase().replace(/[^a-z]/g, ''));
  const movie = header.findIndex((cell) => cell === 'movieid' || cell === 'itemid');
  const [rating, whose] = ['rating', 'owner'].map((column) => header.indexOf(column));
  if (movie < 0 || rating < 0) {
    throw new Error(`line 1 of ${name} should name the columns ${idColumn()} and rating`);
  }
  const ratings = [];
  let others = 0;
  lines.forEach((line, at) => {
    if (at === 0 || line.trim() === '') return;
    const cells = cellsOf(line) ?? [];
    // A movie that was added to the board's image.
    if (whose >= 0 && cells[whose] === 'movie') return;
    const number = (column) => (cells[column]?.trim() ? Number(cells[column]) : NaN);
    const [id, stars] = [movie, rating].map(number);
    if (!Number.isInteger(id) || id < 0 || id > 0xffffffff || !Number.isFinite(stars)) {
      throw new Error(`line ${at + 1} of ${name}, “${line}”, should have ${say`a movie’s id`} and its stars, such as 1,4.5`);
    }
    if (whose >= 0 && number(whose) !== owner) others += 1;
    else ratings.push([id, stars]);
  });
  return { ratings, others };
}

/** Gives ratings to a board; returns how many it took, and why not the others. */
export async function give(connection, who, ratings) {
  let taken = 0;
  const refused = new Map();
  for (let at = 0; at < ratings.length; ) {
    const some = ratings.slice(at, at + AT_ONCE);
    const filled = [...some, ...Array(AT_ONCE - some.length).fill([0, 0])];
    const { reply } = await connection.ask({ Import: { who, count: some.length, ratings: filled } });
    const { taken: now, refused: why } = reply.Imported;
    taken += now;
    at += now;
    if (why === null) continue;
    const kind = typeof why === 'string' ? why : Object.keys(why)[0];
    if (kind !== 'UnknownMovie' && kind !== 'OffScale') {
      refused.set(kind, ratings.length - at);
      break;
    }
    // That one is left out, and the ones behind it go on.
    refused.set(kind, (refused.get(kind) ?? 0) + 1);
    at += 1;
  }
  return { taken, refused };
}

/** Why ratings were left out, in words. */
export function leftOut(refused, scale) {
  const why = {
    UnknownMovie: say`of movies that the model does not have`,
    OffScale: `that are not ${scale.lowest} to ${stars(scale.highest)} in steps of ${scale.step}`,
    LogFull: 'because the board’s memory of ratings is full',
  };
  return [...refused].map(([kind, number]) => `${number} left out, ${why[kind] ?? `which the board refused (${kind})`}`).join('; ');
}
