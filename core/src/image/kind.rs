//! The kinds of tables and the types of their elements, with the numbers they have in an image.

use crate::kernels::Precision;
use core::fmt;

/// What a table holds. The numbers are the image's and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u16)]
pub enum TableKind {
    /// f32 \[1\]\[4\]: mean rating, lowest and highest rating, step between ratings.
    RatingScale = 1,
    /// u8 \[1\]\[1\]: bits of the parts that a prediction adds up, see [`crate::model::Parts`].
    Parts = 2,
    /// f32 \[1\]\[3\], optional: how good the model is, see [`Model::validation`](crate::model::Model::validation).
    Validation = 3,

    /// u32 \[1\]\[2\]: movie ids are first, first + 1, …: first id and how many.
    MovieIdRange = 16,
    /// u32 \[blocks\]\[9\]: movie ids as a bitmap; a block is the rank of its first bit, then 256 bits.
    MovieIdBitmap = 17,
    /// u32 \[movies\]\[1\]: movie ids, ascending.
    MovieIdSorted = 18,
    /// u32 \[1\]\[words\]: movie ids in Elias–Fano code, see
    /// [`IdIndex::elias_fano`](crate::ids::IdIndex::elias_fano).
    MovieIdEliasFano = 19,
    /// As `MovieIdRange`, for users.
    UserIdRange = 20,
    /// As `MovieIdBitmap`, for users.
    UserIdBitmap = 21,
    /// As `MovieIdSorted`, for users.
    UserIdSorted = 22,
    /// As `MovieIdEliasFano`, for users.
    UserIdEliasFano = 23,

    /// f16, f32, i16 or i8 \[movies\]\[movie dimensions\]; integers with a scale that is a power of two.
    MovieEmbedding = 32,
    /// As `MovieEmbedding`, \[users\]\[user dimensions\].
    UserEmbedding = 33,
    /// f16, f32 or i16 \[movies\]\[1\]; i16 where `MovieEmbedding` is of integers.
    MovieBias = 34,
    /// f16, f32 or i16 \[users\]\[1\].
    UserBias = 35,
    /// f32 \[1\]\[user dimensions\]: the row of somebody of whom nothing is known, where an owner starts.
    MeanUser = 36,
    /// f32 \[1\]\[1\]: that person's bias.
    MeanUserBias = 37,
    /// u8 \[movies\]\[1\]: what the rows of a `MovieEmbedding` of i8 are multiplied by, beside its scale.
    MovieRowMultiplier = 38,
    /// As `MovieRowMultiplier`, for `UserEmbedding`.
    UserRowMultiplier = 39,
    /// f32 \[1\]\[triangle\], optional: how users spread around the mean user, see
    /// [`Model::user_spread`](crate::model::Model::user_spread).
    UserSpread = 40,
    /// u32 \[1\]\[words\], optional: which movies the users have rated, see
    /// [`Model::seen`](crate::model::Model::seen): user row x movies + movie row of each rating, ascending, in the
    /// code of [`IdIndex::elias_fano`](crate::ids::IdIndex::elias_fano).
    UserSeen = 41,
    /// u8 \[movies\]\[books\], optional, of 1 to 4 columns: with it a movie's row and bias are sums. `MovieEmbedding`, of
    /// integers, and `MovieBias` then have a row a codeword, book after book, at most 256 a book and as many in each;
    /// column b of a movie is the number of its codeword in book b. With an MLP come `IntegerCodeHalves`
    /// and `IntegerUserHalves`. Ranked by looking up (`kernels/codes.rs`).
    MovieCode = 42,

    /// f32 \[units\]\[user dimensions\]: the user's half of dense layer 0.
    DenseUserWeights = 48,
    /// f32 \[units\]\[movie dimensions\]: the movie's half of dense layer 0.
    DenseMovieWeights = 49,
    /// f32 \[inputs\]\[units\]: dense layer `index`, from 1.
    DenseWeights = 50,
    /// f32 \[1\]\[units\]: the bias of dense layer `index`, from 0.
    DenseBias = 51,
    /// u8 \[1\]\[layers\]: the activation of each dense layer.
    Activations = 52,

    /// i16 \[units\]\[movie dimensions\]: the movie's half of dense layer 0 for integer scoring.
    IntegerMovieWeights = 80,
    /// f32 \[1\]\[units\]: counts of an integer sum of dense layer 0 for 1.0 of its unit.
    IntegerSteps = 81,
    /// i16 \[pairs of inputs\]\[units x 2\]: dense layer `index`, from 1, for integer scoring; the two weights of
    /// a unit for a pair of inputs stand side by side.
    IntegerWeights = 82,
    /// i32 \[1\]\[units\]: the bias of dense layer `index`, from 1, for integer scoring.
    IntegerBias = 83,
    /// u8 \[1\]\[1\]: bits behind the point of the integer output.
    IntegerOutputBits = 84,
    /// i16 \[movies\]\[units\], optional: each movie's half of dense layer 0 for integer scoring, the top 16 bits of
    /// its sums with 2^15 added. A user's half is then rounded to multiples of 2^16. Written as required: scores
    /// of a reader without it would differ in their last bits.
    IntegerMovieHalves = 85,

    /// u8 \[codewords of all books\]\[units\]: each codeword's half of dense layer 0, with `MovieCode` in place of
    /// `IntegerMovieWeights`; of every four units in the order 0, 2, 1, 3. What one of each book has of a unit adds up to at
    /// most 255. `IntegerSteps` are then counts of 2^-16. See `kernels/integer/coded.rs`.
    IntegerCodeHalves = 88,
    /// i16 \[2\]\[units\], with `IntegerCodeHalves`: what is taken off the user's half of dense layer 0, and the most that is
    /// then left of it, either way, from 0 to 32,512.
    IntegerUserHalves = 89,

    /// u8 \[movies\]\[1\], optional: what a ranking adds for how well a movie is known, in steps of the table's scale.
    MovieConfidence = 64,

    /// u8 \[movies\]\[8\], optional: which codewords a movie's direction is the sum of, a nibble each, see `model::kin`.
    /// With it come the next two, and [`MovieConfidence`](Self::MovieConfidence).
    KinCode = 71,
    /// i8 \[256\]\[64\]: 16 books of 16 codewords, with a scale that is a power of two.
    KinCodebook = 72,
    /// u8 \[1\]\[64\]: what likeness with a movie is multiplied by for its confidence byte, in 256ths; a level is for
    /// four bytes. 0 keeps a movie out of lists.
    KinLevels = 73,

    /// u8 \[pairs of movies\]\[5\], optional: the set of genres and the year of each movie, see `model::facets`. With it
    /// come the next three.
    MovieFacets = 74,
    /// u32 \[sets\]\[1\]: the sets of genres that movies have, a bit a genre; at most 4,096.
    GenreSets = 75,
    /// u8 \[1\]\[bytes\]: the genres' names in UTF-8, that of bit 0 first, with `|` between two; at most 32,
    /// of 4,096 bytes together.
    GenreNames = 76,
    /// u32 \[1\]\[1\]: the year of a movie whose year's byte is 1; one of 0 has none.
    FirstYear = 77,

    /// f32 \[1\]\[2\], optional: stars for a likeness of 1 with what somebody looks for, and what a rating counts when one
    /// more has been given, see `model::interest`. It goes by `KinCode`.
    InterestCourse = 78,
    /// u8 \[users\]\[16 x 2, or 16 x 3 from 65,536 movies on\], optional, with `InterestCourse`: the rows of the movies that
    /// the users rated last, the last one first, little end first; all ones where there are no more.
    UserLatest = 79,

    /// f32 \[1\]\[6\], optional: how sure predictions are, see `model::odds`: the unit of a score's variance in squared
    /// stars, the variance of an owner's rating around a score that is known, the slope of deviations by stars, the ends of
    /// an interval in deviations, and stars of a step of `UserOdds`.
    Odds = 86,
    /// u8 \[users\]\[1\], with `Odds` where there are users: the standard deviation of their ratings, in steps.
    UserOdds = 87,
}

impl TableKind {
    /// Every kind.
    pub const ALL: [Self; 47] = [
        Self::RatingScale,
        Self::Parts,
        Self::Validation,
        Self::MovieIdRange,
        Self::MovieIdBitmap,
        Self::MovieIdSorted,
        Self::MovieIdEliasFano,
        Self::UserIdRange,
        Self::UserIdBitmap,
        Self::UserIdSorted,
        Self::UserIdEliasFano,
        Self::MovieEmbedding,
        Self::UserEmbedding,
        Self::MovieBias,
        Self::UserBias,
        Self::MeanUser,
        Self::MeanUserBias,
        Self::MovieRowMultiplier,
        Self::UserRowMultiplier,
        Self::UserSpread,
        Self::UserSeen,
        Self::MovieCode,
        Self::DenseUserWeights,
        Self::DenseMovieWeights,
        Self::DenseWeights,
        Self::DenseBias,
        Self::Activations,
        Self::IntegerMovieWeights,
        Self::IntegerSteps,
        Self::IntegerWeights,
        Self::IntegerBias,
        Self::IntegerOutputBits,
        Self::IntegerMovieHalves,
        Self::IntegerCodeHalves,
        Self::IntegerUserHalves,
        Self::MovieConfidence,
        Self::KinCode,
        Self::KinCodebook,
        Self::KinLevels,
        Self::MovieFacets,
        Self::GenreSets,
        Self::GenreNames,
        Self::FirstYear,
        Self::InterestCourse,
        Self::UserLatest,
        Self::Odds,
        Self::UserOdds,
    ];

    /// The kind of a number in an image, or `None` for one that this version doesn't know.
    #[inline(never)]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its number in an image.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Its name, as errors and `inspect` print it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RatingScale => "rating_scale",
            Self::Parts => "parts",
            Self::Validation => "validation",
            Self::MovieIdRange => "movie_id_range",
            Self::MovieIdBitmap => "movie_id_bitmap",
            Self::MovieIdSorted => "movie_id_sorted",
            Self::MovieIdEliasFano => "movie_id_elias_fano",
            Self::UserIdRange => "user_id_range",
            Self::UserIdBitmap => "user_id_bitmap",
            Self::UserIdSorted => "user_id_sorted",
            Self::UserIdEliasFano => "user_id_elias_fano",
            Self::MovieEmbedding => "movie_embedding",
            Self::UserEmbedding => "user_embedding",
            Self::MovieBias => "movie_bias",
            Self::UserBias => "user_bias",
            Self::MeanUser => "mean_user",
            Self::MeanUserBias => "mean_user_bias",
            Self::MovieRowMultiplier => "movie_row_multiplier",
            Self::UserRowMultiplier => "user_row_multiplier",
            Self::UserSpread => "user_spread",
            Self::UserSeen => "user_seen",
            Self::MovieCode => "movie_code",
            Self::DenseUserWeights => "dense_user_weights",
            Self::DenseMovieWeights => "dense_movie_weights",
            Self::DenseWeights => "dense_weights",
            Self::DenseBias => "dense_bias",
            Self::Activations => "activations",
            Self::IntegerMovieWeights => "integer_movie_weights",
            Self::IntegerSteps => "integer_steps",
            Self::IntegerWeights => "integer_weights",
            Self::IntegerBias => "integer_bias",
            Self::IntegerOutputBits => "integer_output_bits",
            Self::IntegerMovieHalves => "integer_movie_halves",
            Self::IntegerCodeHalves => "integer_code_halves",
            Self::IntegerUserHalves => "integer_user_halves",
            Self::MovieConfidence => "movie_confidence",
            Self::KinCode => "kin_code",
            Self::KinCodebook => "kin_codebook",
            Self::KinLevels => "kin_levels",
            Self::MovieFacets => "movie_facets",
            Self::GenreSets => "genre_sets",
            Self::GenreNames => "genre_names",
            Self::FirstYear => "first_year",
            Self::InterestCourse => "interest_course",
            Self::UserLatest => "user_latest",
            Self::Odds => "odds",
            Self::UserOdds => "user_odds",
        }
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The type of a table's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum Element {
    /// Unsigned byte.
    U8 = 0,
    /// Signed byte, times a scale.
    I8 = 1,
    /// Signed 16-bit integer, times a scale.
    I16 = 2,
    /// IEEE half precision, zeros and normal numbers only.
    F16 = 3,
    /// IEEE single precision, zeros and normal numbers only.
    F32 = 4,
    /// Unsigned 32-bit integer.
    U32 = 5,
    /// Signed 32-bit integer.
    I32 = 6,
}

impl Element {
    /// How rows of it are kept; `None` for what no table of rows is of.
    pub const fn precision(self) -> Option<Precision> {
        match self {
            Self::F16 => Some(Precision::F16),
            Self::F32 => Some(Precision::F32),
            Self::I16 => Some(Precision::I16),
            Self::I8 => Some(Precision::I8),
            Self::U8 | Self::U32 | Self::I32 => None,
        }
    }

    /// The type of a number in an image, or `None` for one that isn't known.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::U8),
            1 => Some(Self::I8),
            2 => Some(Self::I16),
            3 => Some(Self::F16),
            4 => Some(Self::F32),
            5 => Some(Self::U32),
            6 => Some(Self::I32),
            _ => None,
        }
    }

    /// Its number in an image.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 | Self::F16 => 2,
            Self::F32 | Self::U32 | Self::I32 => 4,
        }
    }

    /// Its name, as `inspect` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::U32 => "u32",
            Self::I32 => "i32",
        }
    }
}
