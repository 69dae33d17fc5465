//! The titles of all movies as words, each different word once.

use std::ops::Range;

use super::fold::{self, Folder};
use super::names;
use super::titles::Movie;

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

/// A bit for each letter of a text.
pub fn letters(text: &str) -> u32 {
    text.chars()
        .fold(0, |bits, c| bits | 1 << (u32::from(c) % 32))
}

/// Which number each word has: a table of open places, so that a word that was met before costs no allocation.
struct Known {
    /// Hash and number; places without a word have [`Known::FREE`] as its number.
    places: Vec<(u32, u32)>,
    taken: usize,
}

impl Known {
    const FREE: u32 = u32::MAX;

    fn new() -> Self {
        Known {
            places: vec![(0, Self::FREE); 1 << 10],
            taken: 0,
        }
    }

    fn hash(word: &str) -> u32 {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let (eights, rest) = word.as_bytes().as_chunks::<8>();
        let mix = |sum: u64, part: u64| (sum.rotate_left(23) ^ part).wrapping_mul(FACTOR);
        let sum = eights.iter().fold(word.len() as u64, |sum, part| {
            mix(sum, u64::from_le_bytes(*part))
        });
        let last = rest
            .iter()
            .fold(0, |last, byte| last << 8 | u64::from(*byte));
        (mix(sum, last) >> 32) as u32
    }

    /// The number of a word with that hash, or the free place where it belongs.
    fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Result<u32, usize> {
        let last = self.places.len() - 1;
        let mut at = hash as usize & last;
        loop {
            match self.places[at] {
                (_, Self::FREE) => return Err(at),
                (other, number) if other == hash && is_it(number) => return Ok(number),
                _ => at = (at + 1) & last,
            }
        }
    }

    fn put(&mut self, at: usize, hash: u32, number: u32) {
        self.places[at] = (hash, number);
        self.taken += 1;
        if self.taken * 2 > self.places.len() {
            let wider = vec![(0, Self::FREE); self.places.len() * 4];
            for (hash, number) in std::mem::replace(&mut self.places, wider) {
                if number != Self::FREE
                    && let Err(at) = self.find(hash, |_| false)
                {
                    self.places[at] = (hash, number);
                }
            }
        }
    }

    /// The number of a word, which is put behind `words` where it is new.
    fn number(&mut self, words: &mut Vec<Word>, word: &str) -> u32 {
        let of = |known: &Known, word: &str| {
            let hash = Self::hash(word);
            let found = known.find(hash, |number| words[number as usize].text == word);
            (hash, found)
        };
        let (hash, found) = match of(self, word) {
            (_, Ok(number)) => return number,
            // Words that are written in two ways are met here each time: they are few.
            (hash, free) => match fold::spelling(word) {
                spelt if spelt != word => of(self, spelt),
                _ => (hash, free),
            },
        };
        found.unwrap_or_else(|at| {
            let number = words.len() as u32;
            words.push(Word::new(fold::spelling(word)));
            self.put(at, hash, number);
            number
        })
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

/// The titles of `movies`, in as many parts as there are threads for.
#[cfg(not(target_family = "wasm"))]
pub fn all(movies: &[&Movie]) -> Vec<Index> {
    use pocketrec_base::threads;
    // So many titles are worth a thread.
    const SHARE: usize = 10_000;
    let threads = threads::for_memory();
    let share = movies.len().div_ceil(threads).max(SHARE);
    threads::share(
        threads,
        movies.chunks(share),
        || (),
        |(), movies| Index::new(movies),
    )
}

/// The titles of `movies`: there are no threads here.
#[cfg(target_family = "wasm")]
pub fn all(movies: &[&Movie]) -> Vec<Index> {
    vec![Index::new(movies)]
}

impl Index {
    /// Folds the titles of `movies`: a microsecond each.
    pub fn new(movies: &[&Movie]) -> Self {
        let mut index = Index {
            tokens: Vec::with_capacity(movies.len() * 6),
            ..Index::default()
        };
        let mut known = Known::new();
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
                        let number = known.number(&mut index.words, word);
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
