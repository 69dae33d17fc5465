//! Arrays of HDF5's in chunks: the tree that says where they are, and what they are packed with.

use std::collections::HashSet;
use std::io::Read as _;
use std::ops::Range;

use flate2::read::ZlibDecoder;

/// Sides of an array at most.
const MOST_SIDES: usize = 8;
/// Bytes that a packed one holds at most, and the fewest that anything packs to.
const DENSEST: usize = 1032;
const LEAST: usize = 64;

/// How chunks are packed, in the order in which it was done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Filter {
    Deflate,
    /// The first bytes of all numbers, then the second ones; of so many bytes.
    Shuffle(usize),
}

/// A chunk in a file.
pub(crate) struct Chunk {
    /// Its first place on each side.
    pub at: Vec<usize>,
    pub bytes: Range<usize>,
    /// Filters that were left out, a bit each.
    pub without: u32,
}

/// An array in chunks of one shape.
pub(crate) struct Chunks<'a> {
    pub shape: &'a [usize],
    pub of: &'a [usize],
    /// Bytes of a number.
    pub element: usize,
    pub filters: &'a [Filter],
}

impl Chunks<'_> {
    /// The array's numbers, row after row, out of a `file` with all of its chunks.
    ///
    /// # Errors
    /// What is wrong, in words that follow the array's name. Memory is that of the array only where the file has the bytes that
    /// it would be packed into.
    pub(crate) fn joined(&self, file: &[u8], chunks: &[Chunk]) -> Result<Vec<u8>, &'static str> {
        let product = |sides: &[usize]| {
            let sides = sides
                .iter()
                .try_fold(self.element, |all, side| all.checked_mul(*side));
            sides.ok_or("has chunks that are too large")
        };
        let sides = self.shape.len();
        let fits = sides == self.of.len() && (1..=MOST_SIDES).contains(&sides);
        if !fits || self.of.contains(&0) || self.element == 0 {
            return Err("has chunks of another shape");
        }
        let (size, all) = (product(self.of)?, product(self.shape)?);
        let due = self.count();
        let there: HashSet<&[usize]> = chunks.iter().map(|chunk| &chunk.at[..]).collect();
        if (there.len(), chunks.len()) != (due, due) {
            return Err("has chunks that aren't there, or are there twice");
        }
        let stored = chunks.iter().map(|chunk| chunk.bytes.len());
        let holds = |bytes: usize| bytes.saturating_mul(DENSEST).saturating_add(LEAST);
        if stored.sum::<usize>() > file.len() || all > holds(file.len()) {
            return Err("has chunks of more bytes than the file");
        }
        let mut joined = vec![0; all];
        for chunk in chunks {
            let placed = chunk.at.iter().zip(self.of).zip(self.shape);
            if placed
                .into_iter()
                .any(|((at, of), side)| at >= side || at % of != 0)
            {
                return Err("has a chunk outside of it");
            }
            let bytes = file
                .get(chunk.bytes.clone())
                .ok_or("has a chunk behind the file's end")?;
            if size > holds(bytes.len()) {
                return Err("has a chunk that is cut");
            }
            let bytes = self.unpacked(bytes, chunk.without, size)?;
            self.place(&chunk.at, &bytes, &mut joined);
        }
        Ok(joined)
    }

    /// How many chunks there should be.
    pub(crate) fn count(&self) -> usize {
        let sides = self.shape.iter().zip(self.of);
        let each = sides.map(|(side, of)| side.checked_div(*of).map_or(0, |_| side.div_ceil(*of)));
        each.fold(1, usize::saturating_mul)
    }

    /// The bytes of a chunk.
    fn unpacked(&self, bytes: &[u8], without: u32, size: usize) -> Result<Vec<u8>, &'static str> {
        let mut bytes = bytes.to_vec();
        for (at, filter) in self.filters.iter().enumerate().rev() {
            if without >> at & 1 != 0 {
                continue;
            }
            bytes = match filter {
                Filter::Deflate => {
                    let mut plain = Vec::with_capacity(size);
                    // A byte more tells of one that is too long.
                    let mut packed = ZlibDecoder::new(&bytes[..]).take(size as u64 + 1);
                    packed
                        .read_to_end(&mut plain)
                        .map_err(|_| "has a damaged chunk")?;
                    plain
                }
                Filter::Shuffle(width) => unshuffled(&bytes, *width),
            };
        }
        match bytes.len() == size {
            true => Ok(bytes),
            false => Err("has a chunk of another size"),
        }
    }

    /// Puts a chunk, row after row, where it belongs; what of it is outside of the array goes.
    fn place(&self, at: &[usize], bytes: &[u8], joined: &mut [u8]) {
        let last = self.of.len() - 1;
        let row = self.of[last] * self.element;
        let length = (self.shape[last] - at[last]).min(self.of[last]) * self.element;
        for (number, bytes) in bytes.chunks_exact(row).enumerate() {
            // Which row of the chunk, and so of the array.
            let (mut rest, mut from, mut stride) = (number, at[last], self.shape[last]);
            let mut inside = true;
            for side in (0..last).rev() {
                let place = at[side] + rest % self.of[side];
                rest /= self.of[side];
                inside &= place < self.shape[side];
                from += place * stride;
                stride *= self.shape[side];
            }
            if inside {
                joined[from * self.element..][..length].copy_from_slice(&bytes[..length]);
            }
        }
    }
}

/// Numbers of `width` bytes whose first bytes came first, then their second ones; what is left over stands behind.
fn unshuffled(bytes: &[u8], width: usize) -> Vec<u8> {
    let count = bytes.len().checked_div(width).unwrap_or(0);
    let mut plain = bytes.to_vec();
    for (at, number) in plain.chunks_exact_mut(width.max(1)).take(count).enumerate() {
        for (byte, to) in number.iter_mut().enumerate() {
            *to = bytes[byte * count + at];
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_three_sides_come_together_and_what_is_outside_goes() {
        let shape = [3, 4, 5];
        let of = [2, 3, 2];
        let number = |a: usize, b: usize, c: usize| (a * 20 + b * 5 + c) as u8;
        let (mut file, mut chunks) = (Vec::new(), Vec::new());
        for (a, b, c) in [0, 2].into_iter().flat_map(|a| {
            [0, 3]
                .into_iter()
                .flat_map(move |b| [0, 2, 4].map(move |c| (a, b, c)))
        }) {
            let from = file.len();
            for i in 0..2 {
                for j in 0..3 {
                    file.extend([number(a + i, b + j, c), number(a + i, b + j, c + 1)]);
                }
            }
            chunks.push(Chunk {
                at: vec![a, b, c],
                bytes: from..file.len(),
                without: 0,
            });
        }
        let all = Chunks {
            shape: &shape,
            of: &of,
            element: 1,
            filters: &[],
        };
        let due: Vec<u8> = (0..60).collect();
        assert_eq!(all.joined(&file, &chunks).unwrap(), due);
        let lost = chunks.pop().unwrap();
        assert!(
            all.joined(&file, &chunks)
                .unwrap_err()
                .contains("aren't there")
        );
        chunks.push(Chunk {
            at: vec![2, 3, 3],
            ..lost
        });
        assert!(all.joined(&file, &chunks).unwrap_err().contains("outside"));
        // A claim of more than any file of its size holds takes no memory.
        let large = [1 << 20, 1 << 20, 1 << 10];
        let huge = Chunks {
            shape: &large,
            of: &large,
            ..all
        };
        let whole = [Chunk {
            at: vec![0; 3],
            bytes: 0..file.len(),
            without: 0,
        }];
        assert!(
            huge.joined(&file, &whole)
                .unwrap_err()
                .contains("more bytes")
        );
    }

    #[test]
    fn bytes_that_were_sorted_by_their_places_are_put_back() {
        assert_eq!(unshuffled(&[1, 3, 5, 2, 4, 6, 9], 2), [1, 2, 3, 4, 5, 6, 9]);
        assert_eq!(unshuffled(&[1, 2], 0), [1, 2]);
    }
}
