//! What the application asks of a board.

/// A board: everything that differs from one to the next, behind calls that never wait without a bound.
pub trait Board {
    /// The board's name, as `cargo xtask firmware` knows it.
    const NAME: &'static str;

    /// Movies scored before the receive ring is looked at again: few enough that it can't fill meanwhile.
    ///
    /// At 115,200 bits a second a byte comes every 87 us, so [`CAPACITY`](crate::receive::CAPACITY) of them in
    /// 89 ms.
    const SLICE: u32;

    /// Milliseconds since boot; wraps after 49 days.
    fn now_ms(&self) -> u32;

    /// Sends bytes over the UART and returns when the last is in its register.
    ///
    /// When the UART doesn't take a byte in the time of several, that one and the rest are given up.
    fn send(&mut self, bytes: &[u8]);

    /// Sleeps until an interrupt, unless `work` says that there is some; `work` is asked with interrupts held off,
    /// so that none slips in between.
    fn sleep_unless(&mut self, work: impl FnOnce() -> bool);
}
