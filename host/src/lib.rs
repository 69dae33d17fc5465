//! The PC side: everything that needs an operating system.

pub mod data;
