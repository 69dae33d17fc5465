//! Which counts hold for an image, and how others are scaled to it.
//!
//! Advice for whoever adds a kernel to core: its count belongs in `bench/`, its condition in [`Shape::has_kernel`] and
//! its name where [`Shape`]'s estimates choose.

use std::fmt;

use pocketrec::image::{Element, Image, TableKind};
use pocketrec::learn::PASSES;

use super::counts;
use crate::export::ImageBytes;

/// The core whose floating point is in hardware, where shapes have kernels of their own.
const FLOAT: &str = "M4F";

/// What an image has that decides what its work costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Element type of the movies' table.
    pub element: Element,
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
    /// Whether rankings take in how well known a movie is.
    pub confidence: bool,
    /// Numbers in a vector of interest, where rankings take that in.
    pub interest: Option<usize>,
    /// Tables whose cost nobody counted.
    pub unknown: Vec<String>,
}

impl Shape {
    /// The shape of an image that core can open.
    pub fn of(image: &ImageBytes) -> Self {
        let mut shape = Self::plain(0, &[], Element::F16);
        shape.dot = false;
        let Ok(image) = Image::parse(image.as_ref()) else {
            return shape;
        };
        let mut units = Vec::new();
        for table in image.tables().flatten() {
            let columns = table.columns as usize;
            let Some(kind) = TableKind::from_number(table.kind) else {
                shape.unknown.push(format!("kind {}", table.kind));
                continue;
            };
            match kind {
                TableKind::MovieEmbedding => {
                    shape.element = Element::from_code(table.element).unwrap_or(shape.element);
                    (shape.movies, shape.movie_dim) = (table.rows, columns);
                }
                TableKind::MeanUser => shape.user_dim = columns,
                TableKind::DenseBias => units.push((table.index, columns)),
                TableKind::Activations => {
                    let relu = |codes: &[u8]| codes.iter().all(|code| *code == 1);
                    shape.relu = matches!(table.bytes, [hidden @ .., 0] if relu(hidden));
                }
                TableKind::Parts => {
                    shape.dot = table.bytes.first().is_some_and(|bits| bits & 2 != 0)
                }
                TableKind::MovieConfidence => shape.confidence = true,
                TableKind::InterestCodebook => shape.interest = Some(columns),
                kind if FREE.contains(&kind) => {}
                kind => shape.unknown.push(kind.to_string()),
            }
        }
        units.sort_unstable();
        shape.units = units.into_iter().map(|(_, units)| units).collect();
        shape
    }

    /// The shape of an image of the device bench: rows of `dim`, relu layers of `hidden` units, a dot product.
    fn plain(dim: usize, hidden: &[usize], element: Element) -> Self {
        let mut units = hidden.to_vec();
        if !hidden.is_empty() {
            units.push(1);
        }
        Self {
            element,
            movies: 256,
            user_dim: dim,
            movie_dim: dim,
            units,
            relu: !hidden.is_empty(),
            dot: true,
            confidence: false,
            interest: None,
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

    fn has_mlp(&self) -> bool {
        !self.units.is_empty()
    }

    fn in_integers(&self) -> bool {
        matches!(self.element, Element::I16 | Element::I8)
    }

    /// Whether core has a kernel of its own for scores of this shape on `core`.
    fn has_kernel(&self, core: &str) -> bool {
        let lesson = matches!(self.units[..], [first, 4, 1] if self.relu && first % 4 == 0);
        match (self.in_integers(), self.has_mlp()) {
            (true, true) => lesson && (7..=8).contains(&self.movie_dim),
            // One way for all.
            (true, false) => true,
            _ if core != FLOAT => true,
            (false, mlp) => {
                let rows_of_8 = self.element == Element::F16 && self.movie_dim == 8;
                rows_of_8
                    && if mlp {
                        lesson && self.user_dim == 8
                    } else {
                        self.dot
                    }
            }
        }
    }

    /// Multiply-adds of a movie's score, the user's half of dense layer 0 being there.
    fn movie(&self) -> f64 {
        let dot = if self.dot { self.movie_dim } else { 0 };
        let first = self.units.first().map_or(0, |units| units * self.movie_dim);
        let later: usize = self.units.windows(2).map(|pair| pair[0] * pair[1]).sum();
        (dot + first + later) as f64
    }

    /// Multiply-adds of a prediction.
    fn prediction(&self) -> f64 {
        let half = self.units.first().map_or(0, |units| units * self.user_dim);
        self.movie() + half as f64
    }

    /// Multiply-adds of a score and its gradient.
    fn gradient(&self) -> f64 {
        2.0 * self.prediction()
    }

    /// Multiply-adds of a rating of a fold-in: gradient and belief, in each pass.
    fn rating(&self) -> f64 {
        let side = (self.user_dim + 1) as f64;
        let passes = if self.has_mlp() {
            f64::from(PASSES)
        } else {
            1.0
        };
        passes * (self.gradient() + side * side + side * (side + 1.0) / 2.0)
    }

    /// Whether predictions and steps take what they take for `other`.
    fn is_like(&self, other: &Self) -> bool {
        let parts = |shape: &Self| (shape.element, shape.user_dim, shape.movie_dim, shape.dot);
        parts(self) == parts(other) && self.units == other.units && self.relu == other.relu
    }
}

/// Tables that no work listed here gets slower by.
const FREE: [TableKind; 24] = [
    TableKind::RatingScale,
    TableKind::MovieIdRange,
    TableKind::MovieIdBitmap,
    TableKind::MovieIdSorted,
    TableKind::MovieIdEliasFano,
    TableKind::UserIdRange,
    TableKind::UserIdBitmap,
    TableKind::UserIdSorted,
    TableKind::UserIdEliasFano,
    TableKind::UserEmbedding,
    TableKind::MovieBias,
    TableKind::UserBias,
    TableKind::MeanUserBias,
    TableKind::MovieRowMultiplier,
    TableKind::UserRowMultiplier,
    TableKind::UserSpread,
    TableKind::DenseUserWeights,
    TableKind::DenseMovieWeights,
    TableKind::DenseWeights,
    TableKind::InterestCode,
    TableKind::InterestLevels,
    TableKind::InterestSpread,
    TableKind::InterestCourse,
    TableKind::UserInterest,
];

/// Cycles of a piece of work.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// How many.
    pub cycles: f64,
    /// The counts that they are made of.
    from: String,
    /// Whether that very work was counted.
    counted: bool,
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = if self.counted { "" } else { "about: " };
        write!(f, "{about}{}", self.from)
    }
}

impl Estimate {
    /// A count of the snapshot, of the very work if `counted`.
    fn of(core: &str, work: &str, counted: bool) -> Option<Self> {
        Some(Self {
            cycles: counts::count(core, work)?.cycles,
            from: format!("`{work}`"),
            counted,
        })
    }

    /// So many of it.
    fn units(self, number: u32) -> Self {
        Self {
            cycles: self.cycles * f64::from(number),
            from: format!("{} {}", number, self.from),
            ..self
        }
    }

    /// For a shape that takes `factor` times the work.
    fn scaled(self, factor: f64) -> Self {
        if (factor - 1.0).abs() < 0.005 {
            return self;
        }
        Self {
            cycles: self.cycles * factor,
            from: format!("{} x {factor:.2}", self.from),
            counted: false,
        }
    }

    /// With what is between two other counts added.
    fn plus(self, core: &str, more: &str, less: &str) -> Option<Self> {
        let (above, below) = (counts::count(core, more)?, counts::count(core, less)?);
        Some(Self {
            cycles: self.cycles + above.cycles - below.cycles,
            from: format!("({} + `{more}` - `{less}`)", self.from),
            counted: false,
        })
    }
}

/// A piece of work that people wait for.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// What it is.
    pub name: String,
    /// What it takes; `None` where nothing like it was counted.
    pub estimate: Option<Estimate>,
}

/// What an image of `shape` takes on `core`.
pub fn works(shape: &Shape, core: &str) -> Vec<Work> {
    let on = On { shape, core };
    let movies = crate::report::text::grouped(shape.movies.into());
    let mut works = vec![
        ("a prediction".to_owned(), on.prediction()),
        (
            format!("a ranking of all {movies} movies"),
            on.ranked_movie().map(|movie| movie.units(shape.movies)),
        ),
    ];
    if shape.interest.is_some() {
        let name = format!("before it, interest in {RATINGS} ratings");
        works.push((name, on.interest(RATINGS)));
    }
    works.push(("a step of gradient descent".to_owned(), on.step()));
    works.push(("a fold-in of 1 rating".to_owned(), on.fold_in(1)));
    works.push((
        format!("a fold-in of {RATINGS} ratings"),
        on.fold_in(RATINGS),
    ));
    let work = |(name, estimate)| Work { name, estimate };
    works.into_iter().map(work).collect()
}

/// Ratings of the longer fold-in.
const RATINGS: u32 = 20;

/// An image's shape on a core.
struct On<'s> {
    shape: &'s Shape,
    core: &'s str,
}

impl On<'_> {
    fn of(&self, work: &str, counted: bool) -> Option<Estimate> {
        Estimate::of(self.core, work, counted && self.shape.unknown.is_empty())
    }

    /// The bench's image of the lesson's model, or of a model without an MLP, in these tables.
    fn reference(&self) -> Shape {
        let hidden: &[usize] = if self.shape.has_mlp() { &[32, 4] } else { &[] };
        Shape::plain(8, hidden, self.shape.element)
    }

    /// How much more a multiply-add takes without a kernel for the shape, in single precision.
    fn without_kernel(&self) -> f64 {
        let lesson = Shape::plain(8, &[32, 4], Element::F16).movie();
        let other = Shape::plain(10, &[24, 6], Element::F16).movie();
        match (
            counts::count(self.core, "rank"),
            counts::count(self.core, "other"),
        ) {
            (Some(with), Some(without)) => without.cycles / other / (with.cycles / lesson),
            _ => 1.0,
        }
    }

    /// The same, where this shape has none; 1 where it has one.
    fn penalty(&self) -> f64 {
        if self.shape.has_kernel(self.core) {
            1.0
        } else {
            self.without_kernel()
        }
    }

    fn prediction(&self) -> Option<Estimate> {
        let shape = self.shape;
        let reference = self.reference();
        let factor = shape.prediction() / reference.prediction();
        let name = match (shape.has_mlp(), shape.element) {
            (true, Element::I16) => "predict_i16",
            (true, Element::I8) => "predict_i8",
            (true, _) => "predict",
            (false, Element::I16 | Element::I8) => "predict_mf_i8",
            (false, _) => "predict_mf",
        };
        let counted = shape.is_like(&reference) && counted_in(name, shape.element);
        let penalty = if shape.in_integers() {
            1.0
        } else {
            self.penalty()
        };
        Some(self.of(name, counted)?.scaled(factor * penalty))
    }

    /// A movie of a ranking whose best ten are kept.
    fn ranked_movie(&self) -> Option<Estimate> {
        if self.shape.has_mlp() {
            self.ranked_with_mlp()
        } else {
            self.ranked_without_mlp()
        }
    }

    fn ranked_with_mlp(&self) -> Option<Estimate> {
        let shape = self.shape;
        let of_lists = |estimate: Estimate| estimate.plus(self.core, "list", "mf");
        let scaled = |work: &str, counted: Shape, exact: bool| {
            let estimate = self.of(work, exact && shape.is_like(&counted))?;
            Some(estimate.scaled(shape.movie() / counted.movie()))
        };
        let bare = shape.interest.is_none() && !shape.confidence;
        let movie = match shape.element {
            Element::I16 | Element::I8 if shape.has_kernel(self.core) => {
                let bytes = shape.element == Element::I8;
                let name = if bytes { "rank_i8" } else { "rank_i16" };
                scaled(name, Shape::plain(8, &[32, 4], shape.element), bare)
            }
            Element::I16 | Element::I8 => {
                let counted = Shape::plain(10, &[24, 6], Element::I16);
                scaled("other_i16", counted, false).and_then(of_lists)
            }
            _ if shape.has_kernel(self.core) => {
                scaled("rank", Shape::plain(8, &[32, 4], Element::F16), bare)
            }
            _ => {
                let counted = [
                    ("dim4", Shape::plain(4, &[32, 4], Element::F16)),
                    ("dim16", Shape::plain(16, &[32, 4], Element::F16)),
                    ("dim32", Shape::plain(32, &[32, 4], Element::F16)),
                    ("other", Shape::plain(10, &[24, 6], Element::F16)),
                ];
                // The nearest: by factor, whichever is larger.
                let far = |(_, counted): &(&str, Shape)| {
                    let (more, less) = (shape.movie(), counted.movie());
                    (more / less).max(less / more)
                };
                let nearest = counted.into_iter().min_by(|a, b| far(a).total_cmp(&far(b)));
                nearest
                    .and_then(|(name, counted)| scaled(name, counted, false))
                    .and_then(of_lists)
            }
        }?;
        match shape.interest {
            Some(_) => movie.plus(self.core, "list_interest", "list"),
            None => Some(movie),
        }
    }

    fn ranked_without_mlp(&self) -> Option<Estimate> {
        let shape = self.shape;
        let (name, score) = match (shape.in_integers(), shape.interest) {
            (true, Some(_)) => ("list_interest_i8", "mf_i8"),
            (true, None) => ("list_i8", "mf_i8"),
            (false, Some(_)) => ("list_interest", "mf"),
            (false, None) => ("list", "mf"),
        };
        let reference = self.reference();
        let penalty = self.penalty();
        if shape.is_like(&reference) && shape.has_kernel(self.core) {
            // The images of lists have both; without a vector of interest in a ranking, confidence alone costs.
            let whole = shape.confidence && shape.interest.is_none_or(|dim| dim == 16);
            let counted = whole && counted_in(name, shape.element);
            if let Some(estimate) = self.of(name, counted) {
                return Some(estimate);
            }
        }
        let score = self.of(score, false)?;
        let score = score.scaled(penalty * shape.movie() / reference.movie());
        let name = if shape.interest.is_some() {
            "list_interest"
        } else {
            "list"
        };
        score.plus(self.core, name, "mf")
    }

    fn interest(&self, ratings: u32) -> Option<Estimate> {
        let dim = self.shape.interest?;
        let side = dim as f64 / pocketrec::interest::MAX_INTEREST as f64;
        let counted = counts::count(self.core, "interest")?.units == ratings;
        let rating = self.of("interest", counted)?.scaled(side * side);
        Some(rating.units(ratings))
    }

    /// A score's gradient, and a step along it.
    fn step(&self) -> Option<Estimate> {
        let (_, step) = self.learning("step")?;
        let factor = self.shape.gradient() / self.reference().gradient();
        Some(step.scaled(factor))
    }

    fn fold_in(&self, ratings: u32) -> Option<Estimate> {
        let (name, rating) = self.learning("fold_in")?;
        // What a fold-in takes beside its ratings is shared by as many as there are.
        let alike = counts::count(self.core, &name)?.units == ratings;
        let factor = self.shape.rating() / self.reference().rating();
        let rating = rating.scaled(factor);
        let counted = rating.counted && alike;
        Some(Estimate { counted, ..rating }.units(ratings))
    }

    /// The count of a unit of learning, for the bench's shape, and its name.
    fn learning(&self, work: &str) -> Option<(String, Estimate)> {
        let shape = self.shape;
        let name = match shape.element {
            _ if !shape.has_mlp() => format!("{work}_mf"),
            Element::I16 | Element::I8 => format!("{work}_{}", shape.element.name()),
            _ if shape.has_kernel(self.core) => work.to_owned(),
            // The plain form: images of integers learn in single precision by it.
            _ => format!("{work}_i16"),
        };
        let counted = shape.is_like(&self.reference()) && counted_in(&name, shape.element);
        Some((name.clone(), self.of(&name, counted)?))
    }
}

/// Whether the image that `work` was counted on has tables of `element`, the other work being told apart by its name.
fn counted_in(work: &str, element: Element) -> bool {
    let counted = match work.rsplit('_').next() {
        Some("i8") => Element::I8,
        Some("i16") => Element::I16,
        _ => Element::F16,
    };
    element == counted
}
