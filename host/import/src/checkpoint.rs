//! The checkpoint of a found model: what it doesn't say is worked out from ratings, where some are given, or left out and
//! told.

use std::str::FromStr;

use pocketrec::MAX_DIM;
use pocketrec_base::error::BadInput;
use pocketrec_base::random::hash;
use pocketrec_base::threads;
use pocketrec_checkpoint::{Checkpoint, DataNote, IMPORTED, SplitNote};
use pocketrec_data::scale::GivenScale;
use pocketrec_data::{Dataset, Names, Ratings, Scale, Split};
use pocketrec_train::bayes::{Rows, narrower};
use pocketrec_train::{ModelKind, Options, Parameters, Solver, fame, interest, recipe, validate};

use crate::found::{Found, Side};

/// Users, and movies, that a model is looked at with where looking at all would take long.
const LOOKED_AT: usize = 1000;
/// What is told where nothing is known of what a model may be used for.
const LICENCE: &str = "unknown terms; `import --licence` states them";
/// A mean of ratings less predictions that a model with its own mean doesn't have, as a share of the scale.
const OFF: f64 = 0.1;

/// Where the mean of a prediction is from, if it isn't the model's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mean {
    /// The ratings'.
    Ratings,
    /// This.
    Given(f32),
}

impl FromStr for Mean {
    type Err = String;

    fn from_str(text: &str) -> Result<Mean, String> {
        let number = text.parse::<f32>().ok().filter(|mean| mean.is_finite());
        match (text, number) {
            ("data", _) => Ok(Mean::Ratings),
            (_, Some(mean)) => Ok(Mean::Given(mean)),
            _ => Err(
                "it should be a number, such as 3.53, or data for the mean of the ratings".into(),
            ),
        }
    }
}

/// What is known beside a model.
#[derive(Clone, Debug)]
pub struct Beside<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The ratings that it was trained on, or ones like them.
    pub data: Option<&'a Dataset>,
    /// The scale.
    pub scale: Option<GivenScale>,
    /// What it may be used for.
    pub licence: Option<&'a str>,
    /// What a prediction starts from.
    pub mean: Option<Mean>,
    /// Dimensions, if it is to have fewer.
    pub dim: Option<usize>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Made {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The model as it was, where it had to be cut.
    pub whole: Option<Parameters>,
    /// What a person should know, a sentence each.
    pub notes: Vec<String>,
}

/// The checkpoint of a model.
///
/// # Errors
/// [`BadInput`] for ids that don't fit the ratings, or what no image could hold.
pub fn make(found: Found, beside: &Beside<'_>) -> Result<Made, BadInput> {
    let Found {
        model,
        mean,
        mut users,
        mut movies,
        layers,
        mut notes,
    } = found;
    if let Some(data) = beside.data {
        meet(
            &mut users,
            &data.user_names,
            &data.ratings.user_ids,
            "user",
            &mut notes,
        )?;
        meet(
            &mut movies,
            &data.movie_names,
            &data.ratings.movie_ids,
            "movie",
            &mut notes,
        )?;
    }
    let ratings = beside
        .data
        .map(|data| data.ratings.of_rows(&users.ids, &movies.ids));
    if let (Some(ratings), Some(data)) = (&ratings, beside.data) {
        if ratings.is_empty() {
            return Err(BadInput::new(format!(
                "none of the {} ratings of --data is by a user and of a movie of the model: their ids don't match",
                data.ratings.len()
            )));
        }
        if ratings.len() < data.ratings.len() {
            notes.push(format!(
                "{} of {} ratings are by users or of movies that the model hasn't, and tell nothing of it",
                data.ratings.len() - ratings.len(),
                data.ratings.len()
            ));
        }
    }
    let mean = match (beside.mean, &ratings) {
        (Some(Mean::Given(mean)), _) => mean,
        (Some(Mean::Ratings), Some(ratings)) => mean_of(&ratings.stars),
        (Some(Mean::Ratings), None) => {
            return Err(BadInput::new(
                "--mean data is the mean of the ratings, and --data names none",
            ));
        }
        (None, _) => mean.unwrap_or_default(),
    };
    let mut parameters = Parameters {
        model,
        mean,
        scale: (0.0, 0.0),
        users: users.ids.len(),
        movies: movies.ids.len(),
        user_dim: users.dim,
        movie_dim: movies.dim,
        user_embedding: users.table,
        movie_embedding: movies.table,
        user_bias: users.bias,
        movie_bias: movies.bias,
        layers,
    };
    let scale = scale(&parameters, beside, &mut notes);
    parameters.scale = (scale.min, scale.max);
    if let Some(ratings) = &ratings {
        measure(&parameters, ratings, beside.mean.is_some(), &mut notes);
    }
    let counts = |rows: &[u32], length: usize| {
        let mut counts = vec![0u32; length];
        rows.iter().for_each(|row| counts[*row as usize] += 1);
        counts
    };
    let none = Ratings::default();
    let counted = ratings.as_ref().unwrap_or(&none);
    let user_counts = counts(&counted.users, parameters.users);
    let movie_counts = counts(&counted.movies, parameters.movies);
    let whole = match wanted(&parameters, beside.dim)? {
        None => None,
        Some(dim) => {
            let narrow = cut(&parameters, (&user_counts, &movie_counts), dim, &mut notes);
            Some(std::mem::replace(&mut parameters, narrow))
        }
    };
    let hidden = parameters.layers.iter().map(|layer| layer.outputs);
    let mut options = Options {
        model,
        solver: Solver::Imported,
        user_dim: parameters.user_dim,
        movie_dim: parameters.movie_dim,
        hidden: hidden
            .take(parameters.layers.len().saturating_sub(1))
            .collect(),
        scale: parameters.scale,
        step: scale.step,
        ..Options::default()
    };
    let mut held = SplitNote::default();
    let mut found = None;
    if let (Some(ratings), Some(data)) = (&ratings, beside.data) {
        held.share = recipe::VALIDATION;
        let split = Split::random(ratings.len(), held.share, held.seed);
        let weight = fame::choose(&parameters, ratings, &split);
        options.fame = Some(weight);
        if data.has_times {
            found = interest::find(&parameters, ratings, &split, &options, &|| false);
        }
        let weight = found.as_ref().map_or(weight, |found| found.fame);
        notes.push(format!(
            "{}, chosen on ratings that the model may know",
            fame::sentence(weight, found.is_some())
        ));
    } else {
        notes.push(
            "Without --data, lists add nothing for well-known movies or for what people look for, nobody's rated movies are \
             left out, and `export` knows no most rated movies"
                .into(),
        );
    }
    let data = match beside.data {
        Some(data) => DataNote {
            licence: beside
                .licence
                .map_or_else(|| data.license.clone(), String::from),
            ..DataNote::of(data)
        },
        None => DataNote {
            name: beside.name.into(),
            source: IMPORTED.into(),
            fingerprint: fingerprint(&parameters, &users.ids, &movies.ids),
            licence: beside.licence.unwrap_or(LICENCE).into(),
            user_names: users.names,
            movie_names: movies.names,
            ..DataNote::default()
        },
    };
    Ok(Made {
        checkpoint: Checkpoint {
            parameters,
            user_ids: users.ids,
            movie_ids: movies.ids,
            user_counts,
            movie_counts,
            data,
            split: held,
            options,
            best_epoch: 1,
            newcomer: None,
            drift: None,
            odds: None,
            interest: found,
            validation: None,
        },
        whole,
        notes,
    })
}

/// Gives a side's rows the ids that ratings have for them; rows that they have none for are left out.
fn meet(
    side: &mut Side,
    names: &Names,
    ids: &[u32],
    what: &str,
    notes: &mut Vec<String>,
) -> Result<(), BadInput> {
    if names.is_empty() {
        let Some(example) = side.names.of(1) else {
            return Ok(());
        };
        return Err(BadInput::new(format!(
            "the model's {what} ids are names, such as `{example}`, and those of --data are numbers, such as {}",
            ids.first().copied().unwrap_or_default()
        )));
    }
    let dim = side.dim;
    let known = |id: &u32| match side.names.of(*id) {
        Some(name) => names.id(name),
        None => names.id(&id.to_string()),
    };
    let mut met: Vec<(u32, usize)> = side
        .ids
        .iter()
        .enumerate()
        .filter_map(|(row, id)| Some((known(id)?, row)))
        .collect();
    met.sort_unstable();
    let lost = side.ids.len() - met.len();
    if met.is_empty() {
        return Err(BadInput::new(format!(
            "no {what} of the model is in --data, whose {what}s have names, such as `{}`; --{what}-ids names the model's",
            names.of(1).unwrap_or_default()
        )));
    }
    if lost > 0 {
        notes.push(format!(
            "{lost} {what}s of the model are left out: --data doesn't name them"
        ));
    }
    let mut table = Vec::with_capacity(met.len() * dim);
    for (_, row) in &met {
        table.extend_from_slice(&side.table[row * dim..][..dim]);
    }
    let bias = met
        .iter()
        .filter_map(|(_, row)| side.bias.get(*row).copied())
        .collect();
    *side = Side {
        ids: met.iter().map(|(id, _)| *id).collect(),
        names: names.clone(),
        dim,
        table,
        bias,
    };
    Ok(())
}

fn mean_of(values: &[f32]) -> f32 {
    let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
    (sum / values.len().max(1) as f64) as f32
}

/// At most so many of so many rows, evenly spaced.
fn some(count: usize) -> impl ExactSizeIterator<Item = usize> + Clone {
    let taken = count.min(LOOKED_AT);
    (0..taken).map(move |at| at * count / taken.max(1))
}

/// Predictions, not clamped, of some users for some movies.
fn predictions(p: &Parameters) -> Vec<f32> {
    let users: Vec<usize> = some(p.users).collect();
    let made = threads::share(
        threads::available(),
        users,
        || (),
        |(), user| {
            let pairs = some(p.movies).map(|movie| (user, movie));
            let mut out = vec![0.0; p.movies.min(LOOKED_AT)];
            p.raw_many(pairs, &mut out);
            out
        },
    );
    made.concat()
}

/// The scale: as it is given, that of the ratings, or what predictions span.
fn scale(p: &Parameters, beside: &Beside<'_>, notes: &mut Vec<String>) -> Scale {
    let of_data = beside.data.map(|data| data.scale);
    match (beside.scale, of_data) {
        (Some(given), found) => given.with(found.unwrap_or(Scale::MOVIELENS)),
        (None, Some(found)) => found,
        (None, None) => {
            let predicted = predictions(p);
            let over = |pick: fn(f32, f32) -> f32| {
                predicted.iter().copied().reduce(pick).unwrap_or_default()
            };
            let (low, high) = (over(f32::min).floor(), over(f32::max).ceil());
            let scale = Scale {
                min: low,
                max: if high > low { high } else { low + 1.0 },
                ..Scale::MOVIELENS
            };
            notes.push(format!(
                "No scale is given (--scale or --data): taken as {} to {}, which its predictions span; those beyond are cut \
                 to it",
                scale.min, scale.max
            ));
            scale
        }
    }
}

/// Tells how far the model is from ratings, and whether it lacks their mean.
fn measure(p: &Parameters, ratings: &Ratings, told: bool, notes: &mut Vec<String>) {
    let all: Vec<u32> = (0..ratings.len() as u32).collect();
    let errors = validate(p, ratings, &all);
    notes.push(format!(
        "On the {} ratings of --data that are of its users and movies its RMSE is {:.4}; it may have been trained on them",
        ratings.len(),
        errors.rmse()
    ));
    let pairs = ratings
        .users
        .iter()
        .zip(&ratings.movies)
        .map(|(u, m)| (*u as usize, *m as usize));
    let mut predicted = vec![0.0; ratings.len()];
    p.raw_many(pairs, &mut predicted);
    let off = f64::from(mean_of(&ratings.stars)) - f64::from(mean_of(&predicted));
    if !told && off.abs() > OFF * f64::from(p.scale.1 - p.scale.0) {
        notes.push(format!(
            "Its predictions are {:.2} {} than these ratings on average: if it was trained on ratings less their mean, add \
             --mean data",
            off.abs(),
            if off > 0.0 { "lower" } else { "higher" }
        ));
    }
}

/// The dimensions to cut to, where the model has more than it is to have.
fn wanted(p: &Parameters, dim: Option<usize>) -> Result<Option<usize>, BadInput> {
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

/// The model with rows of `dim` numbers, each rating's error counting.
fn cut(
    p: &Parameters,
    counts: (&[u32], &[u32]),
    dim: usize,
    notes: &mut Vec<String>,
) -> Parameters {
    let weights = |counts: &[u32]| counts.iter().map(|&n| n as f32 + 1.0).collect::<Vec<_>>();
    let (user_weights, movie_weights) = (weights(counts.0), weights(counts.1));
    let rows = Rows {
        mean: p.mean,
        user_bias: p.user_bias.clone(),
        movie_bias: p.movie_bias.clone(),
        dim: p.user_dim,
        user_rows: p.user_embedding.clone(),
        movie_rows: p.movie_embedding.clone(),
    };
    let rows = narrower(
        rows,
        (&user_weights, &movie_weights),
        dim,
        threads::available(),
    );
    let narrow = Parameters {
        mean: rows.mean,
        user_dim: dim,
        movie_dim: dim,
        user_embedding: rows.user_rows,
        movie_embedding: rows.movie_rows,
        user_bias: rows.user_bias,
        movie_bias: rows.movie_bias,
        model: p.model,
        scale: p.scale,
        users: p.users,
        movies: p.movies,
        layers: p.layers.clone(),
    };
    let (before, after) = (predictions(p), predictions(&narrow));
    let squares = before
        .iter()
        .zip(&after)
        .map(|(a, b)| f64::from(a - b).powi(2));
    let moved = (squares.sum::<f64>() / before.len().max(1) as f64).sqrt();
    let mean = f64::from(mean_of(&before));
    let spread = before
        .iter()
        .map(|a| (f64::from(*a) - mean).powi(2))
        .sum::<f64>();
    let spread = (spread / before.len().max(1) as f64).sqrt();
    notes.push(format!(
        "Rows of {} numbers are cut to the {dim} that explain most, and biases: predictions move by {moved:.4} (RMS), and \
         they spread by {spread:.4}",
        p.user_dim
    ));
    narrow
}

/// A model's, where no ratings have one.
fn fingerprint(p: &Parameters, users: &[u32], movies: &[u32]) -> u64 {
    let numbers = p
        .tables()
        .into_iter()
        .flatten()
        .map(|value| value.to_bits());
    let ids = users.iter().chain(movies).copied();
    numbers
        .chain(ids)
        .fold(1, |sum, bits| hash(sum ^ u64::from(bits)))
}
