//! The boards that the project has firmware for, as far as a model must know them.
//!
//! The numbers are those of the firmware's memory maps, `firmware/boards/*.x`; a test compares them.

/// A board: where its image lies and how much RAM it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// Its name, as `cargo xtask firmware` and `--board` take it.
    pub name: &'static str,
    /// What it is.
    pub chip: &'static str,
    /// Address of the first byte of the image's region.
    pub image_address: u32,
    /// Bytes of the image's region.
    pub image_region: usize,
    /// Bytes of RAM.
    pub ram: usize,
}

/// Every known board; the first one is the default.
pub const BOARDS: [Board; 2] = [
    Board {
        name: "stm32f405",
        chip: "STM32F405, Cortex-M4F",
        image_address: 0x0802_0000,
        image_region: 896 * 1024,
        ram: 128 * 1024,
    },
    Board {
        name: "microbit",
        chip: "nRF51822, Cortex-M0",
        image_address: 0x1_4000,
        image_region: 176 * 1024,
        ram: 16 * 1024,
    },
];

/// The board that images are made for where nobody says otherwise.
pub const DEFAULT: Board = BOARDS[0];

/// The board of that name.
pub fn by_name(name: &str) -> Option<Board> {
    BOARDS.into_iter().find(|board| board.name == name)
}

/// The names, with commas between.
pub fn names() -> String {
    BOARDS.map(|board| board.name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number that a memory map gives `name`: `0x…`, plain, or with `K`.
    fn number(map: &str, name: &str) -> usize {
        let line = map.lines().find(|line| line.trim_start().starts_with(name));
        let text = line.unwrap().split('=').nth(1).unwrap();
        let text = text.trim().trim_end_matches(';').trim();
        match (text.strip_prefix("0x"), text.strip_suffix('K')) {
            (Some(digits), _) => usize::from_str_radix(digits, 16).unwrap(),
            (_, Some(kilobytes)) => kilobytes.parse::<usize>().unwrap() * 1024,
            _ => text.parse().unwrap(),
        }
    }

    #[test]
    fn regions_are_those_of_the_firmwares_memory_maps() {
        for board in BOARDS {
            let path = format!(
                "{}/../firmware/boards/{}.x",
                env!("CARGO_MANIFEST_DIR"),
                board.name
            );
            let map = std::fs::read_to_string(path).unwrap();
            let start = number(&map, "__image_start");
            assert_eq!(start, board.image_address as usize, "{}", board.name);
            let length = number(&map, "__image_length");
            assert_eq!(length, board.image_region, "{}", board.name);
        }
    }
}
