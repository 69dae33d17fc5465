//! The boards as the task runner sees them: name, target, chip and flash map.

use clap::ValueEnum;

/// A board that the firmware supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Board {
    /// STM32F405: Cortex-M4F, 1 MB flash, 128 KB RAM.
    Stm32f405,
    /// micro:bit v1, nRF51822: Cortex-M0, 256 KB flash, 16 KB RAM.
    Microbit,
}

impl Board {
    /// Every board.
    pub const ALL: [Board; 2] = [Board::Stm32f405, Board::Microbit];

    /// The binary and the cargo feature that selects it.
    pub fn name(self) -> &'static str {
        match self {
            Board::Stm32f405 => "stm32f405",
            Board::Microbit => "microbit",
        }
    }

    /// The features that its firmware is built with unless told otherwise, beside its own; those add what its cargo
    /// feature brings along. Each board takes the models of the precision that it is fast in.
    pub const USUAL_FEATURES: [&'static str; 2] = ["interest", "learn"];

    /// The compiler's name for the core.
    pub fn target(self) -> &'static str {
        match self {
            Board::Stm32f405 => "thumbv7em-none-eabihf",
            Board::Microbit => "thumbv6m-none-eabi",
        }
    }

    /// The chip's name in probe-rs.
    pub fn chip(self) -> &'static str {
        match self {
            Board::Stm32f405 => "STM32F405RG",
            Board::Microbit => "nRF51822_xxAA",
        }
    }

    /// First address of the image region and its length in bytes.
    ///
    /// The same numbers stand in the firmware's `boards/*.x`, where the linker checks the rest of the map.
    pub fn image_region(self) -> (u32, u32) {
        match self {
            Board::Stm32f405 => (0x0802_0000, 896 * 1024),
            Board::Microbit => (0x0001_4000, 176 * 1024),
        }
    }

    /// Bytes of flash and of RAM that the firmware may take.
    pub fn firmware_limits(self) -> (u64, u64) {
        match self {
            Board::Stm32f405 => (80 * 1024, 128 * 1024),
            Board::Microbit => (72 * 1024, 16 * 1024),
        }
    }
}
