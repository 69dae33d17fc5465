//! From bytes to a [`Model`]: the only place where an image can fail.
//!
//! Advice for whoever adds a kind of table: find it in `Found::take`, check its element type, shape and values
//! here, and let its largest magnitude take part in `bounds`, so that no prediction can pass [`LIMIT`].

mod ids;
#[cfg(feature = "integers")]
mod integer;
mod interest;

use super::{Confidence, LIMIT, Model, Parts, ROW_LIMIT, RatingScale, SPREAD_LIMIT, Users};
use crate::error::{Feature, ImageError};
use crate::image::{Element, Image, Table, TableKind};
use crate::mlp::{Dense, Mlp};
use crate::numeric::activation::Activation;
use crate::numeric::magnitude;
use crate::table::{BadNumber, EmbeddingTable, Values, check_f32};
use crate::{MAX_DIM, MAX_LAYERS, MAX_UNITS};

pub(super) fn open(bytes: &[u8]) -> Result<Model<'_>, ImageError> {
    let image = Image::parse(bytes)?;
    let found = Found::walk(&image)?;
    let parts = found.parts()?;
    let scale = found.scale()?;

    let movie_ids = ids::open(
        &found,
        [
            TableKind::MovieIdRange,
            TableKind::MovieIdBitmap,
            TableKind::MovieIdSorted,
            TableKind::MovieIdEliasFano,
        ],
    )?
    .ok_or(ImageError::Missing(TableKind::MovieIdSorted))?;
    let movies = movie_ids.len();
    let movie = embedding(
        &found,
        found.need(TableKind::MovieEmbedding)?,
        TableKind::MovieEmbedding,
        movies,
        None,
    )?;

    let mean_row = floats(found.need(TableKind::MeanUser)?, TableKind::MeanUser)?;
    let user_dim = mean_row.len();
    let mean = found.need(TableKind::MeanUser)?;
    if mean.rows != 1 || user_dim == 0 {
        return Err(ImageError::Shape(TableKind::MeanUser));
    }
    if user_dim > MAX_DIM {
        return Err(too_wide(TableKind::MeanUser));
    }
    let user_dim = mean.columns;
    if parts.dot && user_dim as usize != movie.table.columns() {
        return Err(ImageError::Shape(TableKind::MeanUser));
    }
    let mean_largest = numbers(mean_row, TableKind::MeanUser)?;

    let user_ids = ids::open(
        &found,
        [
            TableKind::UserIdRange,
            TableKind::UserIdBitmap,
            TableKind::UserIdSorted,
            TableKind::UserIdEliasFano,
        ],
    )?;
    let user = match (user_ids, found.get(TableKind::UserEmbedding)) {
        (None, None) => None,
        (Some(ids), Some(table)) => {
            let checked = embedding(
                &found,
                table,
                TableKind::UserEmbedding,
                ids.len(),
                Some(user_dim),
            )?;
            Some((ids, checked))
        }
        (None, Some(_)) => return Err(ImageError::Missing(TableKind::UserIdSorted)),
        (Some(_), None) => return Err(ImageError::Missing(TableKind::UserEmbedding)),
    };

    let mut movie_bias = None;
    let mut user_bias = None;
    let mut mean_bias = 0.0;
    let mut bias_largest = ROW_LIMIT;
    if parts.biases {
        movie_bias = Some(embedding(
            &found,
            found.need(TableKind::MovieBias)?,
            TableKind::MovieBias,
            movies,
            Some(1),
        )?);
        if let Some((ids, _)) = user {
            let bias = embedding(
                &found,
                found.need(TableKind::UserBias)?,
                TableKind::UserBias,
                ids.len(),
                Some(1),
            )?;
            bias_largest = larger(bias_largest, bias.largest);
            user_bias = Some(bias);
        }
        let kind = TableKind::MeanUserBias;
        let values = floats(found.need(kind)?, kind)?;
        let [value] = *values else {
            return Err(ImageError::Shape(kind));
        };
        bias_largest = larger(bias_largest, numbers(values, kind)?);
        mean_bias = value;
    }

    let mlp = if parts.mlp {
        Some(mlp(&found, user_dim, movie.table.columns() as u32)?)
    } else {
        None
    };

    #[cfg(feature = "integers")]
    let integers = integer::open(
        &found,
        parts,
        &movie.table,
        movie_bias.as_ref().map(|bias| &bias.table),
        mlp.as_ref(),
    )?;
    #[cfg(not(feature = "integers"))]
    let integers: Option<super::integer::Integers<'_>> = None;
    if integers.is_some() && scale.largest() > INTEGER_LIMIT {
        return Err(ImageError::Value(TableKind::RatingScale));
    }

    let row_largest = larger(
        ROW_LIMIT,
        larger(mean_largest, user.map_or(0.0, |(_, user)| user.largest)),
    );
    let movie_bias_largest = movie_bias.map_or(0.0, |bias| bias.largest);
    bounds(&Bounds {
        parts,
        columns: movie.table.columns(),
        user_row: row_largest,
        movie_row: movie.largest,
        base: magnitude(scale.mean) + bias_largest,
        movie_bias: movie_bias_largest,
        mlp: mlp.as_ref(),
    })?;

    let interests = if cfg!(feature = "interest") {
        interest::open(&found, movies, user.map_or(0, |(ids, _)| ids.len()))?
    } else if found.get(TableKind::InterestCode).is_some() {
        return Err(ImageError::WithoutFeature(Feature::Interest));
    } else {
        None
    };

    let model = Model {
        header: image.header,
        scale,
        parts,
        movie_ids,
        movie_table: movie.table,
        movie_bias: movie_bias.map(|bias| bias.table),
        users: user.map(|(ids, checked)| Users {
            ids,
            table: checked.table,
            bias: user_bias.map(|bias| bias.table),
        }),
        mean_row,
        mean_bias,
        #[cfg(cortex_m_float)]
        net: mlp
            .as_ref()
            .and_then(|mlp| crate::numeric::arch::float::Net::new(mlp, parts.dot)),
        mlp,
        integers,
        user_spread: found.spread(user_dim)?,
        confidence: found.confidence(movies)?,
        interests,
    };
    if !cfg!(feature = "shapes") && !model.is_lessons() {
        return Err(ImageError::WithoutFeature(Feature::Shapes));
    }
    Ok(model)
}

/// The tables of an image by kind; dense layers by index too.
struct Found<'a> {
    single: [Option<Table<'a>>; TableKind::ALL.len()],
    weights: [Option<Table<'a>>; MAX_LAYERS],
    bias: [Option<Table<'a>>; MAX_LAYERS],
    integer_weights: [Option<Table<'a>>; MAX_LAYERS],
    integer_bias: [Option<Table<'a>>; MAX_LAYERS],
}

impl<'a> Found<'a> {
    fn walk(image: &Image<'a>) -> Result<Self, ImageError> {
        let mut found = Self {
            single: [None; TableKind::ALL.len()],
            weights: [None; MAX_LAYERS],
            bias: [None; MAX_LAYERS],
            integer_weights: [None; MAX_LAYERS],
            integer_bias: [None; MAX_LAYERS],
        };
        for table in image.tables() {
            let table = table?;
            match TableKind::from_number(table.kind) {
                Some(kind) => found.take(kind, table)?,
                None if table.required => {
                    return Err(ImageError::UnknownTable { kind: table.kind });
                }
                None => {}
            }
        }
        Ok(found)
    }

    fn take(&mut self, kind: TableKind, table: Table<'a>) -> Result<(), ImageError> {
        let Some(element) = Element::from_code(table.element) else {
            return Err(ImageError::Element(kind));
        };
        if table.rows == 0 || table.columns == 0 {
            return Err(ImageError::Shape(kind));
        }
        // u32 x u32 x 4 is below 2^66: only the last factor could wrap.
        let expected =
            (u64::from(table.rows) * u64::from(table.columns)).checked_mul(element.size() as u64);
        if expected != Some(table.bytes.len() as u64) {
            return Err(ImageError::Size(kind));
        }
        let slot = match kind {
            TableKind::DenseWeights => self.weights.get_mut(usize::from(table.index)),
            TableKind::DenseBias => self.bias.get_mut(usize::from(table.index)),
            TableKind::IntegerWeights => self.integer_weights.get_mut(usize::from(table.index)),
            TableKind::IntegerBias => self.integer_bias.get_mut(usize::from(table.index)),
            _ if table.index == 0 => TableKind::ALL
                .into_iter()
                .zip(&mut self.single)
                .find_map(|(k, slot)| (k == kind).then_some(slot)),
            _ => None,
        };
        let slot = slot.ok_or(ImageError::Shape(kind))?;
        if slot.is_some() {
            return Err(ImageError::Duplicate(kind));
        }
        *slot = Some(table);
        Ok(())
    }

    // Asked for each kind: never inlined, and by reference, it is a call of few bytes.
    #[inline(never)]
    fn get(&self, kind: TableKind) -> Option<&Table<'a>> {
        let at = TableKind::ALL.iter().position(|other| *other == kind)?;
        self.single.get(at)?.as_ref()
    }

    #[inline(never)]
    fn need(&self, kind: TableKind) -> Result<&Table<'a>, ImageError> {
        self.get(kind).ok_or(ImageError::Missing(kind))
    }

    fn parts(&self) -> Result<Parts, ImageError> {
        let kind = TableKind::Parts;
        match *bytes(self.need(kind)?, kind)? {
            [bits] => Parts::from_bits(bits).ok_or(ImageError::Value(kind)),
            _ => Err(ImageError::Shape(kind)),
        }
    }

    fn scale(&self) -> Result<RatingScale, ImageError> {
        let kind = TableKind::RatingScale;
        let values = floats(self.need(kind)?, kind)?;
        let largest = numbers(values, kind)?;
        let [mean, lowest, highest, step] = *values else {
            return Err(ImageError::Shape(kind));
        };
        if lowest >= highest || step <= 0.0 || largest > LIMIT {
            return Err(ImageError::Value(kind));
        }
        Ok(RatingScale {
            mean,
            lowest,
            highest,
            step,
        })
    }

    fn spread(&self, user_dim: u32) -> Result<Option<&'a [f32]>, ImageError> {
        let kind = TableKind::UserSpread;
        let Some(table) = self.get(kind) else {
            return Ok(None);
        };
        covariance(table, kind, user_dim.saturating_add(1)).map(Some)
    }

    /// The multipliers of a table of 8-bit integers.
    fn multipliers(&self, of: TableKind, rows: u32) -> Result<&'a [u8], ImageError> {
        let kind = match of {
            TableKind::MovieEmbedding => TableKind::MovieRowMultiplier,
            TableKind::UserEmbedding => TableKind::UserRowMultiplier,
            _ => return Err(ImageError::Element(of)),
        };
        let table = self.need(kind)?;
        if table.rows != rows || table.columns != 1 {
            return Err(ImageError::Shape(kind));
        }
        bytes(table, kind)
    }

    fn confidence(&self, movies: u32) -> Result<Option<Confidence<'a>>, ImageError> {
        let kind = TableKind::MovieConfidence;
        let Some(table) = self.get(kind) else {
            return Ok(None);
        };
        if table.rows != movies || table.columns != 1 {
            return Err(ImageError::Shape(kind));
        }
        let bytes = bytes(table, kind)?;
        let scale = table.scale;
        // Positive and finite, written so that a NaN is refused too; no movie is lifted by more than a row's limit.
        if !(0.0..=ROW_LIMIT / 256.0).contains(&scale) || scale.is_subnormal() {
            return Err(ImageError::Value(kind));
        }
        Ok(Some(Confidence { bytes, scale }))
    }
}

/// The largest number of stars on a rating scale that integer scores have room for.
const INTEGER_LIMIT: f32 = 200.0;

/// A checked table of numbers and its largest magnitude.
#[derive(Clone, Copy)]
struct Checked<'a> {
    table: EmbeddingTable<'a>,
    largest: f32,
}

fn embedding<'a>(
    found: &Found<'a>,
    table: &Table<'a>,
    kind: TableKind,
    rows: u32,
    columns: Option<u32>,
) -> Result<Checked<'a>, ImageError> {
    let fits = columns.is_none_or(|columns| columns == table.columns);
    if table.rows != rows || !fits {
        return Err(ImageError::Shape(kind));
    }
    if table.columns as usize > MAX_DIM {
        return Err(too_wide(kind));
    }
    let values = match Element::from_code(table.element) {
        Some(Element::I16 | Element::I8) if !cfg!(feature = "integers") => {
            return Err(ImageError::WithoutFeature(Feature::Integers));
        }
        Some(Element::F16) => Values::F16(
            bytemuck::try_cast_slice(table.bytes).map_err(|_| ImageError::Alignment(kind))?,
        ),
        Some(Element::F32) => Values::F32(floats(table, kind)?),
        Some(Element::I16) => Values::I16(
            bytemuck::try_cast_slice(table.bytes).map_err(|_| ImageError::Alignment(kind))?,
        ),
        Some(Element::I8) => Values::I8 {
            values: bytemuck::must_cast_slice(table.bytes),
            multipliers: found.multipliers(kind, rows)?,
        },
        _ => return Err(ImageError::Element(kind)),
    };
    let scale = match values {
        // Powers of two: a product with an integer is exact.
        Values::I16(_) | Values::I8 { .. } => {
            crate::numeric::integer::exponent(table.scale).ok_or(ImageError::Value(kind))?;
            table.scale
        }
        Values::F16(_) | Values::F32(_) => 1.0,
    };
    let table = EmbeddingTable::new(values, table.columns as usize).with_scale(scale);
    let largest = table.check().map_err(|bad| bad_number(bad, kind))?;
    Ok(Checked { table, largest })
}

fn mlp<'a>(found: &Found<'a>, user_dim: u32, movie_dim: u32) -> Result<Mlp<'a>, ImageError> {
    let kind = TableKind::Activations;
    let activations = bytes(found.need(kind)?, kind)?;
    let layers = activations.len();
    if layers == 0 || layers > MAX_LAYERS {
        return Err(ImageError::Shape(kind));
    }
    let mut functions = [Activation::Linear; MAX_LAYERS];
    for (function, code) in functions.iter_mut().zip(activations) {
        *function = Activation::from_code(*code).ok_or(ImageError::Value(kind))?;
    }
    // A layer beyond those that have an activation would never be used: it is a mistake of the writer's.
    for (table, kind) in [
        (&found.weights, TableKind::DenseWeights),
        (&found.bias, TableKind::DenseBias),
    ] {
        if table.iter().skip(layers).any(Option::is_some) {
            return Err(ImageError::Shape(kind));
        }
    }
    if matches!(found.weights, [Some(_), ..]) {
        return Err(ImageError::Shape(TableKind::DenseWeights));
    }

    let mut biases = found.bias.iter();
    let bias = layer_bias(biases.next())?;
    let mut units = bias.len() as u32;
    let half = |kind, dim| {
        let table = found.need(kind)?;
        if table.rows != units || table.columns != dim {
            return Err(ImageError::Shape(kind));
        }
        let values = floats(table, kind)?;
        numbers(values, kind).map(|_| values)
    };
    let user_weights = half(TableKind::DenseUserWeights, user_dim)?;
    let movie_weights = half(TableKind::DenseMovieWeights, movie_dim)?;

    let mut later = [Dense::EMPTY; MAX_LAYERS - 1];
    let tables = found.weights.iter().skip(1).zip(biases);
    let shapes = functions.iter().skip(1).zip(tables).take(layers - 1);
    for (layer, (activation, (weights, bias))) in later.iter_mut().zip(shapes) {
        let kind = TableKind::DenseWeights;
        let bias = layer_bias(Some(bias))?;
        let table = weights.as_ref().ok_or(ImageError::Missing(kind))?;
        if table.rows != units || table.columns as usize != bias.len() {
            return Err(ImageError::Shape(kind));
        }
        let weights = floats(table, kind)?;
        numbers(weights, kind)?;
        units = table.columns;
        *layer = Dense {
            weights,
            bias,
            activation: *activation,
        };
    }
    if units != 1 {
        return Err(ImageError::Shape(TableKind::DenseBias));
    }
    let [activation, ..] = functions;
    Ok(Mlp {
        user_weights,
        movie_weights,
        user_dim: user_dim as usize,
        movie_dim: movie_dim as usize,
        bias,
        activation,
        later,
        layers,
    })
}

/// Why rows or layers are refused that are wider than [`MAX_DIM`] or [`MAX_UNITS`].
fn too_wide(kind: TableKind) -> ImageError {
    if cfg!(feature = "wide") {
        ImageError::Shape(kind)
    } else {
        ImageError::WithoutFeature(Feature::Wide)
    }
}

fn layer_bias<'a>(table: Option<&Option<Table<'a>>>) -> Result<&'a [f32], ImageError> {
    let kind = TableKind::DenseBias;
    let table = table
        .and_then(Option::as_ref)
        .ok_or(ImageError::Missing(kind))?;
    if table.rows != 1 {
        return Err(ImageError::Shape(kind));
    }
    if table.columns as usize > MAX_UNITS {
        return Err(too_wide(kind));
    }
    let values = floats(table, kind)?;
    numbers(values, kind).map(|_| values)
}

fn bytes<'a>(table: &Table<'a>, kind: TableKind) -> Result<&'a [u8], ImageError> {
    if table.element == Element::U8.code() {
        Ok(table.bytes)
    } else {
        Err(ImageError::Element(kind))
    }
}

fn words<'a>(table: &Table<'a>, kind: TableKind) -> Result<&'a [u32], ImageError> {
    if table.element != Element::U32.code() {
        return Err(ImageError::Element(kind));
    }
    bytemuck::try_cast_slice(table.bytes).map_err(|_| ImageError::Alignment(kind))
}

fn floats<'a>(table: &Table<'a>, kind: TableKind) -> Result<&'a [f32], ImageError> {
    if table.element != Element::F32.code() {
        return Err(ImageError::Element(kind));
    }
    bytemuck::try_cast_slice(table.bytes).map_err(|_| ImageError::Alignment(kind))
}

#[inline(never)]
fn numbers(values: &[f32], kind: TableKind) -> Result<f32, ImageError> {
    check_f32(values).map_err(|bad| bad_number(bad, kind))
}

fn bad_number(bad: BadNumber, kind: TableKind) -> ImageError {
    match bad {
        BadNumber::NotFinite => ImageError::NotFinite(kind),
        BadNumber::Subnormal => ImageError::Subnormal(kind),
    }
}

/// The lower triangle of a covariance of `side` numbers.
fn covariance<'a>(table: &Table<'a>, kind: TableKind, side: u32) -> Result<&'a [f32], ImageError> {
    if table.rows != 1 || table.columns != side.wrapping_mul(side.wrapping_add(1)) / 2 {
        return Err(ImageError::Shape(kind));
    }
    let values = floats(table, kind)?;
    if numbers(values, kind)? > SPREAD_LIMIT {
        return Err(ImageError::Value(kind));
    }
    // Variances are the last of each row of the triangle.
    let mut rest = values;
    for length in 1..=side as usize {
        let (row, behind) = rest.split_at_checked(length).unwrap_or_default();
        if row.last().is_none_or(|variance| *variance < 0.0) {
            return Err(ImageError::Value(kind));
        }
        rest = behind;
    }
    Ok(values)
}

fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The largest magnitudes that enter a prediction.
struct Bounds<'m, 'a> {
    parts: Parts,
    columns: usize,
    user_row: f32,
    movie_row: f32,
    base: f32,
    movie_bias: f32,
    mlp: Option<&'m Mlp<'a>>,
}

/// Refuses a model in which a sum of magnitudes could pass [`LIMIT`]. Each sum here has the terms of the sum it
/// bounds, so rounding can't carry a prediction from below LIMIT to infinity: 1e30 is far below 3.4e38. An
/// overflow or a NaN in a bound fails its comparison and refuses the image.
fn bounds(b: &Bounds<'_, '_>) -> Result<(), ImageError> {
    let within = |x: f32| x <= LIMIT;
    let columns = b.columns as f32;
    // Lengths of rows, which similarity divides by.
    if !within(columns * b.movie_row * b.movie_row) {
        return Err(ImageError::DotBound);
    }
    let mut sum = b.base + b.movie_bias;
    if b.parts.dot {
        let dot = columns * b.user_row * b.movie_row;
        if !within(dot) {
            return Err(ImageError::DotBound);
        }
        sum += dot;
    }
    if let Some(mlp) = b.mlp {
        let mut largest = 0.0;
        let user = mlp.user_weights.chunks_exact(mlp.user_dim.max(1));
        let movie = mlp.movie_weights.chunks_exact(mlp.movie_dim.max(1));
        for (bias, (user, movie)) in mlp.bias.iter().zip(user.zip(movie)) {
            let unit = magnitude(*bias)
                + b.user_row * absolute_sum(user)
                + b.movie_row * absolute_sum(movie);
            if !within(unit) {
                return Err(ImageError::LayerBound { layer: 0 });
            }
            largest = larger(largest, unit);
        }
        for (layer, number) in mlp.later().iter().zip(1_u8..) {
            let mut next = 0.0;
            for (unit, bias) in layer.bias.iter().enumerate() {
                let column = layer
                    .weights
                    .iter()
                    .skip(unit)
                    .step_by(layer.units().max(1));
                let mut weights = 0.0;
                for weight in column {
                    weights += magnitude(*weight);
                }
                let unit = magnitude(*bias) + largest * weights;
                if !within(unit) {
                    return Err(ImageError::LayerBound { layer: number });
                }
                next = larger(next, unit);
            }
            largest = next;
        }
        sum += largest;
    }
    if within(sum) {
        Ok(())
    } else {
        Err(ImageError::SumBound)
    }
}

fn absolute_sum(weights: &[f32]) -> f32 {
    let mut sum = 0.0;
    for weight in weights {
        sum += magnitude(*weight);
    }
    sum
}
