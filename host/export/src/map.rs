//! The movies of an image on a plane: what is alike lies together (t-SNE, van der Maaten and Hinton 2008).
//!
//! How alike two movies are is what core says that `similar` goes by: who rates both, or the cosine of their rows in an image
//! that doesn't say that. Movies that many people have rated find their places by it, each pushed away by all others; the
//! rest are put among those that they are most like, since there is little to tell them apart by. The same image gives the
//! same map, on any number of threads.
//!
//! The crate `bhtsne` gives another map each time on more than one thread: release 0.7.13, told neighbours and first places of
//! 3,000 points, gave other bits for all of their coordinates in each of two runs on two threads, and the same on one.

use pocketrec::MAX_DIM;
use pocketrec::model::Model;
use pocketrec::rank::{Hit, Nearest};
use pocketrec_base::threads;

/// The most movies that find places of their own: each step takes the square of it.
const MOST: usize = 3000;

/// Movies that each is drawn to.
const NEIGHBOURS: usize = 30;

/// The most alike ones among which these are looked for: some of them have no place of their own.
const CANDIDATES: usize = 64;

/// As many neighbours as count, in the sense of an entropy.
const PERPLEXITY: f32 = 12.0;

/// Those that a movie without a place of its own is put among.
const AMONG: usize = 3;

/// Steps, and those of them in which alike movies are drawn to each other many times as much.
const STEPS: usize = 750;
const EARLY: usize = 200;
const EXAGGERATION: f32 = 12.0;

/// A place, from -1 to 1 either way.
pub type Place = [f32; 2];

/// Where each movie of `model` lies, by its row; `ratings` says how many people have rated it. Takes seconds.
pub fn of(model: &Model<'_>, ratings: impl Fn(u32) -> u32) -> Vec<Place> {
    let movies = model.movies();
    let mut own: Vec<u32> = (0..movies).collect();
    own.sort_by_key(|row| (std::cmp::Reverse(ratings(*row)), *row));
    own.truncate(MOST);
    let near = neighbours(model, &own, &own, NEIGHBOURS);
    let pulls = pulls(&near);
    let mut places = settle(first_places(model, &own), &pulls);
    fit(&mut places);

    let mut all = vec![[0.0; 2]; movies as usize];
    for (row, place) in own.iter().zip(&places) {
        all[*row as usize] = *place;
    }
    let mut has_own = vec![false; movies as usize];
    own.iter().for_each(|row| has_own[*row as usize] = true);
    let rest: Vec<u32> = (0..movies).filter(|row| !has_own[*row as usize]).collect();
    for (row, near) in rest.iter().zip(neighbours(model, &rest, &own, AMONG)) {
        let weight: f32 = near.iter().map(|(_, alike)| alike.max(0.01)).sum();
        let mut place = [0.0; 2];
        for (at, alike) in near {
            let share = alike.max(0.01) / weight;
            place[0] += share * places[at as usize][0];
            place[1] += share * places[at as usize][1];
        }
        all[*row as usize] = place;
    }
    all
}

/// For each movie of `rows` up to `count` of `among` that are most like it, as places in `among`, with their likeness; the
/// most alike first. By taste where nobody can say what it belongs to.
fn neighbours(
    model: &Model<'_>,
    rows: &[u32],
    among: &[u32],
    count: usize,
) -> Vec<Vec<(u32, f32)>> {
    let mut places = vec![None; model.movies() as usize];
    for (at, row) in (0..).zip(among) {
        places[*row as usize] = Some(at);
    }
    let find = |(): &mut (), row: &u32| {
        let of = |mut nearest: Nearest<CANDIDATES>| -> Vec<(u32, f32)> {
            nearest.advance(model, u32::MAX);
            let place = |hit: &Hit| {
                let other = model.movie_row(hit.movie).ok()?;
                Some((places[other as usize]?, hit.score))
            };
            nearest
                .hits()
                .iter()
                .filter_map(place)
                .take(count)
                .collect()
        };
        match of(Nearest::with_limit(CANDIDATES, model, *row)) {
            none if none.is_empty() => of(Nearest::by_taste(CANDIDATES, model, *row)),
            near => near,
        }
    };
    threads::share(threads::available(), rows, || (), find)
}

/// How much each movie draws each of its neighbours, and they it: shares of 1 in all.
fn pulls(near: &[Vec<(u32, f32)>]) -> Vec<Vec<(u32, f32)>> {
    let mut pulls = vec![Vec::new(); near.len()];
    let each = 0.5 / near.len().max(1) as f32;
    for (at, near) in near.iter().enumerate() {
        let others: Vec<(u32, f32)> = near
            .iter()
            .filter(|(other, _)| *other as usize != at)
            // The square of the distance of two rows of length 1.
            .map(|(other, alike)| (*other, 2.0 - 2.0 * alike))
            .collect();
        for (other, share) in shares(&others) {
            pulls[at].push((other, each * share));
            pulls[other as usize].push((at as u32, each * share));
        }
    }
    pulls
}

/// Shares of 1 that fall with the distance, as fast as gives the perplexity.
fn shares(others: &[(u32, f32)]) -> Vec<(u32, f32)> {
    let nearest = others.iter().fold(f32::INFINITY, |least, x| least.min(x.1));
    let due = PERPLEXITY.min(others.len() as f32 * 0.7).max(1.0).ln();
    let (mut low, mut high, mut fall) = (0.0, f32::INFINITY, 1.0);
    let mut weights = Vec::new();
    for _ in 0..50 {
        let weight = |(_, far): &(u32, f32)| (-fall * (far - nearest)).exp();
        weights = others.iter().map(weight).collect();
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        let entropy: f32 = weights
            .iter()
            .filter(|w| **w > 0.0)
            .map(|w| -w * w.ln())
            .sum();
        if entropy > due {
            low = fall;
        } else {
            high = fall;
        }
        fall = match high.is_finite() {
            true => (low + high) / 2.0,
            false => fall * 2.0,
        };
    }
    let ids = others.iter().map(|(other, _)| *other);
    ids.zip(weights).collect()
}

/// Where movies begin: by the first two columns of their rows, which explain most, very close together.
fn first_places(model: &Model<'_>, rows: &[u32]) -> Vec<Place> {
    let first = |row: &u32| {
        let mut values = [0.0; MAX_DIM];
        model.movie_table().read(*row as usize, &mut values);
        [values[0], values[1]]
    };
    let mut places: Vec<Place> = rows.iter().map(first).collect();
    fit(&mut places);
    for (at, place) in places.iter_mut().enumerate() {
        // A spiral's angle: no two lie in one place.
        let angle = at as f32 * 2.399_963;
        place[0] = 0.02 * (place[0] + 0.01 * angle.cos());
        place[1] = 0.02 * (place[1] + 0.01 * angle.sin());
    }
    places
}

/// Lets go: drawn by some, pushed by all, until they hardly move.
fn settle(mut places: Vec<Place>, pulls: &[Vec<(u32, f32)>]) -> Vec<Place> {
    let count = places.len();
    let rate = (count as f32 / EXAGGERATION).max(20.0);
    let mut speeds = vec![[0.0_f32; 2]; count];
    let mut gains = vec![[1.0_f32; 2]; count];
    for step in 0..STEPS {
        let (draw, keep) = match step < EARLY {
            true => (EXAGGERATION, 0.5),
            false => (1.0, 0.8),
        };
        let pushes = pushes(&places);
        let total: f64 = pushes.iter().map(|push| f64::from(push[2])).sum();
        let total = (total as f32).max(f32::MIN_POSITIVE);
        let before = places.clone();
        for (at, place) in places.iter_mut().enumerate() {
            let mut force = [-pushes[at][0] / total, -pushes[at][1] / total];
            for (other, pull) in &pulls[at] {
                let other = before[*other as usize];
                let away = [before[at][0] - other[0], before[at][1] - other[1]];
                let near = 1.0 / (1.0 + away[0] * away[0] + away[1] * away[1]);
                force[0] += draw * pull * near * away[0];
                force[1] += draw * pull * near * away[1];
            }
            for axis in 0..2 {
                let (gain, speed) = (&mut gains[at][axis], &mut speeds[at][axis]);
                *gain = match (force[axis] > 0.0) == (*speed > 0.0) {
                    true => (*gain * 0.8).max(0.01),
                    false => *gain + 0.2,
                };
                *speed = keep * *speed - rate * *gain * 4.0 * force[axis];
                place[axis] += *speed;
            }
        }
    }
    places
}

/// How each movie is pushed by all others, and how near they are in all.
fn pushes(places: &[Place]) -> Vec<[f32; 3]> {
    let (x, y): (Vec<f32>, Vec<f32>) = places.iter().map(|place| (place[0], place[1])).unzip();
    let some = |(): &mut (), some: &[Place]| -> Vec<[f32; 3]> {
        some.iter().map(|place| push(*place, &x, &y)).collect()
    };
    threads::share(threads::available(), places.chunks(128), || (), some).concat()
}

/// How the movie at `place` is pushed by those at `x` and `y`, and how near it is to them in all; it is one of them.
fn push(place: Place, x: &[f32], y: &[f32]) -> [f32; 3] {
    // Eight sums at a time, which a vector unit adds at once.
    let mut sums = [[0.0_f32; 8]; 3];
    let mut add = |lane: usize, x: f32, y: f32| {
        let (dx, dy) = (place[0] - x, place[1] - y);
        let near = 1.0 / (1.0 + dx * dx + dy * dy);
        sums[0][lane] += near * near * dx;
        sums[1][lane] += near * near * dy;
        sums[2][lane] += near;
    };
    let ((eights_x, rest_x), (eights_y, rest_y)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    for (x, y) in eights_x.iter().zip(eights_y) {
        for (lane, (x, y)) in x.iter().zip(y).enumerate() {
            add(lane, *x, *y);
        }
    }
    for (lane, (x, y)) in rest_x.iter().zip(rest_y).enumerate() {
        add(lane, *x, *y);
    }
    let [x, y, near] = sums.map(|lanes| lanes.iter().sum::<f32>());
    // It isn't near itself.
    [x, y, near - 1.0]
}

/// Moves and scales places so that they go from -1 to 1 either way: no direction means anything, so a map is stretched to
/// what it is drawn on.
fn fit(places: &mut [Place]) {
    for axis in 0..2 {
        let ends = places
            .iter()
            .map(|place| place[axis])
            .fold((f32::INFINITY, f32::NEG_INFINITY), |ends, x| {
                (ends.0.min(x), ends.1.max(x))
            });
        let width = ends.1 - ends.0;
        if width > 0.0 {
            for place in places.iter_mut() {
                place[axis] = (2.0 * place[axis] - ends.0 - ends.1) / width;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of ten, each movie drawn to the others of its own.
    fn groups(count: usize) -> Vec<Vec<(u32, f32)>> {
        let near: Vec<Vec<(u32, f32)>> = (0..count)
            .map(|at| {
                let group = at / 10 * 10;
                (group..group + 10)
                    .map(|other| (other as u32, 0.9))
                    .collect()
            })
            .collect();
        pulls(&near)
    }

    #[test]
    fn what_is_alike_ends_together_and_what_isnt_apart() {
        let start = (0..80).map(|at| {
            let angle = (at * 37 % 80) as f32;
            [0.001 * angle.cos(), 0.001 * angle.sin()]
        });
        let mut places = settle(start.collect(), &groups(80));
        fit(&mut places);
        let far = |a: usize, b: usize| {
            let (a, b) = (places[a], places[b]);
            (a[0] - b[0]).hypot(a[1] - b[1])
        };
        for at in 0..80 {
            let within = (0..80).filter(|other| other / 10 == at / 10);
            let most = within.map(|other| far(at, other)).fold(0.0, f32::max);
            let others = (0..80).filter(|other| other / 10 != at / 10);
            let least = others.map(|other| far(at, other)).fold(9.0, f32::min);
            assert!(most < least, "movie {at}: {most} within, {least} to others");
        }
        assert!(places.iter().flatten().all(|x| x.abs() <= 1.0 + 1e-6));
    }

    #[test]
    fn every_movie_of_an_image_has_one_place_and_the_same_each_time() {
        let example = pocketrec::image::example();
        let model = Model::open(example.bytes()).unwrap();
        let places = of(&model, |row| 10 - row);
        assert_eq!(places.len(), model.movies() as usize);
        assert!(
            places
                .iter()
                .flatten()
                .all(|x| x.is_finite() && x.abs() <= 1.0 + 1e-6)
        );
        assert_eq!(places, of(&model, |row| 10 - row));
    }

    #[test]
    fn shares_are_of_one_and_fall_with_the_distance() {
        let far: Vec<(u32, f32)> = (0..30).map(|at| (at, at as f32 / 10.0)).collect();
        let shares = shares(&far);
        let sum: f32 = shares.iter().map(|(_, share)| share).sum();
        assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        assert!(shares.is_sorted_by(|a, b| a.1 >= b.1));
        let entropy: f32 = shares.iter().map(|(_, w)| -w * w.max(1e-30).ln()).sum();
        assert!((entropy - PERPLEXITY.ln()).abs() < 0.01, "{entropy}");
    }
}
