//! pocketrec on boards: what every board's firmware shares, top down.
//!
//! # The application
//! [`app::run`] feeds received bytes to core's service and sends its replies. It is the same on every board.
//!
//! # What a board gives it
//! [`board::Board`]: a clock, a transmitter, a way to sleep, and its flash regions.
//!
//! # What interrupts leave for it
//! [`receive::Receive`]: bytes from the UART, and the counts that show when they came.
//! [`reset::Record`]: what a panic or a fault wrote before the reset that it caused.
//!
//! # What outlives a restart
//! [`flash::Region`]: the profile region, for the log that core keeps there; [`room`] has the compiler refuse one that
//! is too small.
//!
//! # What boards of a kind share
//! [`board!`] is a board's frame: its entry, its interrupts, its handlers of faults and panics. What processors of a kind
//! share is `arm` or `riscv`, `machine` in both, and all assembly of the firmware is there. What chips of one maker share is a
//! module behind a feature: `esp32c3`, `nrf`, `rp2040` and `rp2350`, `stm32f4`. [`usb`] is what a serial port over USB tells
//! its host.
//!
//! Each board is a package in `boards/`: its data file, and its clocks, UART, flash and interrupt handlers, nothing else.
#![no_std]
#![deny(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc)]

#[cfg(test)]
#[macro_use]
extern crate std;

pub mod app;
#[cfg(all(target_arch = "arm", target_os = "none"))]
#[allow(
    unsafe_code,
    reason = "assembly, and a frame that expands to code which touches the machine"
)]
pub mod arm;
pub mod board;
#[cfg(all(feature = "esp32c3", target_arch = "riscv32", target_os = "none"))]
pub mod esp32c3;
pub mod flash;
mod frame;
pub mod log;
#[cfg(all(feature = "nrf", target_os = "none"))]
pub mod nrf;
pub mod receive;
pub mod regions;
pub mod reset;
#[cfg(all(target_arch = "riscv32", target_os = "none"))]
#[allow(
    unsafe_code,
    reason = "assembly, and a frame that expands to code which touches the machine"
)]
pub mod riscv;
pub mod room;
#[cfg(all(any(feature = "rp2040", feature = "rp2350"), target_os = "none"))]
pub mod rp;
#[cfg(all(feature = "stm32f4", target_os = "none"))]
pub mod stm32f4;
mod sync;
pub mod usb;

#[cfg(all(target_arch = "arm", target_os = "none"))]
pub use arm as machine;
pub use pocketrec::service::Service;
pub use pocketrec::store::flash::FlashLog;
#[cfg(all(target_arch = "riscv32", target_os = "none"))]
pub use riscv as machine;
