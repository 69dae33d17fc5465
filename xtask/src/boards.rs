//! The boards as the task runner sees them: read from their folders each time, so that one that was just added is there.

use std::path::PathBuf;
use std::process::exit;
use std::sync::OnceLock;

pub use ::boards::{Board, Emulator};

use crate::shell;

/// Where the boards' folders lie.
pub fn folder() -> PathBuf {
    shell::root().join("firmware").join("boards")
}

/// Every board, in the order of their names. Ends the program where a data file is wrong.
pub fn all() -> &'static [Board] {
    static ALL: OnceLock<Vec<Board>> = OnceLock::new();
    ALL.get_or_init(|| ::boards::read_all(&folder()).unwrap_or_else(|why| wrong(&why)))
}

/// The board that a command line names, or the machine of QEMU's on which tests run what RISC-V boards share.
///
/// # Errors
/// Which boards there are, for a name that isn't one's.
pub fn parse(name: &str) -> Result<Board, String> {
    if name == VIRT {
        return Ok(virt());
    }
    let names = || {
        let names: Vec<&str> = all().iter().map(|board| board.name).collect();
        names.join(", ")
    };
    let found = all().iter().find(|board| board.name == name).copied();
    found.ok_or_else(|| format!("the boards are {}", names()))
}

/// The machine's name: that of its folder, which lies beside the boards'.
pub const VIRT: &str = "virt";

/// The machine, as its data file tells of it. Ends the program where that is wrong.
pub fn virt() -> Board {
    let folder = shell::root().join("firmware").join(VIRT);
    ::boards::read(&folder.join(::boards::FILE)).unwrap_or_else(|why| wrong(&why))
}

/// What an emulator runs: boards, and the machine.
pub fn emulated() -> Vec<Board> {
    let mut emulated = all().to_vec();
    emulated.push(virt());
    emulated.retain(|board| board.emulator.is_some());
    emulated
}

fn wrong(why: &str) -> ! {
    eprintln!("error: {why}");
    exit(2)
}

/// The features that its firmware is built with unless told otherwise, beside learning. Each board takes the models of
/// the precision that it is fast in.
pub fn usual_features(board: Board) -> Vec<String> {
    let own = board.features.iter();
    own.map(|feature| format!("firmware/{feature}")).collect()
}
