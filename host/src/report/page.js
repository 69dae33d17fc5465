// Begins a report's map, and finds movies on it.
const $ = (id) => document.getElementById(id);
const movies = JSON.parse($('movies').textContent);
const show = (id) => atlas.show({ best: [], rated: new Map(), opened: id });
const atlas = new Atlas({ canvas: $('map'), tip: $('tip'), legend: $('legend'), said: $('map-name'), movies, open: show });
$('titles').append(...[...movies].sort((a, b) => b.ratings - a.ratings).slice(0, 2000).map(({ title }) => new Option(title)));
const plain = (text) => text.normalize('NFKD').replace(/[^\p{L}\p{N}]+/gu, ' ').trim().toLowerCase();
const known = [...movies].sort((a, b) => b.ratings - a.ratings).map((movie) => [plain(movie.title), movie]);
$('find').addEventListener('input', () => {
  const words = plain($('find').value).split(' ').filter(Boolean);
  if (!words.length) return;
  const [, movie] = known.find(([title]) => words.every((word) => title.includes(word))) ?? [];
  if (!movie) return;
  show(movie.id);
  atlas.point(movie, true);
});
$('closer').addEventListener('click', () => atlas.scaleBy(1.5));
$('farther').addEventListener('click', () => atlas.scaleBy(1 / 1.5));
$('whole').addEventListener('click', () => atlas.whole());
