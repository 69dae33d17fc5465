//! The titles of all movies as words, each different word once.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use super::super::Movie;
use super::fold::{self, Folder};
use super::names;
use pocketrec_base::threads;

/// A word that titles have.
pub struct Word {
    /// Folded.
    pub text: String,
    /// What number it is, if any.
    pub number: Option<u32>,
    /// A bit for each of its letters: words of few common ones aren't compared letter by letter.
    pub letters: u32,
    /// Whether it may be left out wherever it stands.
    pub article: bool,
}

impl Word {
    pub fn new(text: &str) -> Self {
        Word {
            text: text.to_owned(),
            number: fold::number(text),
            letters: letters(text),
            article: matches!(text, "the" | "a" | "an"),
        }
    }
}

fn letters(text: &str) -> u32 {
    text.chars()
        .fold(0, |bits, c| bits | 1 << (u32::from(c) % 32))
}

/// The hash of FNV-1a, which takes less time for a word than the standard one.
struct Quick(u64);

impl Default for Quick {
    fn default() -> Self {
        Quick(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A word where it stands in a title.
#[derive(Clone, Copy)]
pub struct Token {
    /// Which word it is.
    pub word: u32,
    /// Whether it may be left out.
    pub article: bool,
    /// Whether a part of a name starts with it.
    pub starts: bool,
}

/// A movie's title.
pub struct Entry {
    pub id: u32,
    pub ratings: u32,
    pub year: Option<u16>,
    /// Of [`Index::tokens`].
    pub tokens: Range<usize>,
    /// Of [`Index::names`].
    pub names: Range<usize>,
}

/// All titles.
#[derive(Default)]
pub struct Index {
    pub words: Vec<Word>,
    pub tokens: Vec<Token>,
    /// Where each name's tokens lie.
    pub names: Vec<Range<usize>>,
    pub entries: Vec<Entry>,
}

/// So many titles are worth a thread.
const SHARE: usize = 10_000;

/// The titles of `movies`, in as many parts as there are threads for.
pub fn all(movies: &[&Movie]) -> Vec<Index> {
    let threads = threads::for_memory();
    let share = movies.len().div_ceil(threads).max(SHARE);
    threads::share(
        threads,
        movies.chunks(share),
        || (),
        |(), movies| Index::new(movies),
    )
}

impl Index {
    /// Folds the titles of `movies`: a microsecond each.
    pub fn new(movies: &[&Movie]) -> Self {
        let mut index = Index {
            tokens: Vec::with_capacity(movies.len() * 6),
            ..Index::default()
        };
        let mut known: HashMap<String, u32, BuildHasherDefault<Quick>> = HashMap::default();
        let mut folder = Folder::default();
        for movie in movies {
            let parsed = names::parse(&movie.title);
            let (first_token, first_name) = (index.tokens.len(), index.names.len());
            for name in &parsed.names {
                let start = index.tokens.len();
                let pieces = std::iter::once(name.article).chain(name.parts());
                for (piece, text) in pieces.enumerate() {
                    // An article belongs to the part behind it.
                    let mut starts = piece > 1;
                    folder.words(text, |word| {
                        let number = match known.get(word) {
                            Some(number) => *number,
                            None => {
                                let spelt = fold::spelling(word);
                                let number = known.get(spelt).copied().unwrap_or_else(|| {
                                    index.words.push(Word::new(spelt));
                                    index.words.len() as u32 - 1
                                });
                                known.insert(spelt.to_owned(), number);
                                known.insert(word.to_owned(), number);
                                number
                            }
                        };
                        index.tokens.push(Token {
                            word: number,
                            article: piece == 0 || index.words[number as usize].article,
                            starts: std::mem::take(&mut starts),
                        });
                    });
                }
                if index.tokens.len() > start {
                    index.names.push(start..index.tokens.len());
                }
            }
            index.entries.push(Entry {
                id: movie.id,
                ratings: movie.ratings,
                year: parsed.year,
                tokens: first_token..index.tokens.len(),
                names: first_name..index.names.len(),
            });
        }
        index
    }

    /// The word of a token.
    pub fn text(&self, token: &Token) -> &Word {
        &self.words[token.word as usize]
    }
}
