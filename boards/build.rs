//! Reads the data files of all boards and writes them as constants, so that a wrong one fails the build by its name.

#[path = "src/board.rs"]
#[expect(dead_code, reason = "what only users of the table call")]
mod board;
#[path = "src/file.rs"]
mod file;

use board::{Board, Drive, Emulator};
use std::path::Path;

/// The board that is meant where nobody names one.
const DEFAULT: &str = "stm32f405";

fn main() {
    // As it runs: cargo may have compiled this for another copy of the workspace.
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let folder = Path::new(&package).join("../firmware/boards");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed={}", folder.display());
    let boards = match file::read_all(&folder) {
        Ok(boards) => boards,
        Err(why) => {
            println!("cargo::error={}", why.replace('\n', " "));
            return;
        }
    };
    let default = boards
        .iter()
        .position(|board| board.name == DEFAULT)
        .expect("the default board is there");
    let text = format!(
        "/// Every board of the repository, in the order of their names.\n\
         pub const BOARDS: &[Board] = &[{}];\n\
         /// The board that is meant where nobody names one.\n\
         pub const DEFAULT: Board = BOARDS[{default}];\n",
        boards.iter().map(constant).collect::<String>()
    );
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    std::fs::write(Path::new(&out).join("table.rs"), text).expect("the table is written");
}

/// A board as an expression.
fn constant(board: &Board) -> String {
    let Board {
        name,
        title,
        chip,
        target,
        core,
        clock_hz,
        features,
        owners,
        more_owners,
        no_grow_with,
        ratings,
        image_address,
        image_region,
        firmware_address,
        firmware_region,
        firmware_head,
        firmware_flash,
        profile_address,
        profile_region,
        page,
        word,
        flash_address,
        flash,
        ram_address,
        ram,
        emulator,
        probe,
        espflash,
        drive,
        usb,
        folder,
    } = board;
    let emulator = match emulator {
        None => "None".into(),
        Some(Emulator::Qemu { machine }) => {
            format!("Some(Emulator::Qemu {{ machine: {machine:?} }})")
        }
        Some(Emulator::Node { script }) => format!("Some(Emulator::Node {{ script: {script:?} }})"),
    };
    let drive = match drive {
        None => "None".into(),
        Some(Drive::Hex) => "Some(Drive::Hex)".to_string(),
        Some(Drive::Uf2 { family }) => format!("Some(Drive::Uf2 {{ family: {family} }})"),
    };
    format!(
        "Board {{ name: {name:?}, title: {title:?}, chip: {chip:?}, target: {target:?}, core: {core:?}, \
         clock_hz: {clock_hz}, features: &{features:?}, owners: {owners}, more_owners: {more_owners}, \
         no_grow_with: &{no_grow_with:?}, ratings: {ratings}, image_address: {image_address}, image_region: {image_region}, \
         firmware_address: {firmware_address}, firmware_region: {firmware_region}, firmware_head: {firmware_head}, \
         firmware_flash: {firmware_flash}, profile_address: {profile_address}, \
         profile_region: {profile_region}, page: {page}, word: {word}, flash_address: {flash_address}, \
         flash: {flash}, ram_address: {ram_address}, ram: {ram}, emulator: {emulator}, probe: {probe:?}, espflash: {espflash:?}, \
         drive: {drive}, usb: &{usb:?}, folder: {folder:?} }},\n"
    )
}
