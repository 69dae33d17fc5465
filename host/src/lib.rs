//! The PC side: everything that needs an operating system.

// Text from outside can't reach a terminal past the printing end, whoever forgets to ask for it.
macro_rules! println {
    () => { $crate::print::block("\n") };
    ($($text:tt)*) => { $crate::print::block(&(::std::format!($($text)*) + "\n")) };
}
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::print::aside(&(::std::format!($($text)*) + "\n")) };
}

pub mod child;
pub mod commands;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod files;
pub mod link;
mod pages;
pub mod print;
pub mod report;
pub mod signals;
pub mod simulate;
pub mod train;
