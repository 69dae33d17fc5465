//! Which movie a person means: searched, and asked about where it isn't clear and somebody is there to answer.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result};

use crate::print::{Movie, count, escape, hint, worded};
use pocketrec_base::error::BadInput;
use pocketrec_data::Titles;
use pocketrec_data::search::{self, Found, How};

/// What a movie may be given by, for the help of each verb that has it.
pub const HELP: &str = "The movie: words of its title in any order, or its id; write `id:300` if a movie is called 300";

/// The movie that a verb is about, as words or by its option.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub struct MovieArgs {
    #[arg(value_name = "TITLE|ID", help = HELP)]
    words: Vec<String>,

    /// The same, as an option
    #[arg(long, value_name = "TITLE|ID")]
    movie: Option<String>,
}

impl MovieArgs {
    /// What was typed.
    pub fn text(&self) -> String {
        self.movie.clone().unwrap_or_else(|| self.words.join(" "))
    }
}

/// What becomes of the movie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Something is told about it: a likely guess will do, as the answer says what it is about.
    Tell,
    /// Something is changed: nothing is guessed.
    Change,
}

/// How many movies an unclear name is answered with.
const CHOICES: usize = 9;
/// So many times as many ratings as any other has a movie that is meant by a name which others have too.
const BY_FAR: u32 = 4;

/// The id of the movie that `text` means among those that `known` has.
///
/// Where that isn't what was typed, a line on stderr says which it is. Where several may be meant, somebody at a
/// terminal is asked; so they are where it is a guess and `purpose` is a change. Where nobody can be asked and nothing
/// changes, it is the movie that by far the most people have rated, if there is one.
///
/// # Errors
///
/// [`BadInput`] with the likeliest movies where nobody can be asked, or none is meant.
pub fn choose(
    titles: &Titles,
    known: impl Fn(u32) -> bool,
    text: &str,
    purpose: Purpose,
) -> Result<u32> {
    Ok(meant(titles, known, text, purpose)??)
}

/// As [`choose`], where standard input has something else on it: nobody is asked.
///
/// # Errors
///
/// As [`choose`].
pub fn choose_unasked(
    titles: &Titles,
    known: impl Fn(u32) -> bool,
    text: &str,
    purpose: Purpose,
) -> Result<u32> {
    Ok(find(titles, known, text, purpose, || false)??)
}

/// As [`choose`]; the inner error says that no movie is meant, for who knows of others.
///
/// # Errors
///
/// As [`choose`], where several may be meant or nobody chose.
pub fn meant(
    titles: &Titles,
    known: impl Fn(u32) -> bool,
    text: &str,
    purpose: Purpose,
) -> Result<Result<u32, BadInput>> {
    let terminal = || std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    find(titles, known, text, purpose, terminal)
}

fn find(
    titles: &Titles,
    known: impl Fn(u32) -> bool,
    text: &str,
    purpose: Purpose,
    terminal: impl Fn() -> bool,
) -> Result<Result<u32, BadInput>> {
    if titles.is_empty() {
        let id = search::id(text).ok_or_else(|| {
            BadInput::new(format!(
                "no titles are known of the image's movies, so a movie must be given by its id, not as `{text}`"
            ))
        })?;
        return match known(id) {
            true => Ok(Ok(id)),
            false => Ok(Err(BadInput::new(format!(
                "movie {id} is not in the image"
            )))),
        };
    }
    if text.trim().is_empty() {
        let sentence = "the movie has no name; it should be an id, a title or words of one";
        return Err(BadInput::new(sentence).into());
    }
    match search::find(titles, &known, text) {
        Found::One(hit) if hit.how == How::Literal => Ok(Ok(hit.id)),
        Found::One(hit) if hit.how == How::Named || purpose == Purpose::Tell => {
            let id = search::id(text).filter(|id| known(*id));
            hint(&taken_as(titles, text, hit.id, id));
            Ok(Ok(hit.id))
        }
        Found::One(hit) => match terminal() {
            true => ask(titles, text, &[hit.id], std::io::stdin().lock(), std::io::stderr()).map(Ok),
            false => Err(BadInput::new(format!(
                "`{text}` may mean {}, but nothing is changed on a guess: give the title as it is, or the id",
                named(titles, hit.id)
            ))
            .into()),
        },
        Found::Several(ids) if terminal() => {
            ask(titles, text, &ids, std::io::stdin().lock(), std::io::stderr()).map(Ok)
        }
        Found::Several(ids) => match (purpose, by_far(titles, &ids)) {
            (Purpose::Tell, Some([first, second])) => {
                hint(&format!(
                    "{}, by far the most rated of {}; another is {}",
                    taken_as(titles, text, first, None),
                    count(ids.len(), "movie"),
                    named(titles, second)
                ));
                Ok(Ok(first))
            }
            _ => Err(unclear(titles, text, &ids).into()),
        },
        Found::Nothing(nearest) => Ok(Err(unknown(titles, text, &nearest))),
    }
}

/// The most rated movie and the next, where the first leads by far.
fn by_far(titles: &Titles, ids: &[u32]) -> Option<[u32; 2]> {
    let ratings = |id: &u32| titles.get(*id).map_or(0, |movie| movie.ratings);
    let mut ids = ids.to_vec();
    ids.sort_by_key(|id| std::cmp::Reverse(ratings(id)));
    let [first, second] = *ids.first_chunk()?;
    let leads = ratings(&first) >= ratings(&second).max(1).saturating_mul(BY_FAR);
    leads.then_some([first, second])
}

fn named(titles: &Titles, id: u32) -> String {
    format!("{} (id {id})", Movie::of(titles, id))
}

fn list(titles: &Titles, ids: &[u32]) -> String {
    let names: Vec<String> = ids
        .iter()
        .take(CHOICES)
        .map(|id| named(titles, *id))
        .collect();
    names.join("; ")
}

/// The line that says what was picked; `id` is the movie that has as its id what was typed.
fn taken_as(titles: &Titles, text: &str, picked: u32, id: Option<u32>) -> String {
    let other = match id.filter(|id| *id != picked) {
        Some(id) => format!("; the id of {} is `id:{id}`", Movie::of(titles, id)),
        None => String::new(),
    };
    format!("`{text}` is taken as {}{other}", named(titles, picked))
}

fn unclear(titles: &Titles, text: &str, ids: &[u32]) -> BadInput {
    let more = match ids.len().saturating_sub(CHOICES) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    BadInput::new(format!(
        "`{text}` matches {} movies: {}{more}. Give more of the title, its year, or the id, as in `id:{}`",
        ids.len(),
        list(titles, ids),
        ids.first().copied().unwrap_or_default()
    ))
}

fn unknown(titles: &Titles, text: &str, nearest: &[u32]) -> BadInput {
    let said = match search::id(text) {
        Some(id) => format!("no movie of the image has the id {id}"),
        None => format!("no movie of the image is called `{text}`"),
    };
    BadInput::new(match nearest {
        [] => said,
        _ => format!("{said}; did you mean {}?", list(titles, nearest)),
    })
}

/// Asks somebody which of `ids` it is.
fn ask(
    titles: &Titles,
    text: &str,
    ids: &[u32],
    mut answers: impl BufRead,
    mut out: impl Write,
) -> Result<u32> {
    let shown = &ids[..ids.len().min(CHOICES)];
    writeln!(out, "Which movie is `{text}`?")?;
    for (number, id) in (1..).zip(shown) {
        let ratings = match titles.get(*id).map_or(0, |movie| movie.ratings) {
            0 => String::new(),
            1 => ", 1 rating".into(),
            ratings => format!(", {ratings} ratings"),
        };
        let name = named(titles, *id);
        writeln!(out, "{number:>3}  {}{ratings}", worded(&escape(&name)))?;
    }
    if ids.len() > shown.len() {
        writeln!(
            out,
            "     and {} more: say more of the title",
            ids.len() - shown.len()
        )?;
    }
    loop {
        write!(out, "Number (nothing to leave it): ")?;
        out.flush()?;
        let mut line = String::new();
        answers
            .read_line(&mut line)
            .context("the answer can't be read")?;
        let answer = line.trim();
        if answer.is_empty() {
            return Err(BadInput::new(format!("no movie was chosen for `{text}`")).into());
        }
        let picked = answer
            .parse::<usize>()
            .ok()
            .and_then(|number| shown.get(number.checked_sub(1)?));
        if let Some(id) = picked {
            return Ok(*id);
        }
        writeln!(out, "It should be a number from 1 to {}", shown.len())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_data::Movie;

    fn titles() -> Titles {
        let names = [
            (1, "Toy Story (1995)", 247),
            (7, "Sabrina (1995)", 53),
            (915, "Sabrina (1954)", 30),
            (1219, "Psycho (1960)", 77),
            (2389, "Psycho (1998)", 13),
            (300, "Quiz Show (1994)", 90),
            (51662, "300 (2007)", 59),
        ];
        let movie = |(id, title, ratings): (u32, &str, u32)| Movie {
            id,
            title: title.into(),
            genres: Vec::new(),
            ratings,
        };
        Titles::new(names.map(movie).into())
    }

    /// Tests have no terminal: what isn't clear is refused.
    fn chosen(text: &str, purpose: Purpose) -> Result<u32, String> {
        let titles = titles();
        choose(&titles, |id| titles.get(id).is_some(), text, purpose).map_err(|error| {
            assert_eq!(crate::exit::code(&error), 2);
            error.to_string()
        })
    }

    #[test]
    fn what_is_not_clear_is_refused_with_the_choices() {
        let error = chosen("sabrina", Purpose::Tell).unwrap_err();
        assert!(
            error.contains("matches 2 movies: Sabrina (1995) (id 7); Sabrina (1954) (id 915)"),
            "{error}"
        );
        let error = chosen("zz", Purpose::Tell).unwrap_err();
        assert!(error.contains("is called `zz`; did you mean"), "{error}");
        let error = chosen("99", Purpose::Tell).unwrap_err();
        assert!(error.contains("has the id 99"), "{error}");
        assert!(chosen(" ", Purpose::Tell).unwrap_err().contains("no name"));
    }

    #[test]
    fn of_movies_of_one_name_something_is_told_about_the_most_rated_by_far() {
        assert_eq!(chosen("psycho", Purpose::Tell), Ok(1219));
        assert_eq!(chosen("psycho 1998", Purpose::Tell), Ok(2389));
        let error = chosen("psycho", Purpose::Change).unwrap_err();
        assert!(error.contains("matches 2 movies"), "{error}");
    }

    #[test]
    fn a_change_is_never_made_on_a_guess() {
        assert_eq!(chosen("toy stroy", Purpose::Tell), Ok(1));
        let error = chosen("toy stroy", Purpose::Change).unwrap_err();
        assert!(
            error.contains("may mean Toy Story (1995) (id 1), but nothing is changed"),
            "{error}"
        );
        assert_eq!(chosen("toy story", Purpose::Change), Ok(1));
        assert_eq!(chosen("300", Purpose::Change), Ok(51662));
        assert_eq!(chosen("id:300", Purpose::Change), Ok(300));
    }

    #[test]
    fn what_was_picked_is_said_with_the_id_that_it_is_not() {
        let titles = titles();
        assert_eq!(
            taken_as(&titles, "300", 51662, Some(300)),
            "`300` is taken as 300 (2007) (id 51662); the id of Quiz Show (1994) is `id:300`"
        );
        assert_eq!(
            taken_as(&titles, "toy", 1, None),
            "`toy` is taken as Toy Story (1995) (id 1)"
        );
    }

    #[test]
    fn somebody_at_a_terminal_chooses_by_number_and_may_leave_it() {
        let titles = titles();
        let asked = |answers: &str| {
            let mut out = Vec::new();
            let chosen = ask(&titles, "sabrina", &[7, 915], answers.as_bytes(), &mut out);
            (chosen.ok(), String::from_utf8(out).unwrap())
        };
        let (chosen, said) = asked("2\n");
        assert_eq!(chosen, Some(915));
        assert!(
            said.contains("  1  Sabrina (1995) (id 7), 53 ratings\n"),
            "{said}"
        );
        let (chosen, said) = asked("3\n0\nx\n1\n");
        assert_eq!(chosen, Some(7));
        assert_eq!(said.matches("from 1 to 2").count(), 3, "{said}");
        assert_eq!(asked("\n").0, None);
        assert_eq!(asked("").0, None);
    }

    #[test]
    fn without_titles_only_ids_are_taken() {
        let none = Titles::default();
        let chosen = |text| choose(&none, |id| id == 5, text, Purpose::Tell).ok();
        assert_eq!(chosen("5"), Some(5));
        assert_eq!(chosen("#5"), Some(5));
        assert_eq!(chosen("6"), None);
        assert_eq!(chosen("toy story"), None);
    }
}
