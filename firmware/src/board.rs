//! What the application asks of a board, and what the board's data file says of it.

/// What a board's data file says, as far as its firmware must know it; `boards::firmware::build` writes it.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The board's name.
    pub name: &'static str,
    /// Its core's clock.
    pub clock_hz: u32,
    /// People whose taste it keeps apart.
    pub owners: usize,
    /// Ratings that it remembers of each.
    pub ratings: usize,
    /// Bytes of a page of flash, the least that can be erased.
    pub page: usize,
    /// Bytes that are programmed at once.
    pub word: usize,
    /// Address and length of the region that keeps ratings.
    pub profile: (u32, u32),
    /// Address and length of the image's region.
    pub image: (u32, u32),
}

/// Whether the firmware has as many owners as the data file's `more_owners`.
pub const MORE_OWNERS: bool = cfg!(feature = "owners");

/// A board: what its chip does, behind calls that never wait without a bound.
pub trait Board {
    /// How fast its core runs where the clock that its data file names fails it; nothing where it can't fail.
    const FALLBACK_HZ: Option<u32> = None;

    /// Milliseconds since boot; wraps after 49 days.
    fn now_ms(&self) -> u32;

    /// Sends bytes over the serial line and returns when the last is in its register; where there are several lines, over the
    /// one on which the last byte came.
    ///
    /// When the line doesn't take a byte in the time of several, that one and the rest are given up.
    fn send(&mut self, bytes: &[u8]);

    /// Sleeps until an interrupt, unless `work` says that there is some; `work` is asked with interrupts held off,
    /// so that none slips in between.
    fn sleep_unless(&mut self, work: impl FnOnce() -> bool);
}
