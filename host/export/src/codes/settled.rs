//! Whether the movies of an image have the codes that a search among its codewords leaves them with, and whether those
//! codewords are of use.
//!
//! The search makes the best of any codewords, poor ones too. So what codes lose is held beside what a quantiser loses that
//! learns nothing but how the movies' numbers spread: each number along a principal axis by itself, by Lloyd and Max's
//! levels for a normal distribution (Max 1960, Quantizing for minimum distortion), with the bits where they help most
//! (transform coding: Huang and Schultheiss 1963). It gets a byte a movie less: with as many, codewords of eight bits
//! needn't be better where the numbers are few.

use std::fmt;

use pocketrec_base::print::count;
use pocketrec_base::threads;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_train::additive::Books;
use pocketrec_train::dense::svd;

use super::tables::weight;
use super::{Input, Metric, Network, SEED};

/// What codewords of eight bits may lose of the mean square of all numbers, where these hardly differ.
const EIGHT_BITS: f64 = 1.0 / 128.0 / 128.0;

/// What is left of the variance of a normal distribution by a quantiser of 0, 1, 2, … bits, as Max gives it.
const LEFT: [f64; 6] = [1.0, 0.3634, 0.1175, 0.03454, 0.009497, 0.002499];

/// The codewords of an image.
pub(crate) struct Words<'a> {
    /// How many books there are.
    pub books: usize,
    /// \[codewords of all books\]\[columns\].
    pub rows: Vec<f32>,
    /// \[codewords of all books\], or none.
    pub biases: Vec<f32>,
    /// Halves of dense layer 0, \[codewords of all books\]\[units\], where there is an MLP.
    pub halves: Vec<f64>,
    /// \[movies\]\[books\].
    pub codes: &'a [u8],
}

/// How near codes are to the movies.
pub(crate) struct Settled {
    /// How far each movie's codes are from the movie, and how far they would be with the best change of one of them, each as a
    /// root of the mean square of what it does to predictions. The second is less by no more than single precision loses in a
    /// search, unless a code isn't the movie's.
    pub each: Vec<[f64; 2]>,
    pub lost: Lost,
}

/// What codes do to predictions, in stars: roots of mean squares over users and movies, each counted as often as it is rated.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Lost {
    /// How many bytes a movie's codes take.
    pub bytes: usize,
    /// What these codes lose.
    pub codes: f64,
    /// What numbers would lose that are rounded one by one to a byte a movie less.
    pub scalars: f64,
}

impl Lost {
    /// Whether the codewords are of no use.
    pub(crate) fn is_poor(&self) -> bool {
        self.codes > self.scalars
    }
}

/// As a clause.
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "codes lose {:.4} stars (RMS), where numbers rounded one by one to {} a movie would lose {:.4}",
            self.codes,
            count(self.bytes - 1, "byte"),
            self.scalars
        )
    }
}

/// Judges the codes of all movies of a checkpoint.
pub(crate) fn settled(checkpoint: &Checkpoint, words: &Words<'_>) -> Settled {
    let p = &checkpoint.parameters;
    let counts = (&checkpoint.user_counts[..], &checkpoint.movie_counts[..]);
    let (metric, network) = match p.layers.is_empty() {
        true => (Metric::of(p, counts.0), None),
        false => {
            let (by_row, metric) = Metric::of_network(p, counts);
            let parameters = p;
            (by_row, Some(Network { parameters, metric }))
        }
    };
    let threads = threads::available();
    let input = Input {
        rows: &p.movie_embedding,
        columns: p.movie_dim,
        biases: &p.movie_bias,
        weights: &[],
        metric: &metric,
        books: words.books,
        seed: SEED,
        network,
        threads,
    };
    let (points, side) = match &input.network {
        Some(network) => (input.points_of(network), network.metric.side()),
        None => (input.points(), metric.side()),
    };
    let units = words.halves.len() * p.movie_dim / words.rows.len().max(1);
    let whitened = words.rows.chunks_exact(p.movie_dim).enumerate();
    let whitened = whitened.flat_map(|(at, row)| {
        let bias = words.biases.get(at).map(|x| f64::from(*x));
        let half = &words.halves[at * units..][..units];
        let row = row.iter().map(|x| f64::from(*x));
        input.whiten(bias, row, half.iter().copied())
    });
    let whitened: Vec<f32> = whitened.collect();
    let length = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    let of_book = whitened.chunks_exact((whitened.len() / words.books).max(1));
    let longest: f64 = of_book
        .map(|book| book.chunks_exact(side).map(length).fold(0.0, f64::max))
        .sum();
    let books = Books::new(whitened, side, words.books);
    let movies = points
        .chunks_exact(side)
        .zip(words.codes.chunks_exact(words.books));
    let each = threads::share(
        threads,
        movies,
        || (),
        |(), (point, codes)| {
            let lost = LOST * (length(point) + longest).powi(2);
            let [now, least] = books.distances(point, codes);
            [now.sqrt(), (least + lost).sqrt()]
        },
    );
    let weights = checkpoint.movie_counts.iter().map(|count| weight(*count));
    let weights: Vec<f64> = weights.map(f64::from).collect();
    let squares = each.iter().zip(&weights);
    let squares: f64 = squares.map(|([now, _], weight)| weight * now * now).sum();
    let lost = Lost {
        bytes: words.books,
        codes: (squares / weights.iter().sum::<f64>()).sqrt(),
        scalars: scalars(&points, side, &weights, 8 * (words.books - 1)).sqrt(),
    };
    Settled { each, lost }
}

/// The mean square that numbers lose which are rounded one by one to so many bits a point.
fn scalars(points: &[f32], side: usize, weights: &[f64], bits: usize) -> f64 {
    let total: f64 = weights.iter().sum();
    let weighed = || points.chunks_exact(side).zip(weights);
    let mut mean = vec![0.0; side];
    for (point, weight) in weighed() {
        for (mean, x) in mean.iter_mut().zip(point) {
            *mean += weight / total * f64::from(*x);
        }
    }
    let mut spread = vec![0.0; side * side];
    for (point, weight) in weighed() {
        let off: Vec<f64> = point
            .iter()
            .zip(&mean)
            .map(|(x, mean)| f64::from(*x) - mean)
            .collect();
        for (row, a) in spread.chunks_exact_mut(side).zip(&off) {
            for (sum, b) in row.iter_mut().zip(&off) {
                *sum += weight / total * a * b;
            }
        }
    }
    // Of a matrix such as this one they are the variances along its axes.
    let variances = svd(spread, side).values;
    let mut given = vec![0; side];
    let left = |axis: usize, bits: usize| variances[axis] * LEFT[bits];
    for _ in 0..bits {
        let gain = |axis: &usize| left(*axis, given[*axis]) - left(*axis, given[*axis] + 1);
        let open = (0..side).filter(|axis| given[*axis] + 1 < LEFT.len());
        let Some(best) = open.max_by(|a, b| gain(a).total_cmp(&gain(b))) else {
            break;
        };
        given[best] += 1;
    }
    let lost: f64 = (0..side).map(|axis| left(axis, given[axis])).sum();
    let size: f64 = variances.iter().sum::<f64>() + mean.iter().map(|x| x * x).sum::<f64>();
    lost.max(EIGHT_BITS * size)
}

/// What a search in single precision may lose of the squared lengths that it adds up.
const LOST: f64 = 1.0e-5;
