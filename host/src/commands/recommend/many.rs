//! `host recommend --all-users` and `--users FILE`: a list for each, written as one table.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use pocketrec::ids::UserId;
use pocketrec::model::{Model, Seen};
use pocketrec_base::error::BadInput;
use pocketrec_data::asked::{Asked, Wanted as Column};
use pocketrec_data::parquet::column::Cell;
use pocketrec_data::{DataError, Ratings, known};
use pocketrec_export::Rated as Lists;
use pocketrec_tables::{Cells, Format, Kind, Table};
use serde::Serialize;

use super::{Args, interest_of};
use crate::commands::image::Loaded;
use crate::commands::out;
use crate::commands::trained;
use crate::commands::wanted::Wanted;
use crate::print::{self, Answer, Target, count, progress};
use crate::{note, say, warn};

/// Users of a part of the work.
const PART: usize = 64;

/// Ranks for many and writes.
///
/// # Errors
/// [`BadInput`] for users that the image doesn't have at all, and ratings that aren't those of its training.
pub fn run(
    args: &Args,
    loaded: &Loaded,
    model: &Model<'_>,
    wanted: &Wanted<'_>,
    out: &Target,
) -> Result<()> {
    let format = args.out.claimed(out)?;
    let users = users(args, loaded, model)?;
    let known = match args.include_rated {
        true => Known::Nothing,
        false => Known::of(args, model)?,
    };
    let titled = format != Format::Npz && !loaded.titles.is_empty();
    let item = print::item::one();
    let mut columns = vec![
        ("user", out::id(loaded.people.are_named())),
        ("rank", Kind::Whole),
        (&item, out::id(loaded.own_ids.are_named())),
        ("score", Kind::Number),
        ("prediction", Kind::Number),
    ];
    columns.extend(titled.then_some(("title", Kind::Text)));
    let table = Table::new(format, &columns);
    let (done, rows) = (AtomicU64::new(0), AtomicU64::new(0));
    let bar = progress::Count::new("users", users.len() as u64);
    let mut parts = users.chunks(PART);
    let next = || {
        bar.done(done.load(Ordering::Relaxed));
        Ok(parts.next())
    };
    out::write(&table, out, next, |part| {
        let mut made = Made::default();
        for user in part {
            made.list(args, model, wanted, &known, *user)?;
        }
        done.fetch_add(part.len() as u64, Ordering::Relaxed);
        rows.fetch_add(made.users.len() as u64, Ordering::Relaxed);
        Ok(table.packed(made.cells(loaded, titled)))
    })?;
    bar.finish();
    print::answer(&Written {
        out: out.file().map(Path::to_owned),
        format: format.name(),
        users: users.len(),
        rows: rows.into_inner(),
        may_name_rated: !matches!(known, Known::Image | Known::Ratings(..)),
        why: match known {
            Known::Missing(why) => Some(why),
            _ => None,
        },
    })
}

/// The users to list for, by id: those of the image, of a file, or one.
fn users(args: &Args, loaded: &Loaded, model: &Model<'_>) -> Result<Vec<u32>> {
    let Some(ids) = model.user_ids() else {
        let sentence = format!(
            "{} holds no users, so there is nobody to list for; `export --users all` puts them into it",
            loaded.path.display()
        );
        return Err(BadInput::new(sentence).into());
    };
    let Some(path) = &args.users else {
        return Ok((0..ids.len()).filter_map(|row| ids.id(row)).collect());
    };
    let column = Column::new("user", known::USERS);
    let mut asked = Asked::open(path, &[column]).map_err(DataError::into_anyhow)?;
    let (mut found, mut lost, mut example) = (Vec::new(), 0, None);
    while let Some(batch) = asked.next_batch().map_err(DataError::into_anyhow)? {
        for cell in batch.columns.iter().flatten() {
            match id_of(cell, loaded).filter(|id| ids.row(*id).is_some()) {
                Some(id) => found.push(id),
                None => {
                    lost += 1;
                    example
                        .get_or_insert_with(|| String::from_utf8_lossy(&cell.text()).into_owned());
                }
            }
        }
    }
    let example = example.unwrap_or_default();
    if found.is_empty() {
        return Err(BadInput::new(format!(
            "none of the users of --users {} is in the image, not `{example}` either",
            path.display()
        ))
        .into());
    }
    if lost > 0 {
        warn!(
            "{} of --users {} are not in the image and get no list, such as `{example}`",
            count(lost, "user"),
            path.display()
        );
    }
    Ok(found)
}

fn id_of(cell: &Cell, loaded: &Loaded) -> Option<u32> {
    let text = || String::from_utf8_lossy(&cell.text()).into_owned();
    match loaded.people.are_named() {
        true => loaded.people.known(&text()),
        false => match cell.whole() {
            Some(whole) => u32::try_from(whole).ok(),
            None => text().trim().parse().ok(),
        },
    }
}

/// What is known of what users have rated.
enum Known {
    Nothing,
    Image,
    Ratings(Box<Ratings>, Lists),
    Missing(String),
}

impl Known {
    fn of(args: &Args, model: &Model<'_>) -> Result<Known> {
        if model.has_seen() && args.data.is_none() {
            return Ok(Known::Image);
        }
        let fingerprint = model.header().fingerprint;
        let source = trained::source_beside(&args.image, fingerprint);
        let folder = args.image.parent().unwrap_or(Path::new(""));
        let source = source.as_ref().map_err(String::as_str);
        Ok(
            match trained::ratings(fingerprint, args.data.as_deref(), source, folder)? {
                Ok(data) => {
                    let rated = Lists::new(&data.ratings);
                    Known::Ratings(Box::new(data.ratings), rated)
                }
                Err(why) => Known::Missing(why),
            },
        )
    }
}

/// The rows of some users' lists.
#[derive(Default)]
struct Made {
    users: Vec<u32>,
    ranks: Vec<i64>,
    movies: Vec<u32>,
    scores: Vec<f32>,
    stars: Vec<f32>,
}

impl Made {
    fn list(
        &mut self,
        args: &Args,
        model: &Model<'_>,
        wanted: &Wanted<'_>,
        known: &Known,
        user: u32,
    ) -> Result<()> {
        let id = UserId(user);
        let state = model.user(id).map_err(BadInput::new)?;
        let seen: Option<Seen<'_>> = match known {
            Known::Image => model.seen(id),
            _ => None,
        };
        let rated: Vec<u32> = match known {
            Known::Ratings(ratings, lists) => {
                let rows = ratings
                    .user_row(user)
                    .map_or(&[][..], |row| lists.of(row as usize));
                let ids = rows.iter().map(|row| ratings.movie_ids[*row as usize]);
                let mut ids: Vec<u32> = ids.collect();
                ids.sort_unstable();
                ids
            }
            _ => Vec::new(),
        };
        let mut top = args.top(interest_of(model, Some(user)));
        let may = |movie: pocketrec::ids::MovieId| {
            !seen.as_ref().is_some_and(|seen| seen.contains(movie))
                && rated.binary_search(&movie.0).is_err()
                && wanted.has(movie.0)
        };
        top.advance(model, &state, may, u32::MAX);
        for (rank, hit) in (1..).zip(top.hits()) {
            self.users.push(user);
            self.ranks.push(rank);
            self.movies.push(hit.movie.0);
            self.scores.push(hit.score);
            self.stars.push(
                model
                    .predict_for(&state, hit.movie)
                    .map_err(BadInput::new)?,
            );
        }
        Ok(())
    }

    /// As the columns of the table.
    fn cells(self, loaded: &Loaded, titled: bool) -> Vec<Cells> {
        let ids = |ids: &[u32], names: &pocketrec_export::people::People| match names.are_named() {
            false => Cells::Whole(ids.iter().map(|id| i64::from(*id)).collect()),
            true => {
                let of = |id: &u32| names.name(*id).unwrap_or_default().to_owned();
                Cells::Texts(ids.iter().map(of).collect())
            }
        };
        let title = |id: &u32| loaded.titles.get(*id).map(|movie| movie.title.clone());
        let titles = titled.then(|| {
            Cells::Texts(
                self.movies
                    .iter()
                    .map(|id| title(id).unwrap_or_default())
                    .collect(),
            )
        });
        let mut cells = vec![
            ids(&self.users, &loaded.people),
            Cells::Whole(self.ranks),
            ids(&self.movies, &loaded.own_ids),
            Cells::Numbers(self.scores),
            Cells::Numbers(self.stars),
        ];
        cells.extend(titles);
        cells
    }
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    /// Nothing where it went to standard output.
    out: Option<PathBuf>,
    format: &'static str,
    users: usize,
    rows: u64,
    /// Whether what users have rated may be in their lists.
    may_name_rated: bool,
    #[serde(skip)]
    why: Option<String>,
}

impl Answer for Written {
    fn tell(&self) {
        let rows = count(self.rows as usize, "row");
        let users = count(self.users, "user");
        match &self.out {
            Some(path) => say!("Wrote {}: {rows}, the lists of {users}", path.display()),
            None => note!("Wrote {rows}, the lists of {users}"),
        }
        match (&self.why, self.may_name_rated) {
            (Some(why), _) => note!(
                "Movies that they have rated may be among these: {why} ({})",
                trained::advice(why)
            ),
            (None, false) => {
                note!("Without the movies that they have rated (`--include-rated` lists them too)")
            }
            (None, true) => {}
        }
    }
}
