//! Tells the kernels which instruction sets a target surely has, by its name: `target_feature` isn't told on
//! stable for Cortex-M.
//!
//! - `cortex_m_float`: Thumb-2 with a single-precision FPU that converts half precision (M4F, M33F, M7, M55).
//! - `unrolled`: such a core, in a build of core for speed: loops are written out (`numeric/unroll.rs`).
//! - `cortex_m_dsp`: Thumb-2 with the DSP extension, SMLAD among it (M4, M7; on M33 it is optional).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(cortex_m_float)");
    println!("cargo::rustc-check-cfg=cfg(cortex_m_dsp)");
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
    if target.starts_with("thumbv7em-none-eabi") {
        println!("cargo::rustc-cfg=cortex_m_dsp");
    }
}
