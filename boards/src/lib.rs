//! The boards that the project has firmware for, as far as a model must know them.
//!
//! The numbers are those of the firmware's memory maps, `firmware/boards/*.x`; a test compares them.

/// A board: what it computes with, and how its flash is shared out.
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
    /// Bytes of flash that the firmware may take.
    pub firmware_flash: usize,
    /// Address of the first byte of the region that keeps ratings.
    pub profile_address: u32,
    /// Bytes of the region that keeps ratings.
    pub profile_region: usize,
    /// Bytes of RAM.
    pub ram: usize,
    /// Its core, as `bench/snapshot.txt` names it.
    pub core: &'static str,
    /// Its core's clock.
    pub clock_hz: u32,
    /// Features of core that its usual firmware has, of those that decide which models it takes.
    pub features: &'static [&'static str],
}

/// Every known board; the first one is the default.
pub const BOARDS: [Board; 2] = [
    Board {
        name: "stm32f405",
        chip: "STM32F405, Cortex-M4F",
        image_address: 0x0802_0000,
        image_region: 896 * 1024,
        firmware_flash: 80 * 1024,
        profile_address: 0x0800_4000,
        profile_region: 48 * 1024,
        ram: 128 * 1024,
        core: "M4F",
        clock_hz: 168_000_000,
        features: &["interest"],
    },
    Board {
        name: "microbit",
        chip: "nRF51822, Cortex-M0",
        image_address: 0x1_1000,
        image_region: 188 * 1024,
        firmware_flash: 60 * 1024,
        profile_address: 0xF000,
        profile_region: 8 * 1024,
        ram: 16 * 1024,
        core: "M0",
        clock_hz: 16_000_000,
        features: &["integers", "interest", "shapes"],
    },
];

/// The board that images are made for where nobody says otherwise.
pub const DEFAULT: Board = BOARDS[0];

/// The board of that name.
pub fn by_name(name: &str) -> Option<Board> {
    BOARDS.into_iter().find(|board| board.name == name)
}

/// The board that a command line names.
///
/// # Errors
///
/// Which boards there are, for a name that isn't one's.
pub fn parse(name: &str) -> Result<Board, String> {
    by_name(name).ok_or_else(|| format!("the known boards are {}", names()))
}

/// The names, with commas between.
pub fn names() -> String {
    BOARDS.map(|board| board.name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number behind `name` and `=` in a memory map: `0x…`, plain, or with `K`.
    fn number(map: &str, name: &str) -> usize {
        let (_, rest) = map.split_once(name).unwrap();
        let rest = rest.split_once('=').unwrap().1.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
        let text = &rest[..end.unwrap_or(rest.len())];
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
            let name = board.name;
            let start = number(&map, "__image_start");
            assert_eq!(start, board.image_address as usize, "{name}");
            let length = number(&map, "__image_length");
            assert_eq!(length, board.image_region, "{name}");
            let profile = number(&map, "__profile_length");
            assert_eq!(profile, board.profile_region, "{name}");
            let start = number(&map, "__profile_start");
            assert_eq!(start, board.profile_address as usize, "{name}");
            let memory = |kind: &str| map.split_once(kind).unwrap().1;
            assert_eq!(number(memory("RAM "), "LENGTH"), board.ram, "{name}");
            // The firmware has what lies before the image but for a profile amid it.
            let flash = memory("FLASH :");
            let (origin, length) = (number(flash, "ORIGIN"), number(flash, "LENGTH"));
            let amid = (origin..origin + length).contains(&number(&map, "__profile_start"));
            let taken = if amid { profile } else { 0 };
            assert_eq!(length - taken, board.firmware_flash, "{name}");
        }
    }
}
