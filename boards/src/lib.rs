//! The boards that the project has firmware for: each is a folder in `firmware/boards` with a data file, `board.toml`,
//! which everything else reads here.
//!
//! [`BOARDS`] are those of the repository, compiled in. A board of one's own is read by [`parse`] where its file is
//! named, and by [`read_all`] where its folder lies beside the others. [`firmware::build`] is what a board's own
//! `build.rs` calls: linker script and constants come from the same file.

mod board;
mod file;
pub mod firmware;

pub use board::{Board, Drive, Emulator, QEMU_ARM, QEMU_RISCV};
pub use file::{BESIDE, FILE, read, read_all};

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// The board of that name.
pub fn by_name(name: &str) -> Option<Board> {
    BOARDS.iter().find(|board| board.name == name).copied()
}

/// The board that a command line names, or whose data file it names.
///
/// # Errors
///
/// Which boards there are, for a name that isn't one's; what is wrong with a file.
pub fn parse(name: &str) -> Result<Board, String> {
    let file = name.ends_with(".toml") || name.contains(std::path::is_separator);
    match by_name(name) {
        Some(board) => Ok(board),
        None if file => read(std::path::Path::new(name)),
        None => Err(format!(
            "the known boards are {}; the path of a {FILE} names another",
            names()
        )),
    }
}

/// The board of that name that has an emulator.
///
/// # Errors
///
/// Which boards have one, for a name that isn't one's.
pub fn parse_emulated(name: &str) -> Result<Board, String> {
    by_name(name)
        .filter(|board| board.emulator.is_some())
        .ok_or_else(|| {
            let emulated = BOARDS.iter().filter(|board| board.emulator.is_some());
            let names: Vec<&str> = emulated.map(|board| board.name).collect();
            format!("the boards with an emulator are {}", names.join(", "))
        })
}

/// The names, with commas between.
pub fn names() -> String {
    let names: Vec<&str> = BOARDS.iter().map(|board| board.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;

#[cfg(test)]
#[path = "../../host/base/src/damage.rs"]
mod damage;

#[cfg(test)]
#[global_allocator]
static MEMORY: damage::Watched = damage::Watched;
