//! A linked firmware's ELF file with one section more, which is loaded as the firmware is.

use anyhow::{Context, Result};
use object::elf::{self, FileHeader32, ProgramHeader32, SectionHeader32};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{Endianness, U16, U32, pod};

use crate::elf::Part;

/// The file `firmware` with `part` as the section `name` and as a segment of its own: probe-rs passes over a segment without
/// sections, and GDB loads sections alone.
///
/// Nothing that is in the file moves, so symbols and what a debugger reads stay. What grows (the tables of segments and
/// sections, and the sections' names) is written anew behind it, and the header points there.
///
/// # Errors
/// When it isn't an ELF file of 32 bits with sections.
pub fn with_section(firmware: &[u8], name: &str, part: &Part) -> Result<Vec<u8>> {
    let why = "the firmware is no ELF file of 32 bits with sections";
    let mut header = *FileHeader32::<Endianness>::parse(firmware).context(why)?;
    let endian = header.endian().context(why)?;
    let mut segments = header
        .program_headers(endian, firmware)
        .context(why)?
        .to_vec();
    let mut sections = header
        .section_headers(endian, firmware)
        .context(why)?
        .to_vec();
    let of_names = header.shstrndx(endian, firmware).context(why)? as usize;
    let named = sections.get_mut(of_names).context(why)?;
    let mut names = named.data(endian, firmware).context(why)?.to_vec();

    let word = |value: u32| U32::new(endian, value);
    let count = |value: usize| U16::new(endian, value as u16);
    let mut file = firmware.to_vec();
    let address = word(part.address);
    let offset = word(append(&mut file, &part.bytes));
    let size = word(part.bytes.len() as u32);

    let name_at = word(names.len() as u32);
    names.extend(name.bytes().chain([0]));
    named.sh_offset = word(append(&mut file, &names));
    named.sh_size = word(names.len() as u32);

    sections.push(SectionHeader32 {
        sh_name: name_at,
        sh_type: word(elf::SHT_PROGBITS),
        sh_flags: word(elf::SHF_ALLOC),
        sh_addr: address,
        sh_offset: offset,
        sh_size: size,
        sh_link: word(0),
        sh_info: word(0),
        sh_addralign: word(1),
        sh_entsize: word(0),
    });
    header.e_shoff = word(append(&mut file, pod::bytes_of_slice(&sections)));
    header.e_shnum = count(sections.len());

    // Segments to be loaded stand in the order of their addresses.
    let behind = |segment: &ProgramHeader32<Endianness>| {
        segment.p_type(endian) == elf::PT_LOAD && segment.p_vaddr(endian) > part.address
    };
    let place = segments.iter().position(behind).unwrap_or(segments.len());
    segments.insert(
        place,
        ProgramHeader32 {
            p_type: word(elf::PT_LOAD),
            p_offset: offset,
            p_vaddr: address,
            p_paddr: address,
            p_filesz: size,
            p_memsz: size,
            p_flags: word(elf::PF_R),
            p_align: word(1),
        },
    );
    header.e_phoff = word(append(&mut file, pod::bytes_of_slice(&segments)));
    header.e_phnum = count(segments.len());
    file[..size_of_val(&header)].copy_from_slice(pod::bytes_of(&header));
    Ok(file)
}

/// Puts bytes behind a file, where a table may begin; their place.
fn append(file: &mut Vec<u8>, bytes: &[u8]) -> u32 {
    file.resize(file.len().next_multiple_of(4), 0);
    let at = file.len();
    file.extend_from_slice(bytes);
    at as u32
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::boards::Board;

    /// A firmware of that code, of a variable's first value, which lies behind it in flash, and of a symbol, as a linker lays
    /// them out.
    pub fn firmware(board: Board, code: &[u8], value: &[u8]) -> Vec<u8> {
        let endian = Endianness::Little;
        let (word, half) = (
            |value| U32::new(endian, value),
            |value| U16::new(endian, value),
        );
        let mut file = vec![0; size_of::<FileHeader32<Endianness>>()];
        let names = b"\0.text\0.data\0.symtab\0.strtab\0.shstrtab\0main\0";
        let name = |name: &[u8]| {
            let at = names.windows(name.len()).position(|at| at == name);
            word(at.unwrap() as u32)
        };
        let symbol = |name, value, section| elf::Sym32 {
            st_name: name,
            st_value: word(value),
            st_size: word(0),
            st_info: elf::STB_GLOBAL << 4 | elf::STT_FUNC,
            st_other: 0,
            st_shndx: half(section),
        };
        let symbols = [
            symbol(word(0), 0, 0),
            symbol(name(b"main"), board.firmware_address, 1),
        ];
        let first = [
            (board.firmware_address, board.firmware_address, code),
            (
                board.ram_address,
                board.firmware_address + code.len() as u32,
                value,
            ),
        ];
        let mut segments = Vec::new();
        let mut sections = vec![[0; 6]];
        for ((address, flash, bytes), flags) in first.into_iter().zip([elf::PF_X, elf::PF_W]) {
            let (offset, size) = (append(&mut file, bytes), bytes.len() as u32);
            sections.push([elf::SHT_PROGBITS, elf::SHF_ALLOC, address, offset, size, 0]);
            segments.push(ProgramHeader32 {
                p_type: word(elf::PT_LOAD),
                p_offset: word(offset),
                p_vaddr: word(address),
                p_paddr: word(flash),
                p_filesz: word(size),
                p_memsz: word(size),
                p_flags: word(elf::PF_R | flags),
                p_align: word(4),
            });
        }
        let symbols = pod::bytes_of_slice(&symbols);
        let place = append(&mut file, symbols);
        sections.push([elf::SHT_SYMTAB, 0, 0, place, symbols.len() as u32, 4]);
        for _ in 0..2 {
            let place = append(&mut file, names);
            sections.push([elf::SHT_STRTAB, 0, 0, place, names.len() as u32, 0]);
        }
        let called: [&[u8]; 6] = [
            b"\0",
            b".text",
            b".data",
            b".symtab",
            b".strtab",
            b".shstrtab",
        ];
        let sections = sections.iter().zip(called);
        let sections =
            sections.map(
                |(&[kind, flags, address, offset, size, link], called)| SectionHeader32 {
                    sh_name: name(called),
                    sh_type: word(kind),
                    sh_flags: word(flags),
                    sh_addr: word(address),
                    sh_offset: word(offset),
                    sh_size: word(size),
                    sh_link: word(link),
                    sh_info: word(u32::from(kind == elf::SHT_SYMTAB)),
                    sh_addralign: word(4),
                    sh_entsize: word(if kind == elf::SHT_SYMTAB { 16 } else { 0 }),
                },
            );
        let sections: Vec<_> = sections.collect();
        let header = FileHeader32 {
            e_ident: elf::Ident {
                magic: elf::ELFMAG,
                class: elf::ELFCLASS32,
                data: elf::ELFDATA2LSB,
                version: elf::EV_CURRENT,
                os_abi: elf::ELFOSABI_NONE,
                abi_version: 0,
                padding: [0; 7],
            },
            e_type: half(elf::ET_EXEC),
            e_machine: half(elf::EM_ARM),
            e_version: word(1),
            e_entry: word(board.firmware_address | 1),
            e_phoff: word(append(&mut file, pod::bytes_of_slice(&segments))),
            e_shoff: word(append(&mut file, pod::bytes_of_slice(&sections))),
            e_flags: word(elf::EF_ARM_EABI_VER5),
            e_ehsize: half(size_of::<FileHeader32<Endianness>>() as u16),
            e_phentsize: half(size_of::<ProgramHeader32<Endianness>>() as u16),
            e_phnum: half(segments.len() as u16),
            e_shentsize: half(size_of::<SectionHeader32<Endianness>>() as u16),
            e_shnum: half(sections.len() as u16),
            e_shstrndx: half(5),
        };
        file[..size_of_val(&header)].copy_from_slice(pod::bytes_of(&header));
        file
    }

    #[test]
    fn a_file_without_sections_is_refused_and_not_grown() {
        let board = crate::boards::parse("microbit").unwrap();
        let part = Part {
            address: 0,
            bytes: vec![1],
        };
        let whole = firmware(board, &[1; 64], &[2; 4]);
        assert!(with_section(&whole, ".image", &part).is_ok());
        let mut stripped = whole.clone();
        let sections = std::mem::offset_of!(FileHeader32<Endianness>, e_shnum);
        stripped[sections..sections + 4].fill(0);
        assert!(with_section(&stripped, ".image", &part).is_err());
        for length in 0..whole.len() {
            // Each is refused: the tables stand at the file's end.
            assert!(
                with_section(&whole[..length], ".image", &part).is_err(),
                "{length}"
            );
        }
    }
}
