//! Which board is asked, and what words without options mean.

use super::*;

#[test]
fn words_without_options_are_read_by_their_place_and_refused_where_that_is_not_clear() {
    let place = place();
    let port = board(&place, |_| ());
    let asks = |arguments: &[&str], parts: &[&str]| {
        let arguments = [&["query"], arguments].concat();
        succeeds(&place, &port, &arguments, parts)
    };
    let user = "stars: user 7 on Part 12 (1960)";
    asks(&["predict", "7", "part", "12"], &[user]);
    asks(&["explain", "7", "part 12"], &[user]);
    asks(&["predict", "--user", "7", "part", "12"], &[user]);
    asks(&["predict", "part 12"], &["the device's owner on Part 12"]);
    asks(&["top", "7"], &["for user 7"]);
    asks(&["similar", "part", "5"], &["Nearest to Part 5 (1960)"]);
    let taken = "4.5 stars for Part 9 (1960): taken in";
    asks(&["rate", "part", "9", "4.5"], &[taken]);
    asks(&["rate", "part 9", "--stars", "4.5"], &[taken]);
    asks(&["rate", "--movie", "part 9", "4.5"], &[taken]);
    asks(&["forget", "part", "9"], &["Part 9 (1960) is forgotten"]);
    asks(&["rate", "part 4", "5"], &["5 stars for Part 4"]);
    let refused = |arguments: &[&str], parts: &[&str]| {
        let arguments = [&["query"], arguments].concat();
        fails(&place, &port, 2, &arguments, parts);
    };
    // Part 4 with 5 stars, or Part 4 5? There is no such movie; but there is a Part 5.
    refused(
        &["rate", "part", "5"],
        &[
            "may be 5 stars for `part`, or the movie `part 5`",
            "--stars 5",
        ],
    );
    refused(
        &["rate", "part 9"],
        &["not a number of stars", "rate alien 4.5"],
    );
    refused(&["rate"], &["TITLE|ID STARS"]);
    refused(&["rate", "--movie", "part 9"], &["how many stars?"]);
    refused(&["predict"], &["USER TITLE|ID"]);
    refused(&["similar", "part 5", "--movie", "10"], &["cannot be used"]);
    refused(&["top", "7", "--user", "8"], &["cannot be used"]);
}

#[test]
fn a_board_is_found_by_the_variable_by_the_file_of_emulate_and_by_memory_and_a_line_says_so() {
    let place = place();
    let port = board(&place, |_| ());
    let config = tempfile::tempdir().unwrap();
    let asks = |arguments: &[&str], variable: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_host"))
            .env("XDG_CONFIG_HOME", config.path())
            .env("XDG_RUNTIME_DIR", config.path())
            .env("POCKETREC_PORT", variable)
            .args(arguments)
            .current_dir(&place)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    // A machine that tests run on has no probe plugged in.
    let (code, _, said) = asks(&["query", "top"], "");
    assert!(code == Some(2) && said.contains("which board?"), "{said}");
    let rate = [
        "query",
        "rate",
        "part 9",
        "5",
        "--image",
        "model.img",
        "--owner",
        "2",
    ];
    let (code, _, said) = asks(&rate, &port);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("which POCKETREC_PORT names"), "{said}");
    // Port, image and owner are remembered.
    let (code, text, said) = asks(&["query", "ratings"], "");
    assert_eq!(code, Some(0), "{said}");
    assert!(text.contains("Part 9 (1960)"), "{text}");
    for line in ["as last time", "with the image", "for owner 2"] {
        assert!(said.contains(line), "no `{line}` in {said}");
    }
    // An owner whom the board hasn't is not.
    let (code, _, said) = asks(&["query", "ratings", "--owner", "200"], "");
    assert_eq!(code, Some(2), "{said}");
    let (code, _, said) = asks(&["query", "ratings"], "");
    assert!(code == Some(0) && said.contains("for owner 2,"), "{said}");
    let (_, text, said) = asks(&["query", "ratings", "--owner", "0"], "");
    assert!(
        !text.contains("Part 9") && !said.contains("for owner"),
        "{text}{said}"
    );

    // What `emulate` leaves behind comes before memory, with its own image.
    let other = board(&place, |_| ());
    let running = config.path().join("pocketrec/emulated-1.json");
    let image = place.path().join("model.img");
    let text_of = |crc: u32| {
        let text = serde_json::json!({
            "board": "microbit",
            "address": other.trim_start_matches("tcp:"),
            "pid": 1,
            "image": image,
            "crc": crc,
        });
        text.to_string()
    };
    std::fs::write(&running, text_of(0)).unwrap();
    let (code, text, said) = asks(&["query", "ratings", "--owner", "0"], "");
    assert_eq!(code, Some(0), "{said}");
    assert!(!text.contains("Part 9"), "{text}");
    assert!(said.contains("the emulated microbit at tcp:"), "{said}");
    let (_, text, _) = asks(&["query", "ports", "--json"], "");
    let ports: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(ports["ports"][0]["port"], other);
    assert_eq!(
        ports["ports"][0]["known"],
        "the emulated microbit of `emulate`"
    );
    // Who mistypes its name is told it.
    let (code, _, said) = asks(&["query", "top", "--port", "microbti"], "");
    let told = said.contains("or names a board that `emulate` holds: microbit");
    assert!(code == Some(2) && told, "{said}");
    // An image that was exported anew meanwhile isn't the board's any more.
    let old = std::fs::read(&image).unwrap();
    let crc = ImageBytes::copy(&old).open(&image).unwrap().header().crc;
    let text = text_of(crc);
    std::fs::write(&running, text).unwrap();
    std::fs::copy(place_of(None, false).path().join("model.img"), &image).unwrap();
    for (verb, input) in [(&["query", "top"][..], ""), (&["console"], "")] {
        let (code, _, said) = asks(verb, input);
        let told = "was written anew since `emulate` booted the microbit with it: end that `emulate` with Ctrl-C and start it again, which keeps what it learned";
        assert!(code == Some(2) && said.contains(told), "{said}");
    }
    std::fs::write(&image, old).unwrap();
    // A file that nobody stands behind any more is skipped, and removed.
    let stale = std::fs::read_to_string(&running).unwrap();
    let stale = stale.replace(other.trim_start_matches("tcp:"), "127.0.0.1:1");
    std::fs::write(&running, stale).unwrap();
    let (code, _, said) = asks(&["query", "ratings"], "");
    assert!(code == Some(2) && said.contains("which board?"), "{said}");
    assert!(!running.exists());
    // Who asks for an owner by a word is told what one is.
    let (code, _, said) = asks(&["query", "ratings", "--owner", "300"], &port);
    assert!(
        code == Some(2) && said.contains("an owner is a number"),
        "{said}"
    );
}
