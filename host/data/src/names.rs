//! Ids that aren't numbers of 32 bits: each gets a number, and its text is kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::ids::IdSet;

/// The longest text of an id, in bytes.
pub const LONGEST: usize = 255;

/// The texts of ids, where a file's ids aren't numbers of 32 bits: an id is then its text's place in the alphabet (by
/// bytes), from 1 on. Empty where ids are the file's own numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// Names that ascend.
    pub fn new(sorted: Vec<String>) -> Names {
        Names(sorted)
    }

    /// Whether ids are the file's own numbers.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All names, ascending: the first is id 1's.
    pub fn all(&self) -> &[String] {
        &self.0
    }

    /// What the file called an id: `None` where it was a number, which is the id.
    pub fn of(&self, id: u32) -> Option<&str> {
        self.0
            .get((id as usize).checked_sub(1)?)
            .map(String::as_str)
    }

    /// The id of a name. O(log names).
    pub fn id(&self, name: &str) -> Option<u32> {
        let place = self
            .0
            .binary_search_by(|other| other.as_str().cmp(name))
            .ok()?;
        Some(place as u32 + 1)
    }
}

/// Gives texts numbers in the order in which it meets them.
#[derive(Debug, Default)]
pub struct Interner(HashMap<Box<[u8]>, u32>);

impl Interner {
    /// The number of a text.
    pub fn number(&mut self, text: &[u8]) -> u32 {
        match self.0.get(text) {
            Some(&number) => number,
            None => self.add(text.into()),
        }
    }

    fn add(&mut self, text: Box<[u8]>) -> u32 {
        let next = self.0.len() as u32;
        match self.0.entry(text) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(next),
        }
    }

    /// Turns ids into the numbers of their decimal texts.
    pub fn take_numbers(&mut self, ids: &mut [u32]) {
        let mut known: HashMap<u32, u32> = HashMap::new();
        let mut last = None;
        for id in ids {
            let number = match last {
                Some((same, number)) if same == *id => number,
                _ => *known
                    .entry(*id)
                    .or_insert_with(|| self.number(id.to_string().as_bytes())),
            };
            last = Some((*id, number));
            *id = number;
        }
    }

    /// Takes the texts of another, and turns its numbers in `ids` into the own ones.
    pub fn take(&mut self, other: Interner, ids: &mut [u32]) {
        let mut own = vec![0; other.0.len()];
        for (text, number) in other.0 {
            own[number as usize] = self.add(text);
        }
        ids.iter_mut().for_each(|id| *id = own[*id as usize]);
    }

    /// Turns numbers in `ids` into ids at last: the numbers that the texts write, where all of them do (`007`, `31.0`),
    /// else places in the alphabet. Tells which ids occur.
    pub fn close(self, ids: &mut [u32]) -> (IdSet, Closed) {
        let mut own = vec![0; self.0.len()];
        let mut set = IdSet::default();
        let closed = if self.0.keys().all(|text| written(text).is_some()) {
            let mut example = None;
            for (text, number) in &self.0 {
                let (id, plain) = written(text).unwrap_or_default();
                own[*number as usize] = id;
                if !plain {
                    // The least, so that the same file always has the same.
                    let shown = (id, String::from_utf8_lossy(text).into_owned());
                    example = Some(
                        example.map_or(shown.clone(), |other: (u32, String)| other.min(shown)),
                    );
                }
            }
            Closed::Numbers(example)
        } else {
            let mut texts: Vec<(String, u32)> = self
                .0
                .into_iter()
                .map(|(text, number)| (decoded(&text), number))
                .collect();
            texts.sort_unstable();
            for (id, (_, number)) in (1..).zip(&texts) {
                own[*number as usize] = id;
            }
            Closed::Names(Names(texts.into_iter().map(|(text, _)| text).collect()))
        };
        own.iter().for_each(|&id| set.insert(id));
        ids.iter_mut().for_each(|id| *id = own[*id as usize]);
        (set, closed)
    }
}

/// What ids turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Closed {
    /// Numbers; with one that was written otherwise, and as what.
    Numbers(Option<(u32, String)>),
    /// Names.
    Names(Names),
}

/// The number that an id writes, with zeros in front or `.0` behind, and whether it is written plainly.
fn written(text: &[u8]) -> Option<(u32, bool)> {
    let text = std::str::from_utf8(text).ok()?;
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u32 = whole.parse().ok()?;
    Some((
        number,
        whole.len() == text.len() && (whole == "0" || !whole.starts_with('0')),
    ))
}

/// Text that isn't UTF-8 is ISO-8859-1, byte by byte, so that different ids stay different.
fn decoded(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        Err(_) => text.iter().map(|&b| char::from(b)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(texts: &[&str]) -> (Vec<u32>, Closed) {
        let mut interner = Interner::default();
        let mut ids: Vec<u32> = texts
            .iter()
            .map(|text| interner.number(text.as_bytes()))
            .collect();
        let (_, closed) = interner.close(&mut ids);
        (ids, closed)
    }

    #[test]
    fn names_are_numbered_by_the_alphabet_whatever_order_they_come_in() {
        let (ids, one) = closed(&["tt9", "A1", "é", "A1", "B-2"]);
        assert_eq!(ids, [3, 1, 4, 1, 2]);
        let (_, other) = closed(&["B-2", "é", "tt9", "A1"]);
        assert_eq!(one, other);
        let Closed::Names(names) = one else {
            panic!("{one:?}")
        };
        assert_eq!(
            (names.of(3), names.id("tt9"), names.id("tt"), names.of(0)),
            (Some("tt9"), Some(3), None, None)
        );
    }

    #[test]
    fn numbers_written_otherwise_are_those_numbers() {
        assert_eq!(closed(&["7", "0007", "7.0", "31.00"]).0, [7, 7, 7, 31]);
        assert_eq!(
            closed(&["007", "1.0"]).1,
            Closed::Numbers(Some((1, "1.0".into())))
        );
        assert_eq!(closed(&["7", "0"]).1, Closed::Numbers(None));
        for name in ["-7", "4294967296", "7.5", "7.", ".0", "1e3", "", "0x7"] {
            assert!(matches!(closed(&["1", name]).1, Closed::Names(_)), "{name}");
        }
    }

    #[test]
    fn numbers_and_texts_of_several_parts_meet() {
        let mut whole = Interner::default();
        let mut first = [9, 9, 4];
        whole.take_numbers(&mut first);
        let mut part = Interner::default();
        let mut second = [part.number(b"x"), part.number(b"4"), part.number(b"x")];
        whole.take(part, &mut second);
        let mut ids: Vec<u32> = first.into_iter().chain(second).collect();
        let (_, closed) = whole.close(&mut ids);
        assert_eq!(ids, [2, 2, 1, 3, 1, 3]);
        assert_eq!(
            closed,
            Closed::Names(Names::new(vec!["4".into(), "9".into(), "x".into()]))
        );
    }
}
