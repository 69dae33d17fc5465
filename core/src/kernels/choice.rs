//! Which kernel a shape gets on a machine: the one place that decides it. A model asks when it is opened, the PC's bill
//! for a board asks on that board's behalf.
//!
//! Advice for whoever adds a kernel: a [`Kernel`] of its own with its condition in [`Kernels::of`], a call of
//! [`ran`](super::ran) where it starts, and a shape that takes it among those of the bench (`bench/build.rs`). What is left
//! to the code that calls a kernel is to take its tables apart.

/// The network of the Keras lesson whose model this crate began with: both rows side by side, 8 numbers each, then dense
/// layers of 32 relu units, 4 relu units and 1 linear unit. "The lesson's shape" is this, with any multiple of 4 units in
/// the first layer: it has the fastest kernels, and is all that a build without the feature `shapes` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lesson;

impl Lesson {
    /// Numbers in a row.
    pub const DIM: usize = 8;
    /// Units of its first layer.
    pub const UNITS: usize = 32;
    /// Units of its second layer, which every network of the lesson's shape has.
    pub const SECOND: usize = 4;
    /// A network of the lesson's shape has a multiple of these in its first layer.
    pub const MULTIPLE: usize = 4;
}

/// How the numbers of a table of rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Half precision.
    F16,
    /// Single precision.
    F32,
    /// 16-bit integers.
    I16,
    /// 8-bit integers, and a multiplier a row.
    I8,
}

impl Precision {
    /// Whether a model whose movies are of it is scored in integers.
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::I16 | Self::I8)
    }
}

/// What a machine has that kernels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Thumb-2 and a single-precision FPU that converts half precision: Cortex-M4F, M33F, M7, M55.
    pub float: bool,
    /// Thumb-2 and the DSP extension: Cortex-M4, M7.
    pub dsp: bool,
    /// Whether the feature `shapes` is compiled in.
    pub shapes: bool,
}

impl Machine {
    /// The one that this is compiled for.
    pub const HERE: Self = Self {
        float: cfg!(cortex_m_float),
        dsp: cfg!(cortex_m_dsp),
        shapes: cfg!(feature = "shapes"),
    };
    /// Neither: Cortex-M0, a PC, any other.
    pub const PORTABLE: Self = Self {
        float: false,
        dsp: false,
        shapes: true,
    };
    /// Cortex-M4F and M7.
    pub const CORTEX_M4F: Self = Self {
        float: true,
        dsp: true,
        shapes: true,
    };

    /// Whether stored halves are used for a single movie. Where the kernel in assembly does all but an odd last one, they
    /// would save no time: without `shapes` that code isn't there.
    pub(crate) const fn stored_singly(self) -> bool {
        self.shapes || !self.dsp
    }
}

/// What of a model decides which kernels it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape<'s> {
    /// The movies' rows.
    pub movies: Precision,
    /// The movies' biases, where there are any.
    pub movie_bias: Option<Precision>,
    /// Numbers in a movie's row.
    pub movie_dim: usize,
    /// Numbers in a user's row.
    pub user_dim: usize,
    /// Whether there is a dot product.
    pub dot: bool,
    /// Units of the dense layers, the output layer's among them; none without an MLP.
    pub units: &'s [usize],
    /// Whether the MLP's hidden layers are relu and its output is linear.
    pub relu: bool,
    /// Whether each movie's half of dense layer 0 is stored.
    pub stored: bool,
    /// Whether movies are sums of codewords.
    pub codes: bool,
}

impl Shape<'_> {
    /// Whether there is an MLP of the [lesson's](Lesson) shape.
    pub fn has_lessons_network(&self) -> bool {
        let [first, second, 1] = *self.units else {
            return false;
        };
        first % Lesson::MULTIPLE == 0
            && second == Lesson::SECOND
            && self.relu
            && (self.user_dim, self.movie_dim) == (Lesson::DIM, Lesson::DIM)
    }

    /// Whether a build without the feature `shapes` takes it: movies' rows of 8, in half precision unless it scores in
    /// integers, and no MLP beside a dot product, or one of the lesson's shape.
    pub fn is_lessons(&self) -> bool {
        let fits = self.movies.is_integer() || self.has_half_rows_of_8();
        let network = if self.units.is_empty() {
            self.dot
        } else {
            self.has_lessons_network()
        };
        fits && self.movie_dim == Lesson::DIM && network
    }

    /// Movies' rows of 8 in half precision, and the biases beside them.
    fn has_half_rows_of_8(&self) -> bool {
        self.movies == Precision::F16
            && self.movie_dim == Lesson::DIM
            && matches!(self.movie_bias, None | Some(Precision::F16))
    }
}

/// A kernel. Its name says where it is and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// `float/pairs.rs`: the lesson's shape, two movies at a time.
    FloatPairs,
    /// `float/one.rs`: the lesson's shape, one movie, with its gradient where that is asked for.
    FloatOne,
    /// `float/rows.rs`: dot products of rows of 8 in half precision.
    FloatDots,
    /// `float/rows.rs`: cosines of rows of 8 in half precision.
    FloatCosines,
    /// `float/layers.rs`: any shape, layer by layer.
    FloatLayers,
    /// `portable.rs`: any shape, several movies at a time.
    Lanes,
    /// One dot product, straight from both tables.
    Product,
    /// Forward and backward through any shape.
    Backward,
    /// One cosine of any rows.
    Cosine,
    /// `dsp/assembly.rs`: the lesson's shape in integers, two movies at a time.
    DspPairs,
    /// `dsp/assembly.rs`: the same from stored halves of 32 units.
    DspStored,
    /// `dsp/bytes.rs`: dot products of rows of 8 bytes.
    DspDots,
    /// `integer/mod.rs`: rows of 8, any units, 4 units and 1, a movie at a time.
    IntegerLesson,
    /// `integer/portable.rs`, `integer/dense.rs`: any shape in integers, layer by layer.
    IntegerLayers,
    /// `integer/stored.rs`: from stored halves, 4 units and 1 behind them.
    IntegerStored,
    /// `integer/stored.rs`: from stored halves, any layers behind them.
    IntegerStoredLayers,
    /// `dsp/coded.rs`: from codewords' halves of 32 units, 4 units and 1 behind them.
    DspCoded,
    /// `integer/coded.rs`: from codewords' halves, 4 units and 1 behind them.
    IntegerCoded,
    /// `integer/coded.rs`: from codewords' halves, any layers behind them.
    IntegerCodedLayers,
    /// Dot products of rows in integers.
    IntegerDots,
    /// `codes.rs`: movies that are sums of codewords, by a table of the user's terms; before an MLP, of the most that it
    /// could give, and those that pass by their own score.
    CodeTable,
    /// `codes.rs`: the same, the terms of one movie alone.
    CodeTerms,
    /// `codes/seek.rs`: in place of [`CodeTable`](Self::CodeTable) for somebody who looks for something. No shape is said to
    /// get it.
    CodeGate,
}

impl Kernel {
    /// Whether it goes layer by layer, where a shape of the lesson's has a faster one.
    pub const fn is_general(self) -> bool {
        matches!(
            self,
            Self::FloatLayers
                | Self::IntegerLayers
                | Self::IntegerStoredLayers
                | Self::IntegerCodedLayers
        )
    }
}

impl Kernel {
    /// The function in assembly that it is, or goes through, on this machine; `None` for one in plain Rust. The device
    /// bench looks for it among what was executed.
    pub const fn symbol(self) -> Option<&'static str> {
        Some(match self {
            Self::FloatPairs => "pocketrec_score_pairs_8",
            Self::FloatOne => "pocketrec_one_8",
            Self::FloatDots => "pocketrec_score_dots_8",
            Self::FloatCosines => "pocketrec_cosines_8",
            Self::FloatLayers => "pocketrec_rows",
            Self::DspPairs => "pocketrec_score_pairs_i16_8",
            Self::DspStored => "pocketrec_score_pairs_half_32",
            Self::DspDots => "pocketrec_dots_i8_8",
            Self::DspCoded => "pocketrec_coded_32",
            // Of 4 codes.
            Self::CodeTable if cfg!(any(cortex_m_dsp, cortex_m_base)) => "pocketrec_look_up_4",
            Self::CodeGate if cfg!(any(cortex_m_dsp, cortex_m_base)) => "pocketrec_seek",
            Self::IntegerLayers if Machine::HERE.dsp => "pocketrec_dense_i16",
            _ => return None,
        })
    }
}

/// The kernels of a shape on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernels {
    /// Scores many movies for one user: rankings.
    pub rank: Kernel,
    /// Scores one movie for one user.
    pub predict: Kernel,
    /// Scores a movie and takes the gradient by the user's row: learning, always in single precision.
    pub gradient: Kernel,
    /// Compares a movie with many.
    pub similar: Kernel,
}

impl Kernels {
    /// What a `shape` gets on a `machine`.
    pub fn of(shape: &Shape<'_>, machine: Machine) -> Self {
        let network = machine.float && shape.has_lessons_network();
        let half_rows = machine.float && shape.has_half_rows_of_8();
        let (rank, predict) = if shape.codes {
            (Kernel::CodeTable, shape.of_codes(machine))
        } else if shape.movies.is_integer() {
            shape.in_integers(machine)
        } else if shape.units.is_empty() {
            let rank = match machine.float {
                true if half_rows && shape.dot => Kernel::FloatDots,
                true => Kernel::FloatLayers,
                false => Kernel::Lanes,
            };
            (rank, Kernel::Product)
        } else if network && half_rows {
            (Kernel::FloatPairs, Kernel::FloatOne)
        } else if machine.float {
            (Kernel::FloatLayers, Kernel::FloatLayers)
        } else {
            (Kernel::Lanes, Kernel::Lanes)
        };
        Self {
            rank,
            predict,
            gradient: if network {
                Kernel::FloatOne
            } else {
                Kernel::Backward
            },
            similar: if machine.float
                && shape.movies == Precision::F16
                && shape.movie_dim == Lesson::DIM
            {
                Kernel::FloatCosines
            } else {
                Kernel::Cosine
            },
        }
    }
}

impl Shape<'_> {
    /// The kernel of one movie that is a sum of codewords.
    fn of_codes(&self, machine: Machine) -> Kernel {
        match self.units {
            // Others are refused.
            _ if !cfg!(any(feature = "codes-mlp", not(target_os = "none"))) => Kernel::CodeTerms,
            [] => Kernel::CodeTerms,
            [Lesson::UNITS, Lesson::SECOND, 1] if machine.dsp => Kernel::DspCoded,
            [_, Lesson::SECOND, 1] => Kernel::IntegerCoded,
            _ => Kernel::IntegerCodedLayers,
        }
    }

    /// The kernels of many movies and of one in integers.
    fn in_integers(&self, machine: Machine) -> (Kernel, Kernel) {
        let rows_of_8 = self.movie_dim == Lesson::DIM;
        let [first, behind @ ..] = self.units else {
            let bytes = machine.dsp && self.movies == Precision::I8 && rows_of_8 && self.dot;
            let rank = if bytes {
                Kernel::DspDots
            } else {
                Kernel::IntegerDots
            };
            return (rank, Kernel::IntegerDots);
        };
        let few = *behind == [Lesson::SECOND, 1];
        let stored = self.stored && machine.stored_singly();
        let one = match (stored, few) {
            (true, true) => Kernel::IntegerStored,
            (true, false) => Kernel::IntegerStoredLayers,
            (false, true) if rows_of_8 => Kernel::IntegerLesson,
            (false, _) => Kernel::IntegerLayers,
        };
        let many = if !(machine.dsp && rows_of_8 && few && first % Lesson::MULTIPLE == 0) {
            one
        } else if self.stored && *first == Lesson::UNITS {
            Kernel::DspStored
        } else {
            Kernel::DspPairs
        };
        (many, one)
    }
}
