//! The Raspberry Pi Pico in rp2040js: what its chip's own flash, boot loader and faults ask of a firmware.

use anyhow::{Context, Result};
use pocketrec::wire::{Reply, Request, Reset, StorageState, Who};
use serde_json::json;
use std::io::Write;
use tests::control::{Qmp, Waiting};
use tests::firmware::{PROFILES, boot, elf, known};
use tests::image::made_up;

const BOARD: &str = "pico";

#[test]
fn a_pico_keeps_what_was_rated_over_a_reset_in_its_own_flash() -> Result<()> {
    keeps(PROFILES[1])
}

fn keeps(profile: &str) -> Result<()> {
    let image = tempfile::NamedTempFile::new()?;
    std::fs::write(image.path(), made_up(3, 100)?)?;
    let waiting = Waiting::new()?;
    let mut connection = boot(BOARD, profile, Some(image.path()), &waiting.qmp()?)?;
    let mut machine = Qmp::take(waiting)?;
    let who = Who::Owner(3);
    for movie in 1..=10 {
        let stars = (movie % 10 + 1) as f32 / 2.0;
        let answer = connection.ask(&Request::Rate { who, movie, stars })?;
        assert!(
            matches!(answer.reply(), Some(Reply::Rated { .. })),
            "{:?}",
            answer.reply()
        );
    }
    let storage = connection.ask(&Request::Storage)?;
    let Some(Reply::Storage(storage)) = storage.reply() else {
        anyhow::bail!("not storage: {:?}", storage.reply());
    };
    assert_eq!(storage.state, StorageState::Flash);
    let asked = [
        Request::Ratings { who, first: 0 },
        Request::Profile { who },
        Request::Predict { who, movie: 50 },
    ];
    let mut before = Vec::new();
    for request in &asked {
        before.push(connection.ask(request)?.body().to_vec());
    }
    machine.reset()?;
    for (request, before) in asked.iter().zip(&before) {
        assert_eq!(
            connection.ask(request)?.body(),
            before,
            "{profile}: {request:?}"
        );
    }
    Ok(())
}

#[test]
fn a_fault_of_a_pico_resets_into_a_firmware_that_reports_it() -> Result<()> {
    const NOWHERE: u32 = 0xD000_0000;
    let waiting = Waiting::new()?;
    let mut connection = boot(BOARD, PROFILES[0], None, &waiting.qmp()?)?;
    let mut machine = Qmp::take(waiting)?;
    connection.hello()?;
    machine.execute("jump", json!({ "address": NOWHERE }))?;
    connection.line().write_all(&[0])?;
    let answer = connection.ask(&Request::Health)?;
    let Some(Reply::Health(health)) = answer.reply() else {
        anyhow::bail!("not health: {:?}", answer.reply());
    };
    let found = (health.board, health.reset, health.at, health.crashes);
    assert_eq!(found, (BOARD, Reset::Fault, NOWHERE, 1));
    Ok(())
}

#[test]
fn what_calls_the_rom_of_a_pico_lies_in_ram_and_calls_nothing_in_flash() -> Result<()> {
    PROFILES
        .iter()
        .try_for_each(|profile| calls_the_rom_from_ram(BOARD, profile))
}

fn calls_the_rom_from_ram(board: &str, profile: &str) -> Result<()> {
    use object::{Object, ObjectSymbol};
    let bytes = std::fs::read(elf(board, profile)?)?;
    let file = object::File::parse(&*bytes)?;
    let found = file.symbols().find(|symbol| {
        let name = symbol.name().unwrap_or_default();
        // What the linker puts in between is called by code in flash alone.
        name.contains("without_flash") && !name.contains("Thunk") && symbol.size() > 0
    });
    let function = found.context("the function is there")?;
    let known = known(board)?;
    let start = function.address() & !1;
    let ram = u64::from(known.ram_address)..u64::from(known.ram_address) + known.ram as u64;
    assert!(ram.contains(&start), "{board}, {profile}: {start:#x}");
    let section = file.section_by_name_bytes(b".data").context("a section")?;
    let data = object::ObjectSection::data(&section)?;
    let at = (start - object::ObjectSection::address(&section)) as usize;
    let code = data.get(at..at + function.size() as usize);
    let halves = code.context("its code")?.as_chunks::<2>().0;
    let mut halves = halves.iter().map(|half| u16::from_le_bytes(*half));
    while let Some(half) = halves.next() {
        // Instructions of 32 bits begin so; among them are those that call or go to somewhere by its distance.
        if half >> 11 > 0b11100 {
            let second = halves.next().context("half an instruction")?;
            let goes = half >> 11 == 0b11110 && second & 0x9000 == 0x9000;
            assert!(!goes, "{board}, {profile}: {half:#x} {second:#x}");
        }
    }
    Ok(())
}

/// With firmware that nothing else looks at, and what takes the emulator long, of the build for speed too.
mod slow {
    use super::*;

    #[test]
    fn a_pico_built_for_speed_keeps_what_was_rated_over_a_reset_in_its_own_flash() -> Result<()> {
        keeps(PROFILES[0])
    }

    #[test]
    fn what_calls_the_rom_of_a_pico_2_lies_in_ram_and_calls_nothing_in_flash() -> Result<()> {
        calls_the_rom_from_ram("pico-2", PROFILES[1])
    }
}
