//! Hands the linker the memory map of the board that a feature chose.

use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=boards");
    println!("cargo:rerun-if-changed=build.rs");
    if variable("CARGO_CFG_TARGET_OS").as_deref() != Some("none") {
        return;
    }
    let boards = ["stm32f405", "microbit", "no-panic"]
        .into_iter()
        .filter(|board| feature(board))
        .collect::<Vec<_>>();
    let [board] = boards[..] else {
        println!(
            "cargo::error=a firmware is built for one board: choose the feature `stm32f405` or `microbit` \
             (`cargo xtask firmware BOARD` does)"
        );
        return;
    };
    let out = PathBuf::from(variable("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::copy(format!("boards/{board}.x"), out.join("memory.x"))
        .expect("the board's memory map is copied");
    // cortex-m-rt asks for the names of a chip's interrupts; a board's vector table has none that the linker must find.
    std::fs::write(out.join("device.x"), "").expect("no names of interrupts are written");
    println!("cargo:rustc-link-search={}", out.display());
    std::fs::write(out.join("regions.rs"), profile_length(board))
        .expect("the profile region's length is written");
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    if feature("log") {
        println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    }
}

/// The length of a board's profile region, where the compiler can see it: the linker knows it too late to compare it
/// with what the firmware keeps there.
fn profile_length(board: &str) -> String {
    const SYMBOL: &str = "__profile_length";
    let path = format!("boards/{board}.x");
    let map = std::fs::read_to_string(&path).expect("the board's memory map is read");
    let length = map.lines().find_map(|line| {
        let value = line.trim().strip_prefix(SYMBOL)?.trim_start();
        let value = value.strip_prefix('=')?.strip_suffix(';')?.trim();
        Some(match value.strip_suffix('K') {
            Some(kilobytes) => format!("{kilobytes} * 1024"),
            None => value.to_string(),
        })
    });
    let length = length
        .unwrap_or_else(|| panic!("{path} must have a line like `{SYMBOL} = 8K;`, or in bytes"));
    format!("const PROFILE_LENGTH: u32 = {length};\n")
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn feature(name: &str) -> bool {
    variable(&format!(
        "CARGO_FEATURE_{}",
        name.to_uppercase().replace('-', "_")
    ))
    .is_some()
}
