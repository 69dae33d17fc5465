//! Ratings out of Parquet files: the columns by their names, the groups of rows on all cores.

use std::borrow::Cow;
use std::path::PathBuf;

use super::Part;
use super::column::{Batch, Cell, Column};
use crate::columns::Columns;
use crate::form::Form;
use crate::line::{Rating, Said};
use crate::reading::Reading;
use crate::scale::LIMIT;
use crate::time::{self, Unit};
use crate::{DataError, LoadProgress};
use pocketrec_base::threads::share;

/// Rows that are decoded at once: so few that their cells stay in the processor's cache.
const BATCH: usize = 1 << 12;

/// Reads the ratings of files that belong together.
///
/// # Errors
/// [`DataError::Input`] names the file and the row, or the columns that there are where the needed ones aren't.
pub fn read(
    paths: &[PathBuf],
    reading: &Reading,
    threads: usize,
    progress: &dyn LoadProgress,
) -> Result<Columns, DataError> {
    let mut parts = Vec::with_capacity(paths.len());
    for path in paths {
        let part = Part::open(path)?;
        let names = part.names();
        let form = Form::named(&names, reading)
            .map_err(|why| DataError::Input(format!("{}: {why}", path.display())))?;
        parts.push((part, form));
    }
    let total: u64 = parts
        .iter()
        .map(|(part, _)| {
            (0..part.groups())
                .map(|group| part.bytes(group))
                .sum::<u64>()
        })
        .sum();
    let groups: Vec<(usize, usize)> = (0..parts.len())
        .flat_map(|part| (0..parts[part].0.groups()).map(move |group| (part, group)))
        .collect();
    let mut all = Columns::default();
    all.told.guessed = parts.first().and_then(|(_, form)| form.guessed.clone());
    let mut done = 0;
    // A few groups at a time: their ratings wait for those before them.
    for some in groups.chunks(threads.max(1)) {
        let group = |(): &mut (), &(part, group): &(usize, usize)| {
            let (part, form) = &parts[part];
            of_group(part, form, group)
        };
        for (found, &(part, group)) in share(threads, some, || (), group).into_iter().zip(some) {
            if all.take_in(found?).is_err() {
                return Err(DataError::Input(format!(
                    "{}: there isn't enough memory for more than its first {} ratings",
                    parts[part].0.path().display(),
                    all.stars.len()
                )));
            }
            done += parts[part].0.bytes(group);
            progress.bytes(done, total);
        }
    }
    if all.stars.is_empty() {
        let shown = paths.first().map(|path| path.display().to_string());
        return Err(DataError::Input(format!(
            "{} holds no ratings",
            shown.unwrap_or_default()
        )));
    }
    Ok(all)
}

/// The ratings of a group of rows.
fn of_group(part: &Part, form: &Form, group: usize) -> Result<Columns, DataError> {
    let before: usize = (0..group).map(|group| part.rows(group)).sum();
    let [user, movie, stars] = form.columns;
    let open = |column: usize| -> Result<Column, DataError> {
        let column = part.column(group, column)?;
        match column.is_nested() {
            false => Ok(column),
            true => Err(DataError::Input(format!(
                "{}: the column `{}` is nested; a rating takes a number or a text a row",
                part.path().display(),
                column.name()
            ))),
        }
    };
    let mut columns = [open(user)?, open(movie)?, open(stars)?];
    let mut times = form.time.map(open).transpose()?;
    let mut found = Columns::default();
    let mut row = before;
    loop {
        let cells = |column: &mut Column| column.batch(BATCH).map_err(|why| part.damaged(why));
        let [users, movies, stars] = &mut columns;
        let (users, movies, stars) = (cells(users)?, cells(movies)?, cells(stars)?);
        let times = match &mut times {
            Some(times) => Some(cells(times)?),
            None => None,
        };
        let lengths = [Some(&users), Some(&movies), Some(&stars), times.as_ref()];
        let lengths: Vec<usize> = lengths.into_iter().flatten().map(Batch::len).collect();
        if lengths.iter().any(|length| *length != users.len()) {
            return Err(DataError::Input(format!(
                "{} is damaged: its columns aren't of one length",
                part.path().display()
            )));
        }
        if users.len() == 0 {
            return match row - before == part.rows(group) {
                true => Ok(found),
                false => Err(DataError::Input(format!(
                    "{} is damaged: a group of its rows ends early",
                    part.path().display()
                ))),
            };
        }
        let plain = Plain::of([&users, &movies, &stars], times.as_ref(), form);
        for at in 0..users.len() {
            if let Some((rating, unit)) = plain.as_ref().and_then(|plain| plain.rating(at)) {
                found.told.lines += 1;
                found.told.untimed += u64::from(unit.is_none());
                found.told.units |= unit.map_or(0, Unit::bit);
                found.push(rating);
                continue;
            }
            let cells = [&users, &movies, &stars].map(|batch| batch.cell(at));
            let time = times.as_ref().map(|times| times.cell(at));
            push(&mut found, form, cells.each_ref(), time.as_ref()).map_err(|why| {
                DataError::Input(format!(
                    "{}, row {}: {why}",
                    part.path().display(),
                    row + at + 1
                ))
            })?;
        }
        row += users.len();
    }
}

/// Columns of numbers that ratings are made of without looking at what each cell is.
struct Plain<'a> {
    ids: [&'a [i64]; 2],
    stars: &'a Batch,
    times: Option<&'a Batch>,
}

impl<'a> Plain<'a> {
    fn of(
        [users, movies, stars]: [&'a Batch; 3],
        times: Option<&'a Batch>,
        form: &Form,
    ) -> Option<Plain<'a>> {
        let (Batch::Whole(users), Batch::Whole(movies), None) = (users, movies, form.scale) else {
            return None;
        };
        Some(Plain {
            ids: [users, movies],
            stars,
            times,
        })
    }

    /// The rating of a row, and how its time is written; nothing where it takes a closer look.
    #[inline(always)]
    fn rating(&self, at: usize) -> Option<(Rating, Option<Unit>)> {
        let stars = match self.stars {
            Batch::Single(stars) => f64::from(stars[at]),
            Batch::Number(stars) => stars[at],
            Batch::Whole(stars) => stars[at] as f64,
            Batch::Seconds(_) | Batch::Cells(_) => return None,
        };
        let time = match self.times {
            None => None,
            Some(Batch::Whole(times)) => Some(time::whole(u64::try_from(times[at]).ok()?)?),
            Some(Batch::Seconds(times)) => Some((u32::try_from(times[at]).ok()?, Unit::Seconds)),
            Some(_) => return None,
        };
        let rating = Rating {
            user: u32::try_from(self.ids[0][at]).ok()?,
            movie: u32::try_from(self.ids[1][at]).ok()?,
            stars: Some(stars).filter(|stars| stars.abs() <= f64::from(LIMIT))? as f32,
            time: time.map_or(0, |(seconds, _)| seconds),
        };
        Some((rating, time.map(|(_, unit)| unit)))
    }
}

/// Adds a rating: at once where it is plain, else through the reader of text.
fn push(
    found: &mut Columns,
    form: &Form,
    [user, movie, stars]: [&Cell; 3],
    time: Option<&Cell>,
) -> Result<(), String> {
    let id = |cell: &Cell| cell.whole().and_then(|id| u32::try_from(id).ok());
    let plain = stars
        .number()
        .filter(|stars| stars.abs() <= f64::from(LIMIT));
    let when = match time {
        None | Some(Cell::Null) => Some(None),
        Some(Cell::Seconds(seconds)) => u32::try_from(*seconds)
            .ok()
            .map(|s| Some((s, Unit::Seconds))),
        Some(Cell::Whole(number)) if *number >= 0 => time::whole(*number as u64).map(Some),
        Some(other) => {
            let text = other.text();
            match time::is_missing(&text) {
                true => Some(None),
                false => time::read(&text).map(Some),
            }
        }
    };
    if let (Some(user), Some(movie), Some(stars), Some(when), None) =
        (id(user), id(movie), plain, when, form.scale)
    {
        found.told.lines += 1;
        found.told.untimed += u64::from(when.is_none());
        found.told.units |= when.map_or(0, |(_, unit)| unit.bit());
        found.push(Rating {
            user,
            movie,
            stars: stars as f32,
            time: when.map_or(0, |(seconds, _)| seconds),
        });
        return Ok(());
    }
    let text = |cell: &Cell| Cow::Owned(cell.text());
    let cells = [
        text(user),
        text(movie),
        text(stars),
        time.map(text).unwrap_or_default(),
    ];
    let said: Said<'_> = form.said(cells)?;
    found.push_said(said);
    found.told.lines += 1;
    Ok(())
}
