//! Reading a board's data file, `board.toml` in its folder, and holding it to what a board can be.
//!
//! `build.rs` compiles this file too. What is read lives as long as the program, as the boards that are compiled in do.

use super::board::{Board, Drive, Emulator};
use serde::Deserialize;
use std::path::Path;

/// The data file's name.
pub const FILE: &str = "board.toml";

/// Features that a firmware may have beside its usual ones.
pub const BESIDE: [&str; 6] = ["codes", "codes-mlp", "integers", "owners", "shapes", "wide"];

/// Features of core that decide which models a firmware takes, which lists it makes of them, and whether they can
/// grow.
const FEATURES: [&str; 11] = [
    "codes",
    "codes-mlp",
    "facets",
    "grow",
    "integers",
    "interest",
    "odds",
    "orders",
    "shapes",
    "together",
    "wide",
];

/// A data file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What people call the board.
    title: String,
    /// Its chip and core.
    chip: String,
    /// The compiler's name for the core.
    target: String,
    /// The core of `bench/snapshot.txt` whose counts its bill is reckoned with.
    counts: String,
    /// The core's clock.
    clock_hz: u32,
    /// Features of core that its usual firmware has: which models it takes, and which lists it makes of them.
    features: Vec<String>,
    /// Owners and ratings of each.
    owners: usize,
    ratings: usize,
    /// Owners with the firmware's feature `owners`; as without it, unless told.
    more_owners: Option<usize>,
    /// Features of the firmware, none of its usual ones, beside which its flash or RAM has no room for `grow`.
    #[serde(default)]
    no_grow_with: Vec<String>,
    /// Vendor and product of the USB port that it talks over, such as "0d28:0204".
    #[serde(default)]
    usb: Vec<String>,
    memory: Memory,
    emulator: Option<Emulation>,
    #[serde(default)]
    flashing: Flashing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    flash: Flash,
    ram: Region,
    /// The parts of flash. A profile may lie amid the firmware's.
    firmware: Code,
    profile: Region,
    image: Region,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flash {
    at: u32,
    kb: u32,
    /// Bytes of a page of the profile's region, the least that can be erased.
    page: u32,
    /// Bytes that are programmed at once.
    word: u32,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    at: u32,
    kb: u32,
    /// Bytes at its start that are the chip's own boot loader's, before the vector table.
    #[serde(default)]
    head: u32,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Region {
    at: u32,
    kb: u32,
}

impl Region {
    fn end(self) -> u64 {
        u64::from(self.at) + u64::from(self.kb) * 1024
    }

    fn holds(self, other: Self) -> bool {
        self.at <= other.at && other.end() <= self.end()
    }

    fn meets(self, other: Self) -> bool {
        u64::from(self.at) < other.end() && u64::from(other.at) < self.end()
    }
}

/// One of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Emulation {
    /// QEMU's name of the machine.
    machine: Option<String>,
    /// A script for Node.js in the board's folder.
    script: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flashing {
    /// The chip's name in probe-rs.
    probe: Option<String>,
    /// The chip's name in espflash.
    espflash: Option<String>,
    /// What the board's USB drive takes: "hex" or "uf2".
    drive: Option<String>,
    /// With "uf2", the number of the chip's family.
    family: Option<u32>,
}

/// The boards of a folder, each in one of its own, in the order of their names.
///
/// # Errors
///
/// What can't be read or is wrong, naming file and field.
pub fn read_all(folder: &Path) -> Result<Vec<Board>, String> {
    let failed = |error| format!("{} can't be read: {error}", folder.display());
    let mut boards = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let file = entry.map_err(failed)?.path().join(FILE);
        if file.is_file() {
            boards.push(read(&file)?);
        }
    }
    boards.sort_by_key(|board| board.name);
    Ok(boards)
}

/// The board that a data file tells of.
///
/// # Errors
///
/// As [`read_all`].
pub fn read(path: &Path) -> Result<Board, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{} can't be read: {error}", path.display()))?;
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = whole.parent().unwrap_or(Path::new("."));
    let name = folder.file_name().and_then(|name| name.to_str());
    let at = |why: String| format!("{}: {why}", path.display());
    let name =
        name.ok_or_else(|| at("its folder's name, which names the board, is not text".into()))?;
    if !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    {
        return Err(at(format!(
            "its folder's name names the board, and `{name}` should be small letters, digits and `-` behind a letter"
        )));
    }
    let file: File = toml::from_str(&text).map_err(|error| at(sentence(&text, &error)))?;
    check(&file).map_err(at)?;
    board(name, folder, file).map_err(at)
}

/// What is wrong with a file's form, on one line: its own is drawn over several.
fn sentence(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..start]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count();
    let why: Vec<&str> = error.message().lines().collect();
    let why: String = why.join(", ").chars().take(200).collect();
    format!("line {}: {}", line + 1, why.escape_debug())
}

/// A value as a sentence shows it: on one line, and not all of a long one.
fn shown(value: &str) -> String {
    value
        .chars()
        .take(40)
        .flat_map(char::escape_debug)
        .collect()
}

/// What is wrong with a file's numbers, by the field's name.
fn check(file: &File) -> Result<(), String> {
    let Memory {
        flash,
        ram,
        firmware,
        profile,
        image,
    } = &file.memory;
    let head = firmware.head;
    let firmware = &Region {
        at: firmware.at,
        kb: firmware.kb,
    };
    let whole = Region {
        at: flash.at,
        kb: flash.kb,
    };
    for (name, region) in [("flash", whole), ("ram", *ram)] {
        if region.end() > 1 << 32 || region.kb == 0 {
            return Err(format!(
                "memory.{name} has {} KB from {:#x} on; it should have some, and end within 32 bits of address",
                region.kb, region.at
            ));
        }
    }
    for (name, region) in [
        ("firmware", firmware),
        ("profile", profile),
        ("image", image),
    ] {
        if !whole.holds(*region) || region.kb == 0 {
            return Err(format!(
                "memory.{name} is {} KB from {:#x} on, and should be a part of flash, {} KB from {:#x} on",
                region.kb, region.at, whole.kb, whole.at
            ));
        }
    }
    if image.meets(*firmware) || image.meets(*profile) {
        return Err(
            "memory.image overlaps firmware or profile; it should lie apart from both".into(),
        );
    }
    if profile.meets(*firmware) && !firmware.holds(*profile) {
        return Err(
            "memory.profile overlaps firmware's end; it should lie apart from it or amid it".into(),
        );
    }
    if !flash.page.is_power_of_two() || flash.page < 64 {
        return Err(format!(
            "memory.flash.page is {}; it should be a power of two from 64 on",
            flash.page
        ));
    }
    if !flash.word.is_power_of_two() || flash.word > 256 {
        return Err(format!(
            "memory.flash.word is {}; it should be a power of two up to 256",
            flash.word
        ));
    }
    for (name, bytes) in [("at", profile.at - flash.at), ("kb", profile.kb * 1024)] {
        if bytes % flash.page != 0 {
            return Err(format!(
                "memory.profile.{name} should make whole pages of {} bytes",
                flash.page
            ));
        }
    }
    if !head.is_multiple_of(256) || head >= firmware.kb * 1024 {
        return Err(format!(
            "memory.firmware.head is {head}; it should be whole 256 bytes, and less than the region"
        ));
    }
    if let Some(feature) = file
        .features
        .iter()
        .find(|name| !FEATURES.contains(&name.as_str()))
    {
        return Err(format!(
            "features has `{}`; there are {}",
            shown(feature),
            FEATURES.join(", ")
        ));
    }
    if let Some(feature) = file
        .no_grow_with
        .iter()
        .find(|name| !BESIDE.contains(&name.as_str()))
    {
        return Err(format!(
            "no_grow_with has `{}`; there are {}",
            shown(feature),
            BESIDE.join(", ")
        ));
    }
    let most = file.more_owners.unwrap_or(file.owners);
    if file.owners == 0
        || most < file.owners
        || most > 8
        || file.ratings == 0
        || file.ratings > 1024
    {
        return Err(
            "owners should be 1 to 8, more_owners at least as many, and ratings 1 to 1024".into(),
        );
    }
    if file.clock_hz == 0 {
        return Err("clock_hz is 0; it should be the core's clock".into());
    }
    Ok(())
}

fn board(name: &str, folder: &Path, file: File) -> Result<Board, String> {
    let Memory {
        flash,
        ram,
        firmware,
        profile,
        image,
    } = file.memory;
    let head = firmware.head;
    let firmware = Region {
        at: firmware.at,
        kb: firmware.kb,
    };
    let bytes = |kb: u32| kb as usize * 1024;
    let amid = if profile.meets(firmware) {
        bytes(profile.kb)
    } else {
        0
    };
    let emulator = match file
        .emulator
        .map(|emulation| (emulation.machine, emulation.script))
    {
        None => None,
        Some((Some(machine), None)) => Some(Emulator::Qemu {
            machine: keep(machine),
        }),
        Some((None, Some(script))) => Some(Emulator::Node {
            script: keep(script),
        }),
        Some(_) => {
            return Err("emulator should have a machine (QEMU's) or a script (for Node.js)".into());
        }
    };
    let drive = match (file.flashing.drive.as_deref(), file.flashing.family) {
        (None, None) => None,
        (Some("hex"), None) => Some(Drive::Hex),
        (Some("uf2"), Some(family)) => Some(Drive::Uf2 { family }),
        _ => {
            return Err("flashing.drive should be \"hex\", or \"uf2\" with the chip's number in flashing.family".into());
        }
    };
    let usb: Result<Vec<_>, String> = file.usb.iter().map(|text| usb(text)).collect();
    let features: Vec<&'static str> = file.features.into_iter().map(keep).collect();
    let no_grow_with: Vec<&'static str> = file.no_grow_with.into_iter().map(keep).collect();
    Ok(Board {
        name: keep(name.into()),
        title: keep(file.title),
        chip: keep(file.chip),
        target: keep(file.target),
        core: keep(file.counts),
        clock_hz: file.clock_hz,
        features: features.leak(),
        owners: file.owners,
        more_owners: file.more_owners.unwrap_or(file.owners),
        no_grow_with: no_grow_with.leak(),
        ratings: file.ratings,
        image_address: image.at,
        image_region: bytes(image.kb),
        firmware_address: firmware.at,
        firmware_region: bytes(firmware.kb),
        firmware_head: head,
        firmware_flash: bytes(firmware.kb) - amid,
        profile_address: profile.at,
        profile_region: bytes(profile.kb),
        page: flash.page as usize,
        word: flash.word as usize,
        flash_address: flash.at,
        flash: bytes(flash.kb),
        ram_address: ram.at,
        ram: bytes(ram.kb),
        emulator,
        probe: file.flashing.probe.map(keep),
        espflash: file.flashing.espflash.map(keep),
        drive,
        usb: usb?.leak(),
        folder: keep(folder.display().to_string()),
    })
}

/// Vendor and product of `0d28:0204`.
fn usb(text: &str) -> Result<(u16, u16), String> {
    let number = |digits: &str| match digits.len() {
        4 => u16::from_str_radix(digits, 16).ok(),
        _ => None,
    };
    text.split_once(':')
        .and_then(|(vendor, product)| Some((number(vendor)?, number(product)?)))
        .ok_or_else(|| format!("usb has `{}`; it should be like \"0d28:0204\"", shown(text)))
}

/// The text for as long as the program runs.
fn keep(text: String) -> &'static str {
    text.leak()
}
