//! Changes in a region of NOR flash: a ring of pages, each written from front to back.
//!
//! ```text
//! page    marker 4 | generation 4 | first 4 | CRC 4     16 bytes
//!         record, record, …                             16 bytes each, up to the page's end
//! record  movie 4 | tag 4 | owner 1, kind 1, zeros 2 | CRC 4
//! ```
//!
//! All numbers are little-endian. The marker says that the page's erasure came to its end; it stands there before
//! anything else is written. Generations count pages as they are opened, each behind the last one in the ring. A
//! page that a compaction writes states in `first` the generation at which that compaction began, another page 0. A
//! record's CRC takes the page's generation in, so that no record of an earlier round can pass for one of this.
//!
//! # What a power cut can do
//!
//! - **In a record**: its CRC is wrong, it is passed over, and the next one goes behind it.
//! - **In a compaction**: its last record, the *commit*, is missing. Its pages are erased at the next start; the log
//!   before them is whole.
//! - **Behind the commit**: the log starts at the commit's `first`. Whatever lies outside of the ring from there to
//!   the newest page is erased at the next start.
//! - **In an erasure**: the marker is missing, or what was erased last is still there; both are erased again.
//!
//! So the log is what the newest commit begins, and a region without a commit, whatever it holds, is formatted.

use super::{Change, Record, Store, StoreError};
use crate::numeric::crc32::Crc32;
use crate::profile::{Rating, Undo};
use crate::wire::{Storage, StorageState};
use embedded_storage::nor_flash::NorFlash;

/// Bytes of a record, and of a page's head.
pub const RECORD: u32 = 16;

/// "PkLg": the page was erased, and nothing has cut that off.
const MARKER: u32 = u32::from_le_bytes(*b"PkLg");
const BLANK: u32 = u32::MAX;

const RATED: u8 = 1;
const UNDONE: u8 = 2;
const FORGOT: u8 = 3;
const FORGOT_ALL: u8 = 4;
const LIVE: u8 = 5;
const UNDOABLE_BEFORE: u8 = 6;
const UNDOABLE_NEW: u8 = 7;
const COMMIT: u8 = 8;

/// Slots that are tried, each behind one that read back wrong.
const TRIES: u32 = 4;

/// Four words, as they stand in flash.
type Words = [u32; 4];

/// Bytes of the least region, in pages of `page_bytes`, that a [`FlashLog`] of `records` records works in.
///
/// A firmware that compares it with its memory map in a constant has nothing to find out when it runs.
pub const fn least_region(page_bytes: u32, records: usize) -> u32 {
    least_pages(page_bytes, records).saturating_mul(page_bytes)
}

/// The live records, those of the compaction that replaces them, and a page to write on in between.
const fn least_pages(page_bytes: u32, records: usize) -> u32 {
    compacted(page_bytes, records)
        .saturating_mul(2)
        .saturating_add(1)
}

/// Pages that a compaction of `records` records needs at most: room for the commit, and for slots that fail.
const fn compacted(page_bytes: u32, records: usize) -> u32 {
    let slots = slots(page_bytes);
    let slots = if slots == 0 { 1 } else { slots };
    let records = if records > u32::MAX as usize {
        u32::MAX
    } else {
        records as u32
    };
    records.saturating_add(TRIES).div_ceil(slots)
}

/// Records that a page takes behind its head.
const fn slots(page_bytes: u32) -> u32 {
    (page_bytes / RECORD).saturating_sub(1)
}

/// A log of changes in `F`, a region of at least three pages that it has for itself.
///
/// `F` must take words of 4 bytes; it is read back after every write and every erasure. RAM: about 60 bytes.
#[derive(Debug)]
pub struct FlashLog<F> {
    flash: F,
    pages: u32,
    page_bytes: u32,
    /// Pages that a compaction may need at most.
    reserve: u32,
    state: StorageState,
    /// Page, generation and next free slot of the newest page.
    page: u32,
    generation: u32,
    slot: u32,
    /// Generation of the oldest page that counts.
    first: u32,
    owes_compaction: bool,
    /// Whether every page that doesn't count is known to be erased.
    swept: bool,
    torn: u16,
    bad_writes: u16,
}

/// Flash didn't do what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken;

impl From<Broken> for StoreError {
    fn from(_: Broken) -> Self {
        Self::Failed
    }
}

/// What a page's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    /// It was erased, and nothing was written since.
    Erased,
    /// It was opened.
    Opened { generation: u32, first: u32 },
    /// Neither.
    Unknown,
}

impl<F: NorFlash> FlashLog<F> {
    /// The log in `flash`, of at most `records` live records: one a rating and one a step of the way back. Repairs
    /// what a power cut left, which may erase pages; a region that holds no log is formatted. Where flash doesn't
    /// take that, or is too small, changes are kept in RAM only, and [`report`](Store::report) says so.
    pub fn open(flash: F, records: usize) -> Self {
        const {
            assert!(
                F::WRITE_SIZE <= 4 && F::READ_SIZE <= 4,
                "flash must be read and written in words of 4 bytes"
            );
            assert!(F::ERASE_SIZE >= 64 && F::ERASE_SIZE % 16 == 0);
        }
        let page_bytes = F::ERASE_SIZE as u32;
        let pages = (flash.capacity() as u32)
            .checked_div(page_bytes)
            .unwrap_or(0);
        let mut log = Self {
            flash,
            pages,
            page_bytes,
            reserve: compacted(page_bytes, records),
            state: StorageState::Flash,
            page: 0,
            generation: 0,
            slot: 0,
            first: 0,
            owes_compaction: false,
            swept: false,
            torn: 0,
            bad_writes: 0,
        };
        if least_pages(page_bytes, records) > pages || log.mount().is_err() {
            log.state = StorageState::Failed;
        }
        log
    }

    /// Gives the flash back.
    pub fn into_inner(self) -> F {
        self.flash
    }

    fn slots(&self) -> u32 {
        slots(self.page_bytes)
    }

    fn after(&self, page: u32) -> u32 {
        let next = page.wrapping_add(1);
        if next >= self.pages { 0 } else { next }
    }

    fn before(&self, page: u32) -> u32 {
        page.checked_sub(1).unwrap_or(self.pages.wrapping_sub(1))
    }

    fn read(&mut self, page: u32, slot: u32) -> Words {
        let at = page
            .wrapping_mul(self.page_bytes)
            .wrapping_add(slot.wrapping_mul(RECORD));
        let mut bytes = [0; RECORD as usize];
        // What can't be read reads as zeros: no marker, no record, not erased.
        let _ = self.flash.read(at, &mut bytes);
        let (words, _) = bytes.as_chunks::<4>();
        let mut read = [0; 4];
        for (to, from) in read.iter_mut().zip(words) {
            *to = u32::from_le_bytes(*from);
        }
        read
    }

    /// Writes words, in their order, and reads them back.
    fn write(&mut self, at: u32, words: &[u32]) -> Result<(), Broken> {
        let mut at = at;
        for word in words {
            self.flash
                .write(at, &word.to_le_bytes())
                .map_err(|_| Broken)?;
            let mut back = [0; 4];
            self.flash.read(at, &mut back).map_err(|_| Broken)?;
            if u32::from_le_bytes(back) != *word {
                return Err(Broken);
            }
            at = at.wrapping_add(4);
        }
        Ok(())
    }

    fn head(&mut self, page: u32) -> Head {
        match self.read(page, 0) {
            [MARKER, BLANK, BLANK, BLANK] => Head::Erased,
            [MARKER, generation, first, crc]
                if crc == crc_of(generation, &[first, 0, 0]) && generation != BLANK =>
            {
                Head::Opened { generation, first }
            }
            _ => Head::Unknown,
        }
    }

    /// Whether a page is erased from its head to its end.
    fn is_erased(&mut self, page: u32) -> bool {
        self.head(page) == Head::Erased
            && (1..=self.slots()).all(|slot| self.read(page, slot) == [BLANK; 4])
    }

    fn erase(&mut self, page: u32) -> Result<(), Broken> {
        let at = page.wrapping_mul(self.page_bytes);
        let end = at.wrapping_add(self.page_bytes);
        self.flash.erase(at, end).map_err(|_| Broken)?;
        if (0..=self.slots()).any(|slot| self.read(page, slot) != [BLANK; 4]) {
            return Err(Broken);
        }
        self.write(at, &[MARKER])
    }

    /// Opens the page behind the newest one, erased if it isn't yet.
    fn open_next(&mut self, first: u32) -> Result<(), Broken> {
        let page = self.after(self.page);
        if !self.is_erased(page) {
            self.erase(page)?;
        }
        let generation = self.generation.wrapping_add(1);
        let at = page.wrapping_mul(self.page_bytes).wrapping_add(4);
        self.write(at, &[generation, first, crc_of(generation, &[first, 0, 0])])?;
        (self.page, self.generation, self.slot) = (page, generation, 1);
        Ok(())
    }

    /// Writes a record into the next slot of the newest page, or one behind it where that fails; `Full` where there
    /// is none.
    fn put(&mut self, body: [u32; 3]) -> Result<(), StoreError> {
        let [a, b, c] = body;
        let words = [a, b, c, crc_of(self.generation, &body)];
        for _ in 0..TRIES {
            if self.slot > self.slots() {
                return Err(StoreError::Full);
            }
            let at = self
                .page
                .wrapping_mul(self.page_bytes)
                .wrapping_add(self.slot.wrapping_mul(RECORD));
            self.slot = self.slot.wrapping_add(1);
            if self.write(at, &words).is_ok() {
                return Ok(());
            }
            self.bad_writes = self.bad_writes.saturating_add(1);
        }
        Err(StoreError::Failed)
    }

    /// The record in a slot of a page of `generation`, if it is whole.
    fn get(&mut self, page: u32, slot: u32, generation: u32) -> Option<[u32; 3]> {
        let [a, b, c, crc] = self.read(page, slot);
        (crc == crc_of(generation, &[a, b, c])).then_some([a, b, c])
    }

    /// Finds the log, and repairs what a power cut left.
    fn mount(&mut self) -> Result<(), Broken> {
        if self.find() {
            // A page that can't be erased doesn't make the log unreadable; whoever needs it is refused.
            if self.sweep().is_err() {
                self.bad_writes = self.bad_writes.saturating_add(1);
            }
            Ok(())
        } else {
            if (0..self.pages).any(|page| self.head(page) != Head::Erased && !self.is_blank(page)) {
                self.state = StorageState::Formatted;
            }
            // Page 0 is opened first, and the others are erased behind it.
            self.page = self.before(0);
            self.generation = 0;
            self.snapshot(&mut core::iter::empty())
                .map_err(|_| Broken)?;
            self.sweep()
        }
    }

    /// Whether a page has never been written.
    fn is_blank(&mut self, page: u32) -> bool {
        (0..=self.slots()).all(|slot| self.read(page, slot) == [BLANK; 4])
    }

    /// Finds the newest commit and the newest page behind it; `false` where there is none.
    fn find(&mut self) -> bool {
        let mut found: Option<(u32, u32)> = None;
        for page in 0..self.pages {
            let Head::Opened { generation, .. } = self.head(page) else {
                continue;
            };
            for slot in 1..=self.slots() {
                if let Some([first, _, last]) = self.get(page, slot, generation)
                    && kind_of(last) == COMMIT
                    && first <= generation
                    && generation.wrapping_sub(first) < self.pages
                    && found.is_none_or(|(_, newest)| first > newest)
                {
                    found = Some((page, first));
                    (self.page, self.generation) = (page, generation);
                }
            }
        }
        let Some((_, first)) = found else {
            return false;
        };
        self.first = first;
        // From the commit's page on, to the last page that was opened for the log and not for a compaction.
        for _ in 1..self.pages {
            let next = self.after(self.page);
            let generation = self.generation.wrapping_add(1);
            if self.head(next)
                != (Head::Opened {
                    generation,
                    first: 0,
                })
            {
                break;
            }
            (self.page, self.generation) = (next, generation);
        }
        // The next free slot is behind the last one that was touched.
        self.slot = 1;
        for slot in 1..=self.slots() {
            if self.read(self.page, slot) != [BLANK; 4] {
                self.slot = slot.wrapping_add(1);
            }
        }
        true
    }

    /// Pages that count.
    fn used(&self) -> u32 {
        self.generation.wrapping_sub(self.first).wrapping_add(1)
    }

    /// A page that doesn't count and isn't erased, if there is one; the one that is needed next comes first.
    fn dirty(&mut self) -> Option<u32> {
        if self.swept {
            return None;
        }
        let mut page = self.page;
        for _ in self.used()..self.pages {
            page = self.after(page);
            if !self.is_erased(page) {
                return Some(page);
            }
        }
        self.swept = true;
        None
    }

    /// Erases every page that doesn't count.
    fn sweep(&mut self) -> Result<(), Broken> {
        while let Some(page) = self.dirty() {
            self.erase(page)?;
        }
        Ok(())
    }

    /// Writes `live` on new pages, and commits to them. What was there before no longer counts.
    fn snapshot(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        let old = (self.page, self.generation, self.slot);
        let written = self.try_snapshot(live);
        match written {
            Ok(first) => self.first = first,
            // The log goes on behind what it had; pages without a commit don't count.
            Err(_) => (self.page, self.generation, self.slot) = old,
        }
        written.map(|_| ())
    }

    fn try_snapshot(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<u32, StoreError> {
        self.swept = false;
        let first = self.generation.wrapping_add(1);
        // At the very first there is no page yet that counts.
        let mut room = if self.generation == 0 {
            self.pages
        } else {
            self.pages.saturating_sub(self.used())
        };
        let commit = [first, 0, words_of(0, COMMIT)];
        let bodies = live.map(body_of).chain(core::iter::once(commit));
        self.slot = u32::MAX;
        for body in bodies {
            loop {
                match self.put(body) {
                    Err(StoreError::Full) => {
                        room = room.checked_sub(1).ok_or(StoreError::Failed)?;
                        self.open_next(first)?;
                    }
                    Err(StoreError::Failed) => return Err(StoreError::Failed),
                    Ok(()) => break,
                }
            }
        }
        Ok(first)
    }
}

impl<F: NorFlash> Store for FlashLog<F> {
    fn replay(&mut self, take: &mut dyn FnMut(Record)) {
        if self.state == StorageState::Failed {
            return;
        }
        let mut page = self.page;
        for _ in 1..self.used() {
            page = self.before(page);
        }
        for generation in self.first..=self.generation {
            for slot in 1..=self.slots() {
                match self.get(page, slot, generation) {
                    Some(body) => {
                        if let Some(record) = record_of(body) {
                            self.owes_compaction |= record.change == Change::ForgotAll;
                            take(record);
                        }
                    }
                    None if self.read(page, slot) != [BLANK; 4] => {
                        self.torn = self.torn.saturating_add(1);
                    }
                    None => {}
                }
            }
            page = self.after(page);
        }
    }

    fn append(&mut self, record: Record) -> Result<(), StoreError> {
        if self.state == StorageState::Failed {
            return Ok(());
        }
        let body = body_of(record);
        match self.put(body) {
            Err(StoreError::Full) => {}
            done => return done,
        }
        // One page more may be opened as long as a compaction still finds its own.
        if self.used().saturating_add(1).saturating_add(self.reserve) > self.pages {
            return Err(StoreError::Full);
        }
        self.open_next(0)?;
        self.put(body)
    }

    fn make_room(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        if self.state == StorageState::Failed {
            return Ok(());
        }
        self.snapshot(live)
    }

    fn compact(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        if self.state == StorageState::Failed {
            return Ok(());
        }
        self.snapshot(live)?;
        self.sweep()?;
        self.owes_compaction = false;
        Ok(())
    }

    fn owes_compaction(&self) -> bool {
        self.owes_compaction
    }

    fn work_ahead(&mut self) -> bool {
        if self.state == StorageState::Failed {
            return false;
        }
        match self.dirty() {
            Some(page) => self.erase(page).is_ok(),
            None => false,
        }
    }

    fn report(&self) -> Storage {
        let used = self.used();
        Storage {
            state: self.state,
            bytes: self.pages.wrapping_mul(self.page_bytes),
            pages: self.pages as u16,
            free: self.pages.saturating_sub(used) as u16,
            // Where there is no log, `slot` is 0.
            records: used
                .wrapping_sub(1)
                .wrapping_mul(self.slots())
                .wrapping_add(self.slot.saturating_sub(1)),
            capacity: used.wrapping_mul(self.slots()),
            rounds: self.generation.checked_div(self.pages).unwrap_or(0),
            torn: self.torn,
            bad_writes: self.bad_writes,
        }
    }
}

/// The CRC of three words in a page of `generation`.
fn crc_of(generation: u32, body: &[u32; 3]) -> u32 {
    let mut crc = Crc32::new();
    crc.update(&generation.to_le_bytes());
    for word in body {
        crc.update(&word.to_le_bytes());
    }
    crc.finish()
}

const fn words_of(owner: u8, kind: u8) -> u32 {
    owner as u32 | (kind as u32) << 8
}

const fn kind_of(word: u32) -> u8 {
    (word >> 8) as u8
}

fn body_of(record: Record) -> [u32; 3] {
    let (movie, tag, kind) = match record.change {
        Change::Rated(rating) => (rating.movie(), rating.tag(), RATED),
        Change::Undone => (0, 0, UNDONE),
        Change::Forgot(movie) => (movie, 0, FORGOT),
        Change::ForgotAll => (0, 0, FORGOT_ALL),
        Change::Live(rating) => (rating.movie(), rating.tag(), LIVE),
        Change::Undoable(Undo {
            movie,
            before: Some(tag),
        }) => (movie, tag, UNDOABLE_BEFORE),
        Change::Undoable(Undo {
            movie,
            before: None,
        }) => (movie, 0, UNDOABLE_NEW),
    };
    [movie, tag, words_of(record.owner, kind)]
}

/// The change of a record, or `None` for a commit or a kind that a later version wrote.
fn record_of([movie, tag, last]: [u32; 3]) -> Option<Record> {
    let [owner, ..] = last.to_le_bytes();
    let change = match kind_of(last) {
        RATED => Change::Rated(Rating::from_words(movie, tag)),
        UNDONE => Change::Undone,
        FORGOT => Change::Forgot(movie),
        FORGOT_ALL => Change::ForgotAll,
        LIVE => Change::Live(Rating::from_words(movie, tag)),
        UNDOABLE_BEFORE => Change::Undoable(Undo {
            movie,
            before: Some(tag),
        }),
        UNDOABLE_NEW => Change::Undoable(Undo {
            movie,
            before: None,
        }),
        _ => return None,
    };
    Some(Record { owner, change })
}
