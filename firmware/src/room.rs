//! Whether the profile region of a memory map holds what a firmware keeps there, told while it is compiled.

use pocketrec::profile::UNDO_DEPTH;
use pocketrec::store::flash::least_region;

/// Records that the log of `owners` profiles of up to `log` ratings, and of the movies that are added, may have to hold.
pub const fn records(owners: usize, log: usize) -> usize {
    owners * (log + UNDO_DEPTH) + ADDED
}

#[cfg(feature = "grow")]
const ADDED: usize = pocketrec::grow::RECORDS;
#[cfg(not(feature = "grow"))]
const ADDED: usize = 0;

/// Ends compilation where a region of `length` bytes, in pages of `page` and words of `word`, is too small for `owners` profiles of up to
/// `log` ratings. For constants only: it panics.
pub const fn require(length: u32, (page, word): (u32, u32), owners: usize, log: usize) {
    let least = least_region(page, word, records(owners, log));
    if length < least {
        let sentence = Sentence::new()
            .text("the profile region has ")
            .number(length)
            .text(" bytes, and profiles (owners times ratings: ")
            .number(owners as u32)
            .text(" times ")
            .number(log as u32)
            .text(if cfg!(feature = "grow") {
                ", and movies that are added) need "
            } else {
                ") need "
            })
            .number(least)
            .text(" in pages of ")
            .number(page)
            .text(": give the board's memory map `__profile_length = ")
            .number(least)
            .text(";`, or the firmware fewer owners or ratings");
        panic!("{}", sentence.as_str());
    }
}

/// A sentence with numbers in it, which a constant's panic can't format.
struct Sentence {
    bytes: [u8; 320],
    length: usize,
}

impl Sentence {
    const fn new() -> Self {
        Self {
            bytes: [0; 320],
            length: 0,
        }
    }

    const fn text(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() {
            self.bytes[self.length] = text[i];
            self.length += 1;
            i += 1;
        }
        self
    }

    const fn number(mut self, number: u32) -> Self {
        let mut power = 1;
        while number / power >= 10 {
            power *= 10;
        }
        while power > 0 {
            self.bytes[self.length] = b'0' + (number / power % 10) as u8;
            self.length += 1;
            power /= 10;
        }
        self
    }

    const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "the profile region is too small",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u32 = 1024;
    // 72 records and 5 slots besides take 2 pages of 50; twice that and a page more are 5.
    const _: () = require(5 * PAGE, (PAGE, 4), 1, 64);

    #[test]
    #[should_panic(
        expected = "the profile region has 4096 bytes, and profiles (owners times ratings: 1 times 64) need 5120 in \
                    pages of 1024: give the board's memory map `__profile_length = 5120;`, or the firmware fewer \
                    owners or ratings"
    )]
    fn a_region_of_a_page_too_few_is_refused_with_what_it_takes() {
        require(4 * PAGE, (PAGE, 4), 1, 64);
    }

    #[test]
    fn a_number_is_written_as_it_is() {
        for number in [0, 7, 10, 1024, 999_999, u32::MAX] {
            let text = std::string::ToString::to_string(&number);
            assert_eq!(Sentence::new().number(number).as_str(), text);
        }
    }
}
