//! From bytes to a [`Model`]: the only place where an image can fail.
//!
//! What is wrong first is remembered, and what was asked for then is empty: to hand an error up at each table would be
//! kilobytes of a firmware. So whatever is written here must come to its end with any numbers, and index nothing.
//!
//! Advice for whoever adds a kind of table: ask [`Found`] for it by the shape and the element type that it must have,
//! check its values here, and let its largest magnitude take part in `bounds`, so that no prediction can pass
//! [`LIMIT`].

#[cfg(feature = "codes")]
mod codes;
mod ids;
#[cfg(feature = "integers")]
mod integer;
mod interest;
mod kin;
mod seen;

use super::{Confidence, LIMIT, Model, Parts, ROW_LIMIT, RatingScale, SPREAD_LIMIT, Users};
use crate::image::{Element, Image, Table, TableKind};
use crate::image::{Feature, ImageError};
use crate::kernels::{Kernel, Kernels, Machine};
use crate::mlp::{Dense, Mlp};
use crate::numeric::activation::Activation;
use crate::numeric::fixed::exponent;
use crate::numeric::magnitude;
use crate::numeric::walk::numbered;
use crate::table::{BadNumber, EmbeddingTable, Values, check_f32};
use crate::{MAX_DIM, MAX_LAYERS, MAX_UNITS};
use core::cell::Cell;
use core::ops::Range;

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
    if cfg!(feature = "interest") {
        model.interests = interest::open(found, movies, users);
    } else if found.has(TableKind::InterestCode) {
        found.refuse(ImageError::WithoutFeature(Feature::Interest));
    }
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

/// In place of a number of rows or columns: however many there are. No table has none.
const ANY: u32 = 0;

/// The tables of an image, and what is wrong with it.
///
/// Generic, and so is what takes it, for one reason: such code takes the opt-level of the crate that calls
/// [`Model::open`]. A firmware is compiled for size, and core, for the sake of its kernels, for speed or less.
struct Found<'a, const CALLER: bool> {
    image: Image<'a>,
    /// What was found to be wrong first.
    wrong: Cell<Option<ImageError>>,
}

/// Each of these is a call of few bytes wherever a table is asked for, so none is inlined. A table is looked for among
/// all of them each time: a few thousand instructions, and two kilobytes of stack less than a list of what is where.
impl<'a, const CALLER: bool> Found<'a, CALLER> {
    #[cold]
    #[inline(never)]
    fn refuse(&self, why: ImageError) {
        if self.wrong.get().is_none() {
            self.wrong.set(Some(why));
        }
    }

    #[cold]
    #[inline(never)]
    fn shape(&self, kind: TableKind) {
        self.refuse(ImageError::Shape(kind));
    }

    #[cold]
    #[inline(never)]
    fn value(&self, kind: TableKind) {
        self.refuse(ImageError::Value(kind));
    }

    #[cold]
    #[inline(never)]
    fn element(&self, kind: TableKind) {
        self.refuse(ImageError::Element(kind));
    }

    /// Rows or layers that are wider than [`MAX_DIM`] or [`MAX_UNITS`].
    #[cold]
    #[inline(never)]
    fn too_wide(&self, kind: TableKind) {
        self.refuse(if cfg!(feature = "wide") {
            ImageError::Shape(kind)
        } else {
            ImageError::WithoutFeature(Feature::Wide)
        });
    }

    /// Looks at each table by itself.
    #[inline(never)]
    fn walk(&self) {
        for table in self.image.tables() {
            let table = match table {
                Ok(table) => table,
                Err(why) => return self.refuse(why),
            };
            match TableKind::from_number(table.kind) {
                Some(kind) => self.look_at(kind, &table),
                None if table.required => {
                    self.refuse(ImageError::UnknownTable { kind: table.kind });
                }
                None => {}
            }
            // Each look at a table walks through those before it: without end, where all of them are of one kind.
            if self.wrong.get().is_some() {
                return;
            }
        }
    }

    fn look_at(&self, kind: TableKind, table: &Table<'a>) {
        let Some(element) = Element::from_code(table.element) else {
            return self.element(kind);
        };
        if table.rows == 0 || table.columns == 0 {
            return self.shape(kind);
        }
        let count = u64::from(table.rows) * u64::from(table.columns);
        // Only the last factor could wrap.
        let fits = u32::try_from(count).is_ok_and(|count| {
            u64::from(count) * element.size() as u64 == table.bytes.len() as u64
        });
        if !fits {
            return self.refuse(ImageError::Size(kind));
        }
        let places = match kind {
            TableKind::DenseWeights
            | TableKind::DenseBias
            | TableKind::IntegerWeights
            | TableKind::IntegerBias => MAX_LAYERS as u8,
            _ => 1,
        };
        if table.index >= places {
            return self.shape(kind);
        }
        let first = self.nth(kind, table.index);
        if first.is_none_or(|first| first.bytes.as_ptr() != table.bytes.as_ptr()) {
            self.refuse(ImageError::Duplicate(kind));
        }
    }

    /// The table of a kind and index, if there is one.
    #[inline(never)]
    fn nth(&self, kind: TableKind, index: u8) -> Option<Table<'a>> {
        let tables = self.image.tables().map_while(Result::ok);
        let mut those = tables.filter(|table| table.kind == kind.number());
        those.find(|table| table.index == index)
    }

    #[inline(never)]
    fn has(&self, kind: TableKind) -> bool {
        self.nth(kind, 0).is_some()
    }

    /// The table of a kind and index, which must be there, of so many rows and columns.
    #[inline(never)]
    fn need(&self, kind: TableKind, index: u8, rows: u32, columns: u32) -> Table<'a> {
        let Some(table) = self.nth(kind, index) else {
            self.refuse(ImageError::Missing(kind));
            return Table::EMPTY;
        };
        let fits = |wanted: u32, is: u32| wanted == ANY || wanted == is;
        if !fits(rows, table.rows) || !fits(columns, table.columns) {
            self.shape(kind);
            return Table::EMPTY;
        }
        table
    }

    /// The bytes of such a table of `element`.
    #[inline(never)]
    fn bytes_of(
        &self,
        (kind, index): (TableKind, u8),
        element: Element,
        rows: u32,
        columns: u32,
    ) -> &'a [u8] {
        let table = self.need(kind, index, rows, columns);
        if table.element != element.code() {
            self.element(kind);
            return &[];
        }
        table.bytes
    }

    #[inline(never)]
    fn bytes(&self, kind: TableKind, rows: u32, columns: u32) -> &'a [u8] {
        self.bytes_of((kind, 0), Element::U8, rows, columns)
    }

    /// The single-precision numbers of a table, none of them infinite, a NaN or subnormal.
    #[inline(never)]
    fn floats(&self, kind: TableKind, rows: u32, columns: u32) -> &'a [f32] {
        self.floats_of(kind, 0, rows, columns)
    }

    #[inline(never)]
    fn floats_of(&self, kind: TableKind, index: u8, rows: u32, columns: u32) -> &'a [f32] {
        let values = cast(self.bytes_of((kind, index), Element::F32, rows, columns));
        if let Err(bad) = check_f32(values) {
            self.bad_number(bad, kind);
        }
        values
    }

    #[cold]
    #[inline(never)]
    fn bad_number(&self, bad: BadNumber, kind: TableKind) {
        self.refuse(match bad {
            BadNumber::NotFinite => ImageError::NotFinite(kind),
            BadNumber::Subnormal => ImageError::Subnormal(kind),
        });
    }

    /// Tables of a kind that would never be used, since they are of none of the `layers`, are a mistake of the writer's.
    #[inline(never)]
    fn stray(&self, kind: TableKind, layers: Range<usize>) {
        for index in 0..MAX_LAYERS {
            if !layers.contains(&index) && self.nth(kind, index as u8).is_some() {
                self.shape(kind);
            }
        }
    }

    /// The biases of dense layer `index`.
    #[inline(never)]
    fn layer_bias(&self, index: u8) -> &'a [f32] {
        let kind = TableKind::DenseBias;
        if self.need(kind, index, 1, ANY).columns as usize > MAX_UNITS {
            self.too_wide(kind);
        }
        self.floats_of(kind, index, 1, ANY)
    }

    fn parts(&self) -> Parts {
        let kind = TableKind::Parts;
        let bits = self.bytes(kind, 1, 1).first().copied().unwrap_or_default();
        Parts::from_bits(bits).unwrap_or_else(|| {
            self.value(kind);
            Parts::NONE
        })
    }

    fn scale(&self) -> RatingScale {
        let kind = TableKind::RatingScale;
        let values = self.floats(kind, ANY, ANY);
        let [mean, lowest, highest, step] = *values else {
            self.shape(kind);
            return RatingScale::NONE;
        };
        if lowest >= highest || step <= 0.0 || largest_of(values) > LIMIT {
            self.value(kind);
        }
        RatingScale {
            mean,
            lowest,
            highest,
            step,
        }
    }

    fn confidence(&self, movies: u32) -> Option<Confidence<'a>> {
        let kind = TableKind::MovieConfidence;
        let scale = self.nth(kind, 0)?.scale;
        let bytes = self.bytes(kind, movies, 1);
        // Positive and finite, written so that a NaN is refused too; no movie is lifted by more than a row's limit.
        if !(0.0..=ROW_LIMIT / 256.0).contains(&scale) || scale.is_subnormal() {
            self.value(kind);
        }
        Some(Confidence { bytes, scale })
    }
}

/// The numbers of bytes, which `walk` has found to be as many as there should be, and aligned.
fn cast<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> &[T] {
    bytemuck::try_cast_slice(bytes).unwrap_or_default()
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

fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The largest magnitudes that enter a prediction.
struct Largest {
    user_row: f32,
    movie_row: f32,
    user_bias: f32,
    movie_bias: f32,
}

/// Refuses a model in which a sum of magnitudes could pass [`LIMIT`]. Each sum here has the terms of the sum it
/// bounds, so rounding can't carry a prediction from below LIMIT to infinity: 1e30 is far below 3.4e38. An
/// overflow or a NaN in a bound fails its comparison and refuses the image.
#[inline(never)]
fn bounds<const CALLER: bool>(model: &Model<'_>, found: &Found<'_, CALLER>, b: &Largest) {
    let within = |x: f32| x <= LIMIT;
    let columns = model.movie_dim() as f32;
    let mut sum = magnitude(model.scale.mean) + b.user_bias + b.movie_bias;
    let dot = columns * b.user_row * b.movie_row;
    if model.parts.dot {
        sum += dot;
    }
    // The first are lengths of rows, which similarity divides by.
    if !within(columns * b.movie_row * b.movie_row) || model.parts.dot && !within(dot) {
        found.refuse(ImageError::DotBound);
    }
    // With tables of other shapes than they should have, the loops could be long.
    if let Some(mlp) = model.mlp.as_ref().filter(|_| found.wrong.get().is_none()) {
        let (user_dim, movie_dim) = (mlp.user_dim, mlp.movie_dim);
        let mut largest = 0.0;
        for (unit, bias) in numbered(mlp.bias, 0) {
            let user = absolute_sum(mlp.user_weights, (unit.wrapping_mul(user_dim), 1), user_dim);
            let movie = absolute_sum(
                mlp.movie_weights,
                (unit.wrapping_mul(movie_dim), 1),
                movie_dim,
            );
            let unit = magnitude(*bias) + b.user_row * user + b.movie_row * movie;
            if !within(unit) {
                found.refuse(ImageError::LayerBound { layer: 0 });
            }
            largest = larger(largest, unit);
        }
        let mut inputs = mlp.units();
        for (number, layer) in numbered(mlp.later(), 1) {
            let mut next = 0.0;
            for (unit, bias) in numbered(layer.bias, 0) {
                let column = absolute_sum(layer.weights, (unit, layer.units()), inputs);
                let unit = magnitude(*bias) + largest * column;
                if !within(unit) {
                    found.refuse(ImageError::LayerBound {
                        layer: number as u8,
                    });
                }
                next = larger(next, unit);
            }
            inputs = layer.units();
            largest = next;
        }
        sum += largest;
    }
    if !within(sum) {
        found.refuse(ImageError::SumBound);
    }
}

/// The sum of the magnitudes of `count` weights: the `first` one, and each `step` behind the one before.
#[inline(never)]
fn absolute_sum(weights: &[f32], (first, step): (usize, usize), count: usize) -> f32 {
    let mut sum = 0.0;
    let mut at = first;
    for _ in 0..count {
        sum += magnitude(weights.get(at).copied().unwrap_or_default());
        at = at.wrapping_add(step);
    }
    sum
}
