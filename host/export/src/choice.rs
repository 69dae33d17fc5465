//! Which precision, and how many dimensions, an image gets where a board is named and neither is: what loses least of
//! what fits.

use anyhow::Result;
use serde::Serialize;

use super::device::DeviceBill;
use super::measure::Measure;
use super::narrow::is_ordered;
use super::{Bytes, Chosen, Keep, Precision, Storage, fit};
use boards::Board;
use pocketrec_base::error::BadInput;
use pocketrec_base::print::{Align, grouped, seconds, table};
use pocketrec_checkpoint::Checkpoint;

/// What is tried: those that a catalogue may be in. f32 has nothing that f16 hasn't.
const TRIED: [Precision; 7] = [
    Precision::F16,
    Precision::I16,
    Precision::I8,
    Precision::CODES,
    Precision::Codes(Bytes::Three),
    Precision::Codes(Bytes::Two),
    Precision::Codes(Bytes::One),
];

/// Dimensions that are tried in turn where all of them don't fit.
const FEWER: [usize; 4] = [24, 16, 12, 8];

/// Errors that differ by less are told as the same: the quicker list is the better one then, and then the smaller image.
const SAME: f64 = 0.000_05;

/// A way to store the model, and what it comes to on the board.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    #[serde(skip)]
    storage: Storage,
    precision: &'static str,
    /// Of a movie's row.
    dimensions: usize,
    /// Of the image without the users that would fit beside the movies.
    bytes: usize,
    /// Why the board can't take it, in a few words.
    why_not: Option<String>,
    /// On the ratings that it was measured on; none where it doesn't fit, or there are none.
    rmse: Option<f64>,
    /// Of a list as the board answers it, modelled.
    seconds: Option<f64>,
    taken: bool,
}

/// All that were tried, one of which is taken.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Choices {
    /// Which ratings they were measured on, or why on none.
    #[serde(skip)]
    on: String,
    choices: Vec<Choice>,
}

/// What is up to nobody else.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The precision, where it isn't chosen; whether halves are stored, and how many dimensions.
    pub storage: Storage,
    /// Whether the tables of which movies belong together may be left out where they don't fit.
    pub kin: Keep,
}

impl Asked {
    /// The ways in which it may be stored, the better one first.
    fn ways(self, checkpoint: &Checkpoint) -> Vec<Storage> {
        let without = Storage {
            without_kin: true,
            ..self.storage
        };
        match self.kin == Keep::Fit && checkpoint.interest.is_some() {
            true => vec![self.storage, without],
            false => vec![self.storage],
        }
    }
}

/// As it is asked for, without the tables of which movies belong together if they may be left out and the image of what is
/// `chosen` doesn't fit the region of `board` with them.
///
/// # Errors
/// As [`build`](super::build).
pub fn with_kin(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    asked: Asked,
    board: Board,
) -> Result<Storage, BadInput> {
    match asked.ways(checkpoint)[..] {
        [with, without] => match fit::length(checkpoint, chosen, with)? <= board.image_region {
            true => Ok(with),
            false => Ok(without),
        },
        _ => Ok(asked.storage),
    }
}

/// Tries each precision, with as many of the dimensions as fit `board`, for an image of what is `chosen`. The one that is
/// taken is that of the least error; where nothing fits, the smallest. Without the tables of which movies belong together
/// only where nothing fits with them.
///
/// An image is built for each that fits, which takes as long as that many exports.
///
/// # Errors
/// When no image can be built at all.
pub fn choose(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    asked: Asked,
    board: Board,
    measure: Result<&Measure<'_>, &String>,
) -> Result<(Storage, Choices)> {
    let mut last = None;
    for storage in asked.ways(checkpoint) {
        let (taken, all) = choose_of(checkpoint, chosen, storage, board, measure)?;
        if all.choices.iter().any(|one| one.why_not.is_none()) {
            return Ok((taken, all));
        }
        last = Some((taken, all));
    }
    last.ok_or_else(|| BadInput::new("the model can't be stored in any way").into())
}

fn choose_of(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    asked: Storage,
    board: Board,
    measure: Result<&Measure<'_>, &String>,
) -> Result<(Storage, Choices)> {
    let mut choices = Vec::new();
    let mut on = measure.err().cloned();
    let mut failed = None;
    for precision in TRIED {
        match fitting(checkpoint, chosen, (asked, precision), board) {
            Ok(choice) => choices.push(choice),
            Err(why) => failed = Some(why),
        }
    }
    for choice in choices.iter_mut().filter(|one| one.why_not.is_none()) {
        if let Ok(measure) = measure {
            let errors = measure.errors(choice.storage)?;
            if errors.count > 0 {
                choice.rmse = Some(errors.rmse());
                on = Some(measure.named(errors.count));
            }
        }
    }
    let Some(taken) = best(&choices) else {
        let why = failed.unwrap_or_else(|| BadInput::new("the model can't be stored in any way"));
        return Err(why.into());
    };
    choices[taken].taken = true;
    let storage = choices[taken].storage;
    let on = on.unwrap_or_else(|| "no ratings of these movies and users".into());
    Ok((storage, Choices { on, choices }))
}

/// The most dimensions that fit, else the fewest.
fn fitting(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    (asked, precision): (Storage, Precision),
    board: Board,
) -> Result<Choice, BadInput> {
    let all = checkpoint.parameters.movie_dim;
    let mut smallest = None;
    for dim in dimensions(checkpoint, asked.dim, precision) {
        let storage = Storage {
            precision,
            dim: asked.dim.or((dim < all).then_some(dim)),
            ..asked
        };
        let bill = fit::bill(checkpoint, chosen, storage, board)?;
        let choice = Choice {
            storage,
            precision: precision.name(),
            dimensions: dim,
            bytes: bill.bytes(),
            why_not: why_not(&bill, board),
            rmse: None,
            seconds: bill.ranking_seconds(),
            taken: false,
        };
        if choice.why_not.is_none() {
            return Ok(choice);
        }
        smallest = Some(choice);
    }
    smallest.ok_or_else(|| BadInput::new("the model has no dimensions"))
}

/// Numbers of dimensions to try, most first: an even number of them where a board takes two at a time.
fn dimensions(checkpoint: &Checkpoint, asked: Option<usize>, precision: Precision) -> Vec<usize> {
    if let Some(dim) = asked {
        return vec![dim];
    }
    if !is_ordered(checkpoint) {
        return vec![checkpoint.parameters.movie_dim];
    }
    let most = Storage::from(precision).dims(checkpoint);
    let fewer = FEWER.into_iter().filter(|dim| *dim < most);
    std::iter::once(most).chain(fewer).collect()
}

fn why_not(bill: &DeviceBill, board: Board) -> Option<String> {
    let over = bill.bytes().saturating_sub(board.image_region);
    let features = bill.further_features();
    match (over, features.is_empty()) {
        (0, true) => None,
        (0, false) => Some(format!("needs {}", features.join(", "))),
        _ => Some(format!("{} bytes over", grouped(over as u64))),
    }
}

/// The number of the one to take: the least error of what fits, the quickest of equal ones, the first where nothing was
/// measured; where nothing fits, the smallest.
fn best(choices: &[Choice]) -> Option<usize> {
    let fit = || {
        let all = choices.iter().enumerate();
        all.filter(|(_, one)| one.why_not.is_none())
    };
    let least = fit().filter_map(|(_, one)| one.rmse).reduce(f64::min);
    let Some(least) = least else {
        let first = fit().next().map(|(at, _)| at);
        let smallest = choices.iter().enumerate().min_by_key(|(_, one)| one.bytes);
        return first.or(smallest.map(|(at, _)| at));
    };
    fit()
        .filter(|(_, one)| one.rmse.is_some_and(|rmse| rmse < least + SAME))
        .min_by(|(_, a), (_, b)| {
            let time = |one: &Choice| one.seconds.unwrap_or(f64::INFINITY);
            // The smaller one leaves room for users, and for what they have rated.
            time(a).total_cmp(&time(b)).then(a.bytes.cmp(&b.bytes))
        })
        .map(|(at, _)| at)
}

impl Choices {
    /// What was tried as a table, with a line of what it was measured on.
    pub fn told(&self, board: Board) -> String {
        let mut rows = vec![
            [
                "Precision",
                "Dimensions",
                "Bytes",
                "RMSE",
                "A list",
                board.name,
            ]
            .map(String::from)
            .to_vec(),
        ];
        let dash = || "-".to_owned();
        for one in &self.choices {
            let fits = match (&one.why_not, one.taken) {
                (Some(why), _) => why.clone(),
                (None, true) => "taken".to_owned(),
                (None, false) => "fits".to_owned(),
            };
            rows.push(vec![
                one.precision.to_owned(),
                one.dimensions.to_string(),
                grouped(one.bytes as u64),
                one.rmse.map_or_else(dash, |rmse| format!("{rmse:.4}")),
                one.seconds.map_or_else(dash, seconds),
                fits,
            ]);
        }
        let align = [
            Align::Left,
            Align::Right,
            Align::Right,
            Align::Right,
            Align::Right,
            Align::Left,
        ];
        let measured = match self.choices.iter().any(|one| one.rmse.is_some()) {
            true => format!("RMSE on the {}", self.on),
            false => format!("Errors were not measured: {}", self.on),
        };
        format!(
            "{}\n{measured}; times are modelled. `--precision` and `--dim` choose otherwise",
            table(&align, &rows).trim_end()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(bytes: usize, rmse: Option<f64>, seconds: f64) -> Choice {
        Choice {
            storage: Storage::default(),
            precision: "f16",
            dimensions: 8,
            bytes,
            why_not: None,
            rmse,
            seconds: Some(seconds),
            taken: false,
        }
    }

    fn over(bytes: usize) -> Choice {
        Choice {
            why_not: Some("1 bytes over".into()),
            ..choice(bytes, None, 0.1)
        }
    }

    #[test]
    fn the_least_error_of_what_fits_is_taken_and_of_equal_ones_the_quickest() {
        let all = [
            over(100),
            choice(90, Some(0.8310), 0.5),
            choice(80, Some(0.83102), 0.1),
            choice(70, Some(0.8320), 0.05),
        ];
        assert_eq!(best(&all), Some(2));
        assert_eq!(best(&all[3..]), Some(0));
        let equal = [choice(90, Some(0.83), 0.1), choice(80, Some(0.83), 0.1)];
        assert_eq!(best(&equal), Some(1));
    }

    #[test]
    fn without_a_measure_the_first_that_fits_is_taken_and_else_the_smallest() {
        let all = [over(100), choice(90, None, 0.5), choice(80, None, 0.1)];
        assert_eq!(best(&all), Some(1));
        assert_eq!(best(&[over(100), over(70), over(80)]), Some(1));
        assert_eq!(best(&[]), None);
    }
}
