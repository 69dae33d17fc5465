//! Shows the linker `memory.x` and riscv-rt's script.

fn main() {
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    for argument in ["-Tmemory.x", "-Tlink.x"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
