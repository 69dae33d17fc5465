//! What a board that isn't real has learned, brought from one run to the next in a file.
//!
//! Where an emulator takes writes to flash, the file is the region that keeps ratings, byte for byte, and the firmware
//! finds it at its start as a real one does after a power cut. Else the file is text, an owner's ratings in the order in
//! which they count, which are asked for and given back: `owner,movieId,rating`. Before them stand the movies that were
//! added to the image: `movie`, the image's CRC-32, and the entry, in hexadecimal.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pocketrec::wire::{Entry, MAX_IMPORT, Owners, Refusal, Reply, Request, Who};
use pocketrec_base::error::BadInput;
use pocketrec_base::files;

use super::control::Qmp;
use super::{Connection, LinkError, added, ratings};

const HEADER: &str = "owner,movieId,rating";
/// What a line of a movie begins with.
const MOVIE: &str = "movie,";

/// A rating of an owner's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rating {
    /// Whose.
    pub owner: u8,
    /// MovieLens id.
    pub movie: u32,
    /// Stars.
    pub stars: f32,
}

/// A movie that was added to an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Movie {
    /// The image's CRC-32.
    pub image: u32,
    /// What its tables would have of it.
    pub entry: Entry,
}

/// What a board has learned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Learned {
    /// Movies that were added, ascending by id.
    pub movies: Vec<Movie>,
    /// Ratings, each owner's in order.
    pub ratings: Vec<Rating>,
}

/// What such a file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// A region of flash.
    Flash(Vec<u8>),
    /// Movies and ratings.
    Text(Learned),
}

impl Kept {
    /// Reads a file; `None` where there is none yet, or nothing in it. A region of flash has `region` bytes; 0 where what is
    /// kept is never one.
    ///
    /// # Errors
    ///
    /// [`BadInput`] names the file and the line that isn't a rating, or says that it is something else.
    pub fn read(path: &Path, region: usize) -> Result<Option<Self>> {
        let shown = path.display();
        let bytes = match std::fs::read(path) {
            Ok(bytes) if bytes.is_empty() => return Ok(None),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("{shown} can't be read")),
        };
        let text = std::str::from_utf8(&bytes).ok();
        if let Some(rows) = text.and_then(|text| text.strip_prefix(HEADER)) {
            // The header is line 1, and what stands behind it on its line is empty.
            let rows = (1..).zip(rows.lines()).filter(|(_, line)| !line.is_empty());
            let mut learned = Learned::default();
            for (number, line) in rows {
                let read = match line.strip_prefix(MOVIE) {
                    Some(cells) => movie(cells).map(|movie| learned.movies.push(movie)),
                    None => rating(line).map(|rating| learned.ratings.push(rating)),
                };
                read.ok_or_else(|| {
                    let line: String = line.chars().take(80).collect();
                    BadInput::new(format!(
                        "{shown}, line {number}: `{line}` should be an owner, a movie's id and its stars, such as 0,1,4.5"
                    ))
                })?;
            }
            return Ok(Some(Self::Text(learned)));
        }
        if bytes.len() == region {
            return Ok(Some(Self::Flash(bytes)));
        }
        let flash = match region {
            0 => String::new(),
            region => format!("{region} bytes of its flash, or "),
        };
        Err(BadInput::new(format!(
            "{shown} keeps no profile of this board: it should be {flash}text that begins with `{HEADER}`"
        ))
        .into())
    }
}

fn movie(cells: &str) -> Option<Movie> {
    let (image, bytes) = cells.trim().split_once(',')?;
    let image = u32::from_str_radix(image, 16).ok()?;
    let (pairs, []) = bytes.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let mut entry = Entry::new();
    for pair in pairs {
        let pair = std::str::from_utf8(pair).ok()?;
        entry.push(u8::from_str_radix(pair, 16).ok()?).ok()?;
    }
    (entry.len() >= 4).then_some(Movie { image, entry })
}

fn rating(line: &str) -> Option<Rating> {
    let mut cells = line.split(',').map(str::trim);
    let rating = Rating {
        owner: cells.next()?.parse().ok()?,
        movie: cells.next()?.parse().ok()?,
        stars: cells.next()?.parse().ok().filter(|x: &f32| x.is_finite())?,
    };
    cells.next().is_none().then_some(rating)
}

/// Who keeps a board's profile in a file while it runs.
#[derive(Debug)]
pub struct Keeper {
    path: PathBuf,
    how: How,
    /// What the file had and the board didn't take: it stays in the file.
    left: Learned,
    written: Option<Vec<u8>>,
}

#[derive(Debug)]
enum How {
    Flash {
        machine: Qmp,
        address: u32,
        bytes: u32,
    },
    Text,
}

impl Keeper {
    /// Keeps a board's `bytes` of flash from `address` in the file at `path`.
    pub fn of_flash(path: PathBuf, machine: Qmp, address: u32, bytes: u32) -> Self {
        Self {
            path,
            how: How::Flash {
                machine,
                address,
                bytes,
            },
            left: Learned::default(),
            written: None,
        }
    }

    /// Keeps movies and ratings in the file at `path`, and gives those that it had `before` to the board.
    ///
    /// # Errors
    ///
    /// What went wrong on the line.
    pub fn of_text<L: Read + Write>(
        path: PathBuf,
        before: Learned,
        board: &mut Connection<L>,
    ) -> Result<Self> {
        // Ratings of these movies come behind them.
        let movies = give_movies(board, &before.movies)?;
        let ratings = give(board, &before.ratings)?;
        Ok(Self {
            path,
            how: How::Text,
            left: Learned { movies, ratings },
            written: Some(text(&before)),
        })
    }

    /// Where it keeps them.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many ratings the file had that the board didn't take, such as those of movies that its model doesn't have.
    /// They stay in the file.
    pub fn left(&self) -> usize {
        self.left.ratings.len()
    }

    /// How many movies it had that the board didn't take, such as those for another image, and that the board's own image
    /// hasn't either, which `has` tells by their ids. They stay in the file.
    pub fn left_movies(&self, has: impl Fn(u32) -> bool) -> usize {
        let movies = self.left.movies.iter();
        movies
            .filter(|movie| !added::id(&movie.entry).is_some_and(&has))
            .count()
    }

    /// Writes the file, unless it has all that already.
    ///
    /// # Errors
    ///
    /// What went wrong on the line, or what the file system says.
    pub fn save<L: Read + Write>(&mut self, board: &mut Connection<L>) -> Result<()> {
        let bytes = match &mut self.how {
            How::Flash {
                machine,
                address,
                bytes,
            } => machine.memory(*address, *bytes)?,
            How::Text => {
                let mut all = self.left.clone();
                all.movies.extend(take_movies(board)?);
                all.ratings.extend(take(board)?);
                text(&all)
            }
        };
        if self.written.as_ref() == Some(&bytes) {
            return Ok(());
        }
        files::write(&self.path, &bytes)
            .with_context(|| format!("{} can't be written", self.path.display()))?;
        self.written = Some(bytes);
        Ok(())
    }
}

fn text(learned: &Learned) -> Vec<u8> {
    let mut text = format!("{HEADER}\n");
    for movie in &learned.movies {
        let _ = write!(text, "{MOVIE}{:08x},", movie.image);
        for byte in &movie.entry {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    for rating in &learned.ratings {
        // Text in memory takes everything.
        let _ = writeln!(text, "{},{},{}", rating.owner, rating.movie, rating.stars);
    }
    text.into_bytes()
}

/// Who lives on a board.
///
/// # Errors
///
/// [`LinkError`] where it doesn't answer.
pub fn owners<L: Read + Write>(board: &mut Connection<L>) -> Result<Owners, LinkError> {
    board.ask_for(
        &Request::Owners,
        |_, _| (),
        |reply| match reply {
            Reply::Owners(owners) => Some(owners),
            _ => None,
        },
    )
}

/// That a board has no such owner, and which it has.
pub fn no_owner<L: Read + Write>(board: &mut Connection<L>, owner: u8) -> BadInput {
    let why = Refusal::UnknownOwner(owner);
    BadInput::new(match owners(board).map(|owners| owners.owners) {
        Ok(1) => format!("{why}: it has one alone, owner 0"),
        Ok(count @ 2..) => format!("{why}: it has owners from 0 to {}", count - 1),
        _ => why.to_string(),
    })
}

/// The CRC-32 of a board's image, where movies can be added to it.
fn growing<L: Read + Write>(board: &mut Connection<L>) -> Result<Option<u32>, LinkError> {
    if board.greeted().is_none() {
        board.hello()?;
    }
    if !added::grows(board) {
        return Ok(None);
    }
    board.image().map(Some)
}

/// All movies that were added to a board's image.
fn take_movies<L: Read + Write>(board: &mut Connection<L>) -> Result<Vec<Movie>, LinkError> {
    let Some(image) = growing(board)? else {
        return Ok(Vec::new());
    };
    let all = added::all(board)?.map_or_else(Vec::new, |all| all.entries);
    let each = all.into_iter().map(|entry| Movie { image, entry });
    Ok(each.collect())
}

/// Gives a board movies, in their order; those that it didn't take.
fn give_movies<L: Read + Write>(
    board: &mut Connection<L>,
    all: &[Movie],
) -> Result<Vec<Movie>, LinkError> {
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let own = growing(board)?;
    let mut left = Vec::new();
    for movie in all {
        let Movie { image, entry } = *movie;
        let is_taken = own == Some(image) && {
            let answer = board.ask_checked(&Request::AddMovie { image, entry }, |_, _| ())?;
            matches!(answer.reply(), Some(Reply::Added(_)))
        };
        if !is_taken {
            left.push(*movie);
        }
    }
    Ok(left)
}

/// All ratings of all owners.
fn take<L: Read + Write>(board: &mut Connection<L>) -> Result<Vec<Rating>, LinkError> {
    let count = owners(board)?.owners;
    let mut all = Vec::new();
    for owner in 0..count {
        let own = ratings::all(board, Who::Owner(owner))?;
        all.extend(own.iter().map(|rating| Rating {
            owner,
            movie: rating.movie,
            stars: rating.stars,
        }));
    }
    Ok(all)
}

/// Gives a board ratings, in their order; those that it didn't take.
fn give<L: Read + Write>(
    board: &mut Connection<L>,
    all: &[Rating],
) -> Result<Vec<Rating>, LinkError> {
    let mut left = Vec::new();
    let mut rest = all;
    while let Some(first) = rest.first() {
        let same = rest.iter().take(MAX_IMPORT);
        let count = same
            .take_while(|rating| rating.owner == first.owner)
            .count();
        let (batch, behind) = rest.split_at(count);
        let mut ratings = [(0, 0.0); MAX_IMPORT];
        for (slot, rating) in ratings.iter_mut().zip(batch) {
            *slot = (rating.movie, rating.stars);
        }
        let request = Request::Import {
            who: Who::Owner(first.owner),
            count: count as u8,
            ratings,
        };
        let answer = board.ask_checked(&request, |_, _| ())?;
        rest = match answer.reply() {
            Some(Reply::Imported {
                taken,
                refused: Some(_),
                ..
            }) => {
                let taken = usize::from(taken);
                left.extend(batch.get(taken));
                rest.get(taken + 1..).unwrap_or_default()
            }
            Some(Reply::Imported { .. }) => behind,
            // An owner whom this firmware doesn't have.
            Some(Reply::Refused(Refusal::UnknownOwner(_))) => {
                left.extend(batch);
                behind
            }
            Some(Reply::Refused(why)) => return Err(LinkError::Refused(why)),
            _ => return Err(board.nonsense(&request, "it is an answer to something else".into())),
        };
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timing;
    use crate::memory::{MemoryBoard, OWNERS};
    use pocketrec::image::example;
    use pocketrec::model::Model;

    #[test]
    fn ratings_come_back_in_their_order_and_what_a_board_does_not_take_stays_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile");
        let image = example();
        let board = || {
            let model = Model::open(image.bytes()).unwrap();
            Connection::new(MemoryBoard::new(Ok(model)), "board", Timing::MEMORY)
        };
        assert_eq!(Kept::read(&path, 0).unwrap(), None);
        let movies = [300, 10, 20];
        let mut first = board();
        let mut keeper = Keeper::of_text(path.clone(), Learned::default(), &mut first).unwrap();
        keeper.save(&mut first).unwrap();
        assert!(!path.exists(), "nothing was rated");
        for (movie, owner) in movies.into_iter().zip([0, 0, 2]) {
            let who = Who::Owner(owner);
            let stars = 4.5;
            first.ask(&Request::Rate { who, movie, stars }).unwrap();
        }
        keeper.save(&mut first).unwrap();
        // Somebody's of a movie and of an owner that the board doesn't have, among the others.
        let mut text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "owner,movieId,rating\n0,300,4.5\n0,10,4.5\n2,20,4.5\n"
        );
        text = text.replace("0,300,4.5\n", &format!("{OWNERS},10,1\n0,7,3\n0,300,4.5\n"));
        std::fs::write(&path, &text).unwrap();
        let Some(Kept::Text(before)) = Kept::read(&path, 0).unwrap() else {
            panic!("no ratings: {text}");
        };
        let mut second = board();
        let mut keeper = Keeper::of_text(path.clone(), before, &mut second).unwrap();
        assert_eq!(keeper.left(), 2);
        let profile = Request::Profile { who: Who::Owner(0) };
        let bits = |board: &mut Connection<MemoryBoard<'_>>| board.ask(&profile).unwrap();
        assert_eq!(bits(&mut second), bits(&mut first));
        keeper.save(&mut second).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        second
            .ask(&Request::ForgetMe { who: Who::Owner(0) })
            .unwrap();
        keeper.save(&mut second).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{HEADER}\n{OWNERS},10,1\n0,7,3\n2,20,4.5\n"));
    }

    #[test]
    fn added_movies_come_back_before_their_ratings_and_those_of_another_image_stay_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile");
        let image = example();
        let model = Model::open(image.bytes()).unwrap();
        let board = || Connection::new(MemoryBoard::new(Ok(model)), "board", Timing::MEMORY);
        let mut entry = model.entry(1).unwrap();
        entry[..4].copy_from_slice(&9_000_u32.to_le_bytes());
        let crc = model.header().crc;
        let mut first = board();
        let mut keeper = Keeper::of_text(path.clone(), Learned::default(), &mut first).unwrap();
        first.ask(&Request::AddMovie { image: crc, entry }).unwrap();
        let (who, stars) = (Who::Owner(1), 4.5);
        first
            .ask(&Request::Rate {
                who,
                movie: 9_000,
                stars,
            })
            .unwrap();
        keeper.save(&mut first).unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        let own = format!("{MOVIE}{crc:08x},28230000");
        assert!(
            text.contains(&own) && text.ends_with("\n1,9000,4.5\n"),
            "{text}"
        );
        let other = format!("{HEADER}\n{MOVIE}00000007,0102030405\n");
        text = text.replace(&format!("{HEADER}\n"), &other);
        std::fs::write(&path, &text).unwrap();
        let Some(Kept::Text(before)) = Kept::read(&path, 0).unwrap() else {
            panic!("no text: {text}");
        };
        assert_eq!(before.movies.len(), 2);
        let mut second = board();
        let mut keeper = Keeper::of_text(path.clone(), before, &mut second).unwrap();
        assert_eq!((keeper.left(), keeper.left_movies(|_| false)), (0, 1));
        // Of one that the image has by now nothing is left to be done.
        assert_eq!(keeper.left_movies(|id| id == 0x0403_0201), 0);
        let profile = Request::Profile { who };
        assert_eq!(second.ask(&profile).unwrap(), first.ask(&profile).unwrap());
        keeper.save(&mut second).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_file_of_something_else_is_refused_by_its_name_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile");
        let long = format!("{HEADER}\n{}\n", "7".repeat(1000));
        for (bytes, said) in [
            (
                &b"owner,movieId,rating\n0,1,4\n0,x,4\n"[..],
                "line 3: `0,x,4`",
            ),
            (b"owner,movieId,rating\n0,1,nan\n", "line 2"),
            (long.as_bytes(), "line 2: `777"),
            (b"owner,movieId,rating\n0,1\n", "line 2"),
            (b"owner,movieId,rating\nmovie,07,010203\n", "line 2"),
            (b"owner,movieId,rating\nmovie,07,0102030\n", "line 2"),
            (b"owner,movieId,rating\nmovie,x,01020304\n", "line 2"),
            (b"movieId,rating\n1,4\n", "keeps no profile of this board"),
            (&[0xFF; 100], "it should be 64 bytes of its flash"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = Kept::read(&path, 64).unwrap_err();
            assert!(error.is::<BadInput>());
            let text = error.to_string();
            assert!(text.contains(said) && text.contains("profile"), "{text}");
            assert!(text.len() < 300, "{text}");
        }
        // A file that is text or nothing isn't told of flash, and one with nothing in it keeps nothing yet.
        std::fs::write(&path, "movieId,rating\n").unwrap();
        let text = Kept::read(&path, 0).unwrap_err().to_string();
        assert!(text.contains("it should be text that begins"), "{text}");
        std::fs::write(&path, "").unwrap();
        assert_eq!(Kept::read(&path, 0).unwrap(), None);
        std::fs::write(&path, [0xFF; 64]).unwrap();
        let kept = Kept::read(&path, 64).unwrap();
        assert_eq!(kept, Some(Kept::Flash(vec![0xFF; 64])));
    }
}
