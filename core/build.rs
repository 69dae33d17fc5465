//! Tells the kernels which instruction sets a target surely has, by its name: `target_feature` isn't told on
//! stable for Cortex-M.
//!
//! - `cortex_m_float`: Thumb-2 with a single-precision FPU that converts half precision (M4F, M33F, M7, M55).
//! - `cortex_m_base`: Thumb-1 (M0, M0+).
//! - `unrolled`: such a core, in a build of core for speed: loops are written out (`numeric/unroll.rs`).
//! - `cortex_m_dsp`: Thumb-2 with the DSP extension, SMLAD among it: M4 and M7, and of the Armv8-M cores, where it is
//!   optional (`armv8m`), those that are said to have it, by the feature `dsp` or by `-C target-cpu`.

/// What a compiler's flags say of a core of Armv8-M that has the DSP extension.
const WITH_DSP: [&str; 4] = [
    "target-cpu=cortex-m33",
    "target-cpu=cortex-m35p",
    "target-cpu=cortex-m55",
    "target-cpu=cortex-m85",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(cortex_m_float)");
    println!("cargo::rustc-check-cfg=cfg(cortex_m_dsp)");
    println!("cargo::rustc-check-cfg=cfg(cortex_m_base)");
    println!("cargo::rustc-check-cfg=cfg(armv8m)");
    println!("cargo::rustc-check-cfg=cfg(unrolled)");
    let target = std::env::var("TARGET").unwrap_or_default();
    if target.starts_with("thumbv7em-none-eabihf")
        || target.starts_with("thumbv8m.main-none-eabihf")
    {
        println!("cargo::rustc-cfg=cortex_m_float");
        // Cargo tells this crate's own level.
        let level = std::env::var("OPT_LEVEL").unwrap_or_default();
        if matches!(level.as_str(), "2" | "3") {
            println!("cargo::rustc-cfg=unrolled");
        }
    }
    if target.starts_with("thumbv6m") {
        println!("cargo::rustc-cfg=cortex_m_base");
    }
    if target.starts_with("thumbv7em-none-eabi") {
        println!("cargo::rustc-cfg=cortex_m_dsp");
    }
    if target.starts_with("thumbv8m.main-none-eabi") {
        println!("cargo::rustc-cfg=armv8m");
        let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        let names_core = WITH_DSP.iter().any(|core| flags.contains(core));
        if names_core || std::env::var_os("CARGO_FEATURE_DSP").is_some() {
            println!("cargo::rustc-cfg=cortex_m_dsp");
        }
    }
}
