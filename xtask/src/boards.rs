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

    /// The memory map that the linker gets: the one place where the board's regions are written down.
    fn map(self) -> &'static str {
        match self {
            Board::Stm32f405 => include_str!("../../firmware/boards/stm32f405.x"),
            Board::Microbit => include_str!("../../firmware/boards/microbit.x"),
        }
    }

    /// First address of the image region and its length in bytes.
    pub fn image_region(self) -> (u32, u32) {
        let symbol = |name| number(self.map(), name);
        (symbol("__image_start"), symbol("__image_length"))
    }

    /// Bytes of flash and of RAM that the firmware may take.
    pub fn firmware_limits(self) -> (u64, u64) {
        let of = |memory, what| number(line(self.map(), memory), what);
        let symbol = |name| number(self.map(), name);
        let (start, length) = (of("FLASH :", "ORIGIN"), of("FLASH :", "LENGTH"));
        // The profile may lie amid the code.
        let (profile, taken) = (symbol("__profile_start"), symbol("__profile_length"));
        let inside = (start..start + length).contains(&profile);
        let flash = length - if inside { taken } else { 0 };
        (flash.into(), of("RAM ", "LENGTH").into())
    }
}

/// The line of a memory map that begins with `name`.
fn line<'m>(map: &'m str, name: &str) -> &'m str {
    let found = map.lines().find(|line| line.trim_start().starts_with(name));
    found.unwrap_or_else(|| panic!("the memory map has no {name}"))
}

/// The number that stands behind `name` and `=`: plain, `0x…` or with `K`.
fn number(map: &str, name: &str) -> u32 {
    let behind = map
        .split_once(name)
        .and_then(|(_, rest)| rest.split_once('='));
    let digits = behind.map(|(_, rest)| {
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
        &rest[..end.unwrap_or(rest.len())]
    });
    let number = digits.and_then(
        |text| match (text.strip_prefix("0x"), text.strip_suffix('K')) {
            (Some(digits), _) => u32::from_str_radix(digits, 16).ok(),
            (_, Some(digits)) => digits.parse::<u32>().ok().map(|number| number * 1024),
            _ => text.parse().ok(),
        },
    );
    number.unwrap_or_else(|| panic!("the memory map has no number for {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_from_the_memory_maps() {
        let board = Board::Stm32f405;
        assert_eq!(board.image_region(), (0x0802_0000, 896 * 1024));
        // 128 KB before the image, less 48 KB of profile amid them.
        assert_eq!(board.firmware_limits(), (80 * 1024, 128 * 1024));
        let board = Board::Microbit;
        assert_eq!(board.image_region(), (0x0001_1000, 188 * 1024));
        assert_eq!(board.firmware_limits(), (60 * 1024, 16 * 1024));
    }
}
