// The map: every movie a dot where those are that are liked by the same people, in the colour of its rarest genre.

import { titled } from './words.js';

/** Genres that have a colour of their own; others share the last one. */
const COLOURS = 9;
const LARGEST_ZOOM = 24;

export class Atlas {
  /** `movies` have `id`, `title`, `genres`, `ratings`, `x` and `y`; `open(id)` is called for the one that is chosen. */
  constructor({ canvas, tip, legend, said, movies, open }) {
    Object.assign(this, { canvas, tip, said, movies, open });
    this.context = canvas.getContext('2d');
    this.byId = new Map(movies.map((movie) => [movie.id, movie]));
    this.best = [];
    this.rated = new Map();
    this.opened = null;
    this.near = null;
    this.only = null;
    this.zoom = 1;
    this.center = [0, 0];
    this.pointers = new Map();
    this.colourGenres(legend);
    // The least rated first, so that the known ones lie on top.
    this.order = [...movies].sort((a, b) => a.ratings - b.ratings);
    this.famous = this.order.slice(-150).reverse();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  colourGenres(legend) {
    const number = new Map();
    for (const movie of this.movies) for (const genre of movie.genres) number.set(genre, (number.get(genre) ?? 0) + 1);
    const genres = [...number.keys()].sort((a, b) => number.get(b) - number.get(a)).slice(0, COLOURS);
    const place = new Map(genres.map((genre, at) => [genre, at]));
    for (const movie of this.movies) {
      // Drama tells less of a movie than Horror does: of its genres the rarest.
      movie.colour = movie.genres.reduce((last, genre) => Math.max(last, place.get(genre) ?? -1), -1);
      if (movie.colour < 0) movie.colour = COLOURS;
    }
    legend.replaceChildren(
      ...[...genres, 'Other'].map((genre, at) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.setAttribute('aria-pressed', 'false');
        const chip = document.createElement('i');
        chip.style.background = `var(--genre-${at < genres.length ? at : COLOURS})`;
        button.append(chip, genre);
        button.addEventListener('click', () => {
          const colour = at < genres.length ? at : COLOURS;
          this.only = this.only === colour ? null : colour;
          for (const other of legend.querySelectorAll('button')) other.setAttribute('aria-pressed', String(other === button && this.only !== null));
          this.draw();
        });
        const item = document.createElement('li');
        item.append(button);
        return item;
      }),
    );
  }

  /** Shows the best movies, what was rated, and the one that is open. */
  show({ best, rated, opened }) {
    Object.assign(this, { best, rated, opened });
    const movie = this.byId.get(opened);
    if (movie) {
      const [x, y] = this.at(movie);
      if (x < 20 || y < 20 || x > this.width - 20 || y > this.height - 20) this.center = [movie.x, movie.y];
    }
    this.draw();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = Math.min(devicePixelRatio || 1, 3);
    Object.assign(this, { width: clientWidth, height: clientHeight, ratio });
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.draw();
  }

  /** Pixels of half a map each way. It fills the canvas, but is never much wider than high, or the other way. */
  get scale() {
    const [width, height] = [this.width / 2 - 16, this.height / 2 - 16];
    return [Math.min(width, height * 1.6) * this.zoom, Math.min(height, width * 1.6) * this.zoom];
  }

  at(movie) {
    const [wide, high] = this.scale;
    return [this.width / 2 + (movie.x - this.center[0]) * wide, this.height / 2 + (movie.y - this.center[1]) * high];
  }

  size(movie) {
    return (0.9 + Math.sqrt(movie.ratings) * 0.16) * Math.min(2, Math.sqrt(this.zoom));
  }

  draw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = null;
      this.paint();
    });
  }

  paint() {
    const { context, width, height, ratio } = this;
    if (!width) return;
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const genres = Array.from({ length: COLOURS + 1 }, (_, at) => colour(`--genre-${at}`));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    for (const movie of this.order) {
      const [x, y] = this.at(movie);
      const size = this.size(movie);
      if (x < -size || y < -size || x > width + size || y > height + size) continue;
      const faint = this.only !== null && movie.colour !== this.only;
      context.globalAlpha = faint ? 0.08 : 0.35 + Math.min(0.5, movie.ratings / 60);
      context.fillStyle = genres[movie.colour];
      context.beginPath();
      context.arc(x, y, size, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
    const ring = (id, line, fill, more) => {
      const movie = this.byId.get(id);
      if (!movie) return;
      const [x, y] = this.at(movie);
      context.beginPath();
      context.arc(x, y, this.size(movie) + more, 0, 7);
      context.lineWidth = 2;
      context.strokeStyle = line;
      if (fill) {
        context.fillStyle = fill;
        context.fill();
      }
      context.stroke();
    };
    for (const id of this.best) ring(id, colour('--accent'), null, 2.5);
    for (const id of this.rated.keys()) ring(id, colour('--star'), colour('--star-soft'), 2);
    if (this.opened !== null) ring(this.opened, colour('--text'), null, 5);
    if (this.near) ring(this.near.id, colour('--text'), null, 3.5);
    this.names(colour);
  }

  /** Writes as many names as have room: the open movie, the best, then the best known. */
  names(colour) {
    const { context, width, height } = this;
    const asked = [this.opened, ...this.rated.keys(), ...this.best.slice(0, 8)].map((id) => this.byId.get(id)).filter(Boolean);
    const famous = this.only === null ? this.famous : this.order.filter((movie) => movie.colour === this.only).slice(-60).reverse();
    const most = asked.length + Math.min(80, Math.round((width * height) / 30000) + Math.round(this.zoom * 2));
    const taken = [];
    context.textBaseline = 'middle';
    let written = 0;
    for (const movie of new Set([...asked, ...famous])) {
      if (written >= most) break;
      const important = written < asked.length && asked.includes(movie);
      context.font = `${important ? 600 : 400} 12px system-ui, sans-serif`;
      let { name } = titled(movie.title);
      if (name.length > 30) name = `${name.slice(0, 29)}…`;
      const [x, y] = this.at(movie);
      const room = context.measureText(name).width;
      let left = x + this.size(movie) + 5;
      if (left + room > width - 4) left = x - this.size(movie) - 5 - room;
      if (x < 0 || x > width || left < 4 || y < 10 || y > height - 10) continue;
      const box = [left - 3, y - 8, left + room + 3, y + 8];
      if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
      taken.push(box);
      context.lineWidth = 3.5;
      context.lineJoin = 'round';
      context.strokeStyle = colour('--card');
      context.strokeText(name, left, y);
      context.fillStyle = important ? colour('--text') : colour('--quiet');
      context.fillText(name, left, y);
      written += 1;
    }
  }

  /** The movie nearest to a point of the canvas, if one is near enough. */
  nearest(x, y, within = 18) {
    let best = null;
    let least = within;
    for (const movie of this.order) {
      if (this.only !== null && movie.colour !== this.only) continue;
      const [mx, my] = this.at(movie);
      const far = Math.hypot(mx - x, my - y) - this.size(movie);
      if (far <= least) {
        least = far;
        best = movie;
      }
    }
    return best;
  }

  point(movie, isSaid) {
    if (this.near === movie) return;
    this.near = movie;
    this.tip.hidden = !movie;
    if (movie) {
      const { name, year } = titled(movie.title);
      const [x, y] = this.at(movie);
      this.tip.textContent = year ? `${name} (${year})` : name;
      this.tip.style.left = `${Math.max(8, Math.min(x, this.width - 8))}px`;
      this.tip.style.top = `${y}px`;
      this.tip.dataset.side = x > this.width * 0.6 ? 'left' : 'right';
      if (isSaid) this.said.textContent = `${this.tip.textContent}, ${movie.genres.join(', ') || 'no genre'}`;
    }
    this.draw();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
      if (this.pointers.size === 1) this.dragged = 0;
    });
    canvas.addEventListener('pointermove', (event) => {
      const before = this.pointers.get(event.pointerId);
      const now = [event.offsetX, event.offsetY];
      if (!before) {
        this.point(this.nearest(...now));
        return;
      }
      if (this.pointers.size === 2) {
        const [, other] = [...this.pointers].find(([id]) => id !== event.pointerId);
        const far = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
        this.scaleBy(far(now) / Math.max(1, far(before)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
        this.dragged = 99;
      } else {
        this.dragged += Math.hypot(now[0] - before[0], now[1] - before[1]);
        if (this.dragged > 5) this.moveBy(now[0] - before[0], now[1] - before[1]);
      }
      this.pointers.set(event.pointerId, now);
    });
    const up = (event) => {
      const was = this.pointers.delete(event.pointerId);
      if (event.type !== 'pointerup' || !was || this.dragged > 5) return;
      const movie = this.nearest(event.offsetX, event.offsetY, event.pointerType === 'touch' ? 26 : 18);
      this.point(movie);
      if (movie) this.open(movie.id);
    };
    canvas.addEventListener('pointerup', up);
    canvas.addEventListener('pointercancel', up);
    canvas.addEventListener('pointerleave', () => this.pointers.size === 0 && this.point(null));
    canvas.addEventListener('blur', () => this.point(null));
    canvas.addEventListener(
      'wheel',
      (event) => {
        // The page scrolls as everywhere; a pinch, or Ctrl, zooms.
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        this.scaleBy(Math.exp(-event.deltaY / 200), event.offsetX, event.offsetY);
      },
      { passive: false },
    );
    canvas.addEventListener('keydown', (event) => this.key(event));
  }

  key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) this.walk(way);
    else if (event.key === 'Enter' && this.near) this.open(this.near.id);
    else if (event.key === '+' || event.key === '=') this.scaleBy(1.5);
    else if (event.key === '-') this.scaleBy(1 / 1.5);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** To the nearest movie on that side, of those that a few people know. */
  walk([dx, dy]) {
    const from = this.near ?? this.byId.get(this.opened) ?? this.famous[0];
    let best = null;
    let least = Infinity;
    for (const movie of this.order) {
      const [x, y] = [movie.x - from.x, movie.y - from.y];
      const [along, aside] = [x * dx + y * dy, Math.abs(x * dy - y * dx)];
      if (movie === from || along <= 0 || aside > along || movie.ratings < Math.min(20, from.ratings)) continue;
      if (along + 2 * aside < least) {
        least = along + 2 * aside;
        best = movie;
      }
    }
    if (!best) return;
    const [x, y] = this.at(best);
    if (x < 20 || y < 20 || x > this.width - 20 || y > this.height - 20) this.center = [best.x, best.y];
    this.point(best, true);
  }

  scaleBy(factor, x = this.width / 2, y = this.height / 2) {
    const before = this.scale;
    this.zoom = Math.max(1, Math.min(LARGEST_ZOOM, this.zoom * factor));
    const off = [x - this.width / 2, y - this.height / 2];
    this.center = this.center.map((at, axis) => clamp(at + off[axis] / before[axis] - off[axis] / this.scale[axis]));
    if (this.zoom === 1) this.center = [0, 0];
    this.point(null);
    this.draw();
  }

  moveBy(dx, dy) {
    const [wide, high] = this.scale;
    this.center = [clamp(this.center[0] - dx / wide), clamp(this.center[1] - dy / high)];
    this.point(null);
    this.draw();
  }

  whole() {
    this.zoom = 1;
    this.center = [0, 0];
    this.draw();
  }
}

function clamp(x) {
  return Math.max(-1, Math.min(1, x));
}
