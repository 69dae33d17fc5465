// What the page says: titles as people write them, numbers, and what moved in a list.

const ARTICLE = /^(.*), (The|A|An|Le|La|Les|L'|Der|Die|Das|El|Il|Los|Las)$/;

/** A title with its article in front, other names and year apart: `Matrix, The (1999)` is `The Matrix` of 1999. */
export function titled(text) {
  const [, whole, year] = /^(.*?)(?: \((\d{4}(?:[-–]\d{0,4})?)\))?$/s.exec(text.trim());
  const [, first, others] = /^(.+?)((?: \([^()]*(?:\([^()]*\)[^()]*)*\))*)$/s.exec(whole) ?? [null, whole, ''];
  const [, body, front] = ARTICLE.exec(first) ?? [];
  const name = body === undefined ? first : `${front}${front.endsWith("'") ? '' : ' '}${body}`;
  return { name, others: others.trim(), year };
}

export function fixed(number, digits = 2) {
  return number.toFixed(digits).replace('-', '−');
}

export function signed(number) {
  return number < 0 ? fixed(number) : `+${fixed(number)}`;
}

export function count(number, word, words = `${word}s`) {
  return `${number.toLocaleString('en')} ${number === 1 ? word : words}`;
}

/** What the things are called that people rate: one of them, and many. */
let item = ['movie', 'movies'];

/** From now on they are called so. */
export function call(one, many) {
  item = [one, many];
}

/** What the column of their ids is called in a file, as `host` calls it. */
export function idColumn() {
  return item[0] === 'movie' ? 'movieId' : 'itemId';
}

/** A text of this page’s own with their name in it. */
export function worded(text) {
  const [one, many] = item;
  return text.replace(/\b(a )?(movies?)\b/gi, (_, article, word) => {
    const own = word.length > 5 ? many : one;
    const named = word.startsWith('M') ? own.charAt(0).toUpperCase() + own.slice(1) : own;
    if (!article) return named;
    return `${article.trim()}${/^[aeiou]/i.test(own) ? 'n' : ''} ${named}`;
  });
}

/** As `worded`, of a template: what stands in its places, such as titles, stays as it is. */
export function say(parts, ...values) {
  return parts.map((part, at) => worded(part) + (values[at] ?? '')).join('');
}

/** How many of them. */
export function items(number) {
  return count(number, ...item);
}

export function stars(number) {
  return `${number} ${number === 1 ? 'star' : 'stars'}`;
}

/** A score in percent of the first one’s in its list, as `host` has it: it is in stars and is none. */
export function percent(score, first) {
  const behind = (first - score) / Math.max(Math.abs(first), 1e-3);
  return `${fixed(100 - 100 * behind, 0)} %`;
}

/** What scores count beside predicted stars, with the words for somebody’s latest ratings; null where that is nothing. */
export function counted({ popularity, interest }, ratings) {
  const all = [...(popularity ? ['popularity'] : []), ...(interest ? [ratings] : [])];
  return all.length > 0 ? all.join(' and ') : null;
}

/** What a score is: the `stars`, and what else its image lets it count. */
export function scoreOf(stars, beside, ratings) {
  const words = counted(beside, ratings);
  if (words === null) return `${stars} alone, as the image says nothing else`;
  return `${stars}${beside.popularity && beside.interest ? ',' : ' and'} ${words} together`;
}

/** What a list of the best counts beside the stars that are explained; how much of a score that is, where the `score` in it is
 * known and above 0. Null where that is nothing. */
export function inTheList(explained, score, beside) {
  const words = counted(beside, 'your latest ratings');
  if (words === null) return null;
  // The stars of a score aren’t clamped to the scale.
  const { mean, user_bias, movie_bias, dot, mlp } = explained;
  const given = mean + user_bias + movie_bias + dot + mlp;
  if (!(score > 0)) return `The list counts ${words} too`;
  if (score >= given) return `${fixed((100 * (score - given)) / score, 0)} % of its score comes from ${words}`;
  return `Its score is ${fixed((100 * (given - score)) / given, 0)} % less than these stars, by ${words}`;
}

/** What a list in this order is sorted by, for a row, beside the `first` one: nothing where its stars say it. */
export function sortedBy(order, number, first) {
  const words = {
    Score: `score ${percent(number ?? 0, first ?? 0)}`,
    Taste: `taste ${signed(number ?? 0)}`,
    Fame: `fame ${fixed(number ?? 0)}`,
    Surprise: `${signed(number ?? 0)} above`,
    Above: `${signed(number ?? 0)} above`,
  };
  return words[order] ?? null;
}

/** What follows predicted stars: between which ones a rating is likely to be, or nothing where that isn't known. */
export function likely(interval) {
  return interval ? `, likely ${fixed(interval.low, 1)} to ${fixed(interval.high, 1)}` : '';
}

/** How each movie of a list moved since the one before: places up, 0, or `new`. */
export function moves(before, now) {
  const was = new Map(before.map((ranked, at) => [ranked.movie, at]));
  return new Map(now.map(({ movie }, at) => [movie, was.has(movie) ? was.get(movie) - at : 'new']));
}

/** That in a sentence; `name` names a movie. */
export function moved(before, now, name) {
  const by = moves(before, now);
  const all = now.filter(({ movie }) => by.get(movie) !== 0);
  if (all.length === 0) return `None of the best ${now.length} moved.`;
  let sentence = `Of the best ${now.length}, ${all.length} moved`;
  const places = all.filter(({ movie }) => by.get(movie) !== 'new');
  if (places.length > 0) {
    const far = (ranked) => Math.abs(by.get(ranked.movie));
    const most = places.reduce((best, ranked) => (far(ranked) > far(best) ? ranked : best));
    const up = by.get(most.movie);
    sentence += `: most ${name(most.movie)}, ${up > 0 ? 'up' : 'down'} ${count(Math.abs(up), 'place')}`;
  }
  const fresh = all.filter(({ movie }) => by.get(movie) === 'new');
  if (fresh.length === 1) sentence += `; ${name(fresh[0].movie)} is new`;
  if (fresh.length > 1) sentence += `; ${fresh.length} are new, ${name(fresh[0].movie)} first`;
  return `${sentence}.`;
}

/** The parts of a prediction, each with what it is to `whom`: you, or another. */
export function parts(explained, whom = 'you') {
  const [rate, taste] = whom === 'you' ? ['how you rate', 'your taste'] : [`how ${whom} rates`, `the taste of ${whom}`];
  const named = [
    [explained.user_bias, `${rate} in general`],
    [explained.movie_bias, 'how it is rated in general'],
    [explained.dot, `${taste} and its kind`],
    [explained.mlp, 'the network'],
  ];
  // A part that a model does not have adds this very number.
  return [[fixed(explained.mean), 'what all predictions start from'], ...named.filter(([part]) => part !== 0).map(([part, what]) => [signed(part), what])];
}
