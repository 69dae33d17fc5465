//! One file with firmware, image or both: UF2 or Intel HEX, to drop on a board's USB drive, or the bytes of its flash, for a
//! program that writes them over its serial line.

use anyhow::{Context, Result, bail};
use boards::Drive;
use ihex::Record;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::boards::Board;
use crate::elf::{self, Part};

/// Bytes of a UF2 block's payload, as every boot loader takes them.
const PAYLOAD: usize = 256;
/// Bytes of a HEX record's.
const LINE: usize = 16;

/// Writes the file beside `beside`, with the ending that the board wants, and returns its path.
///
/// # Errors
/// When the board is flashed by no such file, a file can't be read or written, or something wouldn't lie in the region that the board
/// has for it; nothing is written then.
pub fn write(
    board: Board,
    firmware: Option<&Path>,
    image: Option<&Path>,
    beside: &Path,
) -> Result<PathBuf> {
    let Some(extension) = board.one_file() else {
        bail!(
            "{} is flashed by no single file: its data file names none in flashing.drive or flashing.espflash",
            board.name
        );
    };
    let mut parts = Vec::new();
    if let Some(elf) = firmware {
        let code = elf::segments(elf)?;
        let region = board.firmware_address..board.firmware_address + board.firmware_region as u32;
        within(board, "the firmware", &code, region)?;
        parts.extend(code);
    }
    if let Some(image) = image {
        let bytes =
            std::fs::read(image).with_context(|| format!("the image {}", image.display()))?;
        let part = [Part {
            address: board.image_address,
            bytes,
        }];
        let region = board.image_address..board.image_address + board.image_region as u32;
        within(board, "the image", &part, region)?;
        parts.extend(part);
    }
    let bytes = match board.drive {
        Some(Drive::Uf2 { family }) => uf2(&parts, family, board.page),
        Some(Drive::Hex) => hex(&parts)?.into_bytes(),
        None => bin(&parts, board.flash_address),
    };
    let path = beside.with_extension(extension);
    let new = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&new, bytes)
        .and_then(|()| std::fs::rename(&new, &path))
        .with_context(|| format!("{} could not be written", path.display()))?;
    Ok(path)
}

/// Makes sure that parts lie in a region, and not where the board keeps its profile.
fn within(board: Board, what: &str, parts: &[Part], region: Range<u32>) -> Result<()> {
    let profile = board.profile_address..board.profile_address + board.profile_region as u32;
    for Part { address, bytes } in parts {
        let end = u64::from(*address) + bytes.len() as u64;
        if *address < region.start || end > u64::from(region.end) {
            bail!(
                "{what} has {} bytes from {address:#x} on, and {} has {:#x} to {:#x} for it; nothing was written",
                bytes.len(),
                board.name,
                region.start,
                region.end
            );
        }
        if *address < profile.end && end > u64::from(profile.start) {
            bail!(
                "{what} has {} bytes from {address:#x} on, where {} keeps its profile ({:#x} to {:#x}); nothing was \
                 written",
                bytes.len(),
                board.name,
                profile.start,
                profile.end
            );
        }
    }
    Ok(())
}

/// The parts as UF2. A sector of flash that is touched is written whole, its rest as erased: the RP2040's boot loader
/// loses bytes of a sector of which a block is missing (its erratum E14).
fn uf2(parts: &[Part], family: u32, sector: usize) -> Vec<u8> {
    let mut sectors: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for Part { address, bytes } in parts {
        for (at, byte) in (*address as usize..).zip(bytes) {
            let sector = sectors
                .entry(at / sector * sector)
                .or_insert_with(|| vec![0xff; sector]);
            let place = at % sector.len();
            sector[place] = *byte;
        }
    }
    let blocks: Vec<(usize, &[u8])> = sectors
        .iter()
        .flat_map(|(start, bytes)| (*start..).step_by(PAYLOAD).zip(bytes.chunks(PAYLOAD)))
        .collect();
    let mut file = Vec::with_capacity(blocks.len() * 512);
    for (number, (address, bytes)) in blocks.iter().enumerate() {
        for word in [
            0x0A32_4655,
            0x9E5D_5157,
            // The family's number is given.
            0x2000,
            *address as u32,
            PAYLOAD as u32,
            number as u32,
            blocks.len() as u32,
            family,
        ] {
            file.extend(u32::to_le_bytes(word));
        }
        file.extend_from_slice(bytes);
        file.resize(512 * number + 508, 0);
        file.extend(0x0AB1_6F30_u32.to_le_bytes());
    }
    file
}

/// The bytes of flash from its first, at `start`, to the last of the parts; between them what erased flash reads as.
fn bin(parts: &[Part], start: u32) -> Vec<u8> {
    let mut flash = Vec::new();
    for Part { address, bytes } in parts {
        let at = (address - start) as usize;
        flash.resize(flash.len().max(at + bytes.len()), 0xff);
        flash[at..at + bytes.len()].copy_from_slice(bytes);
    }
    flash
}

/// The parts as Intel HEX.
fn hex(parts: &[Part]) -> Result<String> {
    let mut records = Vec::new();
    let mut upper = None;
    for Part { address, bytes } in parts {
        let mut at = *address;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            if upper != Some(at >> 16) {
                upper = Some(at >> 16);
                records.push(Record::ExtendedLinearAddress((at >> 16) as u16));
            }
            // A record doesn't reach beyond 64 KB.
            let room = LINE - at as usize % LINE;
            let (now, later) = rest.split_at(room.min(rest.len()));
            records.push(Record::Data {
                offset: at as u16,
                value: now.to_vec(),
            });
            at += now.len() as u32;
            rest = later;
        }
    }
    records.push(Record::EndOfFile);
    ihex::create_object_file_representation(&records).context("records of Intel HEX")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards;

    /// What a drive would write to flash, byte by byte, by the file formats' own rules.
    fn read_hex(text: &str) -> BTreeMap<u32, u8> {
        let mut flash = BTreeMap::new();
        let mut upper = 0;
        let mut ended = false;
        for line in text.lines() {
            assert!(!ended, "nothing behind the end");
            let digits = line.strip_prefix(':').unwrap();
            let bytes: Vec<u8> = (0..digits.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
                .collect();
            assert_eq!(bytes.iter().fold(0_u8, |sum, b| sum.wrapping_add(*b)), 0);
            let [length, high, low, kind, data @ .., _] = &bytes[..] else {
                panic!("a short record");
            };
            assert_eq!(usize::from(*length), data.len());
            match kind {
                0 => {
                    let at = upper << 16 | u32::from(*high) << 8 | u32::from(*low);
                    for (at, byte) in (at..).zip(data) {
                        assert_eq!(flash.insert(at, *byte), None, "{at:#x} twice");
                    }
                }
                1 => ended = true,
                4 => upper = u32::from(data[0]) << 8 | u32::from(data[1]),
                _ => panic!("record {kind}"),
            }
        }
        assert!(ended);
        flash
    }

    fn read_uf2(file: &[u8], family: u32) -> BTreeMap<u32, u8> {
        let mut flash = BTreeMap::new();
        let (blocks, rest) = file.as_chunks::<512>();
        assert!(rest.is_empty());
        for (number, block) in blocks.iter().enumerate() {
            let word = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().unwrap());
            assert_eq!((word(0), word(4)), (0x0A32_4655, 0x9E5D_5157));
            assert_eq!((word(8), word(16), word(508)), (0x2000, 256, 0x0AB1_6F30));
            assert_eq!((word(20), word(24)), (number as u32, blocks.len() as u32));
            assert_eq!(word(28), family);
            assert_eq!(word(12) % 256, 0);
            for (at, byte) in (word(12)..).zip(&block[32..288]) {
                assert_eq!(flash.insert(at, *byte), None, "{at:#x} twice");
            }
        }
        flash
    }

    fn bytes(seed: u32, length: usize) -> Vec<u8> {
        (0..length as u32)
            .map(|i| ((i ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect()
    }

    /// A firmware in two parts and an image over a boundary of 64 KB, both at odd lengths.
    fn parts(board: Board) -> Vec<Part> {
        let part = |address, bytes| Part { address, bytes };
        vec![
            part(board.firmware_address, bytes(1, 256)),
            part(board.firmware_address + 256, bytes(2, 5001)),
            part(board.image_address, bytes(3, 70_003)),
        ]
    }

    #[test]
    fn what_a_drive_reads_back_is_firmware_and_image_byte_for_byte() {
        let board = boards::parse("microbit").unwrap();
        let parts = parts(board);
        let due: BTreeMap<u32, u8> = parts
            .iter()
            .flat_map(|part| (part.address..).zip(part.bytes.iter().copied()))
            .collect();
        assert_eq!(read_hex(&hex(&parts).unwrap()), due);

        // UF2 fills sectors, with what erased flash reads as.
        let flash = read_uf2(&uf2(&parts, 7, 4096), 7);
        for (at, byte) in &flash {
            assert_eq!(*byte, due.get(at).copied().unwrap_or(0xff), "{at:#x}");
        }
        assert!(due.keys().all(|at| flash.contains_key(at)));
        for sector in flash.keys().step_by(4096) {
            assert_eq!(sector % 4096, 0);
        }
        assert_eq!(flash.len() % 4096, 0);
    }

    #[test]
    fn the_bytes_of_flash_are_firmware_and_image_at_their_places() {
        let board = boards::parse("esp32-c3").unwrap();
        let parts = parts(board);
        let flash = bin(&parts, board.flash_address);
        let last = &parts[2];
        let end = (last.address - board.flash_address) as usize + last.bytes.len();
        assert_eq!(flash.len(), end);
        let mut rest = flash.clone();
        for Part { address, bytes } in &parts {
            let at = (address - board.flash_address) as usize;
            assert_eq!(flash[at..at + bytes.len()], bytes[..]);
            rest[at..at + bytes.len()].fill(0xff);
        }
        assert!(rest.iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn a_part_outside_of_its_region_is_refused_by_its_addresses() {
        for &board in boards::all() {
            let image = board.image_address..board.image_address + board.image_region as u32;
            let part = |address, length| {
                let bytes = vec![0; length];
                [Part { address, bytes }]
            };
            let check = |parts: &[Part]| within(board, "the image", parts, image.clone());
            assert!(check(&part(image.start, board.image_region)).is_ok());
            for wrong in [
                part(image.start, board.image_region + 1),
                part(image.start - 1, 10),
                part(image.end, 1),
            ] {
                let refusal = check(&wrong).unwrap_err().to_string();
                assert!(refusal.contains("nothing was written"), "{refusal}");
            }
            let whole = 0..u32::MAX;
            let profile = part(board.profile_address + 4, 1);
            let refusal = within(board, "the firmware", &profile, whole).unwrap_err();
            assert!(refusal.to_string().contains("profile"), "{refusal}");
        }
    }
}
