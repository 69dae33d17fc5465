//! Ratings out of Parquet files: the columns by their names, the groups of rows on all cores.

use std::borrow::Cow;
use std::path::PathBuf;

use super::Part;
use super::column::{Cell, Column};
use crate::columns::Columns;
use crate::form::Form;
use crate::line::{Rating, Said};
use crate::reading::Reading;
use crate::scale::LIMIT;
use crate::time::{self, Unit};
use crate::{DataError, LoadProgress};
use pocketrec_base::threads::share;

/// Rows that are decoded at once.
const BATCH: usize = 1 << 15;

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
        let cells = |column: &mut Column| column.cells(BATCH).map_err(|why| part.damaged(why));
        let [users, movies, stars] = &mut columns;
        let (users, movies, stars) = (cells(users)?, cells(movies)?, cells(stars)?);
        let times = match &mut times {
            Some(times) => Some(cells(times)?),
            None => None,
        };
        let lengths = [Some(&users), Some(&movies), Some(&stars), times.as_ref()];
        let lengths: Vec<usize> = lengths.into_iter().flatten().map(Vec::len).collect();
        if lengths.iter().any(|length| *length != users.len()) {
            return Err(DataError::Input(format!(
                "{} is damaged: its columns aren't of one length",
                part.path().display()
            )));
        }
        if users.is_empty() {
            return match row - before == part.rows(group) {
                true => Ok(found),
                false => Err(DataError::Input(format!(
                    "{} is damaged: a group of its rows ends early",
                    part.path().display()
                ))),
            };
        }
        for (at, ((user, movie), stars)) in users.iter().zip(&movies).zip(&stars).enumerate() {
            let time = times.as_ref().map(|times| &times[at]);
            push(&mut found, form, [user, movie, stars], time).map_err(|why| {
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
