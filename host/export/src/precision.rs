//! How an image stores a model's numbers.

use std::str::FromStr;

use pocketrec::kernels::Precision as Stored;
use pocketrec::model::Model;

/// The element type of embedding tables and biases. The MLP is always f32: it is small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Half precision: 2 bytes a number.
    #[default]
    F16,
    /// Single precision, the reference: 4 bytes a number.
    F32,
    /// 16-bit integers, scored in integers: 2 bytes a number.
    I16,
    /// 8-bit integers with a multiplier a row, biases of 16 bits, scored in integers: a byte a number.
    I8,
    /// Movies as sums of codewords, so many bytes each, ranked by looking up; users in half
    /// precision.
    Codes(Bytes),
}

/// Bytes of a movie in codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// One.
    One = 1,
    /// Two.
    Two,
    /// Three.
    Three,
    /// Four.
    Four,
}

impl Precision {
    /// Movies in codes of 4 bytes.
    pub const CODES: Self = Self::Codes(Bytes::Four);

    /// All there are.
    pub const ALL: [Self; 8] = [
        Self::F16,
        Self::F32,
        Self::I16,
        Self::I8,
        Self::CODES,
        Self::Codes(Bytes::Three),
        Self::Codes(Bytes::Two),
        Self::Codes(Bytes::One),
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::I16 => "i16",
            Self::I8 => "i8",
            Self::Codes(Bytes::Four) => "codes",
            Self::Codes(Bytes::Three) => "codes3",
            Self::Codes(Bytes::Two) => "codes2",
            Self::Codes(Bytes::One) => "codes1",
        }
    }

    /// The one in which an image stores its movies.
    pub fn of(model: &Model<'_>) -> Self {
        let table = model.movie_table();
        // A movie's codes are as many as there are books.
        match (
            table.codes().map(|codes| codes.of(0).len()),
            table.values().precision(),
        ) {
            (Some(1), _) => Self::Codes(Bytes::One),
            (Some(2), _) => Self::Codes(Bytes::Two),
            (Some(3), _) => Self::Codes(Bytes::Three),
            (Some(_), _) => Self::CODES,
            (None, Stored::F16) => Self::F16,
            (None, Stored::F32) => Self::F32,
            (None, Stored::I16) => Self::I16,
            (None, Stored::I8) => Self::I8,
        }
    }

    /// Whether a device takes a row's numbers two at a time, so that there must be an even number of them.
    pub(super) fn takes_pairs(self) -> bool {
        self.is_integer() || matches!(self, Self::Codes(_))
    }

    /// Whether a device scores in integers.
    pub(super) fn is_integer(self) -> bool {
        matches!(self, Self::I16 | Self::I8)
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|precision| precision.name() == text)
            .ok_or_else(|| {
                format!(
                    "`{text}` is not a precision: f16, f32, i16, i8, or codes, codes3, codes2 or codes1 of 4 to 1 bytes a movie"
                )
            })
    }
}

/// How an image stores a model. A precision alone is one that precomputes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// The element type of embedding tables and biases.
    pub precision: Precision,
    /// Whether each movie's half of dense layer 0 is stored beside its row: two bytes a unit and movie, of an MLP
    /// that is scored in integers.
    pub precompute: bool,
    /// How many of a model's dimensions, the first ones; where it isn't said, as [`dims`](Self::dims) has it.
    pub dim: Option<usize>,
    /// Whether the tables of which movies belong together, 8 bytes a movie, are left out, and with them what people look
    /// for.
    pub without_kin: bool,
}

impl From<Precision> for Storage {
    fn from(precision: Precision) -> Self {
        Self {
            precision,
            ..Self::default()
        }
    }
}
