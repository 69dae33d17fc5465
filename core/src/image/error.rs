//! Why an image is refused: one small `Copy` enum that names the field or table at fault.

use super::kind::TableKind;
use super::layout::{FORMAT, MAX_TABLES};
use core::fmt;

/// Why an image is refused. Verification is the only place where an image can fail: a [`Model`](crate::model::Model)
/// that was opened answers every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ImageError {
    /// The bytes don't start at an address divisible by 4.
    Misaligned,
    /// The bytes end before the header does; nothing is there at all when `have` is 0.
    TooShort {
        /// Bytes that were given.
        have: u32,
    },
    /// The first four bytes are not [`MAGIC`](crate::image::MAGIC): erased flash, or something else.
    Magic,
    /// A format version this reader doesn't know.
    Format {
        /// The version found.
        found: u8,
    },
    /// The header states a length that the bytes don't have, or that is shorter than a header.
    Length {
        /// The length stated in the header.
        stated: u32,
        /// Bytes that were given.
        have: u32,
    },
    /// The CRC-32 stated in the header is not that of the bytes.
    Crc {
        /// The CRC stated in the header.
        stated: u32,
        /// The CRC of the bytes.
        computed: u32,
    },
    /// The header's fields after the CRC can't be read.
    Header,
    /// More tables than [`MAX_TABLES`](crate::image::MAX_TABLES).
    TooManyTables {
        /// The number stated in the header.
        found: u16,
    },
    /// Table number `at` can't be read: cut, a length that exceeds the image, or bad padding.
    Table {
        /// Position of the table in the image, from 0.
        at: u16,
    },
    /// Bytes are left over after the last table.
    Trailing {
        /// How many.
        bytes: u32,
    },
    /// A required table of a kind this reader doesn't know: a newer firmware is needed.
    UnknownTable {
        /// The kind's number.
        kind: u16,
    },
    /// A table that the model needs is missing.
    Missing(TableKind),
    /// A table occurs twice.
    Duplicate(TableKind),
    /// A table has an element type that its kind can't have.
    Element(TableKind),
    /// A table's rows and columns are zero, too many, or don't agree with the other tables.
    Shape(TableKind),
    /// A table's bytes are not rows x columns x element size.
    Size(TableKind),
    /// A table's bytes don't start at an offset divisible by 4.
    Alignment(TableKind),
    /// A table holds an infinity or a NaN.
    NotFinite(TableKind),
    /// A table holds a subnormal number.
    Subnormal(TableKind),
    /// A table holds a value outside what its kind allows.
    Value(TableKind),
    /// Ids that don't ascend or are outside what they are ids of, rank samples that don't count them, or more ids with
    /// one upper part than [`MAX_RUN`](crate::ids::MAX_RUN).
    Ids(TableKind),
    /// The model could pass [`LIMIT`](crate::model::LIMIT) in dense layer `layer` (0 is the first).
    LayerBound {
        /// Dense layer, from 0.
        layer: u8,
    },
    /// The dot product could pass [`LIMIT`](crate::model::LIMIT).
    DotBound,
    /// The sum of mean, biases, dot product and MLP could pass [`LIMIT`](crate::model::LIMIT).
    SumBound,
    /// The model takes a feature of this crate that isn't compiled in.
    WithoutFeature(Feature),
}

/// A cargo feature that decides which models are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Feature {
    /// `integers`: tables of 16-bit or 8-bit integers.
    Integers,
    /// `wide`: rows of more than 8 dimensions, layers of more than 32 units.
    Wide,
    /// `interest`: what people look for.
    Interest,
    /// `shapes`: rows, layers and precisions other than the lesson's.
    Shapes,
    /// `codes`: movies as sums of codewords.
    Codes,
    /// `codes-mlp`: the same before an MLP.
    CodesMlp,
}

impl Feature {
    const ALL: [Self; 6] = [
        Self::Integers,
        Self::Wide,
        Self::Interest,
        Self::Shapes,
        Self::Codes,
        Self::CodesMlp,
    ];

    /// The feature's name in `Cargo.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integers => "integers",
            Self::Wide => "wide",
            Self::Interest => "interest",
            Self::Shapes => "shapes",
            Self::Codes => "codes",
            Self::CodesMlp => "codes-mlp",
        }
    }

    /// What a model has that takes it.
    const fn what(self) -> &'static str {
        match self {
            Self::Integers => "tables of integers",
            Self::Wide => "rows of more than 8 dimensions or layers of more than 32 units",
            Self::Interest => "tables of interests",
            Self::Codes => "movies as sums of codewords",
            Self::CodesMlp => "an MLP behind movies as sums of codewords",
            Self::Shapes => "another shape than rows of 8 and layers of 32, 4 and 1 units",
        }
    }

    /// Its number on the wire, which never changes.
    const fn number(self) -> u32 {
        match self {
            Self::Integers => 0,
            Self::Wide => 1,
            Self::Interest => 2,
            Self::Shapes => 3,
            Self::Codes => 4,
            Self::CodesMlp => 5,
        }
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Misaligned => f.write_str("the image must start at an address divisible by 4"),
            Self::TooShort { have: 0 } => f.write_str("there is no image"),
            Self::TooShort { have } => write!(f, "an image is longer than {have} bytes"),
            Self::Magic => {
                f.write_str("this is not a pocketrec image (it doesn't start with \"PkRc\")")
            }
            Self::Format { found } => write!(
                f,
                "image format {found} is not known here (this reader knows {})",
                FORMAT
            ),
            Self::Length { stated, have } => {
                write!(
                    f,
                    "the header states a length of {stated} bytes, and {have} are there"
                )
            }
            Self::Crc { stated, computed } => write!(
                f,
                "CRC-32 mismatch: the header states {stated:08x}, the bytes have {computed:08x}"
            ),
            Self::Header => {
                f.write_str("the header's name, fingerprint, licence or table count can't be read")
            }
            Self::TooManyTables { found } => write!(
                f,
                "the image has {found} tables, and a reader takes at most {}",
                MAX_TABLES
            ),
            Self::Table { at } => write!(
                f,
                "table {at} can't be read: it is cut, too long or badly padded"
            ),
            Self::Trailing { bytes } => {
                write!(f, "{bytes} bytes are left over after the last table")
            }
            Self::UnknownTable { kind } => {
                write!(
                    f,
                    "required table kind {kind} is not known here: a newer reader is needed"
                )
            }
            Self::Missing(kind) => write!(f, "table {kind} is missing"),
            Self::Duplicate(kind) => write!(f, "table {kind} occurs twice"),
            Self::Element(kind) => write!(f, "table {kind} has an element type it can't have"),
            Self::Shape(kind) => write!(f, "table {kind} has rows or columns that can't be"),
            Self::Size(kind) => write!(f, "table {kind} has not rows x columns elements"),
            Self::Alignment(kind) => write!(f, "table {kind} is not aligned to 4 bytes"),
            Self::NotFinite(kind) => write!(f, "table {kind} holds an infinity or a NaN"),
            Self::Subnormal(kind) => write!(f, "table {kind} holds a subnormal number"),
            Self::Value(kind) => write!(f, "table {kind} holds a value out of its range"),
            Self::Ids(kind) => write!(
                f,
                "table {kind} has ids that don't ascend, are out of range, aren't counted right or share an upper part with too many"
            ),
            Self::LayerBound { layer } => write!(f, "dense layer {layer} could pass 1e30"),
            Self::DotBound => f.write_str("the dot product could pass 1e30"),
            Self::SumBound => f.write_str("the sum of the model's parts could pass 1e30"),
            Self::WithoutFeature(feature) => write!(
                f,
                "the model has {}, and the firmware was built without the feature `{}`",
                feature.what(),
                feature.name()
            ),
        }
    }
}

impl core::error::Error for ImageError {}

impl ImageError {
    /// The error as three numbers, as it travels on the wire: a code that never changes its meaning, and two
    /// details.
    pub fn to_numbers(self) -> (u8, u32, u32) {
        let table = |kind: TableKind| u32::from(kind.number());
        match self {
            Self::Misaligned => (0, 0, 0),
            Self::TooShort { have } => (1, have, 0),
            Self::Magic => (2, 0, 0),
            Self::Format { found } => (3, found.into(), 0),
            Self::Length { stated, have } => (4, stated, have),
            Self::Crc { stated, computed } => (5, stated, computed),
            Self::Header => (6, 0, 0),
            Self::Table { at } => (7, at.into(), 0),
            Self::Trailing { bytes } => (8, bytes, 0),
            Self::UnknownTable { kind } => (9, kind.into(), 0),
            Self::Missing(kind) => (10, table(kind), 0),
            Self::Duplicate(kind) => (11, table(kind), 0),
            Self::Element(kind) => (12, table(kind), 0),
            Self::Shape(kind) => (13, table(kind), 0),
            Self::Size(kind) => (14, table(kind), 0),
            Self::Alignment(kind) => (15, table(kind), 0),
            Self::NotFinite(kind) => (16, table(kind), 0),
            Self::Subnormal(kind) => (17, table(kind), 0),
            Self::Value(kind) => (18, table(kind), 0),
            Self::Ids(kind) => (19, table(kind), 0),
            Self::LayerBound { layer } => (20, layer.into(), 0),
            Self::DotBound => (21, 0, 0),
            Self::SumBound => (22, 0, 0),
            Self::WithoutFeature(feature) => (23, feature.number(), 0),
            Self::TooManyTables { found } => (24, found.into(), 0),
        }
    }

    /// The error of three numbers, or `None` for a code or a kind of table that isn't known here.
    pub fn from_numbers(code: u8, a: u32, b: u32) -> Option<Self> {
        let small = u8::try_from(a).ok();
        let medium = u16::try_from(a).ok();
        let table = medium.and_then(TableKind::from_number);
        Some(match code {
            0 => Self::Misaligned,
            1 => Self::TooShort { have: a },
            2 => Self::Magic,
            3 => Self::Format { found: small? },
            4 => Self::Length { stated: a, have: b },
            5 => Self::Crc {
                stated: a,
                computed: b,
            },
            6 => Self::Header,
            7 => Self::Table { at: medium? },
            8 => Self::Trailing { bytes: a },
            9 => Self::UnknownTable { kind: medium? },
            10 => Self::Missing(table?),
            11 => Self::Duplicate(table?),
            12 => Self::Element(table?),
            13 => Self::Shape(table?),
            14 => Self::Size(table?),
            15 => Self::Alignment(table?),
            16 => Self::NotFinite(table?),
            17 => Self::Subnormal(table?),
            18 => Self::Value(table?),
            19 => Self::Ids(table?),
            20 => Self::LayerBound { layer: small? },
            21 => Self::DotBound,
            22 => Self::SumBound,
            23 => {
                let known = Feature::ALL.into_iter().find(|f| f.number() == a);
                Self::WithoutFeature(known?)
            }
            24 => Self::TooManyTables { found: medium? },
            _ => return None,
        })
    }
}
