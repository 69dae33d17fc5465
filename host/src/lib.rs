//! The PC side: everything that needs an operating system.

pub mod child;
pub mod commands;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod files;
pub mod link;
mod pages;
pub mod report;
pub mod simulate;
pub mod train;
