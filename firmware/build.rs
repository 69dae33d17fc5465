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
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    if feature("log") {
        println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    }
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
