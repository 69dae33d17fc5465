//! What a board's firmware is built with: its linker script and the constants of its data file. A board's `build.rs`
//! calls [`build`].

use crate::board::Board;
use crate::file::{self, FILE};
use std::path::Path;

/// A further part of the linker script, where the board's folder has it.
const LINKER: &str = "linker.x";

/// For the `build.rs` beside a board's data file: writes `memory.x` and `board.rs`, and tells cargo how to link.
/// Does nothing for a PC.
///
/// # Panics
///
/// Where the data file is wrong or can't be read, with the reason: cargo shows it and stops.
pub fn build() {
    println!("cargo::rerun-if-changed={FILE}");
    println!("cargo::rerun-if-changed={LINKER}");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") != "none" {
        return;
    }
    let board = file::read(Path::new(FILE)).unwrap_or_else(|why| panic!("{why}"));
    let target = variable("TARGET");
    if target != board.target {
        panic!(
            "{} is built for {}, not for {target}",
            board.name, board.target
        );
    }
    let out = variable("OUT_DIR");
    let write = |name: &str, text: &str| {
        let path = Path::new(&out).join(name);
        std::fs::write(&path, text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    };
    let more = std::fs::read_to_string(LINKER).unwrap_or_default();
    write("memory.x", &(memory(&board) + &more));
    // cortex-m-rt asks for the names of a chip's interrupts; a board's vector table has none that the linker must find.
    write("device.x", "");
    write("board.rs", &constants(&board));
    println!("cargo::rustc-link-search={out}");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    if std::env::var_os("CARGO_FEATURE_LOG").is_some() {
        println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    }
}

/// The memory map for the linker.
pub fn memory(board: &Board) -> String {
    let Board {
        name,
        firmware_address,
        firmware_region,
        firmware_head,
        ram_address,
        ram,
        ..
    } = board;
    let Board {
        profile_address,
        profile_region,
        image_address,
        image_region,
        ..
    } = board;
    let (code, room) = (
        firmware_address + firmware_head,
        firmware_region - *firmware_head as usize,
    );
    format!(
        "/* {name}, by its {FILE}. */\n\
         MEMORY\n{{\n\
         \x20 FLASH : ORIGIN = {code:#010x}, LENGTH = {room}\n\
         \x20 RAM : ORIGIN = {ram_address:#010x}, LENGTH = {ram}\n\
         }}\n\n\
         __profile_start = {profile_address:#010x};\n\
         __profile_length = {profile_region};\n\
         __image_start = {image_address:#010x};\n\
         __image_length = {image_region};\n\n"
    )
}

/// The constants for the firmware's code.
fn constants(board: &Board) -> String {
    let Board {
        name,
        title,
        usb,
        clock_hz,
        owners,
        more_owners,
        ratings,
        page,
        word,
        ..
    } = board;
    let Board {
        profile_address,
        profile_region,
        image_address,
        image_region,
        ..
    } = board;
    let owners = if owners == more_owners {
        owners.to_string()
    } else {
        format!("if ::firmware::board::MORE_OWNERS {{ {more_owners} }} else {{ {owners} }}")
    };
    // The first: a board that has a port of its own shows these.
    let ids = usb.first().map_or_else(String::new, |(vendor, product)| {
        format!(
            "/// Vendor and product of its port.\n\
             #[allow(dead_code, reason = \"what a port of its own over USB shows\")]\n\
             const USB: (u16, u16) = ({vendor:#06x}, {product:#06x});\n"
        )
    });
    format!(
        "/// The board, as its data file tells of it.\n\
         pub const FACTS: ::firmware::board::Facts = ::firmware::board::Facts {{\n\
         name: {name:?},\n\
         clock_hz: {clock_hz},\n\
         owners: {owners},\n\
         ratings: {ratings},\n\
         page: {page},\n\
         word: {word},\n\
         profile: ({profile_address:#x}, {profile_region}),\n\
         image: ({image_address:#x}, {image_region}),\n\
         }};\n\
         /// What people call it.\n\
         #[allow(dead_code, reason = \"what a port of its own over USB shows\")]\n\
         const TITLE: &str = {title:?};\n{ids}"
    )
}
