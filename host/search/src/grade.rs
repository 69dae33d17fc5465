//! How well a movie's title fits what was typed.
//!
//! Each word that was typed is compared once with each different word of the titles; what fits is kept as bits, a bit
//! for a typed word. A title's bits are those of its words together.

use std::cmp::Reverse;

use super::index::{Entry, Index, Token, Word, letters};

/// How a title fits, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It is called so, article and all.
    Named,
    /// It is called so, but for articles.
    Bare,
    /// A part of its name between colons or dashes is what was typed.
    Part,
    /// It, or such a part, has these words and no others, in another order.
    Shuffled,
    /// Its name starts with what was typed.
    Starts,
    /// It has each word.
    Words,
    /// It has each word, or words that start so.
    Prefix,
    /// It has each word, but for mistakes.
    Guess,
}

/// A movie that fits.
#[derive(Debug, Clone, Copy)]
pub struct Fit {
    pub id: u32,
    pub class: Class,
    /// What mistakes there are, 0 for none.
    pub cost: u32,
    /// Whether what was typed is all of a name or of a part.
    pub covers: bool,
    pub ratings: u32,
}

impl Fit {
    /// Ascending from the best.
    pub fn order(&self) -> (Class, u32, bool, Reverse<u32>, u32) {
        let ratings = Reverse(self.ratings);
        (self.class, self.cost, !self.covers, ratings, self.id)
    }
}

/// One way to read what was typed.
pub struct Reading {
    words: Vec<Word>,
    /// A bit for each word that a title must have.
    needed: u32,
    year: Option<u16>,
    /// Whether something was left out: what fits is a guess.
    guess: bool,
    /// All words, and those that are no articles, without spaces.
    together: [String; 2],
}

/// What of a reading one word of the titles is: a bit for each typed word.
#[derive(Clone, Copy, Default)]
struct Bits {
    /// The same word.
    same: u32,
    /// The same word, or two typed words together.
    whole: u32,
    /// It starts so.
    prefix: u32,
    /// One mistake.
    near: u32,
    /// Two mistakes.
    far: u32,
    /// The typed word starts with it and goes on.
    head: u32,
    /// All that was typed, run together, starts with it: with articles, and without.
    heads: [bool; 2],
}

impl Bits {
    /// Whether the word has anything of what was typed.
    fn any(&self) -> bool {
        self.whole | self.prefix | self.near | self.far | self.head != 0
            || self.heads[0]
            || self.heads[1]
    }
}

impl Reading {
    /// A bit each.
    pub const MOST_WORDS: usize = 31;

    /// `words` are folded, at most [`Self::MOST_WORDS`] and one.
    pub fn new(words: Vec<String>, year: Option<u16>, guess: bool) -> Self {
        let mut typed: Vec<Word> = words.iter().map(|word| Word::new(word)).collect();
        if let [only] = typed.as_mut_slice() {
            // A number alone is an id or just that title: 7 is not Seven.
            only.number = only
                .number
                .filter(|_| !only.text.starts_with(|c: char| c.is_ascii_digit()));
        }
        let bits = |all: bool| {
            (0..typed.len())
                .filter(|i| all || !typed[*i].article)
                .fold(0, |bits, i| bits | 1u32 << i)
        };
        let needed = Some(bits(false)).filter(|bits| *bits != 0);
        let bare = typed.iter().filter(|word| !word.article);
        Reading {
            needed: needed.unwrap_or(bits(true)),
            together: [
                words.concat(),
                bare.map(|word| word.text.as_str()).collect(),
            ],
            words: typed,
            year,
            guess,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The bits of each word of the titles.
    fn bits(&self, index: &Index) -> Vec<Bits> {
        index.words.iter().map(|word| self.bits_of(word)).collect()
    }

    fn bits_of(&self, word: &Word) -> Bits {
        let starts = |text: &String| text.starts_with(word.text.as_str());
        let mut bits = Bits {
            heads: [starts(&self.together[0]), starts(&self.together[1])],
            ..Bits::default()
        };
        for (i, typed) in self.words.iter().enumerate() {
            let bit = 1 << i;
            if typed.text == word.text || typed.number.is_some() && typed.number == word.number {
                bits.same |= bit;
                bits.whole |= bit;
                continue;
            }
            if typed.text.starts_with(word.text.as_str()) {
                bits.head |= bit;
            }
            let next = self.words.get(i + 1);
            if next.is_some_and(|next| word.text.strip_prefix(&typed.text) == Some(&next.text)) {
                bits.whole |= bit | bit << 1;
            }
            if typed.number.is_some() || word.number.is_some() {
                continue;
            }
            if typed.text.len() >= 3 && word.text.starts_with(&typed.text) {
                bits.prefix |= bit;
            }
            match mistakes(typed, word) {
                Some(1) => bits.near |= bit,
                Some(_) => bits.far |= bit,
                None => {}
            }
        }
        bits
    }

    /// How a movie fits, if it does.
    fn fit(&self, index: &Index, bits: &[Bits], entry: &Entry) -> Option<Fit> {
        let year_off = match (self.year, entry.year) {
            (None, _) => 0,
            (Some(wanted), Some(year)) if wanted.abs_diff(year) <= 1 => wanted.abs_diff(year),
            (Some(_), None) => 1,
            _ => return None,
        };
        let tokens = &index.tokens[entry.tokens.clone()];
        let mut all = Bits::default();
        let mut any = false;
        for token in tokens {
            let bits = &bits[token.word as usize];
            any |= bits.any();
            all.whole |= bits.whole;
            all.prefix |= bits.prefix;
            all.near |= bits.near;
            all.far |= bits.far;
        }
        if !any {
            return None;
        }
        let found = |class, cost, covers| Fit {
            id: entry.id,
            class,
            cost,
            covers,
            ratings: entry.ratings,
        };
        let mut best: Option<Fit> = self
            .named(index, bits, entry)
            .map(|class| found(class, 0, true));
        if best.is_none() {
            if self.needed & !all.whole != 0 {
                all.whole |= self.joined(index, bits, tokens);
            }
            let mut left = self.needed & !all.whole;
            let mut cost = 0;
            let mut class = Class::Words;
            for (bits, each, level) in [
                (all.prefix, 1, Class::Prefix),
                (all.near, 2, Class::Guess),
                (all.far, 3, Class::Guess),
            ] {
                let taken = left & bits;
                if taken != 0 {
                    class = level;
                    cost += taken.count_ones() * each;
                    left &= !bits;
                }
            }
            if left == 0 {
                let covers = self.covers(index, bits, entry);
                let class = match class {
                    Class::Words if covers => Class::Shuffled,
                    Class::Words if self.starts(index, bits, entry) => Class::Starts,
                    class => class,
                };
                best = Some(found(class, cost, covers));
            }
        }
        let guess = u32::from(year_off) + u32::from(self.guess);
        best.map(|fit| match guess {
            0 => fit,
            _ => Fit {
                class: Class::Guess,
                cost: fit.cost + guess,
                ..fit
            },
        })
    }

    /// Whether a name, all names, or a part is what was typed.
    fn named(&self, index: &Index, bits: &[Bits], entry: &Entry) -> Option<Class> {
        let names = &index.names[entry.names.clone()];
        let whole = (names.len() > 1).then_some(&entry.tokens);
        let mut best = None;
        for range in names.iter().chain(whole) {
            let name = &index.tokens[range.clone()];
            if self.is(index, bits, name, false) {
                return Some(Class::Named);
            }
            if self.is(index, bits, name, true) {
                best = Some(Class::Bare);
            }
        }
        best.or_else(|| {
            let mut parts = names
                .iter()
                .flat_map(|range| parts(&index.tokens[range.clone()]));
            parts
                .any(|part| self.is(index, bits, part, true))
                .then_some(Class::Part)
        })
    }

    /// Whether `tokens` are what was typed, word by word or together; `bare` leaves articles out of both.
    fn is(&self, index: &Index, bits: &[Bits], tokens: &[Token], bare: bool) -> bool {
        let counts = |token: &&Token| !bare || !token.article;
        let typed = (0..self.words.len()).filter(|i| !bare || self.needed >> i & 1 == 1);
        let mut of_title = tokens.iter().filter(counts);
        let mut of_typed = typed;
        loop {
            match (of_title.next(), of_typed.next()) {
                (None, None) => return !tokens.is_empty(),
                (Some(token), Some(i)) if bits[token.word as usize].same >> i & 1 == 1 => {}
                _ => break,
            }
        }
        let together = &self.together[usize::from(bare)];
        let first = tokens.iter().find(counts);
        first.is_some_and(|token| bits[token.word as usize].heads[usize::from(bare)])
            && !together.is_empty()
            && chained(index, together, tokens.iter().filter(counts)) == Some(true)
    }

    /// Whether a name starts with what was typed, articles aside.
    fn starts(&self, index: &Index, bits: &[Bits], entry: &Entry) -> bool {
        let mut names = index.names[entry.names.clone()].iter();
        names.any(|range| {
            let tokens = &index.tokens[range.clone()];
            let mut bare = tokens.iter().filter(|token| !token.article);
            let mut typed = (0..self.words.len()).filter(|i| self.needed >> i & 1 == 1);
            let same = |i| {
                let token = bare.next();
                token.is_some_and(|token| bits[token.word as usize].same >> i & 1 == 1)
            };
            let bare = tokens.iter().filter(|token| !token.article);
            typed.all(same) || chained(index, &self.together[1], bare).is_some()
        })
    }

    /// The typed words that are some of the title's words run together: `starwars`, `rocky2`.
    fn joined(&self, index: &Index, bits: &[Bits], tokens: &[Token]) -> u32 {
        let mut joined = 0;
        for (i, typed) in self.words.iter().enumerate() {
            let runs = |from: usize| {
                bits[tokens[from].word as usize].head >> i & 1 == 1
                    && chained(index, &typed.text, tokens[from..].iter()).is_some()
            };
            if typed.text.len() >= 4 && (0..tokens.len()).any(runs) {
                joined |= 1 << i;
            }
        }
        joined
    }

    /// Whether a name or a part has no words but those that were typed, mistakes or not.
    fn covers(&self, index: &Index, bits: &[Bits], entry: &Entry) -> bool {
        let names = &index.names[entry.names.clone()];
        let ranges = names.iter().map(|range| &index.tokens[range.clone()]);
        ranges.clone().chain(ranges.flat_map(parts)).any(|tokens| {
            let mut found = 0;
            let mut counted = 0;
            for token in tokens.iter().filter(|token| !token.article) {
                let bits = bits[token.word as usize];
                found |= bits.whole | bits.near | bits.far;
                counted += 1;
            }
            self.needed & !found == 0 && counted == self.needed.count_ones()
        })
    }
}

/// The parts of a name that has more than one.
fn parts(name: &[Token]) -> impl Iterator<Item = &[Token]> {
    let several = name.iter().any(|token| token.starts);
    let mut rest = name;
    std::iter::from_fn(move || {
        if !several || rest.is_empty() {
            return None;
        }
        let next = rest.iter().skip(1).position(|token| token.starts);
        let (part, behind) = rest.split_at(next.map_or(rest.len(), |at| at + 1));
        rest = behind;
        Some(part)
    })
}

/// Whether the first of `tokens`, run together, are `text`: [`None`] if not, else whether these are all.
fn chained<'a>(index: &Index, text: &str, tokens: impl Iterator<Item = &'a Token>) -> Option<bool> {
    let mut rest = text;
    let mut tokens = tokens;
    while !rest.is_empty() {
        let word = index.text(tokens.next()?);
        rest = match rest.strip_prefix(word.text.as_str()) {
            Some(rest) => rest,
            // `rocky2` is Rocky II.
            None => {
                let digits = rest.bytes().all(|b| b.is_ascii_digit());
                let same = digits && rest.len() < text.len() && rest.parse().ok() == word.number;
                same.then_some("")?
            }
        };
    }
    Some(tokens.next().is_none())
}

/// How many letters differ, where so few that it may be a mistake: one in four to seven, two in longer words.
fn mistakes(typed: &Word, word: &Word) -> Option<usize> {
    let allowed = match typed.text.len() {
        0..=3 => return None,
        4..=7 => 1,
        _ => 2,
    };
    // Each mistake changes at most two letters.
    let apart = (typed.letters ^ word.letters).count_ones() as usize;
    if typed.text.len().abs_diff(word.text.len()) > allowed || apart > 2 * allowed {
        return None;
    }
    let mistakes = strsim::osa_distance(&typed.text, &word.text);
    (1..=allowed).contains(&mistakes).then_some(mistakes)
}

/// Every movie that fits one of the readings, each with the best of its fits.
pub fn all(index: &Index, readings: &[Reading]) -> Vec<Fit> {
    let bits: Vec<Vec<Bits>> = readings.iter().map(|reading| reading.bits(index)).collect();
    let best = |entry: &Entry| {
        let fits = readings
            .iter()
            .zip(&bits)
            .filter_map(|(reading, bits)| reading.fit(index, bits, entry));
        fits.min_by_key(Fit::order)
    };
    index.entries.iter().filter_map(best).collect()
}

/// The movies that are called so, but for mistakes and the spaces between words.
pub fn run_together(index: &Index, readings: &[Reading]) -> Vec<Fit> {
    let mut fits = Vec::new();
    each_name(index, |entry, name, all| {
        for reading in readings {
            let typed = &reading.together[1];
            let allowed = (typed.len() / 5).min(2);
            // Each mistake changes at most two letters.
            let apart = (letters(typed) ^ all).count_ones() as usize;
            if typed.len().abs_diff(name.len()) > allowed
                || apart > 2 * allowed
                || reading.year.is_some_and(|year| entry.year != Some(year))
            {
                continue;
            }
            let cost = strsim::osa_distance(typed, name);
            if cost <= allowed {
                fits.push(Fit {
                    id: entry.id,
                    class: Class::Guess,
                    cost: cost as u32,
                    covers: true,
                    ratings: entry.ratings,
                });
            }
        }
    });
    fits.sort_by_key(|fit| (fit.id, fit.cost));
    fits.dedup_by_key(|fit| fit.id);
    fits
}

/// The movies of which a name or a part has the only typed word as its initials, as `lotr` are those of Lord of the
/// Rings.
pub fn initials(index: &Index, readings: &[Reading]) -> Vec<Fit> {
    let Some([typed]) = readings.first().map(|reading| reading.words.as_slice()) else {
        return Vec::new();
    };
    if typed.number.is_some() || typed.text.chars().count() < 3 {
        return Vec::new();
    }
    let is = |tokens: &[Token]| {
        let named = tokens.iter().skip_while(|token| token.article);
        let letters = named.filter_map(|token| index.text(token).text.chars().next());
        letters.eq(typed.text.chars())
    };
    let fits = index.entries.iter().filter(|entry| {
        let names = index.names[entry.names.clone()].iter();
        let mut names = names.map(|range| &index.tokens[range.clone()]);
        names.clone().any(is) || names.any(|name| parts(name).any(is))
    });
    fits.map(|entry| Fit {
        id: entry.id,
        class: Class::Guess,
        cost: 1,
        covers: true,
        ratings: entry.ratings,
    })
    .collect()
}

/// The titles most like what was typed, the likeliest first: those with most of its words, else those of like letters.
pub fn nearest(indices: &[Index], readings: &[Reading], count: usize) -> Vec<u32> {
    let Some(reading) = readings.first() else {
        return Vec::new();
    };
    let mut likely = shared(indices, reading);
    if likely.is_empty() {
        for index in indices {
            each_name(index, |entry, name, _| {
                let likeness = strsim::jaro_winkler(&reading.together[1], name);
                likely.push(((likeness * 1e6) as u32, entry.ratings, entry.id));
            });
        }
    }
    likely.sort_by_key(|(likeness, ratings, id)| (Reverse((*likeness, *ratings)), *id));
    let mut nearest: Vec<u32> = Vec::new();
    for (_, _, id) in likely {
        if nearest.len() < count && !nearest.contains(&id) {
            nearest.push(id);
        }
    }
    nearest
}

/// The movies that share words with what was typed: how many letters these have, ratings and id.
fn shared(indices: &[Index], reading: &Reading) -> Vec<(u32, u32, u32)> {
    let mut likely = Vec::new();
    for index in indices {
        let bits = reading.bits(index);
        for entry in &index.entries {
            let tokens = &index.tokens[entry.tokens.clone()];
            let shared = tokens.iter().fold(0, |shared, token| {
                let bits = bits[token.word as usize];
                shared | bits.whole | bits.prefix | bits.near | bits.far
            });
            // Long words say more than short ones.
            let letters: usize = (0..reading.words.len())
                .filter(|i| shared & reading.needed & 1 << i != 0)
                .map(|i| reading.words[i].text.len())
                .sum();
            if letters > 2 {
                likely.push((letters as u32, entry.ratings, entry.id));
            }
        }
    }
    likely
}

/// Hands each name and each part of one to `each`, without articles and spaces, and a bit for each of its letters.
fn each_name(index: &Index, mut each: impl FnMut(&Entry, &str, u32)) {
    let mut text = String::new();
    for entry in &index.entries {
        let names = index.names[entry.names.clone()].iter();
        let names = names.map(|range| &index.tokens[range.clone()]);
        for tokens in names.clone().chain(names.flat_map(parts)) {
            text.clear();
            let mut letters = 0;
            for token in tokens.iter().filter(|token| !token.article) {
                let word = index.text(token);
                text.push_str(&word.text);
                letters |= word.letters;
            }
            each(entry, &text, letters);
        }
    }
}
