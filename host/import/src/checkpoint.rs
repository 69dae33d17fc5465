//! The checkpoint of a found model: what it doesn't say is worked out from ratings, where some are given, or left out and
//! told.

use std::str::FromStr;

use pocketrec_base::error::BadInput;
use pocketrec_base::random::{digest, hash};
use pocketrec_checkpoint::{Checkpoint, DataNote, IMPORTED, SplitNote};
use pocketrec_data::scale::GivenScale;
use pocketrec_data::{Dataset, Names, Ratings, Scale, Split};
use pocketrec_train::{Options, Parameters, Solver, fame, interest, recipe, validate};

use crate::cut::{Whole, lost, mean_of, wanted};
use crate::found::{Found, Side};

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
    pub whole: Option<Whole>,
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
        scale: own_scale,
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
    let rest = Parameters {
        model,
        mean,
        scale: (0.0, 0.0),
        users: users.ids.len(),
        movies: movies.ids.len(),
        user_dim: users.dim,
        movie_dim: movies.dim,
        user_embedding: Vec::new(),
        movie_embedding: Vec::new(),
        user_bias: users.bias,
        movie_bias: movies.bias,
        layers,
    };
    let wanted = wanted(&rest, beside.dim)?;
    let mut whole = Whole {
        rest,
        users: users.table,
        movies: movies.table,
    };
    let open = beside.scale.is_none() && beside.data.is_none() && own_scale.is_none();
    let predicted = match open || wanted.is_some() {
        true => whole.predictions(),
        false => Vec::new(),
    };
    let scale = scale(&predicted, own_scale, beside, &mut notes);
    whole.rest.scale = (scale.min, scale.max);
    let measured = |p: &Parameters, notes: &mut Vec<String>| {
        if let Some(ratings) = &ratings {
            measure(p, ratings, beside.mean.is_some(), notes);
        }
    };
    let counts = |rows: &[u32], length: usize| {
        let mut counts = vec![0u32; length];
        rows.iter().for_each(|row| counts[*row as usize] += 1);
        counts
    };
    let none = Ratings::default();
    let counted = ratings.as_ref().unwrap_or(&none);
    let user_counts = counts(&counted.users, whole.rest.users);
    let movie_counts = counts(&counted.movies, whole.rest.movies);
    let (parameters, whole) = match wanted {
        None => {
            let parameters = whole.into_parameters();
            measured(&parameters, &mut notes);
            (parameters, None)
        }
        Some(dim) => {
            if ratings.is_some() {
                measured(&whole.parameters(), &mut notes);
            }
            let narrow = whole.cut((&user_counts, &movie_counts), dim);
            notes.push(lost(&predicted, &narrow, whole.rest.user_dim));
            (narrow, Some(whole))
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
            let orders = split.in_order(ratings);
            let all = (&split, &orders);
            found = interest::find(&parameters, ratings, all, &options, &|| false);
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
        table: table.into(),
        bias,
    };
    Ok(())
}

/// The scale: as it is given, that of the ratings, or what predictions span.
fn scale(
    predicted: &[f32],
    own: Option<(f32, f32)>,
    beside: &Beside<'_>,
    notes: &mut Vec<String>,
) -> Scale {
    let of_data = beside.data.map(|data| data.scale);
    let of_data = match own {
        Some((min, max)) => Some(Scale {
            min,
            max,
            ..of_data.unwrap_or(Scale::MOVIELENS)
        }),
        None => of_data,
    };
    match (beside.scale, of_data) {
        (Some(given), found) => given.with(found.unwrap_or(Scale::MOVIELENS)),
        (None, Some(found)) => found,
        (None, None) => {
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

/// A model's, where no ratings have one.
fn fingerprint(p: &Parameters, users: &[u32], movies: &[u32]) -> u64 {
    let tables = p.tables().into_iter().map(bytemuck::cast_slice);
    tables
        .chain([users, movies].map(bytemuck::cast_slice))
        .fold(1, |sum, bytes| hash(sum ^ digest(bytes)))
}
