//! The ESP32-C3's firmware as it is linked: no emulator of the chip is to be had.

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol};
use tests::firmware::{PROFILES, elf};

const BOARD: &str = "esp32-c3";

/// Where RAM is as instructions are fetched from it, and flash as data and as instructions.
const RAM_CODE: std::ops::Range<u64> = 0x4038_0000..0x403E_0000;
const FLASH: [u32; 2] = [0x3C00_0000, 0x4200_0000];

/// Where an instruction of RV32IMC leads by its distance, if it does; the second number are its bytes.
fn leads(at: u64, bytes: [u8; 4]) -> (Option<u64>, u64) {
    let word = u32::from_le_bytes(bytes);
    // Bits `from` to `from + count` of the instruction, at `to` of the distance.
    let bits = |from: u32, count: u32, to: u32| (word >> from & ((1 << count) - 1)) << to;
    let signed = |distance: u32, sign: u32| (distance << (31 - sign)) as i32 >> (31 - sign);
    let (distance, length) = match (word & 3, word & 0x7F, word >> 13 & 7) {
        (3, 0x6F, _) => {
            let low = bits(21, 10, 1) | bits(20, 1, 11) | bits(12, 8, 12);
            (Some(signed(low | bits(31, 1, 20), 20)), 4)
        }
        (3, 0x63, _) => {
            let low = bits(8, 4, 1) | bits(25, 6, 5) | bits(7, 1, 11);
            (Some(signed(low | bits(31, 1, 12), 12)), 4)
        }
        // An address by its distance, whatever becomes of it.
        (3, 0x17, _) => (Some((word & 0xFFFF_F000) as i32), 4),
        (3, ..) => (None, 4),
        (1, _, 1 | 5) => {
            let low = bits(3, 3, 1) | bits(11, 1, 4) | bits(2, 1, 5) | bits(7, 1, 6);
            let high = bits(6, 1, 7) | bits(9, 2, 8) | bits(8, 1, 10) | bits(12, 1, 11);
            (Some(signed(low | high, 11)), 2)
        }
        (1, _, 6 | 7) => {
            let low = bits(3, 2, 1) | bits(10, 2, 3) | bits(2, 1, 5);
            (Some(signed(low | bits(5, 2, 6) | bits(12, 1, 8), 8)), 2)
        }
        _ => (None, 2),
    };
    let to = distance.map(|distance| at.wrapping_add_signed(distance.into()));
    (to, length)
}

#[test]
fn distances_are_read_as_an_assembler_writes_them() {
    // j, jal, beqz, bne and auipc, then c.j, c.jal, c.j, c.beqz and c.bnez, and c.jr and jalr, as LLVM's assembler has them.
    for (word, distance, length) in [
        (0x0080_006F_u32, Some(8), 4),
        (0xFFDF_F0EF, Some(-4), 4),
        (0x0005_0863, Some(16), 4),
        (0xFEB5_1CE3, Some(-8), 4),
        (0x0000_1517, Some(4096), 4),
        (0x0000_A021, Some(8), 2),
        (0x0000_3001, Some(-2048), 2),
        (0x0000_BFE5, Some(-8), 2),
        (0x0000_C901, Some(16), 2),
        (0x0000_FDED, Some(-6), 2),
        (0x0000_8082, None, 2),
        (0x0000_80E7, None, 4),
    ] {
        let at = 0x4038_1000_u64;
        let due = distance.map(|distance| at.wrapping_add_signed(distance));
        assert_eq!(leads(at, word.to_le_bytes()), (due, length), "{word:#x}");
    }
}

/// With firmware that nothing else looks at.
mod slow {
    use super::*;

    #[test]
    fn what_calls_the_rom_of_an_esp32_c3_lies_in_ram_and_leads_nowhere_else() -> Result<()> {
        for profile in PROFILES {
            let bytes = std::fs::read(elf(BOARD, profile)?)?;
            let file = object::File::parse(&*bytes)?;
            let section = file.section_by_name(".ram_text").context("the section")?;
            let (start, code) = (section.address(), section.data()?);
            let all = start..start + code.len() as u64;
            assert!(!code.is_empty() && RAM_CODE.contains(&start), "{start:#x}");
            let symbols = file.symbols().filter(|symbol| symbol.size() > 0);
            let named = |symbol: &object::Symbol<'_, '_>| {
                let name = symbol.name().unwrap_or_default();
                name.contains("without_flash") && all.contains(&symbol.address())
            };
            assert!(symbols.filter(named).count() > 0, "{profile}");
            let (mut at, mut calls) = (start, 0);
            while at < all.end {
                let mut word = [0; 4];
                let rest = &code[(at - start) as usize..];
                let length = rest.len().min(4);
                word[..length].copy_from_slice(&rest[..length]);
                let (to, length) = leads(at, word);
                assert!(
                    to.is_none_or(|to| all.contains(&to)),
                    "{profile}: at {at:#x} to {to:#x?}"
                );
                let word = u32::from_le_bytes(word);
                // No upper half of an address in flash, from 4 MB on each.
                let upper = (word & 0x7F == 0x37).then_some(word & 0xFFC0_0000);
                assert!(
                    upper.is_none_or(|upper| !FLASH.contains(&upper)),
                    "{profile}: at {at:#x} {upper:#x?}"
                );
                // A call of what a register says: jalr, or c.jalr and c.jr.
                let short = word & 0xE07F == 0x8002 && word & 0x0F80 != 0;
                calls += usize::from(word & 0x7F == 0x67 || short);
                at += length;
            }
            // Suspending, what was asked for, resuming, forgetting, and back.
            assert!(calls >= 5, "{profile}: {calls} calls");
        }
        Ok(())
    }
}
