//! `host predict --pairs`: predictions of a whole table, written as one.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::{Model, UserState};
use pocketrec_base::error::BadInput;
use pocketrec_data::asked::{Asked, Batch, Wanted};
use pocketrec_data::parquet::column::Cell;
use pocketrec_data::{DataError, known};
use pocketrec_export::people::People;
use pocketrec_tables::{Cells, Kind, Table};
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::commands::image::Loaded;
use crate::commands::likely::Likely;
use crate::commands::out::{self, OutArgs};
use crate::print::{self, Answer, Target, count, progress};
use crate::{note, say};

/// Predicts and writes; a pair whose user or movie the image doesn't have keeps its row, without a prediction.
///
/// # Errors
/// [`BadInput`] for a table that can't be read, an id that isn't of the image's kind, or where no pair is in the image.
pub fn run(
    loaded: &Loaded,
    model: &Model<'_>,
    (pairs, likely): (&Path, bool),
    (out, args): (&Target, &OutArgs),
) -> Result<()> {
    if likely && !model.has_odds() {
        let sentence = "--likely: the image doesn't say how sure its predictions are; export one of a model that `train` made \
                        with ratings held out for validation";
        return Err(BadInput::new(sentence).into());
    }
    let format = args.claimed(out)?;
    let item = print::item::one();
    let wanted = [
        Wanted::new("user", known::USERS),
        Wanted::new(&item, known::MOVIES),
    ];
    let mut asked = Asked::open(pairs, &wanted).map_err(DataError::into_anyhow)?;
    let sides = [&loaded.people, &loaded.own_ids];
    let mut columns = vec![
        ("user", out::id(sides[0].are_named())),
        (&item, out::id(sides[1].are_named())),
        ("prediction", Kind::Number),
    ];
    if likely {
        columns.extend([("low", Kind::Number), ("high", Kind::Number)]);
    }
    let table = Table::new(format, &columns);
    let (rows, without) = (AtomicU64::new(0), AtomicU64::new(0));
    let bar = progress::Count::endless("predictions");
    let next = || {
        bar.done(rows.load(Ordering::Relaxed));
        asked.next_batch().map_err(DataError::into_anyhow)
    };
    out::write(&table, out, next, |batch| {
        let made = predict(model, sides, &batch, likely)?;
        rows.fetch_add(made.rows, Ordering::Relaxed);
        without.fetch_add(made.without, Ordering::Relaxed);
        Ok(table.packed(made.cells))
    })?;
    bar.finish();
    print::answer(&Predicted {
        out: out.file().map(Path::to_owned),
        format: format.name(),
        predictions: rows.into_inner(),
        without: without.into_inner(),
    })
}

/// Predictions of a batch, and of how many pairs there is none.
struct Made {
    cells: Vec<Cells>,
    rows: u64,
    without: u64,
}

/// With the ends of each one's interval where they are asked for.
fn predict(
    model: &Model<'_>,
    sides: [&People; 2],
    batch: &Batch,
    likely: bool,
) -> Result<Made, BadInput> {
    let wrong = |at: usize, why: String| {
        BadInput::new(format!(
            "{}, row {}: {why}",
            batch.path.display(),
            batch.first + at as u64
        ))
    };
    let mut made = sides.map(|side| Ids::of(side.are_named()));
    let mut stars = Vec::new();
    let mut ends = [Vec::new(), Vec::new()];
    let mut without = 0;
    let mut last: Option<(u32, Option<UserState>)> = None;
    let [users, movies] = &batch.columns[..] else {
        return Err(BadInput::new("a table of pairs has two columns"));
    };
    for (at, (user, movie)) in users.iter().zip(movies).enumerate() {
        let [user_ids, movie_ids] = &mut made;
        let user = user_ids
            .take(user, sides[0])
            .map_err(|why| wrong(at, format!("the user {why}")))?;
        let movie = movie_ids
            .take(movie, sides[1])
            .map_err(|why| wrong(at, format!("the movie {why}")))?;
        // Rows of one user mostly follow each other.
        let state = user.and_then(|user| {
            if last.as_ref().is_none_or(|(id, _)| *id != user) {
                last = Some((user, model.user(UserId(user)).ok()));
            }
            last.as_ref().and_then(|(_, state)| state.as_ref())
        });
        let found = state
            .zip(movie)
            .and_then(|(state, movie)| model.predict_for(state, MovieId(movie)).ok());
        without += u64::from(found.is_none());
        stars.push(found.unwrap_or(f32::NAN));
        if likely {
            let interval = user
                .zip(state)
                .zip(movie)
                .and_then(|((user, state), movie)| {
                    let row = model.movie_row(MovieId(movie)).ok()?;
                    Likely::of(model, Some(user)).interval(state, row)
                });
            let [low, high] = &mut ends;
            low.push(interval.map_or(f32::NAN, |interval| interval.low));
            high.push(interval.map_or(f32::NAN, |interval| interval.high));
        }
    }
    let [users, movies] = made.map(Ids::cells);
    let rows = stars.len() as u64;
    let mut cells = vec![users, movies, Cells::Numbers(stars)];
    if likely {
        cells.extend(ends.map(Cells::Numbers));
    }
    Ok(Made {
        rows,
        cells,
        without,
    })
}

/// Ids as they came.
pub enum Ids {
    /// Numbers.
    Whole(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Ids {
    /// None yet.
    pub fn of(named: bool) -> Ids {
        match named {
            true => Ids::Texts(Vec::new()),
            false => Ids::Whole(Vec::new()),
        }
    }

    /// Adds a cell, and tells the image's id that it may be.
    ///
    /// # Errors
    /// What a cell should be, behind what it is called.
    pub fn take(&mut self, cell: &Cell, names: &People) -> Result<Option<u32>, String> {
        if *cell == Cell::Null {
            return Err("is missing".into());
        }
        match self {
            Ids::Texts(texts) => {
                let text = String::from_utf8_lossy(&cell.text()).into_owned();
                let id = names.known(&text);
                texts.push(text);
                Ok(id)
            }
            Ids::Whole(numbers) => {
                let text = || String::from_utf8_lossy(&cell.text()).into_owned();
                let number = cell.whole().or_else(|| text().trim().parse().ok());
                let number = number.ok_or_else(|| {
                    format!(
                        "is `{}`, and should be a whole number, as the image's ids are",
                        cell.shown()
                    )
                })?;
                numbers.push(number);
                Ok(u32::try_from(number).ok())
            }
        }
    }

    /// As a column.
    pub fn cells(self) -> Cells {
        match self {
            Ids::Whole(numbers) => Cells::Whole(numbers),
            Ids::Texts(texts) => Cells::Texts(texts),
        }
    }
}

/// What was written.
#[derive(Debug, Serialize)]
struct Predicted {
    /// Nothing where it went to standard output.
    out: Option<PathBuf>,
    format: &'static str,
    predictions: u64,
    /// Rows without a prediction: their user or movie isn't in the image.
    without: u64,
}

impl Answer for Predicted {
    fn tell(&self) {
        let rows = count(self.predictions as usize, "pair");
        match &self.out {
            Some(path) => say!("Wrote {}: {rows} of user and movie", path.display()),
            None => note!("Wrote {rows} of user and movie"),
        }
        if self.without > 0 {
            note!(
                "{} of them without a prediction, since the image doesn't have their user or movie (`export --users all` \
                 puts all users into it)",
                print::grouped(self.without)
            );
        }
    }
}
