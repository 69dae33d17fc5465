//! The PC side: everything that needs an operating system.

// Text from outside can't reach a terminal past the printing end, whoever forgets to ask for it.
macro_rules! println {
    () => { $crate::print::block("\n") };
    ($($text:tt)*) => { $crate::print::block(&(::std::format!($($text)*) + "\n")) };
}
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::print::aside(&(::std::format!($($text)*) + "\n")) };
}

pub mod commands;
pub mod exit;
pub mod print;
pub mod report;

pub use pocketrec_base::{note, say, warn};
