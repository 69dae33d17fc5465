//! Pages of flash, one behind another and the first behind the last: erased, opened, and written slot by slot, each time
//! read back.

use super::super::StoreError;
use super::super::record::{Body, RECORD, crc_of};
use embedded_storage::nor_flash::NorFlash;

/// Where the parts of a page lie, each at the start of a word of flash.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// Bytes of a word.
    word: u32,
    /// Bytes of a page's head: the marker's word, and those that the page is opened with.
    head: u32,
    /// Bytes of a slot.
    slot: u32,
}

impl Layout {
    /// That of flash which is written in words of so many bytes. Smaller words are written four bytes at a time.
    pub(super) const fn of(word: u32) -> Self {
        let word = if word > 4 { word } else { 4 };
        // Pages are looked at in steps of 16 bytes.
        let head = up(word.saturating_add(up(3 * 4, word)), 16);
        Self {
            word,
            head,
            slot: up(RECORD, word),
        }
    }

    /// Records that a page takes behind its head.
    pub(super) const fn slots(self, page_bytes: u32) -> u32 {
        match page_bytes.saturating_sub(self.head).checked_div(self.slot) {
            Some(slots) => slots,
            None => 0,
        }
    }
}

/// The least multiple of `unit`, which isn't 0, that is no less.
const fn up(bytes: u32, unit: u32) -> u32 {
    let units = match bytes.saturating_add(unit.wrapping_sub(1)).checked_div(unit) {
        Some(units) => units,
        None => 0,
    };
    units.wrapping_mul(unit)
}

/// The page was erased, and nothing has cut that off. Its last byte is the version of what is written behind it: raised
/// where that changes, so that no version takes another's log for its own, or for nothing. What isn't said in it holds
/// for all versions: three bytes, the version, then a word that isn't blank in a page that was opened.
pub(super) const MARKER: u32 = u32::from_le_bytes(*b"PkL2");
const BLANK: u32 = u32::MAX;

/// Bytes of the largest word that flash may be written in.
pub(super) const LARGEST_WORD: usize = 32;

/// Flash didn't do what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl From<Broken> for StoreError {
    fn from(_: Broken) -> Self {
        Self::Failed
    }
}

/// What is wrong with something that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// It is something else.
    Differs,
    /// It can't be read.
    Unread,
}

impl From<Bad> for Broken {
    fn from(_: Bad) -> Self {
        Self
    }
}

/// What a page's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// It was erased, and nothing was written since.
    Erased,
    /// It was opened.
    Opened { generation: u32, first: u32 },
    /// It was opened by a firmware that writes another version.
    OtherVersion,
    /// None of these.
    Unknown,
}

/// The pages of a region.
#[derive(Debug)]
pub(super) struct Ring<F> {
    pub(super) flash: F,
    pub(super) pages: u32,
    pub(super) page_bytes: u32,
    /// Whether something couldn't be read since this was last looked at.
    pub(super) unread: bool,
}

impl<F: NorFlash> Ring<F> {
    pub(super) fn new(flash: F) -> Self {
        let page_bytes = F::ERASE_SIZE as u32;
        let pages = (flash.capacity() as u32).checked_div(page_bytes);
        Self {
            flash,
            pages: pages.unwrap_or(0),
            page_bytes,
            unread: false,
        }
    }

    const LAYOUT: Layout = Layout::of(F::WRITE_SIZE as u32);

    pub(super) fn slots(&self) -> u32 {
        Self::LAYOUT.slots(self.page_bytes)
    }

    pub(super) fn after(&self, page: u32) -> u32 {
        let next = page.wrapping_add(1);
        if next >= self.pages { 0 } else { next }
    }

    pub(super) fn before(&self, page: u32) -> u32 {
        page.checked_sub(1).unwrap_or(self.pages.wrapping_sub(1))
    }

    /// Where a page's bytes begin.
    fn start(&self, page: u32) -> u32 {
        page.wrapping_mul(self.page_bytes)
    }

    /// Where a slot begins, counted from 1.
    fn place(&self, page: u32, slot: u32) -> u32 {
        let behind = slot.wrapping_sub(1).wrapping_mul(Self::LAYOUT.slot);
        self.start(page)
            .wrapping_add(Self::LAYOUT.head)
            .wrapping_add(behind)
    }

    /// Some words. What can't be read reads as zeros: no marker, no record, not erased.
    #[inline]
    fn read<const N: usize>(&mut self, at: u32) -> [u32; N] {
        let mut words = [0; N];
        self.read_into(at, &mut words);
        words
    }

    // One piece of code for heads and for records; core is for little-endian machines.
    #[inline(never)]
    fn read_into(&mut self, at: u32, words: &mut [u32]) {
        let bytes = bytemuck::must_cast_slice_mut(words);
        if self.flash.read(at, bytes).is_err() {
            self.unread = true;
            bytes.fill(0);
        }
    }

    /// Writes words, in their order, and reads them back.
    fn write(&mut self, at: u32, words: &[u32]) -> Result<(), Bad> {
        if Self::LAYOUT.word > 4 {
            return self.write_wide(at, words);
        }
        let mut at = at;
        for word in words {
            // What it says of this may be wrong either way.
            let _ = self.flash.write(at, &word.to_le_bytes());
            let mut back = [0; 4];
            self.flash.read(at, &mut back).map_err(|_| Bad::Unread)?;
            if u32::from_le_bytes(back) != *word {
                return Err(Bad::Differs);
            }
            at = at.wrapping_add(4);
        }
        Ok(())
    }

    /// As [`write`](Self::write), as many at a time as a word of flash holds; what is left of the last stays erased.
    fn write_wide(&mut self, at: u32, words: &[u32]) -> Result<(), Bad> {
        let width = Self::LAYOUT.word as usize;
        let (mut at, mut rest) = (at, words);
        while !rest.is_empty() {
            let count = core::cmp::min(rest.len(), width / 4);
            let mut bytes = [[0xff; 4]; LARGEST_WORD / 4];
            let mut back = [0; LARGEST_WORD];
            let (Some((now, later)), Some(back)) =
                (rest.split_at_checked(count), back.get_mut(..width))
            else {
                return Err(Bad::Differs);
            };
            for (to, word) in bytes.iter_mut().zip(now) {
                *to = word.to_le_bytes();
            }
            let Some(bytes) = bytes.as_flattened().get(..width) else {
                return Err(Bad::Differs);
            };
            // As above.
            let _ = self.flash.write(at, bytes);
            self.flash.read(at, back).map_err(|_| Bad::Unread)?;
            if back != bytes {
                return Err(Bad::Differs);
            }
            (at, rest) = (at.wrapping_add(Self::LAYOUT.word), later);
        }
        Ok(())
    }

    pub(super) fn head(&mut self, page: u32) -> Head {
        let start = self.start(page);
        let head = if Self::LAYOUT.word == 4 {
            self.read(start)
        } else {
            let [marker] = self.read(start);
            let [generation, first, crc] = self.read(start.wrapping_add(Self::LAYOUT.word));
            [marker, generation, first, crc]
        };
        match head {
            [MARKER, BLANK, BLANK, BLANK] => Head::Erased,
            [MARKER, generation, first, crc]
                if crc == crc_of(generation, &[first]) && generation != BLANK =>
            {
                Head::Opened { generation, first }
            }
            // A marker that was cut off has nothing behind it.
            [other, generation, _, crc]
                if other != MARKER
                    && other << 8 == MARKER << 8
                    && generation != BLANK
                    && crc != BLANK =>
            {
                Head::OtherVersion
            }
            _ => Head::Unknown,
        }
    }

    /// Whether a page has this word from its byte `from` on, and nothing else.
    fn has_only(&mut self, page: u32, from: u32, word: u32) -> bool {
        let start = self.start(page);
        (from..self.page_bytes)
            .step_by(16)
            .all(|at| self.read(start.wrapping_add(at)) == [word; 4])
    }

    /// Whether all of a page is this word.
    pub(super) fn is_filled(&mut self, page: u32, word: u32) -> bool {
        self.has_only(page, 0, word)
    }

    /// Whether a page holds nothing: it has never been written, or says that it was erased.
    pub(super) fn is_blank(&mut self, page: u32) -> bool {
        self.is_filled(page, BLANK) || self.is_erased(page)
    }

    /// Whether a page is erased from its head to its end.
    pub(super) fn is_erased(&mut self, page: u32) -> bool {
        self.head(page) == Head::Erased && self.has_only(page, Self::LAYOUT.head, BLANK)
    }

    /// Erases a page, and makes sure that it is.
    pub(super) fn erase(&mut self, page: u32) -> Result<(), Broken> {
        let at = self.start(page);
        // As for a write, what is there afterwards counts.
        let _ = self.flash.erase(at, at.wrapping_add(self.page_bytes));
        if !self.is_filled(page, BLANK) {
            return Err(Broken);
        }
        Ok(self.write(at, &[MARKER])?)
    }

    /// Opens an erased page.
    pub(super) fn open(&mut self, page: u32, generation: u32, first: u32) -> Result<(), Broken> {
        let at = self.start(page).wrapping_add(Self::LAYOUT.word);
        Ok(self.write(at, &[generation, first, crc_of(generation, &[first])])?)
    }

    /// Writes a record, its CRC included, into a slot.
    pub(super) fn put(&mut self, page: u32, slot: u32, words: &[u32; 5]) -> Result<(), Bad> {
        self.write(self.place(page, slot), words)
    }

    /// The record in a slot of a page of `generation`, if it is whole.
    pub(super) fn get(&mut self, page: u32, slot: u32, generation: u32) -> Option<Body> {
        let [a, b, c, d, crc] = self.read(self.place(page, slot));
        let body = [a, b, c, d];
        (crc == crc_of(generation, &body)).then_some(body)
    }

    /// Whether a slot was never written.
    pub(super) fn is_free(&mut self, page: u32, slot: u32) -> bool {
        self.read(self.place(page, slot)) == [BLANK; 5]
    }
}
