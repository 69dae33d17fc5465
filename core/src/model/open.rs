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
#[cfg(all(test, feature = "write"))]
mod tests;

use bound::{Largest, bounds};
use found::{ANY, Found, cast};

use super::{Model, ROW_LIMIT, SPREAD_LIMIT, Users};
use crate::ids::IdIndex;
use crate::image::{Element, Feature, Image, ImageError, Sealed, TableKind};
use crate::kernels::{Kernel, Kernels, Machine};
use crate::mlp::{Dense, Mlp};
use crate::numeric::activation::Activation;
use crate::numeric::crc32::{BYTE, Crc32};
use crate::numeric::fixed::exponent;
use crate::numeric::pace::{Pace, Slices};
use crate::numeric::walk::numbered;
#[cfg(feature = "codes")]
use crate::table::Codes;
use crate::table::{EmbeddingTable, Magnitude, Values, check_f32};
use crate::{MAX_DIM, MAX_LAYERS};
use core::cell::Cell;

// Each of these functions that a table or two are behind is a call: what was inlined would be copied from place to place.

/// Opens an image at one go.
#[inline(never)]
pub(super) fn open<P: Pace>(bytes: &[u8], pace: P) -> Result<Model<'_>, ImageError> {
    let found = Found {
        image: unseal(bytes, pace)?.ok_or(ImageError::Header)?,
        wrong: Cell::new(None),
        pace,
    };
    let Some(movie_ids) = movie_ids(&found) else {
        return Err(found.wrong.get().unwrap_or(ImageError::Header));
    };
    let mut draft = Draft::of(&found, movie_ids);
    take_in(&mut draft, &found);
    match found.wrong.get() {
        None => Ok(draft.model),
        Some(why) => Err(why),
    }
}

/// Opening an image in slices, where [`Model::open`] would keep a board from other things for too long: other tasks run
/// between two calls of [`go_on`](Self::go_on), or a watchdog is fed.
///
/// RAM: a [`Model`] and some 200 bytes.
///
/// ```
/// # #[cfg(feature = "write")] {
/// use pocketrec::model::{Model, Opening};
///
/// # let storage = pocketrec::image::example();
/// # let flash: &[u8] = storage.bytes();
/// let mut opening = Opening::new(flash);
/// let model = loop {
///     if let Some(opened) = opening.go_on(50_000) {
///         break opened;
///     }
///     // Anything else: a watchdog is fed, other tasks run.
/// };
/// assert_eq!(model?.header(), Model::open(flash)?.header());
/// # }
/// # Ok::<(), pocketrec::image::ImageError>(())
/// ```
#[derive(Debug)]
pub struct Opening<'a> {
    bytes: &'a [u8],
    image: Option<Image<'a>>,
    draft: Option<Draft<'a>>,
    /// What was found to be wrong, which ends it.
    wrong: Option<ImageError>,
    slices: Slices,
}

impl<'a> Opening<'a> {
    /// Begins to verify the image at the front of `bytes`, as [`Model::open`] does. Costs nothing yet.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            image: None,
            draft: None,
            wrong: None,
            slices: Slices::new(),
        }
    }

    /// Goes on for about so many clock `cycles` at most, as a Cortex-M0 counts them at zero wait states; a core that
    /// does more in a cycle takes fewer. `None` if there is more to do. Then the model, or what is wrong with the image:
    /// the same as from [`Model::open`], and from each further call.
    ///
    /// Beside `cycles` a call takes what isn't cut: between two walks through tables it looks for others, at some 1,000
    /// cycles for each that it passes. Of an image of 30 tables that is at most 360,000 with a network and 170,000
    /// without one; it is done once more in the call that goes on, so that short slices take longer in all. The bounds of
    /// a network in integers come beside that, about a million with the widest layers of `wide` and 30,000 with the usual.
    #[inline] // Compiled where it is called, as `Model::open` is.
    pub fn go_on(&mut self, cycles: u32) -> Option<Result<Model<'a>, ImageError>> {
        self.slices.begin(cycles);
        let opened = match self.wrong {
            Some(why) => Err(why),
            None => self.go_on_by(),
        };
        self.wrong = opened.err();
        opened.transpose()
    }

    /// As [`open`], stage by stage. Generic, so that it is compiled there.
    #[inline(always)]
    fn go_on_by(&mut self) -> Result<Option<Model<'a>>, ImageError> {
        let pace = &self.slices;
        if pace.begins(0) {
            self.image = unseal(self.bytes, pace)?;
            if !pace.ends() {
                return Ok(None);
            }
        }
        let Some(image) = self.image else {
            return Err(ImageError::Header);
        };
        let found = Found {
            image,
            wrong: Cell::new(None),
            pace,
        };
        let draft = &mut self.draft;
        let mut ended = found.stage(&mut 1, || {
            *draft = movie_ids(&found).map(|ids| Draft::of(&found, ids));
        });
        if let (Some(()), Some(draft)) = (ended, draft.as_mut()) {
            ended = take_in(draft, &found);
        }
        match found.wrong.get() {
            Some(why) => Err(why),
            None => Ok(ended.and(self.draft.as_ref().map(|draft| draft.model))),
        }
    }
}

/// A model whose tables are being taken in.
#[derive(Debug)]
struct Draft<'a> {
    model: Model<'a>,
    largest: Largest,
    #[cfg(feature = "codes")]
    codes: Option<Codes<'a>>,
}

/// The image, once its CRC is known to be right.
#[inline(always)] // So that it is read to where it stays.
fn unseal<P: Pace>(bytes: &[u8], pace: P) -> Result<Option<Image<'_>>, ImageError> {
    let sealed = Sealed::find(bytes)?;
    let begin = [sealed.begin().finish(), 0, 0];
    let ended = pace.over(sealed.rest(), BYTE, begin, |part, [sum, ..]| {
        let mut crc = Crc32::after(sum);
        crc.update(part);
        Ok([crc.finish(), 0, 0])
    })?;
    ended.map(|[crc, ..]| sealed.open(crc)).transpose()
}

/// The movies' ids, without which there is no model.
#[inline(always)]
fn movie_ids<'a, P: Pace>(found: &Found<'a, P>) -> Option<IdIndex<'a>> {
    found.walk();
    let ids = ids::open(
        found,
        [
            TableKind::MovieIdRange,
            TableKind::MovieIdBitmap,
            TableKind::MovieIdSorted,
            TableKind::MovieIdEliasFano,
        ],
    );
    if ids.is_none() {
        found.refuse(ImageError::Missing(TableKind::MovieIdSorted));
    }
    ids
}

impl<'a> Draft<'a> {
    /// A model of these movies without tables: the scale of ratings, and the parts of a prediction.
    #[inline(always)] // So that it is made where it stays.
    fn of<P: Pace>(found: &Found<'a, P>, movie_ids: IdIndex<'a>) -> Self {
        let model = Model {
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
            #[cfg(feature = "grow")]
            more: None,
            #[cfg(feature = "grow")]
            largest: super::added::Limits::default(),
        };
        Self {
            model,
            largest: Largest {
                user_row: Magnitude::of(ROW_LIMIT),
                movie_row: Magnitude::of(0.0),
                user_bias: Magnitude::of(ROW_LIMIT),
                movie_bias: Magnitude::of(0.0),
                unit: 0.0,
            },
            #[cfg(feature = "codes")]
            codes: None,
        }
    }
}

/// Takes the tables into a model, which is one if they leave nothing wrong. Each stage leaves in the draft what those
/// behind it need.
#[inline(never)]
fn take_in<'a, P: Pace>(draft: &mut Draft<'a>, found: &Found<'a, P>) -> Option<()> {
    let Draft {
        model,
        largest,
        #[cfg(feature = "codes")]
        codes,
    } = draft;
    // Behind those of header and ids.
    let mut stage = 2;
    let parts = model.parts;
    let movies = model.movies;
    #[cfg(feature = "codes")]
    found.stage(&mut stage, || *codes = codes::open(found, movies))?;
    #[cfg(feature = "codes")]
    let rows = codes::rows(codes, movies);
    #[cfg(not(feature = "codes"))]
    let rows = movies;
    found.stage(&mut stage, || {
        if !cfg!(feature = "codes") && found.has(TableKind::MovieCode) {
            found.refuse(ImageError::WithoutFeature(Feature::Codes));
        }
        let kind = TableKind::MovieEmbedding;
        model.movie_table = embedding(found, kind, rows, ANY, &mut largest.movie_row);
    })?;
    let movie_dim = model.movie_dim();

    found.stage(&mut stage, || {
        let kind = TableKind::MeanUser;
        model.mean_row = found.floats(kind, 1, if parts.dot { movie_dim as u32 } else { ANY });
        if model.user_dim() > MAX_DIM {
            found.too_wide(kind);
        }
    })?;
    let user_dim = model.user_dim();
    found.stage(&mut stage, || {
        largest.user_row.take(largest_of(model.mean_row));
        let ids = ids::open(
            found,
            [
                TableKind::UserIdRange,
                TableKind::UserIdBitmap,
                TableKind::UserIdSorted,
                TableKind::UserIdEliasFano,
            ],
        );
        model.users = ids.map(|ids| Users {
            ids,
            table: EmbeddingTable::new(Values::F32(&[]), 1),
            bias: None,
        });
    })?;
    found.stage(&mut stage, || {
        let kind = TableKind::UserEmbedding;
        if let Some(users) = &mut model.users {
            let (rows, columns) = (users.ids.len(), user_dim as u32);
            users.table = embedding(found, kind, rows, columns, &mut largest.user_row);
        } else if found.has(kind) {
            found.refuse(ImageError::Missing(TableKind::UserIdSorted));
        }
    })?;

    if parts.biases {
        found.stage(&mut stage, || {
            let kind = TableKind::MovieBias;
            let table = embedding(found, kind, rows, 1, &mut largest.movie_bias);
            model.movie_bias = Some(table);
        })?;
        if let Some(users) = &mut model.users {
            found.stage(&mut stage, || {
                let (kind, rows) = (TableKind::UserBias, users.ids.len());
                users.bias = Some(embedding(found, kind, rows, 1, &mut largest.user_bias));
            })?;
        }
        found.stage(&mut stage, || {
            let values = found.floats(TableKind::MeanUserBias, 1, 1);
            largest.user_bias.take(largest_of(values));
            model.mean_bias = values.first().copied().unwrap_or_default();
        })?;
    }

    if parts.mlp {
        found.stage(&mut stage, || {
            model.mlp = Some(mlp(found, user_dim, movie_dim));
        })?;
    }
    #[cfg(feature = "integers")]
    found.stage(&mut stage, || {
        #[cfg(feature = "codes-mlp")]
        let codes = *codes;
        #[cfg(not(feature = "codes-mlp"))]
        let codes = None;
        integer::open(model, found, largest, codes);
    })?;
    #[cfg(feature = "integers")]
    found.stage(&mut stage, || integer::store(model, found))?;
    #[cfg(feature = "codes-mlp")]
    found.stage(&mut stage, || integer::code(model, found, *codes))?;
    found.stage(&mut stage, || {
        #[cfg(feature = "codes")]
        if let Some(codes) = *codes {
            codes::take(model, found, codes, largest);
        }
        if !choose(model) {
            found.refuse(ImageError::WithoutFeature(Feature::Shapes));
        }
        if model.integers.is_some() && model.scale.largest() > INTEGER_LIMIT {
            found.value(TableKind::RatingScale);
        }
    })?;
    bounds(model, found, &mut stage, largest)?;
    #[cfg(feature = "grow")]
    {
        model.largest = super::added::Limits {
            row: largest.movie_row.largest,
            bias: largest.movie_bias.largest,
        };
    }

    let users = model.users();
    found.stage(&mut stage, || {
        if found.has(TableKind::UserSpread) {
            let spread = covariance(found, TableKind::UserSpread, user_dim.wrapping_add(1));
            model.user_spread = Some(spread);
        }
        model.seen = seen::open(found, users, movies);
    })?;
    found.stage(&mut stage, || {
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
    })?;
    found.stage(&mut stage, || {
        if cfg!(feature = "interest") {
            model.interests = interest::open(found, (movies, users), model.kin.is_some());
        } else if found.has(TableKind::InterestCourse) {
            found.refuse(ImageError::WithoutFeature(Feature::Interest));
        }
    })?;
    // Without the feature they are skipped: lists are as right without a filter.
    #[cfg(feature = "facets")]
    found.stage(&mut stage, || model.facets = facets::open(found, movies))?;
    // Without it predictions are as right, and nobody says how sure.
    if cfg!(feature = "odds") {
        found.stage(&mut stage, || model.odds = odds::open(found, users))?;
    }
    Some(())
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
fn embedding<'a, P: Pace>(
    found: &Found<'a, P>,
    kind: TableKind,
    rows: u32,
    columns: u32,
    so_far: &mut Magnitude,
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
    if let Err(bad) = table.check(found.pace, so_far) {
        found.bad_number(bad, kind);
    }
    table
}

#[inline(never)]
fn mlp<'a, P: Pace>(found: &Found<'a, P>, user_dim: usize, movie_dim: usize) -> Mlp<'a> {
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
fn covariance<'a, P: Pace>(found: &Found<'a, P>, kind: TableKind, side: usize) -> &'a [f32] {
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
