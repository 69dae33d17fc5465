// The page itself: what is asked when somebody does something, and what is shown then.

import { PageBoard, SerialBoard } from './boards.js';
import { Core, unpack } from './core.js';
import { Connection, Refusal } from './link.js';
import { Atlas } from './map.js';
import { fromFile, give, leftOut, toFile } from './profile.js';
import { element, rowOf } from './rows.js';
import { call, count, fixed, items, moved, moves, say, scoreOf, sortedBy, stars, titled, worded } from './words.js';

const $ = (id) => document.getElementById(id);
/** Rows in a list: as many as a reply holds. */
const LIST = 20;
const NEAR = 6;
/** `Capabilities::ODDS`: the board says how sure its predictions are. */
const ODDS = 1 << 3;
/** `Capabilities::ORDERS`: it sorts lists otherwise than by scores. */
const ORDERS = 1 << 5;
/** `Capabilities::TOGETHER`: it makes lists for two. */
const TOGETHER = 1 << 6;

class Page {
  tab = 'top';
  words = '';
  top = [];
  suggested = null;
  found = [];
  rated = new Map();
  moves = new Map();
  opened = null;
  about = null;
  settling = null;
  scale = { lowest: 0.5, highest: 5, step: 0.5 };
  /** Which of the board's profiles is the one who rates, and what the board says of all of them. */
  owner = 0;
  profiles = { owners: 1, ratings: [0] };
  /** Users of the model. */
  users = 0;
  /** The list for two, and who the other is. */
  shared = [];
  other = null;
  genres = [];
  /** What scores of the page’s image count beside predicted stars. */
  beside = null;

  static async start() {
    const page = new Page();
    const [core, image, table] = await Promise.all(['data-core', 'data-image', 'data-movies'].map(unpack));
    page.core = await Core.load(core);
    page.core.call('image', image);
    page.core.call('movies', table);
    page.movies = readMovies(new TextDecoder().decode(table));
    wordPage();
    page.genres = page.core.json('genres');
    page.beside = page.core.json('beside');
    for (const list of ['genre', 'not']) $(list).append(...page.genres.map((name, bit) => element('option', { value: String(bit) }, name)));
    page.byId = new Map(page.movies.map((movie) => [movie.id, movie]));
    page.board = new PageBoard(page.core);
    page.board.watch(() => page.isHere() && page.run(() => page.refresh()));
    page.listen();
    await page.run(() => page.meet(page.board));
    page.atlas = new Atlas({ canvas: $('map'), tip: $('tip'), legend: $('legend'), said: $('map-name'), movies: page.movies, open: (id) => page.visit(id) });
    page.render();
    return page;
  }

  // What is asked.

  get who() {
    return { Owner: this.owner };
  }

  ask(request) {
    return this.connection.ask(request);
  }

  /** Meets a board, and shows what it knows. */
  async meet(board) {
    this.line = board;
    this.connection = new Connection(this.core, board);
    const hello = (await this.ask('Hello')).reply.Hello;
    const info = (await this.ask('ModelInfo')).reply.ModelInfo;
    const storage = (await this.ask('Storage')).reply.Storage;
    this.profiles = (await this.ask('Owners')).reply.Owners;
    if (this.owner >= this.profiles.owners) this.owner = 0;
    this.users = info.users;
    // A number of a fixed width comes as its bytes.
    const can = (what) => (hello.capabilities[0] & what) !== 0;
    this.isSure = can(ODDS);
    this.isForTwoAble = can(TOGETHER);
    this.offerOthers();
    this.scale = info;
    $('order').hidden = !can(ORDERS);
    if (this.isHere()) this.own = info;
    $('use-page').setAttribute('aria-pressed', String(this.isHere()));
    $('use-serial').setAttribute('aria-pressed', String(!this.isHere()));
    $('licence').textContent = `Data: ${info.license}`;
    $('search').placeholder = `Search ${items(info.movies)}`;
    const kept = { Flash: 'keeps what you rate', Formatted: 'keeps what you rate', Absent: 'forgets when it is switched off', Failed: 'forgets when it is switched off: its flash takes no writes' }[storage.state];
    const where = this.isHere() ? 'Core in WebAssembly' : 'The board on USB';
    const lacks = SerialBoard.isPossible() ? '' : '. A board on USB needs Web Serial, which this browser does not have';
    $('board').textContent = `${where}, firmware ${hello.firmware.join('.')}, ${kept ?? 'has flash that can’t be opened: ratings aren’t kept'}${lacks}`;
    $('numbers').textContent = `Model “${info.name}”: ${items(info.movies)}, ${info.movie_dim} numbers each, ${count(info.length, 'byte')} in all; CRC-32 ${crcOf(info)}.`;
    const isOther = !this.isHere() && String(info.fingerprint) !== String(this.own.fingerprint);
    $('filter').hidden = !info.facets || isOther || this.genres.length === 0;
    this.notice(this.about_of_others(info));
    this.moves = new Map();
    this.suggested = null;
    this.opened = null;
    await this.refresh();
  }

  /** What a person must know of a board whose model isn't this page's. */
  about_of_others(info) {
    if (this.isHere() || String(info.fingerprint) === String(this.own.fingerprint)) return this.board.unkept;
    return say`The board has a model of other data than this page: titles and map are this page’s, and may name other movies than the board means.`;
  }

  /** Offers whom a list may be for beside the one who rates: others with a profile, and users of the model. */
  offerOthers() {
    const people = Array.from({ length: this.profiles.owners }, (_, owner) => owner);
    $('people').hidden = people.length < 2;
    $('people').replaceChildren(
      ...people.map((owner) =>
        element('button', { type: 'button', 'aria-pressed': String(owner === this.owner), onclick: () => this.become(owner) }, person(owner)),
      ),
    );
    const chosen = $('with').value;
    $('with').replaceChildren(
      ...people.filter((owner) => owner !== this.owner).map((owner) => element('option', { value: String(owner) }, person(owner))),
      ...(this.users > 0 ? [element('option', { value: 'user' }, 'a user of the model')] : []),
    );
    const options = [...$('with').options];
    if (options.some(({ value }) => value === chosen)) $('with').value = chosen;
    const isAble = this.isForTwoAble && options.length > 0;
    $('tab-two').hidden = !isAble;
    if (!isAble && this.tab === 'two') this.tab = 'top';
  }

  /** From now on another rates, and lists are theirs. */
  become(owner) {
    return this.run(async () => {
      this.owner = owner;
      this.moves = new Map();
      this.suggested = null;
      this.opened = null;
      this.offerOthers();
      $('people').children[owner].focus();
      await this.refresh();
      this.tell(`${person(owner)} rates now, with ${count(this.rated.size, 'rating')} so far.`);
    });
  }

  /** The other of the list for two, if one is chosen. */
  chosenOther() {
    const chosen = $('with').value;
    if (chosen === '') return null;
    if (chosen !== 'user') return { who: { Owner: Number(chosen) }, name: person(Number(chosen)) };
    const id = Number($('user').value);
    const isId = $('user').value !== '' && Number.isInteger(id) && id >= 0 && id <= 0xffffffff;
    return isId ? { who: { ImageUser: id }, name: `user ${id}` } : null;
  }

  /** The list for two anew. */
  async share() {
    this.shared = [];
    this.other = this.chosenOther();
    if (!this.other) return;
    const asked = { who: this.who, count: LIST, with: this.other.who, agreement: $('agree').value, order: this.order(), wanted: this.wanted() };
    const list = (await this.ask({ Together: asked })).reply.Together;
    this.shared = list.map(({ movie, score, stars: [own, theirs] }) => ({ movie, score, stars: own, theirs }));
  }

  /** Whether the list for two is what is looked at. */
  isForTwo() {
    return this.tab === 'two' && !this.words && this.other !== null;
  }

  isHere() {
    return this.line === this.board;
  }

  /** Of what genres and years the list is to be, as core has it: any, where the board knows none. */
  wanted() {
    const bit = (id) => ($('filter').hidden || $(id).value === '' ? 0 : (1 << Number($(id).value)) >>> 0);
    const year = (id, open) => {
      const said = Number.parseInt($(id).value, 10);
      return $('filter').hidden || !(said >= 0 && said <= 65535) ? open : said;
    };
    return { all_of: bit('genre'), none_of: bit('not'), from: year('from', 0), to: year('to', 65535) };
  }

  /** What the list is sorted by, as core calls it. */
  order() {
    return $('order').hidden ? 'Score' : $('by').value;
  }

  /** What the list that is shown is sorted by; nothing where its numbers say it. */
  sorting() {
    if (this.words || this.tab === 'rated' || this.tab === 'suggest') return null;
    // Stars that count from each one’s own mean are no stars that stand there.
    return this.tab === 'two' && this.order() === 'Stars' ? 'Above' : this.order();
  }

  /** The list and the ratings anew. */
  async refresh() {
    const { reply } = await this.ask({ TopN: { who: this.who, count: LIST, include_rated: false, include_below: false, order: this.order(), wanted: this.wanted() } });
    this.top = reply.Movies;
    const rated = new Map();
    for (let total = 1; rated.size < total; ) {
      const page = (await this.ask({ Ratings: { who: this.who, first: rated.size } })).reply.Ratings;
      total = page.total;
      if (page.ratings.length === 0) break;
      for (const { movie, stars: given } of page.ratings) rated.set(movie, given);
    }
    this.rated = rated;
    this.profiles.ratings[this.owner] = rated.size;
    if (this.tab === 'suggest') await this.suggest();
    if (this.tab === 'two') await this.share();
    if (this.words) await this.predict();
    if (this.opened !== null) await this.explain(this.opened);
    if (this.isHere()) this.notice(this.board.unkept);
    this.render();
  }

  /** Does what changes ratings, and tells what moved. */
  async change(request, tell) {
    const before = this.top;
    const { reply } = await this.ask(request);
    this.suggested = null;
    await this.refresh();
    this.moves = moves(before, this.top);
    this.render();
    this.tell(`${tell(reply)} ${moved(before, this.top, (id) => this.name(id))}`);
  }

  rate(id, given) {
    return this.run(() =>
      this.change({ Rate: { who: this.who, movie: id, stars: given } }, ({ Rated }) =>
        `${stars(given)} for ${this.name(id)}: predicted ${fixed(Rated.before)} before, and ${fixed(Rated.after)} now.`),
    );
  }

  undo() {
    return this.run(() =>
      this.change({ Undo: { who: this.who } }, ({ Undone }) =>
        Undone.stars === null ? `${this.name(Undone.movie)} is not rated any more.` : `${this.name(Undone.movie)} has ${stars(Undone.stars)} again.`),
    );
  }

  forget(id) {
    return this.run(() => this.change({ Forget: { who: this.who, movie: id } }, () => `${this.name(id)} is forgotten.`));
  }

  forgetAll() {
    const sure = confirm(`Forget all of your ${count(this.rated.size, 'rating')}, for good?`);
    return sure ? this.run(() => this.change({ ForgetMe: { who: this.who } }, () => 'Everything is forgotten.')) : null;
  }

  async suggest() {
    this.suggested ??= (await this.ask({ Suggest: { who: this.who, count: LIST } })).reply.Movies;
  }

  /** What somebody would give what was found. */
  async predict() {
    const words = this.words;
    const found = this.core.json('search', words, LIST).map((movie) => ({ movie }));
    this.found = found;
    this.render();
    for (const row of found) {
      if (this.words !== words) return;
      try {
        row.stars = (await this.ask({ Predict: { who: this.who, movie: row.movie } })).reply.Stars;
      } catch (why) {
        if (!(why instanceof Refusal)) throw why;
      }
    }
    this.render();
  }

  async explain(id) {
    const about = { movie: id };
    try {
      about.explained = (await this.ask({ Explain: { who: this.who, movie: id } })).reply.Explained;
      if (this.isSure) about.likely = (await this.ask({ Likely: { who: this.who, movie: id } })).reply.Likely;
      if (this.isForTwo()) {
        const { who } = this.other;
        about.theirs = { explained: (await this.ask({ Explain: { who, movie: id } })).reply.Explained };
        if (this.isSure) about.theirs.likely = (await this.ask({ Likely: { who, movie: id } })).reply.Likely;
      }
      about.similar = (await this.ask({ Similar: { movie: id, count: NEAR } })).reply.Movies;
    } catch (why) {
      if (!(why instanceof Refusal)) throw why;
      about.refused = worded(why.message);
    }
    if (this.opened === id) this.about = about;
  }

  // What somebody does.

  open(id) {
    this.opened = this.opened === id ? null : id;
    this.about = null;
    this.render();
    if (this.opened === null) return null;
    return this.run(async () => {
      await this.explain(id);
      this.render();
    });
  }

  /** Opens a movie wherever it is: in the list that is shown, or by itself. */
  visit(id) {
    if (!this.rows().some((row) => row.movie === id)) {
      $('search').value = this.name(id);
      this.words = `id:${id}`;
      this.found = [{ movie: id }];
    }
    this.opened = null;
    this.open(id);
    const row = document.querySelector(`[data-movie="${id}"]`);
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: 'nearest', behavior: isStill() ? 'auto' : 'smooth' });
    return this.words ? this.run(() => this.predict()) : null;
  }

  search(words) {
    this.words = words.trim();
    this.found = [];
    this.opened = null;
    clearTimeout(this.settling);
    this.settling = null;
    if (!this.words) {
      this.render();
      return;
    }
    this.settling = setTimeout(() => {
      this.settling = null;
      this.run(() => this.predict());
    }, 80);
  }

  /** Opens the first of what a search finds, without a wait for the letters to settle. */
  openFirst() {
    clearTimeout(this.settling);
    this.settling = null;
    return this.run(async () => {
      await this.predict();
      const [first] = this.found;
      if (!first) return;
      this.opened = first.movie;
      await this.explain(first.movie);
      this.render();
      document.querySelector('.row')?.focus();
    });
  }

  show(tab) {
    this.tab = tab;
    this.opened = null;
    if (this.words) {
      $('search').value = '';
      this.words = '';
    }
    this.render();
    const list = { suggest: () => this.suggest(), two: () => this.share() }[tab];
    if (list) this.run(async () => {
      await list();
      this.render();
    });
  }

  save() {
    const file = new Blob([toFile([...this.rated].map(([movie, given]) => ({ movie, stars: given })))], { type: 'text/csv' });
    const link = element('a', { href: URL.createObjectURL(file), download: 'pocketrec-ratings.csv' });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    this.tell(`${count(this.rated.size, 'rating')} in pocketrec-ratings.csv, which \`host query ratings --load\` takes too.`);
  }

  load(file) {
    return this.run(async () => {
      const { ratings, others } = fromFile(await file.text(), file.name, this.owner);
      const before = this.top;
      const { taken, refused } = await give(this.connection, this.who, ratings);
      this.suggested = null;
      await this.refresh();
      this.moves = moves(before, this.top);
      this.render();
      const rest = [leftOut(refused, this.scale), others ? `${others} left out, which are other people’s` : ''].filter(Boolean).join('; ');
      this.tell(`${count(taken, 'rating')} of ${file.name} taken${rest ? `; ${rest}` : ''}. ${moved(before, this.top, (id) => this.name(id))}`);
    });
  }

  usePage() {
    if (this.isHere()) return null;
    return this.run(async () => {
      await this.line.close();
      await this.meet(this.board);
    });
  }

  useSerial() {
    if (!SerialBoard.isPossible()) {
      this.notice('This browser has no Web Serial, so it can’t talk to a board. Chrome, Edge and Opera on a computer can. Everything else works here.');
      return null;
    }
    return this.run(async () => {
      let board;
      try {
        board = await SerialBoard.choose();
      } catch (why) {
        // Nobody has to choose one.
        if (why.name === 'NotFoundError') return;
        throw new Error(`the port can’t be opened: ${why.message}. Is another program using it?`);
      }
      if (!this.isHere()) await this.line.close();
      try {
        await this.meet(board);
        const end = board.onend;
        board.onend = (why) => {
          end(why);
          this.run(async () => {
            await board.close();
            await this.meet(this.board);
            this.notice(`Back to the board in this page: ${why}.`);
          });
        };
      } catch (why) {
        await board.close();
        await this.meet(this.board);
        throw why;
      }
    });
  }

  /** Does something, one thing after the other, and tells what goes wrong. */
  run(work) {
    const done = (this.busy ?? Promise.resolve()).then(work).catch((why) => this.tell(sentence(why instanceof Refusal ? worded(why.message) : why.message), true));
    this.busy = done;
    return done;
  }

  // What is shown.

  movie(id) {
    return this.byId.get(id) ?? { id, title: say`movie ${id}`, genres: [], ratings: 0 };
  }

  name(id) {
    return titled(this.movie(id).title).name;
  }

  tell(text, isWrong) {
    const close = element('button', { type: 'button', class: 'close', 'aria-label': 'Close', onclick: () => $('told').replaceChildren() });
    $('told').replaceChildren(element('p', { class: isWrong ? 'wrong' : null }, text, close));
  }

  notice(text) {
    $('notice').textContent = text ?? '';
    $('notice').hidden = !text;
  }

  rows() {
    if (this.words) return this.found.map((row) => ({ ...row, given: this.rated.get(row.movie) }));
    const numbered = (ranked, at, list) => ({ ...ranked, place: at + 1, by: sortedBy(this.sorting(), ranked.score, list[0].score) });
    if (this.tab === 'suggest') return (this.suggested ?? []).map(numbered);
    if (this.tab === 'two') return this.shared.map(numbered);
    if (this.tab === 'rated') return [...this.rated].reverse().map(([movie, given]) => ({ movie, given }));
    return this.top.map((ranked, at, list) => ({ ...numbered(ranked, at, list), move: this.moves.get(ranked.movie) }));
  }

  /** What the list is sorted by, in words that depend on whom it is for, or that don’t. */
  orderInWords(words) {
    return {
      ...words,
      Fame: say`by fame, from 0 to 1: how well known a movie is`,
      Surprise: 'by surprise: how many stars more than what would be predicted for somebody unknown',
    }[this.order()];
  }

  /** What scores count beside predicted stars; both, where the board’s image isn’t the page’s. */
  counts() {
    return crcOf(this.scale) === crcOf(this.own) ? this.beside : { popularity: true, interest: true };
  }

  aboutList(rows) {
    if (this.words) return rows.length ? 'What fits, the likeliest first, with what you would probably give it.' : 'No title is like that.';
    if (this.tab === 'suggest') return 'Rating one of these would teach it most.';
    if (this.tab === 'rated') return rows.length ? 'The latest first. Open one to change or forget it.' : say`Nothing yet: search for a movie you know, or open one of the list, and give it stars.`;
    if (this.tab === 'two') return this.aboutTwo(rows);
    if (!rows.length) return say`No movie is like that and, as far as it knows you, above what you give on average.`;
    const what = this.orderInWords({
      Score: `by score: ${scoreOf('the stars you would give', this.counts(), 'your latest ratings')}; the first has 100 %`,
      Stars: 'by the stars you would give',
      Taste: say`by taste: what of the stars is your own taste, however good a movie is in general`,
    });
    if (!this.rated.size) return say`The best for somebody it knows nothing of, ` + what + say`. Rate a movie and the list becomes yours.`;
    return `The best for you, from ${count(this.rated.size, 'rating')}, ${what}.`;
  }

  aboutTwo(rows) {
    if (!this.other) return 'With whom? Give the number of a user of the model.';
    const { name, who } = this.other;
    if (!rows.length) return say`No movie is like that.`;
    const lower = $('agree').value === 'Least';
    const of = lower ? 'what it is to the one of you who likes it less' : 'the mean of what it is to both of you';
    const what = this.orderInWords({
      Score: `by score, from each one’s own mean: ${scoreOf('stars', this.counts(), 'latest ratings')}; the first has 100 %`,
      Stars: 'by how many stars it is above each one’s own mean',
      Taste: say`by taste: what of the stars is each one’s own, however good a movie is in general`,
    });
    const worth = this.order() === 'Fame' ? `Sorted ${what}` : `Sorted by ${of}, ${what}`;
    const isUnknown = who.Owner !== undefined && !this.profiles.ratings[who.Owner];
    return `${worth}. At the right are your stars, then those of ${name}${isUnknown ? ', who has rated nothing yet' : ''}.`;
  }

  render() {
    const rows = this.rows();
    const list = $('list');
    const focused = document.activeElement?.dataset?.focus;
    const was = new Map([...list.children].map((item) => [item.dataset.key, item.getBoundingClientRect().top]));
    list.replaceChildren(...rows.map((row) => rowOf(row, this)));
    if (focused) list.querySelector(`[data-focus="${focused}"]`)?.focus({ preventScroll: true });
    if (!isStill()) slide(list, was);
    $('about').textContent = this.aboutList(rows);
    $('count').textContent = this.rated.size;
    for (const tab of document.querySelectorAll('[role=tab]')) {
      const isChosen = tab.dataset.tab === this.tab && !this.words;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = tab.dataset.tab === this.tab ? 0 : -1;
    }
    $('panel').setAttribute('aria-labelledby', `tab-${this.tab}`);
    const isFiltered = (this.tab === 'top' || this.tab === 'two') && this.words === '';
    for (const id of ['genre', 'not', 'from', 'to']) $(id).disabled = !isFiltered;
    $('by').disabled = !isFiltered;
    $('pair').hidden = this.tab !== 'two' || this.words !== '';
    $('user-label').hidden = $('with').value !== 'user';
    for (const id of ['undo', 'save', 'forget-all']) $(id).disabled = this.rated.size === 0 && id !== 'undo';
    this.atlas?.show({ best: this.top.map(({ movie }) => movie), rated: this.rated, opened: this.opened });
  }

  listen() {
    $('search').addEventListener('input', (event) => this.search(event.target.value));
    for (const tab of document.querySelectorAll('[role=tab]')) {
      tab.addEventListener('click', () => this.show(tab.dataset.tab));
      tab.addEventListener('keydown', (event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!by) return;
        const tabs = [...document.querySelectorAll('[role=tab]:not([hidden])')];
        const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
        this.show(next.dataset.tab);
        next.focus();
      });
    }
    for (const id of ['by', 'genre', 'not', 'from', 'to', 'with', 'user', 'agree']) {
      $(id).addEventListener('change', () =>
        this.run(() => {
          this.moves = new Map();
          return this.refresh();
        }),
      );
    }
    $('undo').addEventListener('click', () => this.undo());
    $('save').addEventListener('click', () => this.save());
    $('load').addEventListener('click', () => $('file').click());
    $('file').addEventListener('change', ({ target }) => {
      if (target.files[0]) this.load(target.files[0]);
      target.value = '';
    });
    $('forget-all').addEventListener('click', () => this.forgetAll());
    $('use-page').addEventListener('click', () => this.usePage());
    $('use-serial').addEventListener('click', () => this.useSerial());
    $('zoom-in').addEventListener('click', () => this.atlas.scaleBy(1.6));
    $('zoom-out').addEventListener('click', () => this.atlas.scaleBy(1 / 1.6));
    $('zoom-all').addEventListener('click', () => this.atlas.whole());
    addEventListener('keydown', (event) => this.key(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const search = $('search');
    const rows = [...document.querySelectorAll('.row')];
    const at = rows.indexOf(document.activeElement);
    if (event.key === 'Escape') {
      search.value = '';
      this.show('top');
      document.querySelector('.row')?.focus();
      return;
    }
    const isTyping = event.target.matches('input, select');
    if (isTyping && event.target !== search) return;
    if (event.key === 'Enter' && event.target === search && this.words) {
      event.preventDefault();
      this.openFirst();
      return;
    }
    const next = { ArrowDown: rows[at + 1], ArrowUp: at === 0 ? search : rows[at - 1] }[event.key];
    if (next && (event.target === search || at >= 0)) {
      event.preventDefault();
      next.focus();
      return;
    }
    if (isTyping) return;
    if (event.key === '/') {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === 'u') {
      this.undo();
    } else if (event.key === 'b' && !$('tab-two').hidden) {
      this.show('two');
      $('tab-two').focus();
    } else if (at >= 0 && event.key === 'f') {
      this.forget(Number(rows[at].dataset.movie));
    } else if (at >= 0 && /^[0-9]$/.test(event.key)) {
      this.rate(Number(rows[at].dataset.movie), event.key === '0' ? 10 : Number(event.key));
    }
  }
}

/** Whether the person wants nothing to move. */
function isStill() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** Lets each row slide from where it was. */
function slide(list, was) {
  for (const item of list.children) {
    const before = was.get(item.dataset.key);
    const by = before === undefined ? 0 : before - item.getBoundingClientRect().top;
    if (by) item.animate([{ transform: `translateY(${by}px)` }, { transform: 'none' }], { duration: 350, easing: 'ease-out' });
    else if (before === undefined && was.size) item.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 350 });
  }
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`;
}

/** Numbers of a fixed width come as their bytes, the lowest first. */
function crcOf({ crc }) {
  return [...crc].reverse().map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What a profile's owner is called. */
function person(owner) {
  return `Person ${owner + 1}`;
}

/** Calls the things by their name in what stood on the page before it was known. */
function wordPage() {
  const isText = ({ parentElement }) => (parentElement.matches('script') ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT, isText);
  while (texts.nextNode()) texts.currentNode.data = worded(texts.currentNode.data);
  for (const name of ['aria-label', 'placeholder']) {
    for (const node of document.querySelectorAll(`body [${name}]`)) node.setAttribute(name, worded(node.getAttribute(name)));
  }
}

/** The table that `host map` writes. Where the things aren't movies, its header says behind the columns what they are called. */
function readMovies(text) {
  const [header, ...lines] = text.trimEnd().split('\n');
  const [, one, many] = /\titem ([^\t/]+)\/([^\t/]+)$/.exec(header) ?? [];
  if (one) call(one, many);
  return lines.map((line) => {
    const [id, title, genres, ratings, x, y] = line.split('\t');
    return { id: Number(id), title, genres: genres ? genres.split('|') : [], ratings: Number(ratings), x: Number(x), y: Number(y) };
  });
}

// For the curious, in the browser's console: `pocketrec.ask({ Similar: { movie: 1, count: 5 } })`.
Page.start().then(
  (page) => {
    window.pocketrec = page;
  },
  (why) => {
    $('board').textContent = 'It could not start.';
    $('notice').textContent = `This page could not start (${why.message}). It needs a browser of 2023 or later, with WebAssembly.`;
    $('notice').hidden = false;
  },
);
