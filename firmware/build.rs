//! Hands the linker the script of RISC-V boards, and a memory map for the firmware that is no board's, `no-panic`. A board's
//! comes from its own package.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=no-panic.x");
    println!("cargo::rerun-if-changed=riscv.x");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") != "none" {
        return;
    }
    let out = variable("OUT_DIR");
    let riscv = variable("CARGO_CFG_TARGET_ARCH") == "riscv32";
    if riscv {
        std::fs::copy("riscv.x", format!("{out}/link.x")).expect("the linker script is copied");
        println!("cargo::rustc-link-search={out}");
    }
    if std::env::var_os("CARGO_FEATURE_NO_PANIC").is_none() {
        return;
    }
    let mut map = std::fs::read_to_string("no-panic.x").expect("the memory map is read");
    if riscv {
        map += "REGION_ALIAS(\"CODE\", FLASH);\nREGION_ALIAS(\"RAM_CODE\", RAM);\n";
    }
    std::fs::write(format!("{out}/memory.x"), map).expect("the memory map is written");
    println!("cargo::rustc-link-search={out}");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}
