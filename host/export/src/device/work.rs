//! Which counts hold for an image, and how others are scaled to it.

use std::fmt;

use pocketrec::image::Element;
use pocketrec::kernels::{Costs, Kernel, Lesson};
use pocketrec::service::POLLS_A_SECOND;

use super::counts::Counts;
use super::shape::Shape;
use pocketrec_base::print::grouped;

/// Cycles of a piece of work.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// How many.
    pub cycles: f64,
    /// Instructions, of which an emulator's clock counts each for the same.
    pub instructions: f64,
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
    /// A count, of the very work if `counted`.
    fn of(counts: Counts<'_>, work: &str, counted: bool) -> Option<Self> {
        Some(Self {
            cycles: counts.get(work)?.cycles,
            instructions: counts.get(work)?.instructions,
            from: format!("`{work}`"),
            counted,
        })
    }

    /// So many of it.
    fn units(self, number: u32) -> Self {
        if number == 1 {
            return self;
        }
        Self {
            cycles: self.cycles * f64::from(number),
            instructions: self.instructions * f64::from(number),
            from: format!("{} x {}", grouped(number.into()), self.from),
            ..self
        }
    }

    /// For a shape that takes `factor` times the work.
    fn scaled(self, factor: f64) -> Self {
        if is_one(factor) {
            return self;
        }
        Self {
            cycles: self.cycles * factor,
            instructions: self.instructions * factor,
            from: format!("{factor:.2} x {}", self.from),
            counted: false,
        }
    }

    /// With `factor` times what is between two other counts added.
    fn plus(self, counts: Counts<'_>, factor: f64, (more, less): (&str, &str)) -> Option<Self> {
        let (more_of, less_of) = (counts.get(more)?, counts.get(less)?);
        let between = match is_one(factor) {
            true => format!("`{more}` - `{less}`"),
            false => format!("{factor:.2} x (`{more}` - `{less}`)"),
        };
        Some(Self {
            cycles: self.cycles + factor * (more_of.cycles - less_of.cycles),
            instructions: self.instructions
                + factor * (more_of.instructions - less_of.instructions),
            from: format!("({} + {between})", self.from),
            counted: false,
        })
    }

    /// This and then another.
    fn then(self, other: Self) -> Self {
        Self {
            cycles: self.cycles + other.cycles,
            instructions: self.instructions + other.instructions,
            from: format!("{} + {}", self.from, other.from),
            counted: self.counted && other.counted,
        }
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

/// What an image of `shape` takes, by the counts of a core whose clock has `clock_hz`.
pub fn works(shape: &Shape, counts: Counts<'_>, clock_hz: u32) -> Vec<Work> {
    let on = On { shape, counts };
    let movies = grouped(shape.movies.into());
    let mut works = vec![
        ("a prediction".to_owned(), on.prediction()),
        (
            format!("a ranking of all {movies} movies"),
            on.ranked_movie().map(|movie| movie.units(shape.movies)),
        ),
        (
            format!("a list of {LIST} as a board answers it"),
            on.list(clock_hz),
        ),
    ];
    if shape.codes.is_some() {
        let name = "before it, what the user would give each codeword".to_owned();
        works.push((name, on.table()));
    }
    if shape.interest {
        let name = "before it, what the latest ratings look for".to_owned();
        works.push((name, on.of("interest", true)));
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

/// Movies in a list that somebody asks for.
const LIST: u32 = 10;

/// Movies at the beginning of a list, of which many enter: they were counted by themselves.
const FIRST: u32 = 256;

/// Of the movies of the lists that were counted, so many are known well enough that interest adds to them.
const SOUGHT: f64 = 0.364;

/// Cycles of a list of [`LIST`] as a board answers it, with the table before it where movies are codes.
pub fn listed(shape: &Shape, counts: Counts<'_>, clock_hz: u32) -> Option<f64> {
    let on = On { shape, counts };
    let list = on.list(clock_hz)?.cycles;
    Some(match shape.codes {
        Some(_) => list + on.table()?.cycles,
        None => list,
    })
}

/// Whether a factor is too near 1 to be told.
fn is_one(factor: f64) -> bool {
    (factor - 1.0).abs() < 0.005
}

/// Ratings of the longer fold-in.
const RATINGS: u32 = 20;

/// An image's shape on a core.
struct On<'s> {
    shape: &'s Shape,
    counts: Counts<'s>,
}

impl On<'_> {
    fn of(&self, work: &str, counted: bool) -> Option<Estimate> {
        Estimate::of(self.counts, work, counted && self.shape.unknown.is_empty())
    }

    /// The bench's image of the lesson's model, or of a model without an MLP, in these tables.
    fn reference(&self) -> Shape {
        let element = self.shape.element;
        let plain = match self.shape.has_mlp() {
            true => Shape::lesson(element),
            false => Shape::plain(Lesson::DIM, &[], element),
        };
        Shape {
            stored: self.shape.stored,
            ..plain
        }
    }

    /// How much more a multiply-add takes without a kernel for the shape, in single precision.
    fn without_kernel(&self) -> f64 {
        let lesson = Shape::lesson(Element::F16).movie();
        let other = Shape::plain(10, &[24, 6], Element::F16).movie();
        match (self.counts.get("rank"), self.counts.get("other")) {
            (Some(with), Some(without)) => without.cycles / other / (with.cycles / lesson),
            _ => 1.0,
        }
    }

    /// The same, where this shape has none; 1 where it has one.
    fn penalty(&self) -> f64 {
        if self.shape.has_kernel(self.counts.core()) {
            1.0
        } else {
            self.without_kernel()
        }
    }

    fn prediction(&self) -> Option<Estimate> {
        let shape = self.shape;
        if shape.codes.is_some() {
            let (work, of_user, counted) = match shape.has_mlp() {
                true => (
                    "predict_codes_mlp",
                    "predict_for_codes_mlp",
                    Shape::coded_lesson(),
                ),
                false => ("predict_codes", "predict_for_codes", Shape::coded()),
            };
            if shape.is_like(&counted) {
                return self.of(work, true);
            }
            // What is made of a user's row is as long as that.
            let factor = shape.user() / counted.user();
            return self.stars()?.plus(self.counts, factor, (work, of_user));
        }
        let reference = self.reference();
        let factor = shape.prediction() / reference.prediction();
        let name = match (shape.kernels(self.counts.core()).predict, shape.element) {
            (Kernel::Product, _) => "predict_mf",
            (Kernel::IntegerDots, _) => "predict_mf_i8",
            (Kernel::IntegerStored | Kernel::IntegerStoredLayers, _) => "predict_half",
            (_, Element::I16) => "predict_i16",
            (_, Element::I8) => "predict_i8",
            _ => "predict",
        };
        let counted = shape.is_like(&reference) && counted_in(name, shape.element);
        let penalty = if shape.in_integers() {
            1.0
        } else {
            self.penalty()
        };
        Some(self.of(name, counted)?.scaled(factor * penalty))
    }

    /// A whole list: whom it is for, the ranking and the polls that it is cut into, the stars of the movies in it, and the
    /// answer with them, which the last poll sends.
    fn list(&self, clock_hz: u32) -> Option<Estimate> {
        let shape = self.shape;
        let cost = shape.costs(self.counts.core()).ranked;
        let slice = Costs::slice(clock_hz / POLLS_A_SECOND, cost);
        let poll = if shape.codes.is_some() {
            "poll_codes"
        } else {
            "poll_i8"
        };
        let polls = shape.movies.div_ceil(slice).saturating_sub(1);
        let ranked = self.ranked_movie()?.units(shape.movies);
        let ranked = match self.beginning() {
            Some(beginning) => ranked.then(beginning),
            None => ranked,
        };
        // The first of these makes of a user's row what the others are predicted from.
        let answer = self.prediction()?.then(self.stars()?.units(LIST - 1));
        let answer = answer.then(self.of("answer", false)?);
        let list = match polls {
            0 => ranked,
            _ => ranked.then(self.of(poll, false)?.units(polls)),
        };
        let list = list.then(answer);
        Some(Estimate {
            counted: false,
            ..list
        })
    }

    /// What the beginning of a list takes more than as many movies later on, where it was counted by itself.
    fn beginning(&self) -> Option<Estimate> {
        let shape = self.shape;
        if shape.codes.is_some() || shape.has_mlp() {
            return None;
        }
        let (first, later) = match (shape.in_integers(), shape.interest) {
            (true, true) => ("list_interest_first_i8", "list_interest_i8"),
            (true, false) => ("list_first_i8", "list_i8"),
            (false, true) => ("list_interest_first", "list_interest"),
            (false, false) => ("list_first", "list"),
        };
        let (more, less) = (self.counts.get(first)?, self.counts.get(later)?);
        let between = Estimate {
            cycles: more.cycles - less.cycles,
            instructions: more.instructions - less.instructions,
            from: format!("(`{first}` - `{later}`)"),
            counted: true,
        };
        Some(between.units(FIRST.min(shape.movies)))
    }

    /// The stars that a user would give a movie, the user being known.
    fn stars(&self) -> Option<Estimate> {
        let shape = self.shape;
        let name = match (shape.codes, shape.has_mlp(), shape.in_integers()) {
            (Some(_), true, _) => "predict_for_codes_mlp",
            (Some(_), false, _) => "predict_for_codes",
            (None, false, true) => "predict_for_mf_i8",
            (None, false, false) => "predict_for_mf",
            (None, true, false) => "predict_for",
            // By itself nobody counted it.
            (None, true, true) => return self.prediction(),
        };
        let counted = match (shape.codes, shape.has_mlp()) {
            (Some(_), true) => Shape::coded_lesson(),
            (Some(_), false) => Shape::coded(),
            _ => self.reference(),
        };
        let factor = shape.looked_up_and_starred() / counted.looked_up_and_starred();
        let penalty = match shape.codes.is_some() || shape.in_integers() {
            true => 1.0,
            false => self.penalty(),
        };
        let like = shape.is_like(&counted) && counted_in(name, shape.element);
        Some(self.of(name, like)?.scaled(factor * penalty))
    }

    /// A movie of a ranking whose best ten are kept.
    fn ranked_movie(&self) -> Option<Estimate> {
        if let Some(books) = self.shape.codes {
            self.looked_up(books)
        } else if self.shape.has_mlp() {
            self.ranked_with_mlp()
        } else {
            self.ranked_without_mlp()
        }
    }

    /// A movie that is a sum of codewords of so many books.
    fn looked_up(&self, books: usize) -> Option<Estimate> {
        let shape = self.shape;
        if shape.has_mlp() {
            return self.bounded(books);
        }
        let factor = books as f64 / Shape::coded().movie();
        // The image that was counted has both.
        let movie = self.of("list_codes", shape.confidence)?.scaled(factor);
        self.with_interest(movie, ("list_interest_codes", "list_codes"))
    }

    /// The same before an MLP: most movies are passed over by what it could give them and by how well they are known, and all
    /// of them go through it where nothing says either.
    fn bounded(&self, books: usize) -> Option<Estimate> {
        let (shape, counted) = (self.shape, Shape::coded_lesson());
        if !shape.is_bounded() || !shape.confidence {
            let factor = shape.through() / counted.through();
            return Some(self.of("score_codes_mlp", false)?.scaled(factor));
        }
        let like = shape.units == counted.units && shape.dot == counted.dot;
        let factor = books as f64 / counted.movie();
        let movie = self.of("list_codes_mlp", like)?.scaled(factor);
        self.with_interest(movie, ("list_interest_codes", "list_codes"))
    }

    /// The table of what a user would give each codeword, before a ranking, or an MLP could.
    fn table(&self) -> Option<Estimate> {
        let shape = self.shape;
        let (work, counted) = match shape.has_mlp() {
            true => ("table_codes_mlp", Shape::coded_lesson()),
            false => ("table_codes", Shape::coded()),
        };
        let factor = shape.words() / counted.words();
        let table = self.of(work, true)?.scaled(factor);
        // What movies are passed over by is of the same size whatever the codewords are.
        match shape.interest {
            true => table.plus(self.counts, 1.0, ("table_interest_codes", "table_codes")),
            false => Some(table),
        }
    }

    fn ranked_with_mlp(&self) -> Option<Estimate> {
        let shape = self.shape;
        let listed = |estimate: Estimate| self.plus(estimate, 1.0, ("list", "mf"));
        let scaled = |work: &str, counted: Shape, exact: bool| {
            let estimate = self.of(work, exact && shape.is_like(&counted))?;
            Some(estimate.scaled(shape.movie() / counted.movie()))
        };
        let bare = !shape.interest && !shape.confidence;
        let kernel = shape.kernels(self.counts.core()).rank;
        let movie = match kernel {
            Kernel::DspPairs
            | Kernel::DspStored
            | Kernel::IntegerLesson
            | Kernel::IntegerStored => {
                let name = match shape.element {
                    _ if matches!(kernel, Kernel::DspStored | Kernel::IntegerStored) => "rank_half",
                    Element::I8 => "rank_i8",
                    _ => "rank_i16",
                };
                scaled(
                    name,
                    self.reference(),
                    bare && counted_in(name, shape.element),
                )
            }
            Kernel::IntegerLayers | Kernel::IntegerStoredLayers => {
                let counted = Shape::plain(10, &[24, 6], Element::I16);
                scaled("other_i16", counted, false).and_then(listed)
            }
            Kernel::FloatPairs | Kernel::Lanes => scaled("rank", Shape::lesson(Element::F16), bare),
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
                    .and_then(listed)
            }
        }?;
        self.with_interest(movie, ("list_interest", "list"))
    }

    /// How many more movies have an interest looked up than in the lists that were counted, of as many.
    fn sought(&self) -> f64 {
        let shape = self.shape;
        f64::from(shape.sought) / f64::from(shape.movies.max(1)) / SOUGHT
    }

    /// With what interest adds to a movie of a list, where there is any.
    fn with_interest(&self, movie: Estimate, of: (&str, &str)) -> Option<Estimate> {
        let sought = self.sought();
        match self.shape.interest {
            true if movie.counted && is_one(sought) => self.of(of.0, true),
            true => self.plus(movie, sought, of),
            false => Some(movie),
        }
    }

    fn ranked_without_mlp(&self) -> Option<Estimate> {
        let shape = self.shape;
        let [list, with_interest, score] = match shape.in_integers() {
            true => ["list_i8", "list_interest_i8", "mf_i8"],
            false => ["list", "list_interest", "mf"],
        };
        let reference = self.reference();
        let penalty = self.penalty();
        if shape.is_like(&reference) && shape.has_kernel(self.counts.core()) {
            // The images of lists have both; without an interest in a ranking, confidence alone costs.
            let counted = shape.confidence && counted_in(list, shape.element);
            if let Some(movie) = self.of(list, counted) {
                return self.with_interest(movie, (with_interest, list));
            }
        }
        let score = self.of(score, false)?;
        let score = score.scaled(penalty * shape.movie() / reference.movie());
        let movie = self.plus(score, 1.0, ("list", "mf"))?;
        self.with_interest(movie, ("list_interest", "list"))
    }

    /// With what is between two counts of models without an MLP, in integers where the shape is.
    fn plus(
        &self,
        estimate: Estimate,
        factor: f64,
        (more, less): (&str, &str),
    ) -> Option<Estimate> {
        let (in_bytes, than) = (format!("{more}_i8"), format!("{less}_i8"));
        let bytes = self.shape.in_integers();
        let bytes = bytes.then(|| {
            estimate
                .clone()
                .plus(self.counts, factor, (&in_bytes, &than))
        });
        let bytes = bytes.flatten();
        bytes.or_else(|| estimate.plus(self.counts, factor, (more, less)))
    }

    /// A score's gradient, and a step along it.
    fn step(&self) -> Option<Estimate> {
        let (_, step) = self.learning("step")?;
        let factor = self.shape.gradient() / self.reference().gradient();
        Some(step.scaled(factor))
    }

    /// A fold-in of one rating, or of [`RATINGS`].
    fn fold_in(&self, ratings: u32) -> Option<Estimate> {
        let work = if ratings == 1 { "fold_in_1" } else { "fold_in" };
        let (name, rating) = self.learning(work)?;
        // What a fold-in takes beside its ratings is shared by as many as there are.
        let alike = self.counts.get(&name)?.units == ratings;
        let factor = self.shape.rating() / self.reference().rating();
        let rating = rating.scaled(factor);
        let counted = rating.counted && alike;
        Some(Estimate { counted, ..rating }.units(ratings))
    }

    /// The count of a unit of learning, for the bench's shape, and its name.
    fn learning(&self, work: &str) -> Option<(String, Estimate)> {
        let shape = self.shape;
        let element = shape.element.name();
        let names = match shape.element {
            Element::I16 | Element::I8 if !shape.has_mlp() => {
                [format!("{work}_mf_{element}"), format!("{work}_mf")]
            }
            _ if !shape.has_mlp() => [format!("{work}_mf"), String::new()],
            Element::I16 | Element::I8 => [format!("{work}_{element}"), String::new()],
            Element::F32 if shape.kernels(self.counts.core()).gradient == Kernel::FloatOne => {
                // A row that isn't in half precision is widened, as those of integers are.
                [format!("{work}_i16"), String::new()]
            }
            _ => [work.to_owned(), String::new()],
        };
        let name = names
            .into_iter()
            .find(|name| self.counts.get(name).is_some())?;
        let counted = shape.is_like(&self.reference()) && counted_in(&name, shape.element);
        let estimate = self.of(&name, counted)?;
        // Nobody counted a gradient of a shape without a kernel where there is one for the lesson's.
        let kernel = |shape: &Shape| shape.kernels(self.counts.core()).gradient;
        let penalty = if kernel(shape) == kernel(&self.reference()) {
            1.0
        } else {
            self.without_kernel()
        };
        Some((name, estimate.scaled(penalty)))
    }
}

/// Whether the image that `work` was counted on has tables of `element`, the other work being told apart by its name.
fn counted_in(work: &str, element: Element) -> bool {
    let counted = match work.rsplit('_').next() {
        Some("i8") => Element::I8,
        Some("i16" | "half") => Element::I16,
        _ => Element::F16,
    };
    element == counted
}

#[cfg(test)]
#[path = "work_tests.rs"]
mod tests;
