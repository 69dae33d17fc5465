//! A model: a borrowed view of a verified image, and the prediction it makes.
//!
//! ```text
//! rating(u, m) = mean + b_u + b_m + <p_u, q_m> + MLP([p_u ; q_m]),  clamped to the rating scale
//! ```
//!
//! added in this order, each part where the image has it ([`Parts`]). p and q are embedding rows, b biases.

#[cfg(feature = "grow")]
pub mod added;
#[cfg(not(feature = "grow"))]
#[path = "none_added.rs"]
mod added;
#[cfg(cortex_m_float)]
mod assembly;
#[cfg(feature = "grow")]
pub mod entry;
pub mod facets;
mod facts;
#[cfg(feature = "integers")]
mod integer;
#[cfg(not(feature = "integers"))]
#[path = "no_integers.rs"]
mod integer;
pub mod interest;
pub mod kin;
mod lookup;
pub mod odds;
mod open;
mod score;
mod seen;
mod similar;
mod user;

use crate::numeric::walk::numbered;
pub use facets::Wanted;
pub use facts::{Parts, RatingScale, Validation};
pub use interest::Interest;
use interest::Interests;
pub use lookup::LookupError;
pub use odds::Interval;
pub use open::Opening;
pub use seen::Seen;
pub use similar::MovieVector;
pub use user::UserState;

use crate::ids::{EliasFano, IdIndex, MovieId, UserId};
use crate::image::Header;
use crate::image::ImageError;
use crate::kernels::{Costs, Kernel, Kernels, Machine, Shape, ran};
use crate::mlp::Mlp;
use crate::numeric::activation::Activation;
use crate::numeric::dot::dot;
use crate::numeric::pace::Whole;
use crate::table::EmbeddingTable;
use crate::{MAX_DIM, MAX_LAYERS};

/// No sum in a prediction from a verified image can pass this magnitude, so none is infinite or a NaN.
pub const LIMIT: f32 = 1.0e30;

/// The largest magnitude of a component of a row, or of a bias, that a caller holds
/// ([`Model::user_state`]): trained rows are below 4.
pub const ROW_LIMIT: f32 = 64.0;

/// The largest magnitude of an entry of [`Model::user_spread`].
pub const SPREAD_LIMIT: f32 = 65536.0;

/// The longest entry of a movie that is added to an image, in bytes: id, row in single precision, bias, kin's codes,
/// confidence, year and set of genres, up to a whole word.
pub const MAX_ENTRY: usize = if cfg!(feature = "grow") {
    4 + 4 * MAX_DIM + 4 + 12
} else {
    0
};

/// The entry of a movie that is added to an image: `model::entry` says what it consists of. Without the feature `grow` there is
/// none.
pub type Entry = crate::list::List<u8, MAX_ENTRY>;

/// A prediction's parts, before it is clamped to the scale. Their sum, in this order, is the score.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Explanation {
    /// Mean rating plus the user's bias.
    pub base: f32,
    /// The movie's bias.
    pub movie_bias: f32,
    /// The dot product.
    pub dot: f32,
    /// The MLP.
    pub mlp: f32,
}

/// A borrowed view of a verified image. Nothing it does can panic, and every number it returns is finite.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    header: Header<'a>,
    scale: RatingScale,
    parts: Parts,
    /// How many ids there are: an index of ids would have to look which form it has.
    movies: u32,
    movie_ids: IdIndex<'a>,
    movie_table: EmbeddingTable<'a>,
    movie_bias: Option<EmbeddingTable<'a>>,
    users: Option<Users<'a>>,
    mean_row: &'a [f32],
    mean_bias: f32,
    mlp: Option<Mlp<'a>>,
    /// Which kernels its shape gets.
    kernels: Kernels,
    /// The MLP for the kernels in assembly: there where they were chosen.
    #[cfg(cortex_m_float)]
    net: Option<crate::kernels::float::Net<'a>>,
    integers: Option<integer::Integers<'a>>,
    user_spread: Option<&'a [f32]>,
    validation: Option<&'a [f32]>,
    /// User row x movies + movie row of each rating.
    seen: Option<EliasFano<'a>>,
    confidence: Option<Confidence<'a>>,
    interests: Option<Interests<'a>>,
    kin: Option<kin::Kin<'a>>,
    facets: Option<facets::Facets<'a>>,
    odds: Option<odds::Odds<'a>>,
    /// Movies behind these.
    #[cfg(feature = "grow")]
    more: Option<&'a Model<'a>>,
    /// Of these movies' numbers.
    #[cfg(feature = "grow")]
    largest: added::Limits,
}

/// How well known movies are: a byte a movie, in steps of `scale` stars.
#[derive(Clone, Copy, Debug)]
struct Confidence<'a> {
    bytes: &'a [u8],
    scale: f32,
}

/// The users of an image.
#[derive(Clone, Copy, Debug)]
struct Users<'a> {
    ids: IdIndex<'a>,
    table: EmbeddingTable<'a>,
    bias: Option<EmbeddingTable<'a>>,
}

impl<'a> Model<'a> {
    /// Verifies the image at the front of `bytes` (which may be longer, as a flash region is; it must start at
    /// an address divisible by 4) and borrows it. Reads every byte once; [`Opening`] does it in slices.
    ///
    /// # Errors
    ///
    /// An [`ImageError`] that names the field or table at fault.
    #[inline] // Compiled where it is called: `open` says why.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ImageError> {
        open::open(bytes, Whole)
    }

    /// The image's header: name, fingerprint, licence of the data.
    pub fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// The scale of ratings.
    pub fn scale(&self) -> RatingScale {
        self.scale
    }

    /// The parts of a prediction.
    pub fn parts(&self) -> Parts {
        self.parts
    }

    /// The ids of the image's movies; their rows are those of [`movie_table`](Self::movie_table).
    pub fn movie_ids(&self) -> IdIndex<'a> {
        self.movie_ids
    }

    /// The ids of the users, where the image has users.
    pub fn user_ids(&self) -> Option<IdIndex<'a>> {
        self.users.map(|users| users.ids)
    }

    /// The rows of the image's movies.
    pub fn movie_table(&self) -> EmbeddingTable<'a> {
        self.movie_table
    }

    /// The biases of the image's movies, where the model has biases.
    pub fn movie_biases(&self) -> Option<EmbeddingTable<'a>> {
        self.movie_bias
    }

    /// The users' rows, where the image has users.
    pub fn user_table(&self) -> Option<EmbeddingTable<'a>> {
        self.users.map(|users| users.table)
    }

    /// The MLP, where the model has one.
    pub fn mlp(&self) -> Option<&Mlp<'a>> {
        self.mlp.as_ref()
    }

    /// The kernels that the model's shape gets on this machine.
    pub fn kernels(&self) -> Kernels {
        self.kernels
    }

    /// Calls `with` with what of the model decides that.
    fn with_shape<T>(&self, with: impl FnOnce(&Shape<'_>) -> T) -> T {
        let mut units = [0; MAX_LAYERS];
        let mut relu = true;
        let mut layers = 0;
        if let Some(mlp) = &self.mlp {
            let later = mlp.later().iter();
            let all = later.map(|layer| (layer.units(), layer.activation));
            let all = core::iter::once((mlp.units(), mlp.activation)).chain(all);
            layers = mlp.layers();
            for (number, (place, (count, activation))) in numbered(units.iter_mut().zip(all), 1) {
                *place = count;
                relu &= (activation == Activation::Linear) == (number == layers);
            }
        }
        with(&Shape {
            movies: self.movie_table.values().precision(),
            movie_bias: self.movie_bias.map(|table| table.values().precision()),
            movie_dim: self.movie_dim(),
            user_dim: self.user_dim(),
            dot: self.parts.dot,
            units: units.get(..layers).unwrap_or_default(),
            relu,
            stored: self.stores_halves(),
            codes: self.movie_table.codes().is_some(),
        })
    }

    /// Whether the image stores each movie's half of dense layer 0, from which integer scoring is faster.
    pub fn stores_halves(&self) -> bool {
        self.integers
            .is_some_and(|integers| integers.stores_halves())
    }

    /// Number of movies, those that were added to the image included.
    pub fn movies(&self) -> u32 {
        #[cfg(feature = "grow")]
        if let Some(more) = self.more {
            return self.movies.saturating_add(more.movies);
        }
        self.movies
    }

    /// Number of movies of its own tables.
    #[inline]
    pub(crate) fn own_movies(&self) -> u32 {
        self.movies
    }

    /// Does work for the movies of rows `first`, `first + 1`, …, one for each of `places`: by the model that has them in its own
    /// tables, and by rows there.
    #[inline(always)]
    fn in_parts<T>(&self, first: u32, places: &mut [T], work: impl Fn(&Model<'a>, u32, &mut [T])) {
        if !self.has_more() {
            return work(self, first, places);
        }
        let own = self.movies.saturating_sub(first) as usize;
        let Some((own, rest)) = places.split_at_mut_checked(own.min(places.len())) else {
            return;
        };
        let (part, row) = self.part_of(first.wrapping_add(own.len() as u32));
        if !own.is_empty() {
            work(self, first, own);
        }
        if !rest.is_empty() {
            work(part, row, rest);
        }
    }

    /// Number of users; 0 for an image without users.
    pub fn users(&self) -> u32 {
        self.users.map_or(0, |users| users.ids.len())
    }

    /// Dimensions of a user's row.
    pub fn user_dim(&self) -> usize {
        self.mean_row.len()
    }

    /// About what work with this model takes on this machine, in clock cycles.
    pub fn costs(&self) -> Costs {
        let mut costs = self.with_shape(|shape| Costs::of(shape, Machine::HERE));
        if self.has_kin() {
            costs = costs.with_kin();
        }
        if self.has_interest() {
            costs = costs.with_interest();
        }
        costs
    }

    /// Dimensions of a movie's row.
    pub fn movie_dim(&self) -> usize {
        self.movie_table.columns()
    }

    /// Whether the image says how well known movies are.
    pub fn has_confidence(&self) -> bool {
        self.confidence.is_some()
    }

    /// How well known the movie of `row` is, from 0 to 255, where the image says so.
    pub fn confidence(&self, row: u32) -> Option<u8> {
        let (part, row) = self.part_of(row);
        part.confidence?.bytes.get(row as usize).copied()
    }

    /// What a ranking adds to the score of the movie of `row`, in stars, for how well known it is; 0 where the
    /// image says nothing of it. A prediction doesn't have it.
    pub fn confidence_stars(&self, row: u32) -> f32 {
        let (part, row) = self.part_of(row);
        part.confidence.map_or(0.0, |confidence| {
            let byte = confidence.bytes.get(row as usize);
            byte.map_or(0.0, |byte| f32::from(*byte) * confidence.scale)
        })
    }

    /// What the image says of people's interests, and its kin.
    pub(crate) fn interests(&self) -> Option<(&Interests<'a>, &kin::Kin<'a>)> {
        if cfg!(feature = "interest") {
            self.interests.as_ref().zip(self.kin.as_ref())
        } else {
            None
        }
    }

    /// The row of the movie `id`.
    ///
    /// # Errors
    ///
    /// [`LookupError::UnknownMovie`].
    pub fn movie_row(&self, id: MovieId) -> Result<u32, LookupError> {
        let row = self.movie_ids.row(id.0);
        #[cfg(feature = "grow")]
        let row = row.or_else(|| {
            let row = self.more?.movie_ids.row(id.0)?;
            Some(row.wrapping_add(self.movies))
        });
        row.ok_or(LookupError::UnknownMovie(id))
    }

    /// The id of the movie of `row`; `None` outside the table.
    pub fn movie_id(&self, row: u32) -> Option<MovieId> {
        let (part, row) = self.part_of(row);
        part.movie_ids.id(row).map(MovieId)
    }

    /// `sum` and the bias of the movie of row `at`, where the model has biases.
    #[inline]
    pub(crate) fn with_movie_bias(&self, sum: f32, at: usize) -> f32 {
        match &self.movie_bias {
            Some(table) => sum + table.first(at),
            None => sum,
        }
    }

    /// How the users spread around the mean user, where the image says so: the lower triangle, row after row, of
    /// the covariance of bias and row (the bias first), in units of the variance of a rating around its prediction.
    pub fn user_spread(&self) -> Option<&'a [f32]> {
        self.user_spread
    }

    /// How well the model predicted the ratings that its training held out, where the image says so.
    pub fn validation(&self) -> Option<Validation> {
        let [rmse, movie_means, personal] = *self.validation? else {
            return None;
        };
        Some(Validation {
            rmse,
            movie_means,
            personal: personal > 0.0,
        })
    }

    /// The rating, in stars and clamped to the scale, that `user` would give `movie`.
    ///
    /// # Errors
    ///
    /// [`LookupError`] for an id that the image doesn't have.
    pub fn predict(&self, user: UserId, movie: MovieId) -> Result<f32, LookupError> {
        let user = self.user_at(user)?;
        let movie = self.movie_row(movie)?;
        Ok(self.predict_rows(user as u32, movie))
    }

    /// As [`predict`](Self::predict), by rows: those of the tables of users and movies. A row outside its table
    /// counts as a row of zeros.
    pub fn predict_rows(&self, user: u32, movie: u32) -> f32 {
        #[cfg(feature = "grow")]
        if self.more.is_some() && movie >= self.movies {
            return self.scale.clamp(self.score_stored(user, movie));
        }
        #[cfg(cortex_m_float)]
        if let Some(score) = self.predict_by_assembly(user as usize, movie as usize) {
            return self.scale.clamp(score);
        }
        self.scale.clamp(match &self.users {
            Some(users) if self.kernels.predict == Kernel::Product => {
                self.score_tables(users, user as usize, movie as usize)
            }
            _ => self.score_stored(user, movie),
        })
    }

    /// The score of a model without an MLP straight from its tables.
    #[inline(never)]
    fn score_tables(&self, users: &Users<'_>, user: usize, movie: usize) -> f32 {
        ran(Kernel::Product);
        let sum = self.with_movie_bias(self.base_of(users, user), movie);
        if !self.parts.dot {
            return sum;
        }
        // Short rows in short places, which take a while to clear.
        sum + if self.user_dim() <= 8 {
            product::<8>((&users.table, user), (&self.movie_table, movie))
        } else {
            product::<MAX_DIM>((&users.table, user), (&self.movie_table, movie))
        }
    }

    /// The score by way of a state: apart, so that its stack isn't the kernel's.
    #[inline(never)]
    fn score_stored(&self, user: u32, movie: u32) -> f32 {
        let mut state = UserState::EMPTY;
        self.load(user as usize, &mut state);
        self.score(&state, movie)
    }

    /// As [`predict`](Self::predict), for a state that the caller holds.
    ///
    /// # Errors
    ///
    /// [`LookupError::UnknownMovie`].
    pub fn predict_for(&self, user: &UserState, movie: MovieId) -> Result<f32, LookupError> {
        let row = self.movie_row(movie)?;
        Ok(self.scale.clamp(self.score(user, row)))
    }

    /// The prediction for the movie of `row`, before it is clamped to the scale. A row outside the table counts as
    /// a row of zeros.
    pub fn score(&self, user: &UserState, row: u32) -> f32 {
        let mut score = [0.0];
        self.score_rows(user, row, &mut score);
        let [score] = score;
        score
    }

    /// The parts of a score, for the movie of `row`.
    pub fn explain(&self, user: &UserState, row: u32) -> Explanation {
        let (part, row) = self.part_of(row);
        if let Some(integers) = &part.integers {
            return part.explain_integer(integers, user, row as usize);
        }
        part.explain_with(part.mlp.as_ref(), user, row)
    }

    /// As [`explain`](Self::explain), with another MLP of the same shape in place of the image's, in floating point
    /// whatever the image scores in.
    pub(crate) fn explain_with(
        &self,
        mlp: Option<&Mlp<'_>>,
        user: &UserState,
        row: u32,
    ) -> Explanation {
        let at = row as usize;
        let mut movie = [0.0; MAX_DIM];
        self.movie_table.read(at, &mut movie);
        let movie = movie.get(..self.movie_dim()).unwrap_or_default();
        Explanation {
            base: user.base,
            movie_bias: self.movie_bias.map_or(0.0, |table| table.first(at)),
            dot: if self.parts.dot {
                dot(movie, &user.row)
            } else {
                0.0
            },
            mlp: mlp.map_or(0.0, |mlp| mlp.forward(&user.half, movie)),
        }
    }
}

/// The dot product of two rows of at most `N` numbers. One that is outside its table is zeros.
fn product<const N: usize>(
    (own, user): (&EmbeddingTable<'_>, usize),
    (other, movie): (&EmbeddingTable<'_>, usize),
) -> f32 {
    let mut a = [0.0; N];
    let mut b = [0.0; N];
    own.read(user, &mut a);
    other.read(movie, &mut b);
    dot(a.get(..own.columns()).unwrap_or_default(), &b)
}
