//! Changes in a region of NOR flash: a ring of pages, each written from front to back.
//!
//! ```text
//! page    marker 4 | generation 4 | first 4 | CRC 4     16 bytes
//!         record, record, …                             20 bytes each, as far as the page goes
//! ```
//!
//! That is in flash which is written in words of 4 bytes or less. Where words are larger, up to 32 bytes, the marker has
//! one for itself, what follows it in the head begins with the next, and each record begins with a new one; what a word
//! has left stays erased. No word is written twice without an erasure between.
//!
//! All numbers are little-endian. The marker says that the page's erasure came to its end; it stands there before
//! anything else is written. Generations count pages as they are opened, each behind the last one in the ring. A
//! page that a compaction writes states in `first` the generation at which that compaction began, another page 0.
//!
//! # What a power cut can do
//!
//! - **In a record**: its CRC is wrong, it is skipped, and the next one goes behind it.
//! - **In a compaction**: its last record, the *commit*, is missing. Its pages are erased at the next start; the log
//!   before them is whole.
//! - **Behind the commit**: the log starts at the commit's `first`. Whatever lies outside of the ring from there to
//!   the newest page is erased at the next start.
//! - **In an erasure**: the marker is missing, or what was erased last is still there; both are erased again.
//!
//! So the log is what the newest commit begins whose pages are all there, and a region without one is formatted,
//! whatever it holds but a log of another version.
//!
//! # Versions
//!
//! The marker's last byte is the version of what stands behind it. A log of another version is left as it is, and
//! nothing is taken, until somebody formats it: the firmware that wrote it still reads it.
//!
//! # What failing flash can do
//!
//! What flash says of a write counts for nothing; what is read back does. Where a record reads back otherwise it isn't
//! kept, and the next slot is tried. Where it can't be read back it may be kept or not: nothing is appended behind it
//! before a compaction has left it behind. So it is with a commit, whose page is erased before anything is appended to
//! the log that was there before it. A log that can't be read when it is opened is closed: it stays as it is, and takes
//! nothing, until somebody formats it.
//!
//! # Room
//!
//! At any time as many pages are free as the largest compaction takes: a page is only opened, and a compaction only
//! committed to, where that stays so. No power cut changes it. A log that another firmware left with fewer is
//! compacted at the start, if its live records fit; if they don't, it can be read but takes no change once its newest
//! page is full, and formatting is the way on.

mod ring;

pub use super::record::RECORD;
use super::record::{Body, body_of, commit, commit_of, crc_of, record_of};
use super::{Change, Record, Store, StoreError};
use crate::wire::{Storage, StorageState};
use embedded_storage::nor_flash::NorFlash;
use ring::{Bad, Broken, Head, LARGEST_WORD, Layout, Ring};

/// Slots that are tried, each behind one that read back wrong.
const TRIES: u32 = 4;

/// Records of a compaction that aren't live: what the last request did, the commit, and slots that fail.
const BESIDES: u32 = 1 + TRIES;

/// Bytes of the least region, in pages of `page_bytes` and words of `word_bytes`, that a [`FlashLog`] of `records`
/// records works in.
///
/// A firmware that compares it with its memory map in a constant has nothing to find out when it runs.
pub const fn least_region(page_bytes: u32, word_bytes: u32, records: usize) -> u32 {
    least_pages(page_bytes, word_bytes, records).saturating_mul(page_bytes)
}

/// The live records, those of the compaction that replaces them, and a page to write on in between.
const fn least_pages(page_bytes: u32, word_bytes: u32, records: usize) -> u32 {
    compacted(page_bytes, word_bytes, records)
        .saturating_mul(2)
        .saturating_add(1)
}

/// Pages that a compaction of `records` records needs at most.
const fn compacted(page_bytes: u32, word_bytes: u32, records: usize) -> u32 {
    let slots = Layout::of(word_bytes).slots(page_bytes);
    let slots = if slots == 0 { 1 } else { slots };
    let records = if records > u32::MAX as usize {
        u32::MAX
    } else {
        records as u32
    };
    records.saturating_add(BESIDES).div_ceil(slots)
}

/// A log of changes in `F`, a region of at least three pages that it has for itself.
///
/// `F` may be written in words of up to 32 bytes, and is read in words of 4; it is read back after every write and every erasure. RAM: about 70 bytes.
#[derive(Debug)]
pub struct FlashLog<F> {
    ring: Ring<F>,
    /// Pages that a compaction may need at most.
    reserve: u32,
    state: StorageState,
    /// Page, generation and next free slot of the newest page.
    page: u32,
    generation: u32,
    slot: u32,
    /// Generation of the oldest page that counts.
    first: u32,
    needs_compaction: bool,
    /// Whether every page that doesn't count is known to be erased.
    swept: bool,
    /// Whether the newest slot may hold a record that was not acknowledged.
    unsure: bool,
    /// A page that may hold the commit of a compaction that failed.
    doubted: Option<u32>,
    torn: u16,
    bad_writes: u16,
}

impl<F: NorFlash> FlashLog<F> {
    /// The log in `flash`, of at most `records` live records: one a rating and one a step of the way back. Repairs
    /// what a power cut left, which may erase pages; a region that holds no log is formatted. Where flash doesn't
    /// take that, or is too small, changes are kept in RAM only, or not at all if there is something in the region
    /// that they would leave out; [`report`](Store::report) says so.
    pub fn open(flash: F, records: usize) -> Self {
        const {
            assert!(
                F::WRITE_SIZE <= LARGEST_WORD && F::WRITE_SIZE.is_power_of_two(),
                "flash must be written in words of 1 to 32 bytes"
            );
            assert!(F::READ_SIZE <= 4, "flash must be read in words of 4 bytes");
            assert!(F::ERASE_SIZE % 16 == 0);
            assert!(Layout::of(F::WRITE_SIZE as u32).slots(F::ERASE_SIZE as u32) > 0);
        }
        let ring = Ring::new(flash);
        let mut log = Self {
            reserve: compacted(ring.page_bytes, F::WRITE_SIZE as u32, records),
            ring,
            state: StorageState::Flash,
            page: 0,
            generation: 0,
            slot: 0,
            first: 0,
            needs_compaction: false,
            swept: false,
            unsure: false,
            doubted: None,
            torn: 0,
            bad_writes: 0,
        };
        if log.is_too_small() || log.mount().is_err() {
            log.give_up();
        }
        log
    }

    /// Gives the flash back.
    pub fn into_inner(self) -> F {
        self.ring.flash
    }

    fn is_too_small(&self) -> bool {
        self.reserve.saturating_mul(2).saturating_add(1) > self.ring.pages
    }

    /// Keeps nothing from now on; where there may be something already, takes nothing either.
    fn give_up(&mut self) {
        self.ring.unread = false;
        let empty = (0..self.ring.pages)
            .all(|page| self.ring.is_filled(page, 0) || self.ring.is_blank(page));
        self.state = if empty && !self.ring.unread {
            StorageState::Failed
        } else {
            StorageState::Closed
        };
    }

    /// Whether changes go to flash: `Ok(false)` where they live in RAM only.
    fn is_kept(&self) -> Result<bool, StoreError> {
        match self.state {
            StorageState::Failed => Ok(false),
            StorageState::Closed | StorageState::OtherVersion => Err(StoreError::Closed),
            _ => Ok(true),
        }
    }

    fn erase(&mut self, page: u32) -> Result<(), Broken> {
        self.ring.erase(page)?;
        if self.doubted == Some(page) {
            self.doubted = None;
        }
        Ok(())
    }

    /// Makes sure that no commit of a compaction that failed is left.
    fn settle(&mut self) -> Result<(), Broken> {
        match self.doubted {
            Some(page) => self.erase(page),
            None => Ok(()),
        }
    }

    /// Opens the page behind the newest one, erased if it isn't yet.
    fn open_next(&mut self, first: u32) -> Result<(), Broken> {
        let page = self.ring.after(self.page);
        if !self.ring.is_erased(page) {
            self.erase(page)?;
        }
        let generation = self.generation.wrapping_add(1);
        self.ring.open(page, generation, first)?;
        (self.page, self.generation, self.slot) = (page, generation, 1);
        Ok(())
    }

    /// Writes a record into the next slot of the newest page, or one behind it where that fails; `Full` where there
    /// is none.
    fn put(&mut self, body: Body) -> Result<(), StoreError> {
        let [a, b, c, d] = body;
        let words = [a, b, c, d, crc_of(self.generation, &body)];
        for _ in 0..TRIES {
            if self.slot > self.ring.slots() {
                return Err(StoreError::Full);
            }
            let slot = self.slot;
            self.slot = slot.wrapping_add(1);
            match self.ring.put(self.page, slot, &words) {
                Ok(()) => return Ok(()),
                // Behind a record that may be there, another of the same would be a second change.
                Err(Bad::Unread) => return Err(StoreError::Unsure),
                Err(Bad::Differs) => self.bad_writes = self.bad_writes.saturating_add(1),
            }
        }
        Err(StoreError::Failed)
    }

    /// Finds the log, and repairs what a power cut left.
    fn mount(&mut self) -> Result<(), Broken> {
        self.ring.unread = false;
        let found = self.find();
        let other = !found && (0..self.ring.pages).any(|page| !self.ring.is_blank(page));
        if self.ring.unread {
            return Err(Broken);
        }
        if !found {
            if other && (0..self.ring.pages).any(|page| self.ring.head(page) == Head::OtherVersion)
            {
                self.state = StorageState::OtherVersion;
                return Ok(());
            }
            if other {
                self.state = StorageState::Formatted;
            }
            return self.begin();
        }
        // As a firmware with other limits may have left it.
        self.needs_compaction = self.used().saturating_add(self.reserve) > self.ring.pages;
        // A page that can't be erased doesn't make the log unreadable; whoever needs it is refused.
        if self.sweep().is_err() {
            self.bad_writes = self.bad_writes.saturating_add(1);
        }
        Ok(())
    }

    /// Begins a log where there is none: page 0 is opened first, and the others are erased behind it.
    fn begin(&mut self) -> Result<(), Broken> {
        (self.page, self.generation, self.first) = (self.ring.before(0), 0, 1);
        self.snapshot(&mut core::iter::empty())
            .map_err(|_| Broken)?;
        self.sweep()
    }

    /// Finds the newest commit and the newest page behind it; `false` where there is none.
    fn find(&mut self) -> bool {
        let mut newest = None;
        for page in 0..self.ring.pages {
            let Head::Opened { generation, .. } = self.ring.head(page) else {
                continue;
            };
            for slot in 1..=self.ring.slots() {
                if let Some(body) = self.ring.get(page, slot, generation)
                    && let Some(first) = commit(body)
                    && newest.is_none_or(|newest| first > newest)
                    && self.is_whole(page, first, generation)
                {
                    newest = Some(first);
                    (self.page, self.generation) = (page, generation);
                }
            }
        }
        let Some(first) = newest else {
            return false;
        };
        self.first = first;
        // From the commit's page on, to the last page that was opened for the log and not for a compaction.
        while self.used() < self.ring.pages {
            let next = self.ring.after(self.page);
            let generation = self.generation.wrapping_add(1);
            let first = 0;
            if self.ring.head(next) != (Head::Opened { generation, first }) {
                break;
            }
            (self.page, self.generation) = (next, generation);
        }
        // The next free slot is behind the last one that was touched.
        self.slot = 1;
        for slot in 1..=self.ring.slots() {
            if !self.ring.is_free(self.page, slot) {
                self.slot = slot.wrapping_add(1);
            }
        }
        true
    }

    /// Whether all pages of a compaction are there: from the generation `first` to the one on `page`.
    fn is_whole(&mut self, page: u32, first: u32, generation: u32) -> bool {
        if first > generation || generation.wrapping_sub(first) >= self.ring.pages {
            return false;
        }
        let mut at = page;
        (first..=generation).rev().all(|generation| {
            let whole = self.ring.head(at) == (Head::Opened { generation, first });
            at = self.ring.before(at);
            whole
        })
    }

    /// Pages that count.
    fn used(&self) -> u32 {
        self.generation.wrapping_sub(self.first).wrapping_add(1)
    }

    /// The oldest page that counts.
    fn oldest(&self) -> u32 {
        let mut page = self.page;
        for _ in 1..self.used() {
            page = self.ring.before(page);
        }
        page
    }

    /// A page that doesn't count and isn't erased, if there is one; the one that is needed next comes first.
    fn dirty(&mut self) -> Option<u32> {
        if self.swept {
            return None;
        }
        let mut page = self.page;
        for _ in self.used()..self.ring.pages {
            page = self.ring.after(page);
            if !self.ring.is_erased(page) {
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
        self.settle()?;
        let old = (self.page, self.generation, self.slot);
        self.swept = false;
        let first = self.generation.wrapping_add(1);
        let written = self
            .write_all(live, first)
            .and_then(|()| self.write_one(commit_of(first), first));
        match written {
            Ok(()) => {
                self.first = first;
                self.unsure = false;
                Ok(())
            }
            Err(why) => {
                let newest = self.page;
                // The log goes on behind what it had; pages without a commit don't count.
                (self.page, self.generation, self.slot) = old;
                if why == StoreError::Unsure {
                    self.doubted = Some(newest);
                    self.settle()?;
                }
                Err(StoreError::Failed)
            }
        }
    }

    fn write_all(
        &mut self,
        live: &mut dyn Iterator<Item = Record>,
        first: u32,
    ) -> Result<(), StoreError> {
        self.slot = u32::MAX;
        for record in live {
            self.write_one(body_of(record), first)?;
        }
        Ok(())
    }

    /// Writes a record of a compaction, on a page that is opened for it if need be.
    fn write_one(&mut self, body: Body, first: u32) -> Result<(), StoreError> {
        loop {
            match self.put(body) {
                Err(StoreError::Full) => {}
                done => return done,
            }
            // What a compaction takes must leave room for the next one, and be free of what still counts.
            let taken = self.generation.wrapping_add(1).wrapping_sub(first);
            let before = first.wrapping_sub(self.first);
            let reserve = if before > self.reserve {
                before
            } else {
                self.reserve
            };
            if taken.saturating_add(reserve) >= self.ring.pages {
                return Err(StoreError::Failed);
            }
            self.open_next(first)?;
        }
    }

    /// Erases all pages, begins anew where that can be.
    ///
    /// Those that don't count come first and then the log's own from the oldest on, whose commit makes it one: so
    /// whatever is left by a power cut, it is the whole log or none.
    fn wipe(&mut self) -> Result<(), StoreError> {
        if self.is_kept() == Ok(true) {
            self.sweep()?;
            let mut page = self.oldest();
            for _ in 0..self.used() {
                self.erase(page)?;
                page = self.ring.after(page);
            }
        }
        for page in 0..self.ring.pages {
            if !self.ring.is_erased(page) {
                self.erase(page)?;
            }
        }
        if self.is_too_small() {
            self.state = StorageState::Failed;
            return Ok(());
        }
        // The count of rounds goes on where it is known.
        self.first = self.generation.wrapping_add(1);
        self.snapshot(&mut core::iter::empty())?;
        self.state = StorageState::Flash;
        Ok(())
    }
}

impl<F: NorFlash> Store for FlashLog<F> {
    fn replay(&mut self, take: &mut dyn FnMut(Record)) {
        if self.is_kept() != Ok(true) {
            return;
        }
        self.ring.unread = false;
        let mut page = self.oldest();
        for generation in self.first..=self.generation {
            for slot in 1..=self.ring.slots() {
                match self.ring.get(page, slot, generation) {
                    Some(body) => {
                        if let Some(record) = record_of(body) {
                            self.needs_compaction |= record.change == Change::ForgotAll;
                            take(record);
                        }
                    }
                    None if !self.ring.is_free(page, slot) => {
                        self.torn = self.torn.saturating_add(1);
                    }
                    None => {}
                }
            }
            page = self.ring.after(page);
        }
        if self.ring.unread {
            self.state = StorageState::Closed;
        }
    }

    fn append(&mut self, record: Record) -> Result<(), StoreError> {
        if !self.is_kept()? {
            return Ok(());
        }
        self.settle()?;
        if self.unsure {
            return Err(StoreError::Full);
        }
        let body = body_of(record);
        let mut kept = self.put(body);
        if kept == Err(StoreError::Full) {
            // One page more may be opened as long as a compaction still finds its own.
            if self.used().saturating_add(1).saturating_add(self.reserve) > self.ring.pages {
                return kept;
            }
            self.open_next(0)?;
            kept = self.put(body);
        }
        self.unsure = kept == Err(StoreError::Unsure);
        kept
    }

    fn make_room(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        if !self.is_kept()? {
            return Ok(());
        }
        self.snapshot(live)
    }

    fn compact(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        if !self.is_kept()? {
            return Ok(());
        }
        self.snapshot(live)?;
        self.sweep().map_err(|_| StoreError::NotErased)?;
        self.needs_compaction = false;
        Ok(())
    }

    fn format(&mut self) -> Result<(), StoreError> {
        let wiped = self.wipe();
        if wiped.is_err() {
            self.give_up();
        }
        wiped
    }

    fn needs_compaction(&self) -> bool {
        self.needs_compaction
    }

    fn work_ahead(&mut self) -> bool {
        if self.is_kept() != Ok(true) {
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
            bytes: self.ring.pages.wrapping_mul(self.ring.page_bytes),
            pages: self.ring.pages as u16,
            free: self.ring.pages.saturating_sub(used) as u16,
            // Where there is no log, `slot` is 0.
            records: used
                .saturating_sub(1)
                .wrapping_mul(self.ring.slots())
                .wrapping_add(self.slot.saturating_sub(1)),
            capacity: used.wrapping_mul(self.ring.slots()),
            rounds: self.generation.checked_div(self.ring.pages).unwrap_or(0),
            torn: self.torn,
            bad_writes: self.bad_writes,
        }
    }
}
