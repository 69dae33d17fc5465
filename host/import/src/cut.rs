//! Rows wider than they may be, cut to the numbers that explain most, and what is lost by it.

use pocketrec::MAX_DIM;
use pocketrec_base::error::BadInput;
use pocketrec_base::threads;
use pocketrec_train::bayes::{WideRows, narrower};
use pocketrec_train::{ModelKind, Parameters};

use crate::rows::Rows;

/// Users, and movies, that a model is looked at with where looking at all would take long.
const LOOKED_AT: usize = 1000;

/// At most so many of so many rows, evenly spaced.
fn some(count: usize) -> Vec<usize> {
    let taken = count.min(LOOKED_AT);
    (0..taken).map(|at| at * count / taken).collect()
}

/// A model before it is cut, whose rows may still lie in its file.
#[derive(Clone, Debug)]
pub struct Whole {
    /// All but the embedding tables, which are empty.
    pub(crate) rest: Parameters,
    /// The users' embedding.
    pub(crate) users: Rows,
    /// The movies' embedding.
    pub(crate) movies: Rows,
}

impl Whole {
    /// The model in memory: a copy of its tables.
    pub fn parameters(&self) -> Parameters {
        self.clone().into_parameters()
    }

    /// The model in memory; tables of the file's are copied.
    pub(crate) fn into_parameters(self) -> Parameters {
        Parameters {
            user_embedding: self.users.into_own(),
            movie_embedding: self.movies.into_own(),
            ..self.rest
        }
    }

    /// Predictions, not clamped, of some users for some movies: those of [`predictions`].
    pub(crate) fn predictions(&self) -> Vec<f32> {
        let p = &self.rest;
        let (users, movies) = (some(p.users), some(p.movies));
        let of = |values: &[f32], dim: usize, rows: &[usize]| -> Vec<f32> {
            let rows = rows
                .iter()
                .map(|row| values.get(row * dim..(row + 1) * dim));
            rows.flatten().flatten().copied().collect()
        };
        predictions(&Parameters {
            users: users.len(),
            movies: movies.len(),
            user_embedding: of(&self.users, p.user_dim, &users),
            movie_embedding: of(&self.movies, p.movie_dim, &movies),
            user_bias: of(&p.user_bias, 1, &users),
            movie_bias: of(&p.movie_bias, 1, &movies),
            layers: p.layers.clone(),
            ..*p
        })
    }

    /// The model with rows of `dim` numbers, each rating's error counting.
    pub(crate) fn cut(&self, counts: (&[u32], &[u32]), dim: usize) -> Parameters {
        let weights = |counts: &[u32]| counts.iter().map(|&n| n as f32 + 1.0).collect::<Vec<_>>();
        let (user_weights, movie_weights) = (weights(counts.0), weights(counts.1));
        let p = &self.rest;
        let rows = narrower(
            &WideRows {
                mean: p.mean,
                bias: (&p.user_bias, &p.movie_bias),
                dim: p.user_dim,
                rows: (&self.users, &self.movies),
            },
            (&user_weights, &movie_weights),
            dim,
            threads::available(),
        );
        Parameters {
            mean: rows.mean,
            user_dim: dim,
            movie_dim: dim,
            user_embedding: rows.user_rows,
            movie_embedding: rows.movie_rows,
            user_bias: rows.user_bias,
            movie_bias: rows.movie_bias,
            layers: p.layers.clone(),
            ..*p
        }
    }
}

/// Predictions, not clamped, of some users for some movies.
fn predictions(p: &Parameters) -> Vec<f32> {
    let (users, movies) = (some(p.users), some(p.movies));
    p.raw_grid(&users, &movies, threads::available())
}

/// The dimensions to cut to, where the model has more than it is to have.
pub(crate) fn wanted(p: &Parameters, dim: Option<usize>) -> Result<Option<usize>, BadInput> {
    let most = dim.unwrap_or(MAX_DIM);
    let has = p.user_dim.max(p.movie_dim);
    if most == 0 || most > MAX_DIM {
        return Err(BadInput::new(format!(
            "--dim is {most}; it should be a number from 1 to {MAX_DIM}"
        )));
    }
    if has <= most {
        return Ok(None);
    }
    if p.model != ModelKind::Mf {
        return Err(BadInput::new(format!(
            "the model has rows of {has} numbers, and {} {most}: only a model without dense layers can be cut; train one \
             with fewer numbers",
            if dim.is_some() {
                "--dim says"
            } else {
                "an image holds at most"
            }
        )));
    }
    Ok(Some(most))
}

/// What is lost by rows of fewer numbers, in words; `before` are the predictions of the [`Whole`] model, whose rows had `dim`.
pub(crate) fn lost(before: &[f32], narrow: &Parameters, dim: usize) -> String {
    let after = predictions(narrow);
    let root = |squares: f64| (squares / before.len().max(1) as f64).sqrt();
    let squares = before
        .iter()
        .zip(&after)
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    let moved = root(squares.sum());
    let mean = f64::from(mean_of(before));
    let spread = root(before.iter().map(|a| (f64::from(*a) - mean).powi(2)).sum());
    let all = narrow.users * narrow.movies;
    let of = match before.len() < all {
        true => format!("RMS of {} of the {all}, evenly spaced", before.len()),
        false => "RMS".into(),
    };
    format!(
        "Rows of {dim} numbers are cut to the {} that explain most, and biases: predictions move by {moved:.4} ({of}), and \
         they spread by {spread:.4}",
        narrow.user_dim
    )
}

/// The mean of some numbers.
pub(crate) fn mean_of(values: &[f32]) -> f32 {
    let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
    (sum / values.len().max(1) as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::numbers;

    /// A model whose rows fade, so that some numbers explain more than others.
    fn model(users: usize, movies: usize, dim: usize) -> Parameters {
        let table = |rows: usize, seed| -> Vec<f32> {
            let numbers = numbers(rows * dim, seed, 1.0);
            let faded = |(at, x): (usize, f32)| x / (1.0 + (at % dim) as f32 / 4.0) + 0.1;
            numbers.into_iter().enumerate().map(faded).collect()
        };
        Parameters {
            model: ModelKind::Mf,
            mean: 3.0,
            scale: (1.0, 5.0),
            users,
            movies,
            user_dim: dim,
            movie_dim: dim,
            user_embedding: table(users, 1),
            movie_embedding: table(movies, 2),
            user_bias: numbers(users, 3, 0.5),
            movie_bias: numbers(movies, 4, 0.5),
            layers: Vec::new(),
        }
    }

    fn whole(p: &Parameters) -> Whole {
        let mut rest = p.clone();
        Whole {
            users: std::mem::take(&mut rest.user_embedding).into(),
            movies: std::mem::take(&mut rest.movie_embedding).into(),
            rest,
        }
    }

    /// Root mean squares over all pairs, one after the other in double precision: by how much predictions differ, and how
    /// far they spread.
    fn plainly(wide: &Parameters, narrow: &Parameters) -> (f64, f64) {
        let raw = |p: &Parameters, user: usize, movie: usize| {
            let products = p.user_row(user).iter().zip(p.movie_row(movie));
            let dot: f64 = products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            dot + f64::from(p.mean) + f64::from(p.user_bias[user]) + f64::from(p.movie_bias[movie])
        };
        let pairs = (0..wide.users).flat_map(|user| (0..wide.movies).map(move |m| (user, m)));
        let was: Vec<f64> = pairs.clone().map(|(u, m)| raw(wide, u, m)).collect();
        let is: Vec<f64> = pairs.map(|(u, m)| raw(narrow, u, m)).collect();
        let count = was.len() as f64;
        let mean = was.iter().sum::<f64>() / count;
        let moved: f64 = was.iter().zip(&is).map(|(a, b)| (a - b).powi(2)).sum();
        let spread: f64 = was.iter().map(|a| (a - mean).powi(2)).sum();
        ((moved / count).sqrt(), (spread / count).sqrt())
    }

    /// The two numbers that are told.
    fn told(note: &str) -> (f64, f64) {
        let behind = |words: &str| note.split_once(words).unwrap().1.split(' ').next().unwrap();
        let (moved, spread) = (behind("move by "), behind("spread by "));
        (moved.parse().unwrap(), spread.parse().unwrap())
    }

    #[test]
    fn the_loss_that_is_told_is_that_of_all_pairs() {
        for dim in [3, 8, 32] {
            let wide = model(70, 90, 48);
            let whole = whole(&wide);
            let narrow = whole.cut((&[2; 70], &[1; 90]), dim);
            assert_eq!(whole.parameters(), wide);
            let note = lost(&whole.predictions(), &narrow, 48);
            let (due, is) = (plainly(&wide, &narrow), told(&note));
            assert!(
                (due.0 - is.0).abs() < 1e-4 && (due.1 - is.1).abs() < 1e-4,
                "{note} {due:?}"
            );
            assert!(due.0 > 0.001, "{note}");
            assert!(note.contains("(RMS)"), "{note}");
        }
    }

    #[test]
    fn the_loss_of_many_pairs_is_measured_on_a_million_of_them() {
        let wide = model(1100, 1300, 40);
        let whole = whole(&wide);
        assert_eq!(whole.predictions(), predictions(&wide));
        let narrow = whole.cut((&[0; 1100], &[0; 1300]), 6);
        let note = lost(&whole.predictions(), &narrow, 40);
        let (due, is) = (plainly(&wide, &narrow), told(&note));
        assert!(
            (due.0 / is.0 - 1.0).abs() < 0.02 && (due.1 / is.1 - 1.0).abs() < 0.02,
            "{note} {due:?}"
        );
        assert!(
            note.contains("RMS of 1000000 of the 1430000, evenly spaced"),
            "{note}"
        );
    }
}
