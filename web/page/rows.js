// A list's rows: a movie with its number, and what opens below it, its stars to give, why, and what is near it.

import { fixed, inTheList, likely, parts, signed, stars, titled } from './words.js';

const STAR = 'M12 2.6l2.9 6.1 6.7.8-5 4.6 1.4 6.6-6-3.3-6 3.3 1.4-6.6-5-4.6 6.7-.8z';

/** An element with attributes, properties and children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/**
 * `row` has `movie`, `place`, `stars`, `move`, `given`, `by`, what the list is sorted by in words, and `theirs` in a list for two;
 * `desk` is what rows need of the page.
 */
export function rowOf(row, desk) {
  const movie = desk.movie(row.movie);
  const { name, others, year } = titled(movie.title);
  const isOpen = desk.opened === row.movie;
  const number = row.given ?? row.stars;
  const head = element(
    'button',
    { type: 'button', class: row.theirs === undefined ? 'row' : 'row two', 'aria-expanded': String(isOpen), 'data-focus': `row-${row.movie}`, 'data-movie': row.movie, onclick: () => desk.open(row.movie) },
    element('span', { class: 'place' }, row.place ? String(row.place) : ''),
    element('span', { class: 'name' }, name, year ? element('span', { class: 'year' }, ` ${year}`) : null),
    element('span', { class: 'genres' }, others ? element('span', { class: 'others' }, others) : null, row.by ? element('span', { class: 'by' }, row.by) : null, [row.by ? '' : null, ...movie.genres.slice(0, 4)].filter((part) => part !== null).join(' · ')),
    moveOf(row.move),
    number === undefined
      ? element('span', { class: 'value' })
      : element(
          'span',
          { class: 'value' },
          element('span', { class: 'hidden' }, row.given === undefined ? 'predicted ' : 'your rating '),
          row.given === undefined ? fixed(number) : String(number),
          element('span', { class: 'hidden' }, ' stars'),
          barOf(number, desk.scale),
        ),
    row.theirs === undefined
      ? null
      : element(
          'span',
          { class: 'value theirs' },
          element('span', { class: 'hidden' }, `, ${desk.other.name}: predicted `),
          fixed(row.theirs),
          element('span', { class: 'hidden' }, ' stars'),
          barOf(row.theirs, desk.scale),
        ),
  );
  const item = element('li', { class: isOpen ? 'open' : null, 'data-key': row.movie }, head);
  if (isOpen) item.append(moreOf(row.movie, desk));
  return item;
}

function moveOf(move) {
  if (!move) return null;
  if (move === 'new') return element('span', { class: 'move new' }, 'new');
  const up = move > 0;
  return element(
    'span',
    { class: `move ${up ? 'up' : 'down'}` },
    element('span', { 'aria-hidden': 'true' }, `${up ? '▲' : '▼'} ${Math.abs(move)}`),
    element('span', { class: 'hidden' }, `${up ? 'up' : 'down'} ${Math.abs(move)} places`),
  );
}

function barOf(number, { lowest, highest }) {
  const bar = element('i');
  bar.style.width = `${Math.max(0, Math.min(1, (number - lowest) / (highest - lowest))) * 100}%`;
  return element('span', { class: 'unit', 'aria-hidden': 'true' }, bar);
}

function moreOf(id, desk) {
  const more = element('div', { class: 'more' });
  const given = desk.rated.get(id);
  const forget =
    given === undefined
      ? null
      : element('button', { type: 'button', class: 'plain', 'data-focus': `forget-${id}`, onclick: () => desk.forget(id) }, 'Forget it');
  more.append(
    element('div', {}, element('h3', {}, given === undefined ? 'Seen it? Rate it' : `You gave it ${stars(given)}`), element('div', { class: 'stars' }, starsOf(id, given, desk), forget)),
  );
  const about = desk.about;
  if (about?.movie !== id) return more;
  if (about.explained) more.append(whyOf(about, about.theirs ? 'you' : null, desk));
  if (about.theirs) more.append(whyOf(about.theirs, desk.other.name, desk));
  if (about.similar) {
    const chip = ({ movie }) => element('button', { type: 'button', 'data-focus': `near-${movie}`, onclick: () => desk.visit(movie) }, desk.name(movie));
    more.append(element('div', {}, element('h3', {}, 'Near it'), element('div', { class: 'chips' }, ...about.similar.map(chip))));
  }
  if (about.refused) more.append(element('p', { class: 'fine' }, about.refused));
  return more;
}

/** Why the movie has its stars, and for whom where it is for two. */
function whyOf({ movie: id, explained, likely: interval }, whom, desk) {
  const isOwn = whom === null || whom === 'you';
  const because = explained.because.map(({ movie, stars: rated, moved }) => [signed(moved), `of it from ${isOwn ? 'your' : 'their'} ${rated} for ${desk.name(movie)}`]);
  // A list for two counts from each one’s own mean.
  const isInList = whom === null && desk.order() === 'Score';
  const ranked = desk.top.find(({ movie }) => movie === id);
  const more = isInList ? inTheList(explained, ranked?.score, desk.counts()) : null;
  const line = ([number, what]) => element('li', {}, element('b', {}, number), element('span', {}, what));
  return element(
    'div',
    {},
    element('h3', {}, `Why ${fixed(explained.stars)} stars${whom ? ` for ${whom}` : ''}${likely(interval)}`),
    element('ul', { class: 'why' }, ...parts(explained, isOwn ? 'you' : whom).map(line), ...because.map(line)),
    more === null ? null : element('p', { class: 'fine' }, `${more}.`),
  );
}

/** What a rating is given with: stars where the scale is of five, else its numbers. */
function starsOf(id, given, desk) {
  const { lowest, highest, step } = desk.scale;
  const values = [];
  for (let value = lowest; value <= highest + step / 4; value += step) values.push(Math.round(value * 1000) / 1000);
  const name = desk.name(id);
  if (values.length > 21) {
    const field = element('input', { type: 'number', min: lowest, max: highest, step, value: given, 'aria-label': `Stars for ${name}`, 'data-focus': `stars-${id}` });
    return element('span', { class: 'group' }, field, element('button', { type: 'button', class: 'plain', onclick: () => desk.rate(id, Number(field.value)) }, 'Rate'));
  }
  const isOfFive = highest === 5 && (step === 0.5 || step === 1) && lowest === step;
  const group = element('span', { class: 'group', role: 'radiogroup', 'aria-label': `Stars for ${name}` });
  const chosen = given ?? values[Math.floor(values.length / 2)];
  for (const value of values) {
    const side = step === 1 ? 'whole' : value % 1 === 0 ? 'right' : 'left';
    const button = element('button', {
      type: 'button',
      role: 'radio',
      'aria-checked': String(given === value),
      'aria-label': stars(value),
      tabindex: value === chosen ? '0' : '-1',
      'data-focus': `star-${id}-${value}`,
      class: isOfFive ? `half ${side} ${given !== undefined && value <= given ? 'on' : ''}` : 'number',
      onclick: () => desk.rate(id, value),
    });
    if (isOfFive) {
      const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
      svg.setAttribute('viewBox', '0 0 24 24');
      svg.setAttribute('aria-hidden', 'true');
      const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      path.setAttribute('d', STAR);
      svg.append(path);
      button.append(svg);
    } else {
      button.append(String(value));
    }
    group.append(button);
  }
  // Arrows walk; nothing is rated before Enter or a click.
  group.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!by) return;
    const all = [...group.children];
    const next = all[all.indexOf(document.activeElement) + by];
    event.preventDefault();
    event.stopPropagation();
    next?.focus();
  });
  return group;
}
