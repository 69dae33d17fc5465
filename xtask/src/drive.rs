//! One file with firmware, image or both: UF2 or Intel HEX, to drop on a board's USB drive, an ELF file, for a debug probe, or
//! the bytes of its flash, for a program that writes them over its serial line.

use anyhow::{Context, Error, Result, bail};
use boards::Drive;
use ihex::Record;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::boards::Board;
use crate::elf::{self, Part};
use crate::grown;

/// Bytes of a UF2 block's payload, as every boot loader takes them.
const PAYLOAD: usize = 256;
/// Bytes of a HEX record's.
const LINE: usize = 16;

/// Writes the file as `to`, with the ending that is wanted, and returns its path.
///
/// # Errors
/// When the board is flashed by no such file, a file can't be read or written, or something wouldn't lie in the region that the board
/// has for it; nothing is written then.
pub fn write(
    board: Board,
    extension: &str,
    firmware: Option<&Path>,
    image: Option<&Path>,
    to: &Path,
) -> Result<PathBuf> {
    board.check_one_file(extension).map_err(Error::msg)?;
    let firmware = firmware.map(elf::read).transpose()?;
    let image = image
        .map(|path| std::fs::read(path).with_context(|| format!("the image {}", path.display())));
    let bytes = made(board, extension, firmware.as_deref(), image.transpose()?)?;
    let path = to.with_extension(extension);
    let new = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&new, bytes)
        .and_then(|()| std::fs::rename(&new, &path))
        .with_context(|| format!("{} could not be written", path.display()))?;
    Ok(path)
}

/// The file's bytes, of those of the firmware's ELF file and of an image.
fn made(
    board: Board,
    extension: &str,
    firmware: Option<&[u8]>,
    image: Option<Vec<u8>>,
) -> Result<Vec<u8>> {
    let mut parts = Vec::new();
    if let Some(elf) = firmware {
        parts = loaded(board, elf)?;
    }
    let image = image.map(|bytes| Part {
        address: board.image_address,
        bytes,
    });
    if let Some(image) = &image {
        let region = board.image_address..board.image_address + board.image_region as u32;
        within(board, "the image", std::slice::from_ref(image), region)?;
    }
    if extension == "elf" {
        let firmware = firmware.context("an ELF file is made of the firmware's")?;
        return match &image {
            Some(image) => grown::with_section(firmware, ".image", image),
            None => Ok(firmware.to_vec()),
        };
    }
    parts.extend(image);
    Ok(match (extension, board.drive) {
        ("bin", _) => bin(&parts, board.flash_address),
        (_, Some(Drive::Uf2 { family })) => uf2(&parts, family, board.page),
        _ => hex(&parts)?.into_bytes(),
    })
}

/// What a firmware, the bytes of its ELF file, has the board's flash hold.
///
/// # Errors
/// When it isn't an ELF file, or a part lies outside of the firmware's region or in the profile's.
pub fn loaded(board: Board, elf: &[u8]) -> Result<Vec<Part>> {
    let region = board.firmware_address..board.firmware_address + board.firmware_region as u32;
    let parts = elf::segments(elf)?;
    within(board, "the firmware", &parts, region)?;
    Ok(parts)
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
    fn an_elf_file_loads_to_flash_what_the_hex_file_does_and_keeps_what_the_firmware_has() {
        use object::{Object, ObjectSection, ObjectSymbol};
        let board = boards::parse("microbit").unwrap();
        let firmware = grown::tests::firmware(board, &bytes(2, 5001), &bytes(4, 37));
        let image = bytes(3, 70_003);
        let made = |extension| made(board, extension, Some(&firmware), Some(image.clone()));
        let (elf, hex) = (made("elf").unwrap(), made("hex").unwrap());
        let mut flash = BTreeMap::new();
        for Part { address, bytes } in elf::segments(&elf).unwrap() {
            for (at, byte) in (address..).zip(bytes) {
                assert_eq!(flash.insert(at, byte), None, "{at:#x} twice");
            }
        }
        assert_eq!(flash, read_hex(&String::from_utf8(hex).unwrap()));

        let [before, after] = [&firmware, &elf].map(|bytes| object::File::parse(&**bytes).unwrap());
        assert_eq!(after.entry(), before.entry());
        assert_eq!(after.architecture(), before.architecture());
        assert_eq!(after.flags(), before.flags());
        for section in before.sections() {
            let same = after.section_by_index(section.index()).unwrap();
            assert_eq!(same.name(), section.name());
            assert_eq!(same.address(), section.address());
            // Names grow.
            let (now, then) = (same.data().unwrap(), section.data().unwrap());
            assert!(now.starts_with(then), "{:?}", section.name());
        }
        let symbols = |file: &object::File<'_>| -> Vec<(String, u64)> {
            let all = file.symbols();
            all.map(|symbol| (symbol.name().unwrap().into(), symbol.address()))
                .collect()
        };
        assert_eq!(
            symbols(&after),
            [("main".into(), board.firmware_address.into())]
        );
        assert_eq!(symbols(&after), symbols(&before));

        // What loads sections, as GDB does, loads it too.
        let section = after.section_by_name(".image").unwrap();
        assert_eq!(section.address(), u64::from(board.image_address));
        assert_eq!(section.data().unwrap(), image);
        let starts: Vec<u64> = object::Object::segments(&after)
            .map(|segment| object::ObjectSegment::address(&segment))
            .collect();
        assert!(starts.is_sorted(), "{starts:x?}");
    }

    #[test]
    fn an_elf_file_is_refused_where_a_part_lies_outside_of_its_region() {
        let board = boards::parse("microbit").unwrap();
        let firmware = grown::tests::firmware(board, &[1; 100], &[2; 4]);
        let large = vec![0; board.image_region + 1];
        let refusal = made(board, "elf", Some(&firmware), Some(large)).unwrap_err();
        assert!(refusal.to_string().contains("the image has"), "{refusal}");
        let large = grown::tests::firmware(board, &vec![1; board.firmware_region + 1], &[]);
        let refusal = made(board, "elf", Some(&large), Some(vec![0; 4])).unwrap_err();
        assert!(
            refusal.to_string().contains("the firmware has"),
            "{refusal}"
        );
        assert!(made(board, "elf", Some(b"no firmware"), Some(vec![0; 4])).is_err());
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
