use proptest::prelude::*;

use super::*;
use crate::damage::{damaged, is_sentence, no_memory_is_claimed, some};

/// A data file that is right, in a folder of that name.
fn folder(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join(name).join(FILE);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    (place, file)
}

/// The micro:bit's file.
fn microbit() -> String {
    let board = by_name("microbit").unwrap();
    let path = std::path::Path::new(board.folder).join(FILE);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_folder_with_a_data_file_is_a_board_as_its_file_says() {
    let place = std::path::Path::new(DEFAULT.folder).parent().unwrap();
    let read = read_all(place).unwrap();
    assert_eq!(read.len(), BOARDS.len());
    for (read, compiled) in read.iter().zip(BOARDS) {
        let folder = compiled.folder;
        assert_eq!(Board { folder, ..*read }, *compiled);
    }
    assert_eq!(DEFAULT.name, "stm32f405");
}

#[test]
fn a_profile_amid_the_firmware_takes_its_room() {
    let f405 = by_name("stm32f405").unwrap();
    assert_eq!(f405.firmware_region, 128 * 1024);
    assert_eq!(f405.firmware_flash, 80 * 1024);
    let microbit = by_name("microbit").unwrap();
    assert_eq!(microbit.firmware_flash, microbit.firmware_region);
}

#[test]
fn a_board_of_ones_own_is_read_where_its_file_is_named() {
    let (_place, file) = folder("made-up", &microbit());
    let board = parse(file.to_str().unwrap()).unwrap();
    assert_eq!(board.name, "made-up");
    assert_eq!(board.image_region, 188 * 1024);
    let refusal = parse("made-up").unwrap_err();
    assert!(refusal.contains("microbit"), "{refusal}");
}

#[test]
fn what_is_wrong_with_a_file_is_told_by_file_and_field() {
    for (from, to, due) in [
        ("kb = 188", "kb = 189", "memory.image"),
        ("at = 0x0001_1000", "at = 0x0001_0000", "memory.image"),
        ("at = 0x0000_F400", "at = 0x0000_F000", "memory.profile"),
        ("page = 1024", "page = 1000", "memory.flash.page"),
        ("page = 1024", "page = 16384", "memory.profile.at"),
        ("word = 4", "word = 3", "memory.flash.word"),
        ("kb = 16 }", "kb = 0 }", "memory.ram"),
        ("\"shapes\"", "\"shape\"", "features"),
        ("owners = 1", "owners = 0", "owners"),
        ("clock_hz = 16_000_000", "clock_hz = 0", "clock_hz"),
        (
            "ratings =",
            "no_grow_with = [\"code\"]\nratings =",
            "no_grow_with",
        ),
        ("\"0d28:0204\"", "\"d28:0204\"", "usb"),
        ("machine =", "machines =", "machines"),
        ("drive = \"hex\"", "drive = \"bin\"", "flashing.drive"),
        ("title =", "titel =", "titel"),
    ] {
        let text = microbit();
        assert!(text.contains(from), "{from}");
        let (_place, file) = folder("made-up", &text.replacen(from, to, 1));
        let refusal = read(&file).unwrap_err();
        assert!(refusal.contains(due), "{to}: {refusal}");
        assert!(refusal.contains("board.toml"), "{refusal}");
    }
    let (_place, file) = folder("Made Up", &microbit());
    let refusal = read(&file).unwrap_err();
    assert!(refusal.contains("`Made Up`"), "{refusal}");
}

#[test]
fn the_linker_gets_the_files_regions() {
    let map = firmware::memory(&by_name("microbit").unwrap());
    for line in [
        "FLASH : ORIGIN = 0x00000000, LENGTH = 62464",
        "RAM : ORIGIN = 0x20000000, LENGTH = 16384",
        "__profile_start = 0x0000f400;",
        "__image_start = 0x00011000;",
    ] {
        assert!(map.contains(line), "{map}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_damaged_file_is_a_board_or_refused_in_a_sentence(damages in some(), which in 0..BOARDS.len()) {
        let path = std::path::Path::new(BOARDS[which].folder).join(FILE);
        let whole = std::fs::read(path).unwrap();
        let (_place, file) = folder("made-up", "");
        std::fs::write(&file, damaged(&whole, &damages)).unwrap();
        match parse(file.to_str().unwrap()) {
            Ok(board) => assert!(board.image_region > 0 && board.page.is_power_of_two()),
            Err(sentence) => {
                is_sentence(&sentence, "board.toml");
                assert_eq!(sentence.lines().count(), 1, "{sentence}");
            }
        }
        no_memory_is_claimed();
    }
}
