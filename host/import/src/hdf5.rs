//! HDF5 as h5py writes it, and with it Keras: `.h5`, `.weights.h5`, and that in a `.keras`.
//!
//! What such a file has is read here, from where it lies: groups by symbol tables or links, and arrays in one piece or in
//! chunks, which gzip may have packed. The crates that read HDF5 bring the rest of it, which takes longer to compile than
//! all else that imports a model. The format is The HDF Group's "HDF5 File Format Specification", version 3.0.

use std::collections::HashSet;
use std::ops::Range;

use crate::array::{Array, Arrays, Element};
use crate::bytes::Bytes;
use crate::chunks::{Chunk, Chunks, Filter};

/// The first bytes.
pub(crate) const MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Objects in a file at most: places may overlap in a damaged one, so that its size alone bounds little.
const MOST: usize = 1 << 14;
/// Groups in groups at most.
const DEEPEST: usize = 16;
/// Sides of an array at most, as the format has it.
const MOST_SIDES: usize = 32;
/// Bytes of a name at most.
const LONGEST: usize = 255;
/// The address of what isn't there.
const NOWHERE: u64 = u64::MAX;

// Kinds of messages in an object's header.
const SPACE: u16 = 0x01;
const LINKS: u16 = 0x02;
const TYPE: u16 = 0x03;
const LINK: u16 = 0x06;
const LAYOUT: u16 = 0x08;
const FILTERS: u16 = 0x0b;
const ATTRIBUTE: u16 = 0x0c;
const GOES_ON: u16 = 0x10;
const TABLE: u16 = 0x11;

/// Why a file can't be read.
#[derive(Debug, PartialEq)]
pub(crate) enum Refused {
    /// It isn't whole, in words that follow its name.
    Damaged(String),
    /// It has something that this reader doesn't know, in words that follow its name.
    Unknown(String),
}

type Read<T> = Result<T, Refused>;

fn damaged<T>(what: &str) -> Read<T> {
    Err(Refused::Damaged(format!("is cut or damaged: {what}")))
}

fn unknown<T>(what: String) -> Read<T> {
    Err(Refused::Unknown(what))
}

/// The arrays of a file, those of Keras's layers by the layers' names; what an optimiser keeps is left out.
///
/// # Errors
/// [`Refused`] for a file that isn't whole, or has what isn't known here.
pub(crate) fn read(bytes: Bytes) -> Read<Arrays> {
    let mut file = File {
        bytes: &bytes,
        seen: HashSet::new(),
        found: Vec::new(),
        layers: Vec::new(),
    };
    let root = file.root()?;
    file.object(root, &mut Vec::new())?;
    let File { found, layers, .. } = file;
    let mut arrays = Arrays::new();
    for at in 0..found.len() {
        let (path, array) = &found[at];
        if path[0].starts_with("optimizer") {
            continue;
        }
        let mut name = called(path, &layers, &found);
        if arrays.contains_key(&name) {
            name = path.join("/");
        }
        arrays.insert(name, array.clone());
    }
    Ok(arrays)
}

/// What an array is called. Keras 3 counts a layer's weights in a group `vars`, which has the layer's name; the group
/// around it has that of its class.
fn called(
    path: &[String],
    layers: &[(Vec<String>, String)],
    found: &[(Vec<String>, Array)],
) -> String {
    if let [group @ .., vars, number] = path
        && vars == "vars"
        && let Some((_, layer)) = layers.iter().find(|(of, _)| of == group)
        && let Some(class) = group.last()
    {
        let sides = |wanted: &str| {
            let of = |(path, _): &&(Vec<String>, Array)| {
                path.len() == group.len() + 2
                    && path.starts_with(group)
                    && path[group.len()] == "vars"
                    && path[group.len() + 1] == wanted
            };
            found.iter().find(of).map(|(_, array)| array.shape.len())
        };
        let dense = class.starts_with("dense") || (sides("0"), sides("1")) == (Some(2), Some(1));
        let part = match (&number[..], class.starts_with("embedding"), dense) {
            ("0", true, _) => "embeddings",
            ("0", _, true) => "kernel",
            ("1", _, true) => "bias",
            _ => number,
        };
        return format!("{layer}/{part}");
    }
    // Keras 2 and `model.save("model.h5")` name the weights, and the layer twice.
    let path = match path {
        [first, rest @ ..] if first == "model_weights" && !rest.is_empty() => rest,
        _ => path,
    };
    let path = match path {
        [layer, again, ..] if layer == again && path.len() > 2 => &path[1..],
        _ => path,
    };
    path.join("/")
}

struct File<'a> {
    bytes: &'a Bytes,
    /// Where objects, and nodes of trees, were read: each is once.
    seen: HashSet<u64>,
    found: Vec<(Vec<String>, Array)>,
    /// Groups with a group `vars`, and the name that this one has.
    layers: Vec<(Vec<String>, String)>,
}

/// A message of an object's header.
struct Message {
    kind: u16,
    at: usize,
}

impl File<'_> {
    fn at(&self, from: usize, length: usize) -> Read<&[u8]> {
        match from
            .checked_add(length)
            .and_then(|end| self.bytes.get(from..end))
        {
            Some(bytes) => Ok(bytes),
            None => damaged("it ends early"),
        }
    }

    /// A whole number of at most 8 bytes.
    fn number(&self, at: usize, bytes: usize) -> Read<u64> {
        let bytes = self.at(at, bytes)?.iter().rev();
        Ok(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn small(&self, at: usize, bytes: usize) -> Read<usize> {
        match usize::try_from(self.number(at, bytes)?) {
            Ok(number) => Ok(number),
            Err(_) => damaged("it ends early"),
        }
    }

    /// A text that a zero ends.
    fn text(&self, at: usize) -> Read<String> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let end = rest.iter().take(LONGEST + 1).position(|byte| *byte == 0);
        match end {
            Some(end) => Ok(String::from_utf8_lossy(&rest[..end]).into_owned()),
            None => unknown(format!("has a name of more than {LONGEST} bytes")),
        }
    }

    fn is(&self, at: usize, mark: &[u8]) -> Read<()> {
        match self.at(at, mark.len())? == mark {
            true => Ok(()),
            false => damaged(&format!(
                "no {} is where one should be",
                mark.escape_ascii()
            )),
        }
    }

    /// Notes that what is at an address is read now.
    fn once(&mut self, address: u64) -> Read<()> {
        match self.seen.insert(address) {
            true if self.seen.len() <= MOST => Ok(()),
            true => unknown(format!("has more than {MOST} objects")),
            false => damaged("two names have one object, or it holds itself"),
        }
    }

    /// Where the header of the outermost group is.
    fn root(&self) -> Read<u64> {
        self.is(0, MAGIC)?;
        let (sizes, root) = match self.number(8, 1)? {
            0 => (13, 64),
            1 => (13, 68),
            2 | 3 => (9, 36),
            other => return unknown(format!("has version {other} of HDF5 (0 to 3 are known)")),
        };
        if self.at(sizes, 2)? != [8, 8] {
            return unknown("has addresses that aren't of 8 bytes".into());
        }
        self.number(root, 8)
    }

    /// The messages of an object, the parts of its header one after the other.
    fn messages(&mut self, address: u64) -> Read<Vec<Message>> {
        self.once(address)?;
        let Ok(at) = usize::try_from(address) else {
            return damaged("it ends early");
        };
        // A message's own header is of 8 bytes, or of 4 and perhaps a number.
        let (first, head) = match self.at(at, 4)? {
            b"OHDR" => {
                let flags = self.number(at + 5, 1)?;
                let times = if flags & 0x20 != 0 { 16 } else { 0 };
                let phases = if flags & 0x10 != 0 { 4 } else { 0 };
                let (from, width) = (at + 6 + times + phases, 1 << (flags & 3));
                let length = self.small(from, width)?;
                ((from + width, length), if flags & 4 != 0 { 6 } else { 4 })
            }
            [1, ..] => ((at + 16, self.small(at + 8, 4)?), 8),
            _ => return damaged("no object is where one should be"),
        };
        let mut messages = Vec::new();
        let mut parts = vec![first];
        while let Some((from, length)) = parts.pop() {
            self.at(from, length)?;
            let (mut at, end) = (from, from + length);
            while at + head <= end {
                let (kind, size) = match head {
                    8 => (self.number(at, 2)?, self.small(at + 2, 2)?),
                    _ => (self.number(at, 1)?, self.small(at + 1, 2)?),
                };
                let shared = self.number(at + if head == 8 { 4 } else { 3 }, 1)? & 2 != 0;
                let message = Message {
                    kind: kind as u16,
                    at: at + head,
                };
                at += head + size;
                if at > end {
                    return damaged("a header is longer than it says");
                }
                match message.kind {
                    TYPE | SPACE | LAYOUT | FILTERS if shared => {
                        return unknown("has types that arrays share".into());
                    }
                    GOES_ON => {
                        let from = self.number(message.at, 8)?;
                        self.once(from)?;
                        let Ok(from) = usize::try_from(from) else {
                            return damaged("it ends early");
                        };
                        let length = self.small(message.at + 8, 8)?;
                        parts.push(match head {
                            8 => (from, length),
                            // A mark before, and a checksum behind.
                            _ => {
                                self.is(from, b"OCHK")?;
                                (from + 4, length.saturating_sub(8))
                            }
                        });
                    }
                    _ => messages.push(message),
                }
                if messages.len() > MOST {
                    return damaged("a header has no end");
                }
            }
        }
        Ok(messages)
    }

    /// Reads an array, or a group and what is in it.
    fn object(&mut self, address: u64, path: &mut Vec<String>) -> Read<()> {
        let messages = self.messages(address)?;
        let find = |kind: u16| messages.iter().find(|message| message.kind == kind);
        if let (Some(space), Some(of), Some(layout)) = (find(SPACE), find(TYPE), find(LAYOUT)) {
            let name = path.join("/");
            let filters = match find(FILTERS) {
                Some(message) => self.filters(message, &name)?,
                None => Vec::new(),
            };
            let array = self.array((space, of, layout), &filters, &name)?;
            if let (Some(array), false) = (array, path.is_empty()) {
                self.found.push((path.clone(), array));
            }
            return Ok(());
        }
        if path.len() == DEEPEST {
            return unknown(format!("has more than {DEEPEST} groups in each other"));
        }
        if let ([group @ .., last], true) = (&path[..], path.len() > 1)
            && last == "vars"
        {
            for message in messages.iter().filter(|message| message.kind == ATTRIBUTE) {
                if let Some(name) = self.name(message)? {
                    self.layers.push((group.to_vec(), name));
                }
            }
        }
        let mut links = Vec::new();
        for message in &messages {
            match message.kind {
                TABLE => {
                    let (tree, heap) =
                        (self.number(message.at, 8)?, self.small(message.at + 8, 8)?);
                    self.is(heap, b"HEAP")?;
                    let names = self.small(heap + 24, 8)?;
                    self.symbols(tree, names, &mut links)?;
                }
                LINK => links.extend(self.link(message)?),
                LINKS => {
                    // Behind the version, the flags and perhaps the order that comes next.
                    let next = if self.number(message.at + 1, 1)? & 1 != 0 {
                        8
                    } else {
                        0
                    };
                    if self.number(message.at + 2 + next, 8)? != NOWHERE {
                        return unknown(
                            "has groups of HDF5's latest format with many members".into(),
                        );
                    }
                }
                _ => {}
            }
        }
        for (name, address) in links {
            path.push(name);
            self.object(address, path)?;
            path.pop();
        }
        Ok(())
    }

    /// The members of a group in the nodes below one of a tree.
    fn symbols(&mut self, node: u64, names: usize, links: &mut Vec<(String, u64)>) -> Read<()> {
        let mut nodes = vec![node];
        while let Some(node) = nodes.pop() {
            self.once(node)?;
            let Ok(at) = usize::try_from(node) else {
                return damaged("it ends early");
            };
            if self.at(at, 4)? == b"SNOD" {
                for entry in 0..self.small(at + 6, 2)? {
                    let entry = at + 8 + entry * 40;
                    let name = names.saturating_add(self.small(entry, 8)?);
                    // What has no object is a link by name, to something that is listed elsewhere.
                    let address = self.number(entry + 8, 8)?;
                    if address != NOWHERE {
                        links.push((self.text(name)?, address));
                    }
                    if links.len() > MOST {
                        return unknown(format!("has more than {MOST} objects"));
                    }
                }
                continue;
            }
            self.is(at, b"TREE")?;
            for child in 0..self.small(at + 6, 2)? {
                nodes.push(self.number(at + 32 + child * 16, 8)?);
            }
        }
        Ok(())
    }

    /// A member of a group, where it is an object of this file.
    fn link(&self, message: &Message) -> Read<Option<(String, u64)>> {
        let flags = self.number(message.at + 1, 1)?;
        let mut at = message.at + 2;
        let mut kind = 0;
        if flags & 8 != 0 {
            kind = self.number(at, 1)?;
            at += 1;
        }
        at += if flags & 4 != 0 { 8 } else { 0 };
        at += if flags & 16 != 0 { 1 } else { 0 };
        let width = 1 << (flags & 3);
        let length = self.small(at, width)?;
        if length > LONGEST {
            return unknown(format!("has a name of more than {LONGEST} bytes"));
        }
        let name = String::from_utf8_lossy(self.at(at + width, length)?).into_owned();
        Ok(match kind {
            0 => Some((name, self.number(at + width + length, 8)?)),
            _ => None,
        })
    }

    /// The text of an attribute that is called `name`.
    fn name(&self, message: &Message) -> Read<Option<String>> {
        let version = self.number(message.at, 1)?;
        let [name, of, space] = [2, 4, 6].map(|at| self.small(message.at + at, 2));
        let (name, of, space) = (name?, of?, space?);
        let (start, padded): (usize, fn(usize) -> usize) = match version {
            1 => (8, |length| length.next_multiple_of(8)),
            2 => (8, |length| length),
            3 => (9, |length| length),
            _ => return Ok(None),
        };
        let at = message.at + start;
        if self.at(at, name)?.split(|byte| *byte == 0).next() != Some(b"name") {
            return Ok(None);
        }
        let of_at = at + padded(name);
        let value = of_at + padded(of) + padded(space);
        let (class, size) = (self.number(of_at, 1)? & 15, self.small(of_at + 4, 4)?);
        let bytes = match class {
            3 => self.at(value, size.min(LONGEST))?,
            // Of any length: where it is in a heap of all of them.
            9 => {
                let length = self.small(value, 4)?;
                let (heap, wanted) = (self.small(value + 4, 8)?, self.number(value + 12, 4)?);
                self.is(heap, b"GCOL")?;
                let end = heap.saturating_add(self.small(heap + 8, 8)?);
                let mut at = heap + 16;
                loop {
                    if at >= end {
                        return damaged("a text isn't where it should be");
                    }
                    let (number, size) = (self.number(at, 2)?, self.small(at + 8, 8)?);
                    if number == wanted {
                        break self.at(at + 16, length.min(size).min(LONGEST))?;
                    }
                    at = match size.checked_next_multiple_of(8) {
                        Some(size) if number != 0 => at.saturating_add(16).saturating_add(size),
                        _ => end,
                    };
                }
            }
            _ => return Ok(None),
        };
        let text = String::from_utf8_lossy(bytes);
        Ok(Some(text.trim_end_matches('\0').into()))
    }

    /// An array, unless it has no place for numbers.
    fn array(
        &mut self,
        (space, of, layout): (&Message, &Message, &Message),
        filters: &[Filter],
        name: &str,
    ) -> Read<Option<Array>> {
        let (version, sides) = (self.number(space.at, 1)?, self.small(space.at + 1, 1)?);
        if sides > MOST_SIDES {
            return damaged(&format!("`{name}` has {sides} sides"));
        }
        let from = match version {
            1 => space.at + 8,
            2 if self.number(space.at + 3, 1)? == 2 => return Ok(None),
            2 => space.at + 4,
            _ => return unknown(format!("has an array `{name}` of a kind that isn't known")),
        };
        let shape = (0..sides).map(|side| self.small(from + side * 8, 8));
        let shape = shape.collect::<Read<Vec<usize>>>()?;
        let (element, big_endian) = self.element(of)?;
        let (version, class) = (self.number(layout.at, 1)?, self.number(layout.at + 1, 1)?);
        let range: Range<usize> = match (version, class) {
            (3 | 4, 0) => {
                let length = self.small(layout.at + 2, 2)?;
                layout.at + 4..layout.at + 4 + length
            }
            (3 | 4, 1) => {
                let length = self.small(layout.at + 10, 8)?;
                match self.number(layout.at + 2, 8)? {
                    NOWHERE if shape.contains(&0) => 0..0,
                    NOWHERE => return damaged(&format!("nothing was written into `{name}`")),
                    at => match usize::try_from(at)
                        .ok()
                        .and_then(|at| Some(at..at.checked_add(length)?))
                    {
                        Some(range) => range,
                        None => return damaged("it ends early"),
                    },
                }
            }
            (3, 2) => {
                let width = self.small(of.at + 4, 4)?;
                let bytes = self.chunked(layout, (&shape, width), filters, name)?;
                let range = 0..bytes.len();
                return match Array::new(shape, element, bytes.into(), range) {
                    Ok(array) => Ok(Some(array.ordered(false, big_endian))),
                    Err(why) => damaged(&format!("`{name}` {why}")),
                };
            }
            _ => {
                return unknown(format!("has `{name}` in chunks of HDF5's latest format"));
            }
        };
        match Array::new(shape, element, self.bytes.clone(), range) {
            Ok(array) => Ok(Some(array.ordered(false, big_endian))),
            Err(why) => damaged(&format!("`{name}` {why}")),
        }
    }

    /// What chunks are packed with.
    fn filters(&self, message: &Message, name: &str) -> Read<Vec<Filter>> {
        let (version, count) = (self.number(message.at, 1)?, self.small(message.at + 1, 1)?);
        let mut at = message.at + if version == 1 { 8 } else { 2 };
        let mut filters = Vec::new();
        for _ in 0..count {
            let id = self.number(at, 2)?;
            let has_name = version == 1 || id >= 256;
            let length = if has_name { self.small(at + 2, 2)? } else { 0 };
            at += if has_name { 4 } else { 2 };
            let values = self.small(at + 2, 2)?;
            let from = at + 4 + length.next_multiple_of(if version == 1 { 8 } else { 1 });
            filters.push(match id {
                1 => Filter::Deflate,
                2 if values > 0 => Filter::Shuffle(self.small(from, 4)?),
                _ => {
                    let what = match id {
                        3 => "fletcher32".into(),
                        4 => "szip".into(),
                        32_000 => "lzf".into(),
                        other => format!("filter {other}"),
                    };
                    return unknown(format!("has `{name}` in chunks packed with {what}"));
                }
            });
            let odd = if version == 1 { values % 2 } else { 0 };
            at = from + (values + odd) * 4;
        }
        Ok(filters)
    }

    /// The bytes of an array in chunks, whose numbers have so many bytes.
    fn chunked(
        &mut self,
        layout: &Message,
        (shape, width): (&[usize], usize),
        filters: &[Filter],
        name: &str,
    ) -> Read<Vec<u8>> {
        // The last side is that of a number.
        let sides = self.small(layout.at + 2, 1)?.saturating_sub(1);
        let of = (0..sides).map(|side| self.small(layout.at + 11 + side * 4, 4));
        let of = of.collect::<Read<Vec<usize>>>()?;
        let root = self.number(layout.at + 3, 8)?;
        let mut chunks = Vec::new();
        let mut nodes = if root == NOWHERE {
            Vec::new()
        } else {
            vec![root]
        };
        while let Some(node) = nodes.pop() {
            self.once(node)?;
            let Ok(at) = usize::try_from(node) else {
                return damaged("it ends early");
            };
            self.is(at, b"TREE\x01")?;
            let level = self.number(at + 5, 1)?;
            let entry = 8 + (sides + 1) * 8 + 8;
            for child in 0..self.small(at + 6, 2)? {
                let from = at + 24 + child * entry;
                let address = self.number(from + entry - 8, 8)?;
                if level > 0 {
                    if nodes.len() > MOST {
                        return unknown(format!("has more than {MOST} objects"));
                    }
                    nodes.push(address);
                    continue;
                }
                if chunks.len() >= self.bytes.len() / entry {
                    return damaged("it has more chunks than bytes");
                }
                let at = (0..sides).map(|side| self.small(from + 8 + side * 8, 8));
                let (length, start) = (self.small(from, 4)?, usize::try_from(address).ok());
                let end = start.and_then(|start| start.checked_add(length));
                let (Some(start), Some(end)) = (start, end) else {
                    return damaged("it ends early");
                };
                chunks.push(Chunk {
                    at: at.collect::<Read<_>>()?,
                    bytes: start..end,
                    without: self.number(from + 4, 4)? as u32,
                });
            }
        }
        let all = Chunks {
            shape,
            of: &of,
            element: width,
            filters,
        };
        if chunks.len() < all.count() {
            return unknown(format!("has `{name}` in chunks that weren't all written"));
        }
        let joined = all.joined(self.bytes, &chunks);
        joined.or_else(|why| damaged(&format!("`{name}` {why}")))
    }

    /// What elements are, and whether their first byte is the most significant.
    fn element(&self, of: &Message) -> Read<(Element, bool)> {
        let (class, flags) = (self.number(of.at, 1)? & 15, self.number(of.at + 1, 1)?);
        let size = self.small(of.at + 4, 4)?;
        let element = match class {
            0 if matches!(size, 1 | 2 | 4 | 8) => match flags & 8 {
                0 => Element::Unsigned(size),
                _ => Element::Signed(size),
            },
            1 => match (
                size,
                self.number(of.at + 13, 1)?,
                self.number(of.at + 15, 1)?,
            ) {
                (2, 5, 10) => Element::F16,
                (2, 8, 7) => Element::BF16,
                (4, 8, 23) => Element::F32,
                (8, 11, 52) => Element::F64,
                _ => Element::Other(format!("numbers of {size} bytes")),
            },
            3 => Element::Bytes(size),
            other => Element::Other(format!("HDF5's class {other}")),
        };
        Ok((element, flags & 1 != 0 && class < 2))
    }
}

#[cfg(test)]
#[path = "hdf5_tests.rs"]
mod tests;
