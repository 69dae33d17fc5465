//! Shows the linker the chip's memory and cortex-m-rt's script.

fn main() {
    let m33 = std::env::var_os("CARGO_FEATURE_M33").is_some();
    let chip = if m33 { "an505" } else { "an386" };
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    std::fs::copy(format!("{chip}.x"), format!("{out}/memory.x")).expect("the memory map is there");
    println!("cargo::rerun-if-changed={chip}.x");
    println!("cargo::rustc-link-search={out}");
    for argument in ["--nmagic", "-Tlink.x"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
