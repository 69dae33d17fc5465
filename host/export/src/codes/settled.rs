//! Whether the movies of an image have the codes that a search among its codewords leaves them with.

use pocketrec_base::threads;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_train::additive::Books;

use super::{Input, Metric, Network, SEED};

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

/// How far each movie's codes are from the movie, and how far they would be with the best change of one of them, each as a
/// root of the mean square of what it does to predictions. The second is less by no more than single precision loses in a
/// search, unless a code isn't the movie's.
pub(crate) fn distances(checkpoint: &Checkpoint, words: &Words<'_>) -> Vec<[f64; 2]> {
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
    threads::share(
        threads,
        movies,
        || (),
        |(), (point, codes)| {
            let lost = LOST * (length(point) + longest).powi(2);
            let [now, least] = books.distances(point, codes);
            [now.sqrt(), (least + lost).sqrt()]
        },
    )
}

/// What a search in single precision may lose of the squared lengths that it adds up.
const LOST: f64 = 1.0e-5;
