//! What an image has that decides what its work costs.
//!
//! Which kernel it gets says core itself ([`Kernels::of`]), on behalf of the board's core.
//!
//! Advice for whoever adds a kernel to core: its count belongs in `bench/`, and the count's name where
//! [`work`](super::work) chooses.

use pocketrec::image::{Element, Image, TableKind};
use pocketrec::kernels::{Costs, Kernels, Lesson, Machine, Precision};
use pocketrec::learn::PASSES;

use crate::ImageBytes;

/// The core whose floating point is in hardware, where shapes have kernels of their own.
pub(super) const FLOAT: &str = "M4F";

/// What an image has that decides what its work costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Element type of the movies' table.
    pub element: Element,
    /// Element type of the movies' biases, where there are any.
    pub bias: Option<Element>,
    /// Movies.
    pub movies: u32,
    /// Dimensions of a user's row.
    pub user_dim: usize,
    /// Dimensions of a movie's row.
    pub movie_dim: usize,
    /// Units of the dense layers, the output layer's among them; none without an MLP.
    pub units: Vec<usize>,
    /// Whether the MLP is relu, but for a linear output.
    pub relu: bool,
    /// Whether there is a dot product.
    pub dot: bool,
    /// Bytes of a movie's codes, where movies are sums of codewords.
    pub codes: Option<usize>,
    /// Codewords of all books; 0 without codes.
    pub codewords: usize,
    /// Whether each movie's half of dense layer 0 is stored.
    pub stored: bool,
    /// Whether rankings take in how well known a movie is.
    pub confidence: bool,
    /// Whether rankings take in what somebody looks for.
    pub interest: bool,
    /// Movies that are known well enough that this adds to them.
    pub sought: u32,
    /// Tables whose cost nobody counted.
    pub unknown: Vec<String>,
}

/// What a board's core has that kernels are written for. The counts are of a build with every feature.
fn machine(core: &str) -> Machine {
    if core == FLOAT {
        Machine::CORTEX_M4F
    } else {
        Machine::PORTABLE
    }
}

impl Shape {
    /// The shape of an image that core can open.
    pub fn of(image: &ImageBytes) -> Self {
        let mut shape = Self::plain(0, &[], Element::F16);
        (shape.dot, shape.bias) = (false, None);
        let Ok(image) = Image::parse(image.as_ref()) else {
            return shape;
        };
        let mut units = Vec::new();
        let mut rows = 0;
        let (mut known, mut levels): (&[u8], &[u8]) = (&[], &[]);
        for table in image.tables().flatten() {
            let columns = table.columns as usize;
            let Some(kind) = TableKind::from_number(table.kind) else {
                shape.unknown.push(format!("kind {}", table.kind));
                continue;
            };
            match kind {
                TableKind::MovieEmbedding => {
                    shape.element = Element::from_code(table.element).unwrap_or(shape.element);
                    shape.movie_dim = columns;
                    rows = table.rows;
                }
                TableKind::MovieCode => {
                    (shape.movies, shape.codes) = (table.rows, Some(columns));
                }
                TableKind::MovieBias => shape.bias = Element::from_code(table.element),
                TableKind::MeanUser => shape.user_dim = columns,
                TableKind::DenseBias => units.push((table.index, columns)),
                TableKind::Activations => {
                    let relu = |codes: &[u8]| codes.iter().all(|code| *code == 1);
                    shape.relu = matches!(table.bytes, [hidden @ .., 0] if relu(hidden));
                }
                TableKind::Parts => {
                    shape.dot = table.bytes.first().is_some_and(|bits| bits & 2 != 0)
                }
                TableKind::MovieConfidence => (shape.confidence, known) = (true, table.bytes),
                TableKind::KinLevels => levels = table.bytes,
                TableKind::InterestCourse => shape.interest = true,
                kind if FREE.contains(&kind) => {}
                kind if kind.to_string() == STORED => shape.stored = true,
                kind => shape.unknown.push(kind.to_string()),
            }
        }
        match shape.codes {
            Some(_) => shape.codewords = rows as usize,
            None => shape.movies = rows,
        }
        // A level is of four confidence bytes.
        let level = |known: &u8| levels.get(usize::from(known / 4)).copied();
        shape.sought = known.iter().filter(|known| level(known) > Some(0)).count() as u32;
        units.sort_unstable();
        shape.units = units.into_iter().map(|(_, units)| units).collect();
        shape
    }

    /// The shape of an image of the device bench: rows of `dim`, relu layers of `hidden` units, a dot product.
    pub(super) fn plain(dim: usize, hidden: &[usize], element: Element) -> Self {
        let mut units = hidden.to_vec();
        if !hidden.is_empty() {
            units.push(1);
        }
        Self {
            element,
            bias: Some(match element {
                Element::I8 => Element::I16,
                other => other,
            }),
            movies: 256,
            user_dim: dim,
            movie_dim: dim,
            units,
            relu: !hidden.is_empty(),
            dot: true,
            codes: None,
            codewords: 0,
            stored: false,
            confidence: false,
            interest: false,
            sought: 0,
            unknown: Vec::new(),
        }
    }

    /// Dimensions of the longest row.
    pub fn widest_row(&self) -> usize {
        self.user_dim.max(self.movie_dim)
    }

    /// Units of the widest layer.
    pub fn widest_layer(&self) -> usize {
        self.units.iter().copied().max().unwrap_or(0)
    }

    pub(super) fn has_mlp(&self) -> bool {
        !self.units.is_empty()
    }

    pub(super) fn in_integers(&self) -> bool {
        matches!(self.element, Element::I16 | Element::I8)
    }

    /// The kernels that the shape gets on `core`.
    pub(super) fn kernels(&self, core: &str) -> Kernels {
        Kernels::of(&self.in_core(), machine(core))
    }

    /// About what a service on `core` reckons with.
    pub(super) fn costs(&self, core: &str) -> Costs {
        let costs = Costs::of(&self.in_core(), machine(core));
        match self.interest {
            true => costs.with_interest(),
            false => costs,
        }
    }

    /// Whether core has a kernel of its own for scores of this shape on `core`.
    pub(super) fn has_kernel(&self, core: &str) -> bool {
        !self.kernels(core).rank.is_general()
    }

    /// Whether a firmware without core's feature `shapes` takes it.
    pub(super) fn is_lessons(&self) -> bool {
        self.in_core().is_lessons()
    }

    /// What of it decides.
    fn in_core(&self) -> pocketrec::kernels::Shape<'_> {
        let precision = |element: Element| element.precision().unwrap_or(Precision::F32);
        pocketrec::kernels::Shape {
            movies: precision(self.element),
            movie_bias: self.bias.map(precision),
            movie_dim: self.movie_dim,
            user_dim: self.user_dim,
            dot: self.dot,
            units: &self.units,
            relu: self.relu,
            stored: self.stored,
            codes: self.codes.is_some(),
        }
    }

    /// The image of the device bench whose MLP is the lesson's.
    pub(super) fn lesson(element: Element) -> Self {
        Self::plain(Lesson::DIM, &[Lesson::UNITS, Lesson::SECOND], element)
    }

    /// The image of the device bench whose movies are sums of codewords.
    pub(super) fn coded() -> Self {
        Self {
            codes: Some(4),
            codewords: 1024,
            ..Self::plain(24, &[], Element::I8)
        }
    }

    /// The image of the device bench whose movies are sums of codewords and go into the lesson's MLP alone.
    pub(super) fn coded_lesson() -> Self {
        Self {
            codes: Some(4),
            codewords: 1024,
            dot: false,
            bias: None,
            ..Self::lesson(Element::I8)
        }
    }

    /// Multiply-adds of the table of what a user would give each codeword, or of what an MLP could.
    pub(super) fn words(&self) -> f64 {
        /// As many as a codeword takes beside its row: its bias, rounding, and going on.
        const BESIDE: usize = 17;
        (self.codewords * (self.of_word() + BESIDE)) as f64
    }

    /// The same of one codeword.
    fn of_word(&self) -> usize {
        match self.units.first() {
            Some(units) if self.dot => units + self.movie_dim,
            Some(units) => *units,
            None => self.movie_dim,
        }
    }

    /// Multiply-adds of the dense layers behind the first.
    fn later(&self) -> usize {
        self.units.windows(2).map(|pair| pair[0] * pair[1]).sum()
    }

    /// The same, and additions of codewords' terms and halves, of a movie in codes that goes through the MLP by itself.
    pub(super) fn through(&self) -> f64 {
        let books = self.codes.unwrap_or_default();
        let dot = if self.dot { books * self.movie_dim } else { 0 };
        // Four units at a time.
        let halves = self.units.first().map_or(0, |units| books * units / 4);
        (self.later() + dot + halves) as f64
    }

    /// Whether what an MLP could give a codeword bounds anything: of more layers nothing does.
    pub(super) fn is_bounded(&self) -> bool {
        self.units.len() <= 3
    }

    /// Multiply-adds of a movie's score, the user's half of dense layer 0 being there.
    pub(super) fn movie(&self) -> f64 {
        if let Some(books) = self.codes {
            // Looked up and added.
            return books as f64;
        }
        let dot = if self.dot { self.movie_dim } else { 0 };
        // What is stored is added, a number a unit.
        let by = if self.stored { 1 } else { self.movie_dim };
        let first = self.units.first().map_or(0, |units| units * by);
        (dot + first + self.later()) as f64
    }

    /// Multiply-adds of a prediction.
    pub(super) fn prediction(&self) -> f64 {
        let half = self.units.first().map_or(0, |units| units * self.user_dim);
        self.starred() + half as f64
    }

    /// The same of what a prediction makes of a user's row, which is converted number by number where movies are codes.
    pub(super) fn user(&self) -> f64 {
        let units = self.units.first().copied().unwrap_or(1);
        (units * self.user_dim) as f64
    }

    /// The same of a movie by itself, the user's half of dense layer 0 being there.
    pub(super) fn starred(&self) -> f64 {
        match self.codes {
            Some(_) if self.has_mlp() => self.through(),
            Some(books) => self.movie() + (books * self.movie_dim) as f64,
            None => self.movie(),
        }
    }

    /// The same with looking the movie up by its id.
    pub(super) fn looked_up_and_starred(&self) -> f64 {
        /// As many as a codeword takes beside its row, and a quarter of looking up a movie.
        const BESIDE: usize = 39;
        match self.codes {
            Some(books) if !self.has_mlp() => (books * (self.movie_dim + BESIDE)) as f64,
            _ => self.starred(),
        }
    }

    /// Multiply-adds of a score and its gradient, which are of the sum of a movie's codewords where it has such.
    pub(super) fn gradient(&self) -> f64 {
        let of_row = match self.codes {
            Some(books) if self.has_mlp() => {
                let first = self.units.first().copied().unwrap_or_default();
                (first * self.movie_dim + (books - 1) * self.movie_dim) as f64
                    - (books * first / 4) as f64
            }
            _ => 0.0,
        };
        2.0 * (self.prediction() + of_row)
    }

    /// Multiply-adds of a rating of a fold-in: gradient and belief, in each pass.
    pub(super) fn rating(&self) -> f64 {
        let side = (self.user_dim + 1) as f64;
        let passes = if self.has_mlp() {
            f64::from(PASSES)
        } else {
            1.0
        };
        passes * (self.gradient() + side * side + side * (side + 1.0) / 2.0)
    }

    /// Whether predictions and steps take what they take for `other`.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let rows = |shape: &Self| (shape.element, shape.user_dim, shape.movie_dim);
        let parts = |shape: &Self| (shape.dot, shape.relu, shape.stored, shape.codes);
        rows(self) == rows(other) && parts(self) == parts(other) && self.units == other.units
    }
}

/// The name of the table of each movie's half of dense layer 0.
const STORED: &str = "integer_movie_halves";

/// Tables that no work listed here gets slower by.
const FREE: [TableKind; 32] = [
    TableKind::RatingScale,
    TableKind::Validation,
    TableKind::MovieIdRange,
    TableKind::MovieIdBitmap,
    TableKind::MovieIdSorted,
    TableKind::MovieIdEliasFano,
    TableKind::UserIdRange,
    TableKind::UserIdBitmap,
    TableKind::UserIdSorted,
    TableKind::UserIdEliasFano,
    TableKind::UserEmbedding,
    TableKind::UserBias,
    TableKind::MeanUserBias,
    TableKind::MovieRowMultiplier,
    TableKind::UserRowMultiplier,
    TableKind::UserSpread,
    // Asked only of a movie that would enter the list.
    TableKind::UserSeen,
    TableKind::DenseUserWeights,
    TableKind::DenseMovieWeights,
    TableKind::DenseWeights,
    TableKind::IntegerMovieWeights,
    TableKind::IntegerSteps,
    TableKind::IntegerWeights,
    TableKind::IntegerBias,
    TableKind::IntegerOutputBits,
    TableKind::IntegerCodeHalves,
    TableKind::IntegerUserHalves,
    TableKind::KinCode,
    TableKind::KinCodebook,
    TableKind::UserLatest,
    TableKind::Odds,
    TableKind::UserOdds,
];
