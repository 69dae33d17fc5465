//! Ratings that somebody has elsewhere, brought to a device: all that can be found wrong is, before anything changes.

use std::collections::HashSet;
use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pocketrec::wire::{MAX_IMPORT, Refusal, Reply, Request, Who};
use serde::Serialize;

use super::super::image::TitlesArgs;
use super::at_hand::AtHand;
use super::refused;
use crate::print::{self, Answer, count, escape, number};
use crate::{note, say, warn};
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_data::own::{Films, Links, Met, Missed, Origin, Own};
use pocketrec_link::{Connection, LinkError, ratings};

/// Options of `query ratings` about what it takes in.
#[derive(Debug, Default, clap::Args)]
pub struct LoadArgs {
    /// Load ratings into the device from this file: what --save wrote, an export of movielens.org, Letterboxd, IMDb or
    /// Trakt, or any CSV with movie ids or titles and ratings
    #[arg(long, value_name = "FILE", conflicts_with = "save")]
    pub load: Option<PathBuf>,

    /// Load only this user's ratings, from a file with several people's
    #[arg(long, value_name = "ID", requires = "load")]
    of_user: Option<String>,

    /// Load only this many ratings, the latest
    #[arg(long, value_name = "N", requires = "load", value_parser = clap::value_parser!(u32).range(1..))]
    newest: Option<u32>,

    /// The links.csv of a MovieLens release, which maps IMDb and TMDB ids [default: links.csv beside the image or the
    /// file]
    #[arg(long, value_name = "FILE", requires = "load")]
    links: Option<PathBuf>,

    /// Write the ratings that aren't loaded to this file, as CSV
    #[arg(long, value_name = "FILE", requires = "load")]
    left_out: Option<PathBuf>,
}

/// Gives the device all ratings of a file by their ids, as `query ratings --load FILE --image none` does.
///
/// # Errors
/// Those of `Given::read` and `Given::load`.
pub fn by_ids<L: Read + Write>(board: &mut Connection<L>, who: Who, file: &Path) -> Result<()> {
    let args = LoadArgs {
        load: Some(file.to_owned()),
        ..LoadArgs::default()
    };
    let at_hand = AtHand::find(Some(Path::new("none")), &TitlesArgs::default())?;
    match Given::read(&args, &at_hand)? {
        Some(given) => given.load(board, &at_hand, who),
        None => Ok(()),
    }
}

/// How many of the ratings that are left out are named.
const NAMED: usize = 5;
/// How many of the people of a file are named.
const PEOPLE: usize = 20;

/// A file of ratings that was read whole, and the movies that it means.
pub(super) struct Given<'a> {
    args: &'a LoadArgs,
    path: &'a Path,
    own: Own,
    met: Vec<Met>,
    missed: Vec<Missed>,
}

/// What was taken in.
#[derive(Debug, Serialize)]
struct Taken {
    #[serde(serialize_with = "print::path")]
    file: PathBuf,
    taken: usize,
    left_out: Vec<LeftOut>,
    notes: Vec<String>,
    #[serde(skip)]
    are_written: bool,
}

/// A rating that was not.
#[derive(Debug, Serialize)]
struct LeftOut {
    line: u64,
    film: String,
    rating: f32,
}

impl<'a> Given<'a> {
    /// Reads the file that `args` name, if they name one.
    ///
    /// # Errors
    /// [`BadInput`] where there is none, names the line that isn't a rating, or says whose ratings it has.
    pub fn read(args: &'a LoadArgs, at_hand: &AtHand) -> Result<Option<Self>> {
        let Some(path) = args.load.as_deref() else {
            return Ok(None);
        };
        if let Some(to) = &args.left_out {
            files::check_kind(
                "--left-out",
                to,
                "what is left out is written as CSV",
                &["csv"],
            )?;
            files::check_file("--left-out", to)?;
        }
        let mut own = Own::read(path)?;
        if let Some(user) = whose(&own, path, args.of_user.as_deref())? {
            own.only(&user);
        }
        own.sort();
        let links = links(args, at_hand.path(), path)?;
        let (met, missed) = Films::new(&at_hand.titles(), links).meet(&own);
        let again = own.ratings.len() - met.len() - missed.len();
        if again > 0 {
            let earlier = count(again, "earlier rating");
            own.notes.push(format!(
                "{earlier} of a movie that was rated again left out"
            ));
        }
        Ok(Some(Self {
            args,
            path,
            own,
            met,
            missed,
        }))
    }

    /// Gives the device the ratings, in order of time, but for those of movies that its model doesn't have.
    ///
    /// # Errors
    /// [`BadInput`] where a rating isn't on the model's scale, the device has no room for all, or its model has none of
    /// the movies: nothing is changed then. What the line says otherwise, and how many were taken in before.
    pub fn load<L: Read + Write>(
        mut self,
        board: &mut Connection<L>,
        at_hand: &AtHand,
        who: Who,
    ) -> Result<()> {
        let mut notes = std::mem::take(&mut self.own.notes);
        notes.extend(self.convert(board)?);
        self.leave_out_unknown(board, at_hand, who)?;
        if let Some(newest) = self.args.newest {
            let older = self.met.len().saturating_sub(newest as usize);
            self.met.drain(..older);
            if older > 0 {
                notes.push(format!("{} left out", count(older, "older rating")));
            }
        }
        let path = self.path.display();
        if self.met.is_empty() && !self.missed.is_empty() {
            let left = named(&self.missed, true);
            return Err(BadInput::new(format!("no rating of {path} was taken in; {left}")).into());
        }
        self.make_sure_of_room(board, who)?;
        if let Some(to) = &self.args.left_out {
            write_missed(to, &self.missed)?;
        }
        let mut taken = 0;
        for batch in self.met.chunks(MAX_IMPORT) {
            import(board, who, batch, &mut taken).with_context(|| {
                format!(
                    "{taken} of {} of {path} {} taken in; the same command again goes on, and does no harm to them",
                    count(self.met.len(), "rating"),
                    number::was(taken)
                )
            })?;
        }
        print::answer(&Taken {
            file: self.path.to_owned(),
            taken,
            left_out: self
                .missed
                .into_iter()
                .map(|missed| LeftOut {
                    line: missed.line,
                    film: missed.film,
                    rating: missed.stars,
                })
                .collect(),
            notes,
            are_written: self.args.left_out.is_some(),
        })
    }

    /// Brings the ratings to the model's scale, and says how, where it isn't theirs.
    fn convert<L: Read + Write>(&mut self, board: &mut Connection<L>) -> Result<Vec<String>> {
        let (lowest, highest, step) = board.ask_for(
            &Request::ModelInfo,
            |_, _| (),
            |reply| match reply {
                Reply::ModelInfo(info) => Some((info.lowest, info.highest, info.step)),
                _ => None,
            },
        )?;
        let mut notes = Vec::new();
        let factor = match self.own.scale(highest) {
            Some((factor, theirs)) => {
                notes.push(format!(
                    "ratings of {}, up to {theirs}, are taken times {factor}",
                    self.own.origin.name()
                ));
                factor
            }
            None => 1.0,
        };
        let mut rounded = 0;
        for rating in &mut self.met {
            let stars = rating.stars * factor;
            let steps = ((stars - lowest) / step).round();
            let nearest = (lowest + steps * step).max(lowest).min(highest);
            let is_on = (nearest - stars).abs() < 1e-3;
            if !is_on && self.own.origin == Origin::Ids {
                return Err(BadInput::new(format!(
                    "{} line {}: {stars} is not on the model's scale, {lowest} to {highest} in steps of {step}; nothing was taken in",
                    self.path.display(),
                    rating.line
                ))
                .into());
            }
            rounded += usize::from(!is_on);
            rating.stars = nearest;
        }
        if rounded > 0 {
            notes.push(format!(
                "{} rounded to the model's scale, {lowest} to {highest} in steps of {step}",
                count(rounded, "rating")
            ));
        }
        Ok(notes)
    }

    /// Moves ratings of movies that the model doesn't have to those that are missed; without an image the board is asked.
    fn leave_out_unknown<L: Read + Write>(
        &mut self,
        board: &mut Connection<L>,
        at_hand: &AtHand,
        who: Who,
    ) -> Result<()> {
        let mut kept = Vec::with_capacity(self.met.len());
        for rating in std::mem::take(&mut self.met) {
            let movie = rating.movie;
            let is_known = match at_hand.has_movie(movie) {
                Some(known) => known,
                None => {
                    let asked = board.ask_for(&Request::Predict { who, movie }, |_, _| (), stars);
                    match asked {
                        Ok(()) => true,
                        Err(LinkError::Refused(Refusal::UnknownMovie(_))) => false,
                        Err(other) => return Err(told(other)),
                    }
                }
            };
            match is_known {
                true => kept.push(rating),
                false => self.missed.push(Missed {
                    line: rating.line,
                    film: format!("movie {movie}"),
                    stars: rating.stars,
                }),
            }
        }
        self.met = kept;
        self.missed.sort_by_key(|missed| missed.line);
        Ok(())
    }

    fn make_sure_of_room<L: Read + Write>(
        &self,
        board: &mut Connection<L>,
        who: Who,
    ) -> Result<()> {
        let room = board.ask_for(
            &Request::Limits,
            |_, _| (),
            |reply| match reply {
                Reply::Limits(limits) => Some(usize::from(limits.ratings)),
                _ => None,
            },
        )?;
        let there = ratings::all(board, who).map_err(told)?;
        let there: Vec<u32> = there.iter().map(|rating| rating.movie).collect();
        let new: Vec<u32> = self.met.iter().map(|rating| rating.movie).collect();
        has_room(&there, &new, room).map_err(|why| {
            let sentence = format!("{}: {why}; nothing was taken in", self.path.display());
            BadInput::new(sentence).into()
        })
    }
}

/// Whether ratings of `new` movies have room beside those that are there; each movie has one.
fn has_room(there: &[u32], new: &[u32], room: usize) -> Result<(), String> {
    let new: HashSet<u32> = new.iter().copied().collect();
    let others = there.iter().filter(|movie| !new.contains(movie)).count();
    if others + new.len() <= room {
        return Ok(());
    }
    let beside = match others {
        0 => String::new(),
        1 => ", of which 1 is of another movie already".to_owned(),
        others => format!(", of which {others} are of other movies already"),
    };
    let advice = match room.saturating_sub(others) {
        0 => "`query forget` makes room".to_owned(),
        left => format!("`--newest {left}` takes the latest"),
    };
    Err(format!(
        "{} can be used, and an owner has room for {room}{beside}: {advice}",
        count(new.len(), "rating")
    ))
}

fn stars(reply: Reply<'_>) -> Option<()> {
    matches!(reply, Reply::Stars(_)).then_some(())
}

/// What went wrong on the line, or what the board refused.
pub(super) fn told(error: LinkError) -> anyhow::Error {
    match error {
        LinkError::Refused(why) => refused(why),
        other => other.into(),
    }
}

/// Sends a few ratings, and counts those that were taken.
fn import<L: Read + Write>(
    board: &mut Connection<L>,
    who: Who,
    batch: &[Met],
    count: &mut usize,
) -> Result<()> {
    let mut entries = [(0, 0.0); MAX_IMPORT];
    for (entry, rating) in entries.iter_mut().zip(batch) {
        *entry = (rating.movie, rating.stars);
    }
    let request = Request::Import {
        who,
        count: batch.len() as u8,
        ratings: entries,
    };
    let (taken, why) = board
        .ask_for(
            &request,
            |_, _| (),
            |reply| match reply {
                Reply::Imported { taken, refused, .. } => Some((usize::from(taken), refused)),
                _ => None,
            },
        )
        .map_err(told)?;
    *count += taken;
    match why {
        None => Ok(()),
        Some(why) => Err(refused(why)),
    }
}

/// Whose ratings are taken, where a file has those of people at all.
fn whose(own: &Own, path: &Path, given: Option<&str>) -> Result<Option<String>> {
    let users = own.users();
    let shown = path.display();
    let terminal = || std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    match (users.as_slice(), given) {
        ([], None) | ([_], None) => Ok(None),
        ([], Some(_)) => Err(BadInput::new(format!(
            "--of-user names somebody, and {shown} doesn't say who rated"
        ))
        .into()),
        (users, Some(given)) => match users.iter().any(|(user, _)| *user == given) {
            true => Ok(Some(given.to_owned())),
            false => Err(BadInput::new(format!(
                "--of-user {given}: {shown} has no ratings of theirs; it has {}",
                people(users)
            ))
            .into()),
        },
        (users, None) if terminal() => {
            ask_whose(users, std::io::stdin().lock(), std::io::stderr()).map(Some)
        }
        (users, None) => Err(BadInput::new(format!(
            "{shown} has ratings of {}: {}; `--of-user ID` says whose are taken",
            count(users.len(), "person"),
            people(users)
        ))
        .into()),
    }
}

fn people(users: &[(&str, usize)]) -> String {
    let mut each: Vec<String> = users
        .iter()
        .take(PEOPLE)
        .map(|(user, ratings)| format!("{user} ({})", count(*ratings, "rating")))
        .collect();
    if users.len() > PEOPLE {
        each.push(format!("and {} more", users.len() - PEOPLE));
    }
    each.join(", ")
}

fn ask_whose(
    users: &[(&str, usize)],
    mut answers: impl BufRead,
    mut out: impl Write,
) -> Result<String> {
    loop {
        write!(
            out,
            "Whose ratings? There are {}.\nId (nothing to leave it): ",
            escape(&people(users))
        )?;
        out.flush()?;
        let mut line = String::new();
        answers
            .read_line(&mut line)
            .context("the answer can't be read")?;
        let answer = line.trim();
        if answer.is_empty() {
            return Err(BadInput::new("nobody's ratings were chosen; nothing was taken in").into());
        }
        if users.iter().any(|(user, _)| *user == answer) {
            return Ok(answer.to_owned());
        }
    }
}

/// The ids of other sites: those that were asked for, or what lies at hand. What lies there by chance and can't be read
/// is only told.
fn links(args: &LoadArgs, image: &Path, file: &Path) -> Result<Links> {
    if let Some(path) = &args.links {
        return Ok(Links::read(path).map_err(BadInput::new)?);
    }
    let mut beside = [file, image]
        .map(|path| path.with_file_name("links.csv"))
        .into_iter();
    let Some(path) = beside.find(|path| path.is_file() && path != file) else {
        return Ok(Links::default());
    };
    Ok(Links::read(&path).unwrap_or_else(|why| {
        warn!("no ids of IMDb and TMDB: {why}");
        Links::default()
    }))
}

/// The first few of those that are left out.
fn named(missed: &[Missed], are_written: bool) -> String {
    let mut names: Vec<&str> = missed
        .iter()
        .take(NAMED)
        .map(|missed| missed.film.as_str())
        .collect();
    let more = match missed.len().saturating_sub(NAMED) {
        0 => String::new(),
        more if are_written => format!("and {more} more"),
        more => format!("and {more} more, which `--left-out FILE` writes down"),
    };
    if !more.is_empty() {
        names.push(&more);
    }
    format!(
        "{} left out, of movies that the device's model doesn't have: {}",
        missed.len(),
        names.join("; ")
    )
}

fn write_missed(to: &Path, missed: &[Missed]) -> Result<()> {
    let failed = || format!("can't write {}", to.display());
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["line", "film", "rating"])?;
    for rating in missed {
        let (line, stars) = (rating.line.to_string(), rating.stars.to_string());
        csv.write_record([&line, &rating.film, &stars])?;
    }
    files::write(to, &csv.into_inner().with_context(failed)?).with_context(failed)?;
    Ok(())
}

impl Answer for Taken {
    fn tell(&self) {
        say!(
            "{} of {} taken in",
            count(self.taken, "rating"),
            self.file.display()
        );
        for told in &self.notes {
            note!("{told}");
        }
        if !self.left_out.is_empty() {
            let missed: Vec<Missed> = self
                .left_out
                .iter()
                .map(|left| Missed {
                    line: left.line,
                    film: left.film.clone(),
                    stars: left.rating,
                })
                .collect();
            note!("{}", named(&missed, self.are_written));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_at_a_terminal_says_whose_ratings_they_are() {
        let users = [("1", 2), ("bob", 1)];
        let asked = |answers: &str| {
            let mut out = Vec::new();
            let whose = ask_whose(&users, answers.as_bytes(), &mut out).ok();
            (whose, String::from_utf8(out).unwrap())
        };
        let (whose, said) = asked("x\nbob\n");
        assert_eq!(whose.as_deref(), Some("bob"));
        assert!(said.contains("1 (2 ratings), bob (1 rating)"), "{said}");
        assert_eq!(asked("\n").0, None);
        assert_eq!(asked("").0, None);
    }

    #[test]
    fn ratings_without_room_are_refused_with_how_many_have_it() {
        assert_eq!(has_room(&[1, 2], &[2, 3], 3), Ok(()));
        let why = has_room(&[1, 2], &[2, 3, 4], 3).unwrap_err();
        assert_eq!(
            why,
            "3 ratings can be used, and an owner has room for 3, of which 1 is of another movie already: `--newest 2` takes the latest"
        );
        assert!(
            has_room(&[1, 2], &[3], 2)
                .unwrap_err()
                .ends_with("makes room")
        );
    }

    #[test]
    fn some_of_many_that_are_left_out_are_named() {
        let missed = |count: u64| -> Vec<Missed> {
            let one = |line| Missed {
                line,
                film: format!("Film {line}"),
                stars: 1.0,
            };
            (1..=count).map(one).collect()
        };
        assert!(named(&missed(2), false).ends_with("have: Film 1; Film 2"));
        assert!(
            named(&missed(7), false)
                .ends_with("Film 5; and 2 more, which `--left-out FILE` writes down")
        );
    }
}
