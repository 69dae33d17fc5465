//! From bytes to a [`Model`]: the only place where an image can fail.
//!
//! What is wrong first is remembered, and what was asked for then is empty: to hand an error up at each table would be
//! kilobytes of a firmware. So whatever is written here must come to its end with any numbers, and index nothing.
//!
//! Advice for whoever adds a kind of table: ask [`Found`] for it by the shape and the element type that it must have,
//! check its values here, and let its largest magnitude take part in `bounds`, so that no prediction can pass
//! [`LIMIT`].

mod bound;
#[cfg(feature = "codes")]
mod codes;
#[cfg(feature = "facets")]
mod facets;
mod found;
mod ids;
#[cfg(feature = "integers")]
mod integer;
mod interest;
mod kin;
mod odds;
mod seen;

use bound::{Largest, bounds, larger};
use found::{ANY, Found, cast};

use super::{Model, ROW_LIMIT, SPREAD_LIMIT, Users};
use crate::image::{Element, Image, TableKind};
use crate::image::{Feature, ImageError};
use crate::kernels::{Kernel, Kernels, Machine};
use crate::mlp::{Dense, Mlp};
use crate::numeric::activation::Activation;
use crate::numeric::fixed::exponent;
use crate::numeric::walk::numbered;
use crate::table::{EmbeddingTable, Values, check_f32};
use crate::{MAX_DIM, MAX_LAYERS};
use core::cell::Cell;

// Each of these functions that a table or two are behind is a call: what was inlined would be copied from place to place.
#[inline(never)]
pub(super) fn open<const CALLER: bool>(bytes: &[u8]) -> Result<Model<'_>, ImageError> {
    let found = Found::<CALLER> {
        image: Image::parse(bytes)?,
        wrong: Cell::new(None),
    };
    found.walk();
    let movie_ids = ids::open(
        &found,
        [
            TableKind::MovieIdRange,
            TableKind::MovieIdBitmap,
            TableKind::MovieIdSorted,
            TableKind::MovieIdEliasFano,
        ],
    );
    let Some(movie_ids) = movie_ids else {
        found.refuse(ImageError::Missing(TableKind::MovieIdSorted));
        return Err(found.wrong.get().unwrap_or(ImageError::Header));
    };
    let mut model = Model {
        header: found.image.header,
        scale: found.scale(),
        parts: found.parts(),
        movies: movie_ids.len(),
        movie_ids,
        movie_table: EmbeddingTable::new(Values::F32(&[]), 1),
        movie_bias: None,
        users: None,
        mean_row: &[],
        mean_bias: 0.0,
        mlp: None,
        kernels: NOTHING,
        #[cfg(cortex_m_float)]
        net: None,
        integers: None,
        user_spread: None,
        validation: None,
        seen: None,
        confidence: None,
        interests: None,
        kin: None,
        facets: None,
        odds: None,
    };
    fill(&mut model, &found);
    match found.wrong.get() {
        None => Ok(model),
        Some(why) => Err(why),
    }
}

/// Takes the tables into the model, which is one if they leave nothing wrong.
#[inline(never)]
fn fill<'a, const CALLER: bool>(model: &mut Model<'a>, found: &Found<'a, CALLER>) {
    let parts = model.parts;
    let movies = model.movies;
    let mut largest = Largest {
        user_row: ROW_LIMIT,
        movie_row: 0.0,
        user_bias: ROW_LIMIT,
        movie_bias: 0.0,
    };
    #[cfg(feature = "codes")]
    let codes = codes::open(found, movies);
    #[cfg(feature = "codes")]
    let rows = codes::rows(&codes, movies);
    #[cfg(not(feature = "codes"))]
    let rows = movies;
    if !cfg!(feature = "codes") && found.has(TableKind::MovieCode) {
        found.refuse(ImageError::WithoutFeature(Feature::Codes));
    }
    let kind = TableKind::MovieEmbedding;
    model.movie_table = embedding(found, kind, rows, ANY, &mut largest.movie_row);
    let movie_dim = model.movie_dim();

    let kind = TableKind::MeanUser;
    model.mean_row = found.floats(kind, 1, if parts.dot { movie_dim as u32 } else { ANY });
    let user_dim = model.user_dim();
    if user_dim > MAX_DIM {
        found.too_wide(kind);
    }
    largest.user_row = larger(largest.user_row, largest_of(model.mean_row));
    let user_ids = ids::open(
        found,
        [
            TableKind::UserIdRange,
            TableKind::UserIdBitmap,
            TableKind::UserIdSorted,
            TableKind::UserIdEliasFano,
        ],
    );
    if let Some(ids) = user_ids {
        let (kind, columns) = (TableKind::UserEmbedding, user_dim as u32);
        model.users = Some(Users {
            ids,
            table: embedding(found, kind, ids.len(), columns, &mut largest.user_row),
            bias: None,
        });
    } else if found.has(TableKind::UserEmbedding) {
        found.refuse(ImageError::Missing(TableKind::UserIdSorted));
    }

    if parts.biases {
        let kind = TableKind::MovieBias;
        let table = embedding(found, kind, rows, 1, &mut largest.movie_bias);
        model.movie_bias = Some(table);
        if let Some(users) = &mut model.users {
            let (kind, rows) = (TableKind::UserBias, users.ids.len());
            users.bias = Some(embedding(found, kind, rows, 1, &mut largest.user_bias));
        }
        let values = found.floats(TableKind::MeanUserBias, 1, 1);
        largest.user_bias = larger(largest.user_bias, largest_of(values));
        model.mean_bias = values.first().copied().unwrap_or_default();
    }

    if parts.mlp {
        model.mlp = Some(mlp(found, user_dim, movie_dim));
    }
    #[cfg(feature = "integers")]
    integer::open(model, found);
    #[cfg(feature = "codes")]
    if let Some(codes) = codes {
        codes::take(model, found, codes, &mut largest);
    }
    if !choose(model) {
        found.refuse(ImageError::WithoutFeature(Feature::Shapes));
    }
    if model.integers.is_some() && model.scale.largest() > INTEGER_LIMIT {
        found.value(TableKind::RatingScale);
    }
    bounds(model, found, &largest);

    let users = model.users();
    if found.has(TableKind::UserSpread) {
        let spread = covariance(found, TableKind::UserSpread, user_dim.wrapping_add(1));
        model.user_spread = Some(spread);
    }
    model.seen = seen::open(found, users, movies);
    if found.has(TableKind::Validation) {
        let values = found.floats(TableKind::Validation, 1, 3);
        if values.iter().any(|value| *value < 0.0) {
            found.value(TableKind::Validation);
        }
        model.validation = Some(values);
    }
    model.confidence = found.confidence(movies);
    let known = model.confidence.map(|confidence| confidence.bytes);
    model.kin = kin::open(found, movies, known);
    if cfg!(feature = "interest") {
        model.interests = interest::open(found, (movies, users), model.kin.is_some());
    } else if found.has(TableKind::InterestCourse) {
        found.refuse(ImageError::WithoutFeature(Feature::Interest));
    }
    // Without the feature they are skipped: lists are as right without a filter.
    #[cfg(feature = "facets")]
    {
        model.facets = facets::open(found, movies);
    }
    // Without it predictions are as right, and nobody says how sure.
    if cfg!(feature = "odds") {
        model.odds = odds::open(found, users);
    }
}

/// The kernels of a model that isn't one yet.
const NOTHING: Kernels = Kernels {
    rank: Kernel::Product,
    predict: Kernel::Product,
    gradient: Kernel::Backward,
    similar: Kernel::Cosine,
};

/// Chooses the kernels of a model whose tables are there; whether they are compiled in.
#[inline(never)]
fn choose(model: &mut Model<'_>) -> bool {
    let (kernels, fits) = model.with_shape(|shape| {
        let fits = cfg!(feature = "shapes") || shape.is_lessons();
        (Kernels::of(shape, Machine::HERE), fits)
    });
    model.kernels = kernels;
    #[cfg(cortex_m_float)]
    if kernels.gradient == Kernel::FloatOne {
        let net = |mlp| crate::kernels::float::Net::new(mlp, model.parts.dot);
        model.net = model.mlp.as_ref().and_then(net);
    }
    fits
}

/// The largest magnitude of numbers that were checked.
#[inline(never)]
fn largest_of(values: &[f32]) -> f32 {
    check_f32(values).unwrap_or_default()
}

/// The largest number of stars on a rating scale that integer scores have room for.
const INTEGER_LIMIT: f32 = 200.0;

/// A checked table of numbers, whose largest magnitude takes part in `so_far`.
#[inline(never)]
fn embedding<'a, const CALLER: bool>(
    found: &Found<'a, CALLER>,
    kind: TableKind,
    rows: u32,
    columns: u32,
    so_far: &mut f32,
) -> EmbeddingTable<'a> {
    let table = found.need(kind, 0, rows, columns);
    if table.columns as usize > MAX_DIM {
        found.too_wide(kind);
    }
    let mut scale = 1.0;
    let values = match Element::from_code(table.element) {
        Some(Element::I16 | Element::I8) if !cfg!(feature = "integers") => {
            found.refuse(ImageError::WithoutFeature(Feature::Integers));
            Values::F32(&[])
        }
        Some(Element::F16) => Values::F16(cast(table.bytes)),
        Some(Element::F32) => Values::F32(cast(table.bytes)),
        Some(integer @ (Element::I16 | Element::I8)) => {
            // Powers of two: a product with an integer is exact.
            scale = table.scale;
            if exponent(scale).is_none() {
                found.value(kind);
            }
            if integer == Element::I16 {
                Values::I16(cast(table.bytes))
            } else {
                let of = match kind {
                    TableKind::MovieEmbedding => TableKind::MovieRowMultiplier,
                    TableKind::UserEmbedding => TableKind::UserRowMultiplier,
                    _ => {
                        found.element(kind);
                        kind
                    }
                };
                Values::I8 {
                    values: cast(table.bytes),
                    multipliers: found.bytes(of, rows, 1),
                }
            }
        }
        _ => {
            found.element(kind);
            Values::F32(&[])
        }
    };
    let table = EmbeddingTable::new(values, table.columns as usize).with_scale(scale);
    match table.check() {
        Ok(largest) => *so_far = larger(*so_far, largest),
        Err(bad) => found.bad_number(bad, kind),
    }
    table
}

#[inline(never)]
fn mlp<'a, const CALLER: bool>(
    found: &Found<'a, CALLER>,
    user_dim: usize,
    movie_dim: usize,
) -> Mlp<'a> {
    let kind = TableKind::Activations;
    let activations = found.bytes(kind, ANY, ANY);
    let layers = activations.len();
    if layers > MAX_LAYERS {
        found.shape(kind);
    }
    let mut functions = [Activation::Linear; MAX_LAYERS];
    for (function, code) in functions.iter_mut().zip(activations) {
        match Activation::from_code(*code) {
            Some(known) => *function = known,
            None => found.value(kind),
        }
    }
    found.stray(TableKind::DenseWeights, 1..layers);
    found.stray(TableKind::DenseBias, 0..layers);

    let bias = found.layer_bias(0);
    let mut units = bias.len();
    let half = |kind, dim| found.floats(kind, units as u32, dim as u32);
    let user_weights = half(TableKind::DenseUserWeights, user_dim);
    let movie_weights = half(TableKind::DenseMovieWeights, movie_dim);

    let [activation, behind @ ..] = functions;
    let mut later = [Dense::EMPTY; MAX_LAYERS - 1];
    let shapes = later.iter_mut().zip(behind).take(layers.saturating_sub(1));
    for (index, (layer, activation)) in numbered(shapes, 1) {
        let index = index as u8;
        let bias = found.layer_bias(index);
        let kind = TableKind::DenseWeights;
        *layer = Dense {
            weights: found.floats_of(kind, index, units as u32, bias.len() as u32),
            bias,
            activation,
        };
        units = bias.len();
    }
    if units != 1 {
        found.shape(TableKind::DenseBias);
    }
    Mlp {
        user_weights,
        movie_weights,
        user_dim,
        movie_dim,
        bias,
        activation,
        later,
        layers,
    }
}

/// The lower triangle of a covariance of `side` numbers.
#[inline(never)]
fn covariance<'a, const CALLER: bool>(
    found: &Found<'a, CALLER>,
    kind: TableKind,
    side: usize,
) -> &'a [f32] {
    let triangle = side.wrapping_mul(side.wrapping_add(1)) / 2;
    let values = found.floats(kind, 1, triangle as u32);
    // Variances are the last of each row of the triangle.
    let mut rest = values;
    let mut fits = largest_of(values) <= SPREAD_LIMIT;
    for length in 1..=side {
        let (row, behind) = rest.split_at_checked(length).unwrap_or_default();
        fits &= row.last().is_some_and(|variance| *variance >= 0.0);
        rest = behind;
        if !fits {
            found.value(kind);
            break;
        }
    }
    values
}
