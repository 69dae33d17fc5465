//! What a person may say, as a line of words.

use pocketrec::rank::{Agreement, Order};
use pocketrec::wire::Who;
use pocketrec_base::error::BadInput;
use pocketrec_data::search::words;
use pocketrec_link::lists::ORDERS;

/// A movie as a person names it: by words, or by its place in the list that they look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// The place in the list, from 1; a movie that is called so is given by its year too, or as `id:3`.
    Place(usize),
    /// Words of its title, or its id as `id:3`.
    Words(String),
}

impl Named {
    fn of(text: &str) -> Self {
        let text = unquoted(text);
        match text.parse() {
            Ok(place @ 1..=99) => Self::Place(place),
            _ => Self::Words(text.to_owned()),
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// The best movies for the owner.
    Top,
    /// Of what genres and years the best movies are from now on; nothing for any.
    Only(String),
    /// What the best movies are sorted by from now on.
    By(Order),
    /// The best movies for the owner and somebody else.
    Together(Other),
    /// The movies whose rating would teach most.
    Suggest,
    /// The owner's ratings.
    Ratings,
    /// The movies nearest to one.
    Similar(Named),
    /// Why a prediction is what it is.
    Why(Named),
    /// The owner rates a movie.
    Rate(Named, f32),
    /// Deletes the owner's rating of a movie for good.
    Forget(Named),
    /// The last rating is taken back.
    Undo,
    /// What is known of the owner.
    Me,
    /// What is known of the board and its line.
    Board,
    /// What may be said.
    Help,
    /// The end.
    Quit,
}

/// The other one of two, and what a movie is worth to both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Other {
    /// Who it is.
    pub who: Who,
    /// What a movie is worth to both.
    pub agreement: Agreement,
}

impl Other {
    /// From words such as `1`, `user 42` or `1 mean`.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for what is neither an owner nor a user.
    pub fn read(text: &str) -> Result<Self, BadInput> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let agreement = match words.last() {
            Some(&"mean") => Agreement::Mean,
            _ => Agreement::Least,
        };
        if let Some(&("mean" | "least")) = words.last() {
            words.pop();
        }
        let who = match words[..] {
            [owner] => owner.parse().ok().map(Who::Owner),
            ["user", id] => id.parse().ok().map(Who::ImageUser),
            _ => None,
        };
        match who {
            Some(who) => Ok(Self { who, agreement }),
            None => Err(BadInput::new(format!(
                "together with whom? Another owner's number as in `together 1`, or a user of the image as in `together user 42`, and not `{text}`"
            ))),
        }
    }

    /// Who it is, in words.
    pub fn name(&self) -> String {
        match self.who {
            Who::Owner(owner) => format!("owner {owner}"),
            Who::ImageUser(id) => format!("user {id}"),
        }
    }
}

/// What may be said, with a word about each: what `help` shows.
pub const HELP: &[(&str, &str)] = &[
    ("rate MOVIE STARS", "you rate it, and the list moves"),
    ("top", "the best movies for you"),
    (
        "only WISH",
        "list only such, as in `only comedy -horror 1990..1999`",
    ),
    ("only", "list all again"),
    (
        "by ORDER",
        "sort lists by stars, taste, fame or surprise; by score again",
    ),
    (
        "together WHOM",
        "what you and owner 1, or `user 42`, would both like",
    ),
    ("together WHOM mean", "the same, by the mean of both scores"),
    ("suggest", "what to rate so that it learns most"),
    ("why MOVIE", "why it stands where it stands"),
    ("similar MOVIE", "what is near it"),
    ("undo", "take the last rating back"),
    ("forget MOVIE", "delete your rating of it for good"),
    ("ratings", "what you have rated"),
    ("me", "what is known of you"),
    ("board", "who answers, over which line, and what it keeps"),
    ("quit", "end; what was learned stays"),
];

/// Reads a line; `None` where nothing stands there, or only a remark behind `#`.
///
/// `is_movie` says whether a movie is called so: `rate toy story 2` may be two stars or the second film.
///
/// # Errors
///
/// [`BadInput`] for what can't be meant, with what would be right.
pub fn parse(line: &str, is_movie: impl Fn(&str) -> bool) -> Result<Option<Verb>, BadInput> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (verb, rest) = match line.split_once(char::is_whitespace) {
        Some((verb, rest)) => (verb, rest.trim()),
        None => (line, ""),
    };
    let movie = || match rest {
        "" => Err(BadInput::new(format!(
            "which movie? Words of its title, its number in the list, or its id as in `{verb} id:1`"
        ))),
        rest => Ok(Named::of(rest)),
    };
    let alone = |said: Verb| match rest {
        "" => Ok(said),
        _ => Err(BadInput::new(format!("`{verb}` takes no argument"))),
    };
    Ok(Some(match verb.to_lowercase().as_str() {
        "top" => alone(Verb::Top)?,
        "only" => Verb::Only(rest.to_owned()),
        "by" => Verb::By(order(rest)?),
        "together" => Verb::Together(Other::read(rest)?),
        "suggest" => alone(Verb::Suggest)?,
        "ratings" => alone(Verb::Ratings)?,
        "undo" => alone(Verb::Undo)?,
        "me" => alone(Verb::Me)?,
        "board" => alone(Verb::Board)?,
        "help" | "?" => alone(Verb::Help)?,
        "quit" | "exit" => alone(Verb::Quit)?,
        "similar" => Verb::Similar(movie()?),
        "why" => Verb::Why(movie()?),
        "forget" => Verb::Forget(movie()?),
        "rate" => {
            let (movie, stars) = words::rated(&parted(rest), is_movie, |movie, stars| {
                format!("`rate \"{movie}\" {stars}` with its quotes")
            })?;
            Verb::Rate(Named::of(&movie), stars)
        }
        _ => {
            let verbs = HELP.iter().filter_map(|(form, _)| form.split(' ').next());
            let mut verbs: Vec<&str> = verbs.collect();
            verbs.dedup();
            return Err(BadInput::new(format!(
                "`{verb}` is not a command; there are {}",
                verbs.join(", ")
            )));
        }
    }))
}

/// The order that a word names.
fn order(word: &str) -> Result<Order, BadInput> {
    let word = word.to_lowercase();
    let named = ORDERS.iter().find(|(name, _)| *name == word);
    named.map(|(_, order)| *order).ok_or_else(|| {
        let names = ORDERS.map(|(name, _)| name).join(", ");
        BadInput::new(format!("by what? There are {names}, and not `{word}`"))
    })
}

/// The words of a line; those in double quotes are one.
fn parted(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            // The space says that it is one whatever is in it.
            _ => words.push(format!("{part} ")),
        }
    }
    words
}

fn unquoted(text: &str) -> &str {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verb_of_the_help_is_read_and_what_is_none_is_answered_by_all() {
        let read = |line: &str| parse(line, |text| ["toy 2", "toy story 2"].contains(&text));
        for (form, what) in HELP {
            // None is cut on a terminal of 80 columns.
            assert!(what.len() <= 60, "{what}");
            let line = form.replace("MOVIE", "alien").replace("STARS", "4.5");
            let line = line.replace("WISH", "comedy").replace("WHOM", "user 42");
            let line = line.replace("ORDER", "taste");
            assert!(matches!(read(&line), Ok(Some(_))), "{line}");
        }
        let words = |text: &str| Named::Words(text.into());
        let with = |who, agreement| Verb::Together(Other { who, agreement });
        for (line, verb) in [
            ("rate toy story 5", Verb::Rate(words("toy story"), 5.0)),
            ("RATE 3 4.5", Verb::Rate(Named::Place(3), 4.5)),
            ("rate \"toy story\" 2", Verb::Rate(words("toy story"), 2.0)),
            (
                "rate \"toy story 2\" 1",
                Verb::Rate(words("toy story 2"), 1.0),
            ),
            ("rate \"toy\" 2", Verb::Rate(words("toy"), 2.0)),
            (" why  3 ", Verb::Why(Named::Place(3))),
            ("why id:3", Verb::Why(words("id:3"))),
            ("similar \"9 (2009)\"", Verb::Similar(words("9 (2009)"))),
            ("why 300", Verb::Why(words("300"))),
            ("only", Verb::Only(String::new())),
            ("only comedy 1990..", Verb::Only("comedy 1990..".into())),
            ("by Taste", Verb::By(Order::Taste)),
            ("by score", Verb::By(Order::Score)),
            ("together 1", with(Who::Owner(1), Agreement::Least)),
            (
                "together user 42 mean",
                with(Who::ImageUser(42), Agreement::Mean),
            ),
        ] {
            assert_eq!(read(line).unwrap(), Some(verb), "{line}");
        }
        assert_eq!(read("  ").unwrap(), None);
        assert_eq!(read("# a remark").unwrap(), None);
        for (line, said) in [
            (
                "rat alien 5",
                "`rat` is not a command; there are rate, top, only, by, together",
            ),
            ("top 5", "`top` takes no argument"),
            ("why", "which movie? Words of its title"),
            (
                "by",
                "by what? There are score, stars, taste, fame, surprise",
            ),
            ("by year", "and not `year`"),
            ("together", "together with whom?"),
            ("together alien", "not `alien`"),
            ("rate alien", "not a number of stars"),
            (
                "rate toy story 2",
                "`rate \"toy story\" 2` with its quotes says which",
            ),
        ] {
            let error = read(line).unwrap_err().to_string();
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
