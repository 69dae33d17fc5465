//! Checkpoint in, image out. The format itself is core's: this file only says which table gets which numbers.

use std::borrow::Cow;

use pocketrec::image::builder::{self, DenseLayer, OwnedTable, Title, dense_tables};
use pocketrec::image::{ImageError, MAX_TEXT, TableKind as K};
use pocketrec::model::{Model, Parts};
use pocketrec::numeric::activation::Activation;

use super::ids::Form;
use super::influence::{Influence, Side};
use super::pick::pick;
use super::precision::{Precision, Storage};
use super::spread::spread;
use super::{Chosen, ImageBytes, codes, interests, limits, odds, quantise, refine, seen};
use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_train::Parameters;
use pocketrec_train::interest::{confidence_bytes, most};

/// The image of the chosen rows of a checkpoint, sealed and verified by core's own reader.
///
/// A device's owner starts as the checkpoint's newcomer, else as the mean of all its users, chosen or not. Users are as the
/// checkpoint's parameters have them: [`Checkpoint::as_of_last`] moves their biases to where they have come to. Rows of
/// 8 bits are rounded by what they do to predictions, which takes about 90 microseconds a row of 8 on a thread.
///
/// # Errors
///
/// [`BadInput`] names what an image can't hold: a number beyond half precision, too many dimensions, units or
/// layers, a model in which a prediction could overflow, or one that has nothing to precompute.
pub fn build(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    storage: impl Into<Storage>,
) -> Result<ImageBytes, BadInput> {
    build_by(checkpoint, chosen, storage.into(), Rounding::ByPredictions)
}

/// How rows of 8 bits are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    /// Each number to the nearest.
    Nearest,
    /// A row as its predictions err least.
    ByPredictions,
}

/// As [`build`], rows of 8 bits rounded to the nearest: of the same size, and sooner there.
pub(super) fn draft(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    storage: Storage,
) -> Result<ImageBytes, BadInput> {
    build_by(checkpoint, chosen, storage, Rounding::Nearest)
}

fn build_by(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    storage: Storage,
    rounding: Rounding,
) -> Result<ImageBytes, BadInput> {
    let p = &*super::narrow::narrow(checkpoint, storage)?;
    let precision = storage.precision;
    if let Some(beyond) = limits::of_parameters(p) {
        return Err(BadInput::new(format!("the checkpoint has {beyond}")));
    }
    if storage.precompute {
        super::integers::can_precompute(p, precision)?;
    }
    if precision.takes_pairs() && !p.movie_dim.is_multiple_of(2) {
        let way = match super::narrow::is_ordered(checkpoint) {
            true => "`--dim`",
            false => "`--dim` of `train` or `import`",
        };
        return Err(BadInput::new(format!(
            "`--precision {}` takes an even number of dimensions, and there are {}; {way} sets another number",
            precision.name(),
            p.movie_dim
        )));
    }
    let refined = |side| {
        let wanted = precision == Precision::I8 && rounding == Rounding::ByPredictions;
        wanted.then(|| Influence::new(p, side))
    };
    let mut tables = Vec::new();
    let scale = [p.mean, p.scale.0, p.scale.1, checkpoint.options.step];
    tables.push(OwnedTable::of(K::RatingScale, 1, &scale));
    let parts = Parts {
        biases: p.model.has_biases(),
        dot: p.model.has_dot(),
        mlp: !p.layers.is_empty(),
    };
    tables.push(OwnedTable::of(K::Parts, 1, &[parts.bits()]));

    if let Some(measured) = checkpoint.validation {
        let personal = f32::from(u8::from(measured.personal));
        let values = [measured.rmse as f32, measured.movie_means as f32, personal];
        tables.push(OwnedTable::of(K::Validation, 1, &values).optional());
    }

    let chosen_ids = pick(&checkpoint.movie_ids, 1, &chosen.movies);
    tables.push(ids(movie_ids, &chosen_ids));
    // What the users' tables are in.
    let mut of_users = precision;
    if let Precision::Codes(bytes) = precision {
        of_users = Precision::F16;
        let counts = (&checkpoint.user_counts[..], &checkpoint.movie_counts[..]);
        let draft = rounding == Rounding::Nearest;
        tables.extend(codes::tables(p, counts, chosen, bytes, draft)?);
    } else {
        let movies = pick(&p.movie_embedding, p.movie_dim, &chosen.movies);
        rows(
            K::MovieEmbedding,
            p.movie_dim,
            &movies,
            precision,
            refined(Side::Movies).as_ref(),
            &mut tables,
        )?;
        if parts.biases {
            let bias = pick(&p.movie_bias, 1, &chosen.movies);
            tables.push(numbers(K::MovieBias, 1, &bias, precision)?);
        }
    }

    if !chosen.users.is_empty() {
        let chosen_ids = pick(&checkpoint.user_ids, 1, &chosen.users);
        tables.push(ids(user_ids, &chosen_ids));
        let users = pick(&p.user_embedding, p.user_dim, &chosen.users);
        rows(
            K::UserEmbedding,
            p.user_dim,
            &users,
            of_users,
            refined(Side::Users).as_ref(),
            &mut tables,
        )?;
        if parts.biases {
            let bias = pick(&p.user_bias, 1, &chosen.users);
            tables.push(numbers(K::UserBias, 1, &bias, of_users)?);
        }
    }
    let (bias, row) = match checkpoint.newcomer.as_deref() {
        Some([bias, row @ ..]) => (vec![*bias], row[..p.user_dim].to_vec()),
        _ => (mean(&p.user_bias, 1), mean(&p.user_embedding, p.user_dim)),
    };
    tables.push(OwnedTable::of(K::MeanUser, 1, &normal(row)));
    if parts.biases {
        tables.push(OwnedTable::of(K::MeanUserBias, 1, &normal(bias)));
    }
    tables.push(OwnedTable::of(K::UserSpread, 1, &spread(p)));
    if parts.mlp {
        tables.extend(network(p));
        if precision.is_integer() {
            super::integers::tables(p, storage, &mut tables)?;
        }
    }
    let interest = checkpoint.interest.as_ref();
    let interest = interest.filter(|_| !storage.without_kin);
    let fame = match interest {
        Some(interest) => interest.fame,
        None => checkpoint.options.fame.unwrap_or_default(),
    };
    if fame > 0.0 || interest.is_some() {
        let counts = pick(&checkpoint.movie_counts, 1, &chosen.movies);
        tables.push(confidence(&counts, fame));
        if let Some(interest) = interest {
            interests::tables(interest, &counts, chosen, &mut tables);
        }
    }

    if let Some(found) = &checkpoint.odds {
        tables.extend(odds::tables(found, p, chosen));
    }
    if let Some(facets) = &chosen.facets {
        tables.extend(facets.tables(&chosen.movies));
    }
    if let Some(rated) = &chosen.seen {
        tables.extend(seen::table(rated, chosen));
    }

    let image = write(checkpoint, precision, &tables)?;
    match Model::open(image.as_ref()) {
        Ok(_) => Ok(image),
        Err(ImageError::Value(K::RatingScale)) if precision.takes_pairs() => {
            Err(BadInput::new(format!(
                "`--precision {}` scores in integers, which are too small for ratings from {} to {} about {}: `--precision f16` \
             holds them",
                precision.name(),
                p.scale.0,
                p.scale.1,
                p.mean
            )))
        }
        Err(why) => Err(BadInput::new(format!(
            "the checkpoint can't become an image: {why}"
        ))),
    }
}

/// Without subnormal numbers, of which an image holds none.
fn normal(mut values: Vec<f32>) -> Vec<f32> {
    let subnormal = values.iter_mut().filter(|value| value.is_subnormal());
    subnormal.for_each(|value| *value = 0.0);
    values
}

/// The mean row, summed in double precision.
fn mean(table: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; columns];
    for row in table.chunks_exact(columns) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    let rows = (table.len() / columns).max(1) as f64;
    sums.iter().map(|sum| (sum / rows) as f32).collect()
}

/// An embedding table; of integers, with its multipliers. Rows of 8 bits are rounded by their `influence` where that
/// is given.
fn rows(
    kind: K,
    columns: usize,
    values: &[f32],
    precision: Precision,
    influence: Option<&Influence<'_>>,
    tables: &mut Vec<OwnedTable>,
) -> Result<(), BadInput> {
    if precision == Precision::I16 {
        tables.push(integers(kind, columns, values, -24..=8, precision)?);
        return Ok(());
    }
    if precision != Precision::I8 {
        tables.push(numbers(kind, columns, values, precision)?);
        return Ok(());
    }
    let mut found = quantise::bytes(values, columns).ok_or_else(|| beyond(kind, precision))?;
    if let Some(influence) = influence {
        refine::refine(values, columns, influence, &mut found);
    }
    let count = found.multipliers.len();
    let multipliers = match kind {
        K::MovieEmbedding => K::MovieRowMultiplier,
        _ => K::UserRowMultiplier,
    };
    tables.push(OwnedTable::of(kind, count, &found.values).with_scale(found.scale));
    tables.push(OwnedTable::of(multipliers, count, &found.multipliers));
    Ok(())
}

/// A table of 16-bit integers times 2 to one of the exponents.
fn integers(
    kind: K,
    columns: usize,
    values: &[f32],
    exponents: std::ops::RangeInclusive<i32>,
    precision: Precision,
) -> Result<OwnedTable, BadInput> {
    let (integers, scale) =
        quantise::words(values, exponents).ok_or_else(|| beyond(kind, precision))?;
    Ok(OwnedTable::of(kind, values.len() / columns, &integers).with_scale(scale))
}

fn beyond(kind: K, precision: Precision) -> BadInput {
    BadInput::new(format!(
        "{kind} holds a number beyond the reach of {}: `--precision f32` holds it",
        precision.name()
    ))
}

/// What a ranking adds for how well known movies are: `fame` times the logarithm of one more than their ratings.
fn confidence(counts: &[u32], fame: f32) -> OwnedTable {
    let scale = fame * most(counts) / 255.0;
    // An image holds no subnormal numbers.
    let scale = if scale.is_subnormal() { 0.0 } else { scale };
    OwnedTable::of(K::MovieConfidence, counts.len(), &confidence_bytes(counts))
        .with_scale(scale)
        .optional()
}

fn numbers(
    kind: K,
    columns: usize,
    values: &[f32],
    precision: Precision,
) -> Result<OwnedTable, BadInput> {
    let rows = values.len() / columns;
    if precision == Precision::F32 {
        return Ok(OwnedTable::of(kind, rows, values));
    }
    if precision.is_integer() {
        // Biases; the exponents are those that core scores with.
        return integers(kind, columns, values, -18..=-6, precision);
    }
    let held = OwnedTable::halves(kind, rows, values);
    held.map_err(|beyond| BadInput::new(format!("{beyond}: `--precision f32` holds it")))
}

/// An id index in the form that suits the ids.
fn ids(kind: impl Fn(Form) -> K, ids: &[u32]) -> OwnedTable {
    let index = super::ids::smallest(ids);
    OwnedTable::of(kind(index.form), index.rows, &index.words)
}

/// The kind of the movies' id index in a form.
fn movie_ids(form: Form) -> K {
    match form {
        Form::Range => K::MovieIdRange,
        Form::Bitmap => K::MovieIdBitmap,
        Form::Sorted => K::MovieIdSorted,
        Form::EliasFano => K::MovieIdEliasFano,
    }
}

/// The kind of the users' id index in a form.
fn user_ids(form: Form) -> K {
    match form {
        Form::Range => K::UserIdRange,
        Form::Bitmap => K::UserIdBitmap,
        Form::Sorted => K::UserIdSorted,
        Form::EliasFano => K::UserIdEliasFano,
    }
}

fn network(p: &Parameters) -> Vec<OwnedTable> {
    let last = p.layers.len() - 1;
    let layers: Vec<DenseLayer<'_>> = p
        .layers
        .iter()
        .enumerate()
        .map(|(at, layer)| DenseLayer {
            weights: &layer.weight,
            bias: &layer.bias,
            activation: if at < last {
                Activation::Relu
            } else {
                Activation::Linear
            },
        })
        .collect();
    dense_tables(&layers, p.user_dim)
}

fn write(
    checkpoint: &Checkpoint,
    precision: Precision,
    tables: &[OwnedTable],
) -> Result<ImageBytes, BadInput> {
    let p = &checkpoint.parameters;
    let name = format!(
        "{} {} {}",
        checkpoint.data.name,
        p.model.name(),
        precision.name()
    );
    let mut image = ImageBytes::zeroed(builder::room(tables));
    let title = Title {
        name: &short(&name),
        fingerprint: checkpoint.data.fingerprint,
        license: &short(&checkpoint.data.licence),
    };
    let length = builder::write(title, tables, image.as_mut())
        .map_err(|why| BadInput::new(format!("the image can't be written: {why}")))?;
    image.truncate(length);
    Ok(image)
}

/// `text`, cut at a character and ended by three dots where it is longer than an image's header takes.
fn short(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT {
        return Cow::Borrowed(text);
    }
    let mut end = MAX_TEXT - 3;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}...", text[..end].trim_end()))
}

#[cfg(test)]
#[path = "image_tests.rs"]
pub(crate) mod tests;
