//! What an image costs a board, and images that don't fit one.

use super::*;

/// What `arguments` print before they fail with code 1, and the sentence that they fail with.
fn refused_bill(place: &Place, arguments: &[&str]) -> (String, String) {
    let output = place.host(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let bill = String::from_utf8(output.stdout).unwrap();
    (bill, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_bill_for_a_board_ends_with_whether_the_image_fits() {
    let place = Place::trained();
    let exported = place.succeeds(&["export", "--board", "microbit", "--precision", "f16"]);
    contains(&exported, &["On microbit", "a fold-in of 20 ratings"]);
    for (board, clock) in [("stm32f405", "168 MHz"), ("microbit", "16 MHz")] {
        let bill = place.succeeds(&["inspect", "--board", board]);
        contains(
            &bill,
            &[
                "verified",
                clock,
                "firmware, with learning and logs",
                "profile",
                "image",
                "variables",
                "deepest stack",
                "a prediction",
                "a ranking of all 30 movies",
                "a step of gradient descent",
                "a fold-in of 1 rating",
                "a fold-in of 20 ratings",
                "promise no milliseconds",
                "zero wait states",
            ],
        );
        assert_eq!(bill.trim_end().lines().last(), Some("fits"), "{bill}");
    }
    // Without a board nothing is said of one's time, and nothing can fail to fit.
    assert!(!place.succeeds(&["inspect"]).contains("zero wait states"));
    let error = place.fails(2, &["inspect", "--board", "toaster"]);
    contains(&error, &["toaster", "stm32f405", "microbit"]);
}

#[test]
fn one_file_for_a_board_is_of_the_kind_that_flashes_it() {
    let place = Place::trained();
    for (board, wanted, why) in [
        (
            "esp32-c3",
            "--hex",
            "esp32-c3 is flashed by --bin, not by --hex",
        ),
        (
            "esp32-c3",
            "--elf",
            "esp32-c3 is flashed by --bin, not by --elf",
        ),
        (
            "pico",
            "--bin",
            "pico is flashed by --uf2 or --elf, not by --bin",
        ),
        (
            "stm32f405",
            "--bin",
            "stm32f405 is flashed by --elf, not by --bin",
        ),
    ] {
        let error = place.fails(2, &["export", "--board", board, wanted, "one.file"]);
        contains(&error, &[why]);
    }
}

#[test]
fn an_image_that_does_not_fit_its_board_is_told_by_how_many_bytes() {
    let place = Place::trained();
    write_large(&place.path("large.safetensors"), ModelKind::Mf);
    let export = |more: &[&str]| {
        let all = ["export", "--checkpoint", "large.safetensors"];
        place.succeeds(&[&all, more].concat())
    };
    export(&["--out", "large.img", "--movies", "12000", "--users", "none"]);
    let bytes = std::fs::metadata(place.path("large.img")).unwrap().len();
    let over = pocketrec_base::print::grouped(bytes - 188 * 1024);
    let (bill, error) = refused_bill(&place, &["inspect", "large.img", "--board", "microbit"]);
    // Once: in the sentence that it fails with.
    assert!(!bill.contains(&over) && !bill.contains("microbit (nRF51822, Cortex-M0): "));
    assert!(bill.contains("Flash of stm32f405"), "{bill}");
    let sentence = format!("error: the image is {over} bytes too large for microbit");
    assert!(error.starts_with(&sentence), "{error}");
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    place.succeeds(&["inspect", "large.img", "--board", "stm32f405"]);
}

#[test]
fn rows_that_a_boards_firmware_has_no_room_for_are_refused_whatever_their_bytes() {
    let place = Place::trained();
    place.succeeds(&[
        "train", "--data", "ratings", "--model", "mf", "--epochs", "1", "--dim", "16",
    ]);
    place.succeeds(&["export"]);
    let (bill, error) = refused_bill(&place, &["inspect", "--board", "stm32f405"]);
    assert!(!bill.contains("feature `wide`"), "{bill}");
    contains(&error, &["without core's feature `wide`"]);
    // A warning of how well the model predicts stands before it.
    let refused = |line: &str| line.starts_with("error: the image has rows of 16");
    assert!(error.lines().any(refused), "{error}");
    let error = place.fails(1, &["export", "--board", "stm32f405", "--out", "wide.img"]);
    contains(&error, &["rows of 16", "without core's feature `wide`"]);
    assert!(!place.path("wide.img").exists());
}

#[test]
fn an_image_too_large_for_a_board_is_refused_with_what_would_fit_and_not_written() {
    let place = Place::trained();
    // A checkpoint whose 60,000 movies are too many for a micro:bit.
    write_large(&place.path("large.safetensors"), ModelKind::Mf);
    let error = place.fails(
        1,
        &[
            "export",
            "--checkpoint",
            "large.safetensors",
            "--precision",
            "f16",
            "--board",
            "microbit",
            "--out",
            "large.img",
        ],
    );
    contains(
        &error,
        &[
            "bytes too large for microbit",
            "--movies",
            "% of the ratings",
            "without users",
        ],
    );
    assert!(!place.path("large.img").exists());
    // The number that it names does fit.
    let number = error.split("--movies ").nth(1).unwrap();
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    let fits = place.succeeds(&[
        "export",
        "--checkpoint",
        "large.safetensors",
        "--precision",
        "f16",
        "--board",
        "microbit",
        "--movies",
        &number,
        "--out",
        "large.img",
    ]);
    contains(
        &fits,
        &["The effect of rounding was not measured", "without titles"],
    );
    assert!(place.path("large.img").exists() && !place.path("large.titles.csv").exists());
    // And one more doesn't.
    let more = (number.parse::<u32>().unwrap() + 1).to_string();
    place.fails(
        1,
        &[
            "export",
            "--checkpoint",
            "large.safetensors",
            "--precision",
            "f16",
            "--board",
            "microbit",
            "--movies",
            &more,
            "--users",
            "none",
        ],
    );
}

fn write_large(path: &Path, model: ModelKind) {
    use pocketrec_checkpoint::{Checkpoint, DataNote, SplitNote};
    use pocketrec_train::{Options, Parameters};
    let options = Options {
        model,
        ..Options::default()
    };
    let (users, movies) = (50, 60_000);
    let parameters = Parameters::initial(&options, users, movies, 3.5);
    Checkpoint {
        movie_ids: (1..=movies as u32).map(|row| row * 2).collect(),
        user_counts: vec![1200; users],
        movie_counts: (1..=movies as u32).map(|row| 60_000 / row).collect(),
        data: DataNote {
            name: "made up".into(),
            source: "nowhere/ratings.csv".into(),
            fingerprint: 1,
            licence: "none".into(),
            ..DataNote::default()
        },
        split: SplitNote {
            seed: 0,
            share: 0.1,
        },
        ..Checkpoint::of_parameters(parameters, options)
    }
    .write(path)
    .unwrap();
}

#[test]
fn a_board_that_is_not_there_is_a_sentence() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    let error = place.fails(2, &["query", "top"]);
    contains(&error, &["--port", "--emulator"]);
    let error = place.fails(2, &["query", "--port", "/dev/no-such-port", "hello"]);
    contains(
        &error,
        &["/dev/no-such-port", "can't be opened", "`--port` takes"],
    );
    #[cfg(unix)]
    for what in ["/dev/null", "/tmp", "target/pocketrec/model.img"] {
        let error = place.fails(2, &["query", "--port", what, "hello"]);
        contains(
            &error,
            &[what, "it is not a serial port;", "`--port` takes"],
        );
    }
    let error = place.fails(2, &["query", "--port", "tcp:nowhere", "hello"]);
    contains(&error, &["tcp:nowhere", "it should be tcp:HOST:PORT"]);
    let error = place.fails(2, &["query", "--port", "tcp:127.0.0.1:1", "hello"]);
    contains(&error, &["tcp:127.0.0.1:1", "can't be opened"]);
    let error = place.fails(2, &["query", "--emulator=toaster", "hello"]);
    contains(&error, &["toaster", "stm32f405"]);
}

#[test]
fn halves_of_dense_layer_0_are_stored_on_demand_and_refused_where_they_cannot_be() {
    let place = Place::trained();
    let bill = place.succeeds(&["export", "--precision", "i16", "--precompute"]);
    contains(
        &bill,
        &["dense layer 0 stored", "integer_movie_halves", "30 x 32"],
    );
    let inspected = place.succeeds(&["inspect"]);
    contains(&inspected, &["half of the first one is stored", "1,920"]);
    let best = place.succeeds(&["recommend", "--user", "7", "--count", "5"]);
    assert_eq!(best.matches("(19").count(), 5);
    place.fails(2, &["export", "--precompute"]);

    // What they take decides whether an image fits.
    write_large(&place.path("large.safetensors"), ModelKind::Mlp);
    let error = place.fails(
        1,
        &[
            "export",
            "--checkpoint",
            "large.safetensors",
            "--precision",
            "i16",
            "--precompute",
            "--movies",
            "20000",
            "--board",
            "stm32f405",
            "--out",
            "large.img",
        ],
    );
    contains(
        &error,
        &["stored halves", "without `--precompute` it would fit"],
    );
    assert!(!place.path("large.img").exists());
}

#[test]
fn genres_that_a_boards_firmware_does_not_filter_by_take_no_room_unless_they_are_asked_for() {
    let place = Place::trained();
    let exported = |arguments: &[&str]| {
        let text = place.succeeds(&[&["export", "--precision", "f16"], arguments].concat());
        (text, std::fs::metadata(place.path(IMAGE)).unwrap().len())
    };
    let (_, without) = exported(&["--board", "microbit", "--genres", "none"]);
    let (text, by_itself) = exported(&["--board", "microbit"]);
    contains(&text, &["microbit's firmware doesn't filter"]);
    assert_eq!(by_itself, without);
    let (text, asked) = exported(&["--board", "microbit", "--genres", "all"]);
    contains(&text, &["It stores genres and years"]);
    let (_, filtering) = exported(&["--board", "stm32f405"]);
    assert!(
        asked > without && asked == filtering,
        "{without} {asked} {filtering}"
    );
}

#[test]
fn the_features_that_a_firmware_needs_for_an_image_are_told_for_whoever_builds_it() {
    let place = Place::trained();
    for (precision, features) in [("f16", ""), ("i16", "integers"), ("i8", "integers")] {
        place.succeeds(&["export", "--precision", precision]);
        for (board, features) in [("stm32f405", features), ("microbit", "")] {
            let told = place.succeeds(&["inspect", "--firmware-features", board]);
            assert_eq!(told.trim(), features, "{board} {precision}");
        }
        let output = place.host(&["inspect", "--board", "stm32f405"]);
        assert_eq!(output.status.success(), features.is_empty(), "{precision}");
        let text = String::from_utf8(output.stderr).unwrap();
        let remedy = format!("`cargo xtask firmware stm32f405 --features {features}`");
        assert_eq!(text.contains(&remedy), !features.is_empty(), "{text}");
    }
}

#[test]
fn an_image_is_named_by_its_place_or_as_elsewhere_and_a_folder_is_none() {
    let place = Place::trained();
    place.succeeds(&["export", "--out", "own.img"]);
    let told = place.succeeds(&["inspect", "own.img"]);
    assert_eq!(place.succeeds(&["inspect", "--image", "own.img"]), told);
    for command in ["inspect", "report"] {
        let twice = place.fails(2, &[command, "own.img", "--image", "own.img"]);
        contains(&twice, &["cannot be used with"]);
        let none = place.fails(2, &[command, "--image", "none.img"]);
        contains(&none, &["none.img"]);
        let folder = place.fails(2, &[command, "--image", "."]);
        contains(&folder, &[". is a folder"]);
    }
}
