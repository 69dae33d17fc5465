//! The tests across crates, as one program: each of its own would link host once more and train once more.
//!
//! What takes long for what it adds lies in modules called `slow`, which `cargo xtask test` leaves to `cargo xtask ci`.

#[cfg(all(feature = "emulator", unix))]
mod added_board;
#[cfg(feature = "emulator")]
mod bill;
mod built_in_image;
#[cfg(feature = "emulator")]
mod emulate;
#[cfg(all(feature = "emulator", target_os = "linux"))]
mod emulate_run;
#[cfg(feature = "emulator")]
mod esp32_c3;
#[cfg(feature = "examples")]
mod examples;
#[cfg(feature = "emulator")]
mod firmware;
mod good_lists;
#[cfg(feature = "emulator")]
mod interest;
mod kin;
mod map;
#[cfg(feature = "emulator")]
mod memory;
#[cfg(feature = "emulator")]
mod odds;
#[cfg(feature = "emulator")]
mod one_file;
#[cfg(feature = "emulator")]
mod pico;
mod profile;
#[cfg(feature = "emulator")]
mod pulled_plug;
#[cfg(feature = "emulator")]
mod room;
mod seen;
#[cfg(feature = "emulator")]
mod twin;
