//! The PC side: everything that needs an operating system.

pub mod data;
pub mod error;
pub mod train;
