//! Hands the linker a memory map for the firmware that is no board's, `no-panic`. A board's comes from its own package.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=no-panic.x");
    if std::env::var_os("CARGO_FEATURE_NO_PANIC").is_none()
        || std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none")
    {
        return;
    }
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    std::fs::copy("no-panic.x", format!("{out}/memory.x")).expect("the memory map is copied");
    println!("cargo::rustc-link-search={out}");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}
