//! What is read out of compiled code: sizes of sections and names of symbols.

use anyhow::{Context, Result};
use object::read::elf::{ElfFile32, ProgramHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, SectionFlags, elf};
use std::ops::Range;
use std::path::Path;

/// Some bytes and the address of the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where they go.
    pub address: u32,
    /// What they are.
    pub bytes: Vec<u8>,
}

/// What a firmware takes of a board, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Code, constants and the first values of variables.
    pub flash: u64,
    /// Variables; the stack takes what is left.
    pub ram: u64,
}

/// The bytes of a file.
///
/// # Errors
/// When it can't be read, by its path.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))
}

/// Flash and RAM of a linked firmware, whose variables lie in `ram`.
///
/// # Errors
/// When the file can't be read or isn't an ELF file.
pub fn sizes(path: &Path, ram: Range<u64>) -> Result<Sizes> {
    let bytes = read(path)?;
    let file = object::File::parse(&*bytes)
        .with_context(|| format!("{} is no ELF file", path.display()))?;
    let mut sizes = Sizes::default();
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags } = section.flags() else {
            continue;
        };
        if sh_flags & u64::from(elf::SHF_ALLOC) == 0 {
            continue;
        }
        let in_ram = ram.contains(&section.address());
        let loaded =
            section.file_range().is_some() && !section.name().unwrap_or("").starts_with(".uninit");
        if in_ram {
            sizes.ram += section.size();
        }
        if loaded {
            sizes.flash += section.size();
        }
    }
    Ok(sizes)
}

/// What a linked firmware, the bytes of its file, has the board's flash hold, by the addresses there.
///
/// # Errors
/// When it isn't an ELF file of 32 bits.
pub fn segments(bytes: &[u8]) -> Result<Vec<Part>> {
    let file =
        ElfFile32::<Endianness>::parse(bytes).context("the firmware is no ELF file of 32 bits")?;
    let endian = file.endian();
    let mut parts = Vec::new();
    for header in file.elf_program_headers() {
        let bytes = header.data(endian, bytes).unwrap_or_default();
        if header.p_type(endian) == elf::PT_LOAD && !bytes.is_empty() {
            parts.push(Part {
                address: header.p_paddr(endian),
                bytes: bytes.to_vec(),
            });
        }
    }
    Ok(parts)
}

/// Names of symbols in a linked firmware, demangled as little as needed: the mangled names hold the paths.
///
/// # Errors
/// As [`sizes`].
pub fn symbols(path: &Path) -> Result<Vec<String>> {
    let bytes = read(path)?;
    let file = object::File::parse(&*bytes)
        .with_context(|| format!("{} is no ELF file", path.display()))?;
    Ok(file
        .symbols()
        .filter_map(|symbol| symbol.name().ok().map(String::from))
        .collect())
}

/// For each object of an rlib, the functions that it defines and the symbols that it wants from elsewhere.
///
/// # Errors
/// When the file can't be read or isn't an archive of ELF files.
pub fn wanted(path: &Path) -> Result<Vec<String>> {
    let bytes = read(path)?;
    let archive = object::read::archive::ArchiveFile::parse(&*bytes)
        .with_context(|| format!("{} is no archive", path.display()))?;
    let mut wanted = Vec::new();
    for member in archive.members() {
        let member = member?;
        let Ok(file) = object::File::parse(member.data(&*bytes)?) else {
            continue;
        };
        wanted.extend(
            file.symbols()
                .filter(|symbol| symbol.is_undefined())
                .filter_map(|symbol| symbol.name().ok().map(String::from)),
        );
    }
    Ok(wanted)
}
