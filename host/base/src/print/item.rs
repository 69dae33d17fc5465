//! What the things are called that people rate: movies, unless somebody says jokes or books.
//!
//! Sentences here say movie. Where the things have another name ([`call`]), each whole word is replaced as it is
//! printed ([`worded`]); what stands in backquotes, options and names of files stay, and so does whatever came from outside
//! and was [`kept`]. Names of tables are shown with it ([`in_names`]) and stay in JSON, where programs look for them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::{OnceLock, RwLock, RwLockReadGuard};

use serde::{Deserialize, Serialize};

/// The longest name, in letters.
const LONGEST: usize = 24;
/// Around what is printed as it came; both are letters that nobody has.
const KEPT: [char; 2] = ['\u{f8f0}', '\u{f8f1}'];

/// A name of things, for one and for many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// `joke`.
    pub one: String,
    /// `jokes`.
    pub many: String,
}

impl FromStr for Item {
    type Err = String;

    /// `joke`, whose plural is made, or both: `person/people`.
    fn from_str(text: &str) -> Result<Item, String> {
        let (one, many) = match text.split_once('/') {
            Some((one, many)) => (one.trim().to_owned(), many.trim().to_owned()),
            None => (text.trim().to_owned(), plural(text.trim())),
        };
        let is_word = |word: &str| {
            let letters = word.chars().count();
            (1..=LONGEST).contains(&letters) && word.chars().all(char::is_alphabetic)
        };
        match is_word(&one) && is_word(&many) {
            true => Ok(Item { one, many }),
            false => Err(format!(
                "it should be a word of at most {LONGEST} letters, such as joke, or one for one and one for many, such as \
                 city/cities"
            )),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.one, self.many)
    }
}

/// The plural as English mostly makes it.
fn plural(one: &str) -> String {
    let ends = |end: &str| one.ends_with(end);
    let vowel = |c: char| "aeiou".contains(c);
    match one.strip_suffix('y') {
        Some(stem) if !stem.ends_with(vowel) => format!("{stem}ies"),
        _ if ["s", "x", "z", "ch", "sh"].iter().any(|end| ends(end)) => format!("{one}es"),
        _ => format!("{one}s"),
    }
}

fn called() -> &'static RwLock<Option<Item>> {
    static CALLED: OnceLock<RwLock<Option<Item>>> = OnceLock::new();
    CALLED.get_or_init(RwLock::default)
}

fn read() -> RwLockReadGuard<'static, Option<Item>> {
    called()
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// From now on the things are called so; movies is what they are called anyway.
pub fn call(item: &Item) {
    if item.one != "movie" {
        *called()
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(item.clone());
    }
}

/// What they are called, if not movies.
pub fn named() -> Option<Item> {
    read().clone()
}

/// What they are called: `movie` unless somebody said.
pub fn one() -> String {
    read()
        .as_ref()
        .map_or_else(|| "movie".into(), |item| item.one.clone())
}

/// What many of them are called: `movies` unless somebody said.
pub fn many() -> String {
    read()
        .as_ref()
        .map_or_else(|| "movies".into(), |item| item.many.clone())
}

/// What the column of their ids is called in a table with titles or stars: of movies as other programs know it, and of
/// anything else.
pub const ID_COLUMNS: [&str; 2] = ["movieId", "itemId"];

/// The one of [`ID_COLUMNS`] that a table has.
pub fn id_column(item: Option<&Item>) -> &'static str {
    ID_COLUMNS[usize::from(item.is_some())]
}

/// Names of tables or layers as a person is shown them: `joke_embedding` where the image has `movie_embedding`.
pub fn in_names(names: &str) -> Cow<'_, str> {
    match read().as_ref() {
        None => Cow::Borrowed(names),
        Some(item) => Cow::Owned(names_with(names, item)),
    }
}

/// [`in_names`], for things of that name.
fn names_with(names: &str, item: &Item) -> String {
    let parts = names.split_inclusive(|c: char| !c.is_alphabetic());
    let own = parts.map(|part| match part.strip_prefix("movie") {
        Some(end) if !end.starts_with(char::is_alphabetic) => item.one.clone() + end,
        _ => part.to_owned(),
    });
    own.collect()
}

/// A text from outside that [`worded`] leaves as it is.
pub fn kept(text: &str) -> Cow<'_, str> {
    match read().is_some() && text.to_lowercase().contains("movie") {
        true => Cow::Owned(format!("{}{text}{}", KEPT[0], KEPT[1])),
        false => Cow::Borrowed(text),
    }
}

/// A kept text without its marks, and whether it had them.
pub(super) fn unkept(text: &str) -> (Cow<'_, str>, bool) {
    match text.contains(KEPT) {
        true => (Cow::Owned(text.replace(KEPT, "")), true),
        false => (Cow::Borrowed(text), false),
    }
}

/// A text of ours with the things' own name in it.
pub fn worded(text: &str) -> Cow<'_, str> {
    match read().as_ref() {
        None => Cow::Borrowed(text),
        Some(item) => Cow::Owned(with(text, item)),
    }
}

/// [`worded`], for things of that name.
fn with(text: &str, item: &Item) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut outside) = (false, false);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let word: usize = rest
            .chars()
            .take_while(|c| c.is_alphabetic())
            .map(char::len_utf8)
            .sum();
        if word == 0 {
            match letter {
                '`' => quoted = !quoted,
                '\n' => quoted = false,
                _ => {}
            }
            if letter == KEPT[0] || letter == KEPT[1] {
                outside = letter == KEPT[0];
            } else {
                out.push(letter);
            }
            rest = &rest[letter.len_utf8()..];
            continue;
        }
        let (own, behind) = rest.split_at(word);
        let free = !quoted && !outside && stands_alone(&out, behind);
        match own {
            "movie" if free => {
                if item.one.starts_with(['a', 'e', 'i', 'o', 'u']) && ends_in_a(&out) {
                    out.insert(out.len() - 1, 'n');
                }
                out.push_str(&item.one);
            }
            "Movie" if free => out.push_str(&capital(&item.one)),
            "movies" if free => out.push_str(&item.many),
            "Movies" if free => out.push_str(&capital(&item.many)),
            // What stands for one in a list of verbs.
            "MOVIE" if free => out.push_str(&item.one.to_uppercase()),
            other => out.push_str(other),
        }
        rest = behind;
    }
    out
}

/// Whether a word between these is one of a sentence, and not part of an option or a name.
fn stands_alone(before: &str, behind: &str) -> bool {
    let joined = ['-', '_', '.', '/', '\\', '='];
    let starts = behind.chars().next();
    let goes_on = match starts {
        Some('.' | '/' | '-') => behind[1..].starts_with(char::is_alphanumeric),
        Some('_' | '=') => true,
        Some(c) => c.is_ascii_digit(),
        None => false,
    };
    !goes_on && !before.ends_with(|c: char| joined.contains(&c) || c.is_ascii_digit())
}

fn ends_in_a(text: &str) -> bool {
    let before = text.strip_suffix("a ").or_else(|| text.strip_suffix("A "));
    before.is_some_and(|before| !before.ends_with(char::is_alphanumeric))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_sentences_are_the_things_own_and_names_and_titles_stay() {
        let joke: Item = "joke".parse().unwrap();
        for (text, due) in [
            (
                "The best of 3 movies; a movie's row.",
                "The best of 3 jokes; a joke's row.",
            ),
            ("rate MOVIE STARS", "rate JOKE STARS"),
            ("Movies: 30, Movie 4, movie.", "Jokes: 30, Joke 4, joke."),
            (
                "movies.csv, --movies 3, movie_bias, x/movies, movie=1",
                "movies.csv, --movies 3, movie_bias, x/movies, movie=1",
            ),
            (
                "`--movie` and `the movie` of moviegoers",
                "`--movie` and `the movie` of moviegoers",
            ),
            (
                "on \u{f8f0}Scary movie\u{f8f1}, a movie",
                "on Scary movie, a joke",
            ),
        ] {
            assert_eq!(with(text, &joke), due);
        }
        let artist: Item = "artist".parse().unwrap();
        assert_eq!(
            with("A movie, a movie, 1a movie", &artist),
            "An artist, an artist, 1a artist"
        );
    }

    #[test]
    fn names_of_tables_have_the_things_own_word_and_no_other_name_has() {
        let joke: Item = "joke".parse().unwrap();
        for (names, due) in [
            ("movie_embedding", "joke_embedding"),
            ("integer_movie_halves 1", "integer_joke_halves 1"),
            (
                "mean + user_bias + movie_bias",
                "mean + user_bias + joke_bias",
            ),
            (
                "movie (input), moviegoer_bias",
                "joke (input), moviegoer_bias",
            ),
        ] {
            assert_eq!(names_with(names, &joke), due);
        }
    }

    #[test]
    fn a_name_is_a_word_and_its_plural_is_made_or_said() {
        for (text, many) in [
            ("joke", "jokes"),
            ("city", "cities"),
            ("essay", "essays"),
            ("dish", "dishes"),
            ("person/people", "people"),
            ("Märchen/Märchen", "Märchen"),
        ] {
            assert_eq!(text.parse::<Item>().unwrap().many, many);
        }
        for text in ["", "a b", "x1", "joke/", "-", &"x".repeat(25)] {
            assert!(
                text.parse::<Item>()
                    .unwrap_err()
                    .contains("such as city/cities"),
                "{text}"
            );
        }
    }
}
