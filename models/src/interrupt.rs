//! One core and its interrupt handler: the handler comes before an access of the main loop that a test chooses, and runs to
//! its end, as it does on a Cortex-M.

/// Bytes that a board takes in.
#[path = "../../firmware/src/receive.rs"]
pub mod receive;
#[path = "interrupt_sync.rs"]
mod sync;

pub use sync::{accesses, interrupted};
