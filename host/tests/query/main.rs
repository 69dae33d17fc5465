//! `host query` and `host selftest` as people type them, against core's service behind a socket.

#[cfg(unix)]
mod console;
mod failures;
mod lists;
#[path = "../memory/mod.rs"]
mod memory;
mod places;
mod ratings;
#[cfg(unix)]
#[path = "../signals/mod.rs"]
mod signals;
mod titles;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pocketrec::model::Model;
use pocketrec::wire::{
    Capabilities, FrameReader, MAX_FRAME, Reply, Request, VERSION, encode_frame,
};
use pocketrec_checkpoint::{Checkpoint, DataNote};
use pocketrec_data::{Movie, Ratings, Titles};
use pocketrec_export::{Chosen, Facets, ImageBytes, Movies, Precision, Rated, Users, build};
use pocketrec_link::memory::MemoryBoard;
use pocketrec_train::{ModelKind, Options, Parameters};
use tempfile::TempDir;

/// A folder with an image of 20 users (1 to 20) and 60 movies (10, 20, … 600), and titles.
fn place() -> TempDir {
    place_with(None)
}

/// As [`place`], of an image that says what its users have rated.
fn place_with(seen: Option<Rated>) -> TempDir {
    place_of(seen, true)
}

/// As [`place_with`], of an image that says genres and years or not.
fn place_of(seen: Option<Rated>, facets: bool) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let options = Options {
        model: ModelKind::Hybrid,
        ..Options::default()
    };
    let parameters = Parameters::initial(&options, 20, 60, 3.5);
    let checkpoint = Checkpoint {
        movie_ids: (1..=60).map(|row| row * 10).collect(),
        data: DataNote {
            name: "made up".into(),
            licence: "not for commercial use".into(),
            ..DataNote::default()
        },
        ..Checkpoint::of_parameters(parameters, options)
    };
    let titled = |row: u32| Movie {
        id: row * 10,
        title: format!("Part {row} (1960)"),
        // Every third is a comedy.
        genres: match row % 3 {
            0 => vec!["Comedy".into(), "Drama".into()],
            _ => vec!["Drama".into()],
        },
        ratings: 1,
    };
    let titled: Vec<Movie> = (1..=60).map(titled).collect();
    let said = Facets::new(&Titles::new(titled.clone()), &checkpoint.movie_ids).unwrap();
    let chosen = Chosen {
        users: Users::All.rows(&checkpoint).unwrap(),
        movies: Movies::All.rows(&checkpoint).unwrap(),
        seen: seen.map(Arc::new),
        facets: said.filter(|_| facets).map(Arc::new),
    };
    let image = build(&checkpoint, &chosen, Precision::F16).unwrap();
    std::fs::write(place.path().join("model.img"), image).unwrap();
    let titles: String = (titled.iter())
        .map(|movie| format!("{},{},{}\n", movie.id, movie.title, movie.genres.join("|")))
        .collect();
    let titles = format!("movieId,title,genres\n{titles}");
    std::fs::write(place.path().join("model.titles.csv"), titles).unwrap();
    place
}

/// A board with the place's image, at the returned port; `damage` may change the bytes of its answers.
fn board(place: &TempDir, damage: impl Fn(&mut [u8]) + Send + 'static) -> String {
    let image = std::fs::read(place.path().join("model.img")).unwrap();
    memory::board(Some(image), damage)
}

/// Changes what a board says in `bytes`, each reply by itself.
fn change(bytes: &mut [u8], change: impl Fn(&mut Reply<'_>)) {
    let mut reader = FrameReader::new();
    for at in 0..bytes.len() {
        let Some(Ok(frame)) = reader.push(bytes[at]) else {
            continue;
        };
        if let Ok(mut reply) = postcard::from_bytes(frame.body) {
            change(&mut reply);
            let mut whole = [0; MAX_FRAME];
            let length = encode_frame(VERSION, frame.number, &reply, &mut whole).unwrap();
            bytes[at + 1 - length..=at].copy_from_slice(&whole[..length]);
        }
    }
}

/// The program in a place, which remembers no other place's boards.
fn program(place: &TempDir) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_host"));
    program
        .env("XDG_CONFIG_HOME", place.path().join("config"))
        .env("XDG_RUNTIME_DIR", place.path().join("config"))
        .env_remove("POCKETREC_PORT")
        .current_dir(place.path());
    program
}

fn host(place: &TempDir, port: &str, arguments: &[&str]) -> Output {
    program(place)
        .args(arguments)
        .args(["--port", port, "--image", "model.img"])
        .current_dir(place.path())
        .output()
        .unwrap()
}

fn succeeds(place: &TempDir, port: &str, arguments: &[&str], parts: &[&str]) -> String {
    let output = host(place, port, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    for part in parts {
        assert!(text.contains(part), "{arguments:?}: no `{part}` in: {text}");
    }
    text
}

fn fails(place: &TempDir, port: &str, code: i32, arguments: &[&str], parts: &[&str]) {
    let output = host(place, port, arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    for part in parts {
        assert!(
            errors.contains(part),
            "{arguments:?}: no `{part}` in: {errors}"
        );
    }
}

#[test]
fn every_question_is_answered_with_titles_and_stars_and_has_its_twin() {
    let place = place();
    let port = board(&place, |_| ());
    let asks = |arguments: &[&str], parts: &[&str]| {
        let arguments = [&["query"], arguments].concat();
        succeeds(&place, &port, &arguments, parts)
    };
    asks(
        &["hello"],
        &["firmware 0.1.0, learns", "hybrid", "not for commercial use"],
    );
    asks(
        &["info"],
        &["60, in rows of 8 numbers", "20, in rows", "CRC-32"],
    );
    let twin = "are those of core on this PC";
    asks(
        &["predict", "--user", "7", "--movie", "part 12", "--twin"],
        &["stars: user 7 on Part 12 (1960)", twin],
    );
    asks(
        &["predict", "--movie", "120"],
        &["the device's owner on Part 12"],
    );
    asks(
        &["top", "--user", "7", "--count", "3", "--twin"],
        &["Stars", "Part", twin],
    );
    asks(
        &["similar", "--movie", "part 5", "--twin"],
        &["Nearest to Part 5 (1960)", "Likeness", twin],
    );
    let rate = ["rate", "--movie", "part 9", "--stars", "5", "--twin"];
    asks(
        &rate,
        &["5 stars for Part 9 (1960): taken in, 1 rating in all", twin],
    );
    asks(
        &["rate", "--movie", "part 3", "--stars", "1"],
        &["2 ratings in all"],
    );
    // With ratings behind it, the owner's twin is brought up from them.
    asks(&["profile", "--twin"], &["Ratings: 2", twin]);
    asks(&["top", "--twin"], &["the device's owner", twin]);
    asks(
        &["rate", "--movie", "part 4", "--stars", "2.5", "--twin"],
        &["3 ratings in all", twin],
    );
    asks(
        &["explain", "--movie", "part 7", "--twin"],
        &["Part 7 (1960)", "mean", twin],
    );
    asks(&["suggest", "--count", "4", "--twin"], &["teach", twin]);
    asks(
        &["undo"],
        &["Part 4 (1960) is not rated any more; 2 ratings"],
    );
    asks(&["storage"], &["in RAM"]);
    asks(
        &["forget", "--movie", "part 3", "--twin"],
        &["Part 3 (1960) is forgotten; 1 rating", twin],
    );
    asks(&["compact"], &["in RAM"]);
    asks(&["forget", "--all"], &["0 ratings"]);
    asks(&["profile", "--twin"], &["Ratings: 0", twin]);
    asks(&rate, &["1 rating in all"]);
    asks(
        &["format", "--yes"],
        &["no owner has a rating now", "in RAM"],
    );
    asks(&["profile", "--twin"], &["Ratings: 0", twin]);
}

#[test]
fn what_a_board_tells_of_itself_is_a_table_of_words_and_units() {
    let place = place();
    let port = board(&place, |_| ());
    let rate = ["query", "rate", "--movie", "10", "--stars", "4"];
    succeeds(&place, &port, &rate, &["taken in"]);
    for (question, parts) in [
        (
            "limits",
            &[
                "Ratings of each owner",
                "1,024; more are refused",
                "344 bytes",
            ][..],
        ),
        ("info", &["Movies", "60, in rows of", "Licence of the data"]),
        (
            "health",
            &["memory", "Started by", "power or the reset button"],
        ),
        ("counters", &["Received", " bytes", "0 frames"]),
        ("storage", &["in RAM: this firmware keeps nothing"]),
        (
            "owners",
            &[
                "Not for this model",
                "     0        1",
                "Each holds up to 1,024 ratings",
            ],
        ),
    ] {
        let text = succeeds(&place, &port, &["query", question], parts);
        assert!(!text.contains(['{', '}']), "Rust's debug form: {text}");
        assert!(text.lines().nth(1).unwrap().starts_with(" ───"), "{text}");
    }
}

#[test]
fn nothing_of_a_fact_is_cut_however_narrow_the_terminal_is() {
    let place = place();
    let port = board(&place, |_| ());
    for question in ["info", "limits", "health", "counters", "storage"] {
        let shown = |columns: usize| {
            let output = program(&place)
                .args(["query", question, "--port", &port])
                .env("COLUMNS", columns.to_string())
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        for columns in [40, 60, 80, 200] {
            let text = shown(columns);
            let narrow = text.lines().all(|line| line.chars().count() <= columns);
            assert!(narrow && !text.contains('…'), "{columns}: {text}");
        }
    }
}

#[test]
fn forget_names_both_of_its_choices_and_takes_one() {
    let place = place();
    let usage = "|--all>";
    fails(&place, "unix:none", 2, &["query", "forget"], &[usage]);
    let both = ["query", "forget", "--movie", "10", "--all"];
    fails(&place, "unix:none", 2, &both, &["cannot be used with"]);
    let help = succeeds(
        &place,
        "unix:none",
        &["query", "forget", "--help"],
        &[usage],
    );
    assert!(!help.contains("[--all]"), "{help}");
}

/// The numbers of the parts that a list names.
fn parts(list: &str) -> Vec<u32> {
    let parts = list.split("Part ").skip(1);
    let mut parts: Vec<u32> = parts
        .map(|rest| rest.split_once(' ').unwrap().0.parse().unwrap())
        .collect();
    parts.sort_unstable();
    parts
}

#[test]
fn a_list_is_without_what_its_user_has_rated_where_the_device_knows_and_says_so_where_it_does_not()
{
    // User 7 has rated all but the last 15 movies.
    let ratings = Ratings {
        user_ids: (1..=20).collect(),
        movie_ids: (1..=60).map(|row| row * 10).collect(),
        users: vec![6; 45],
        movies: (0..45).collect(),
        stars: vec![4.0; 45],
        times: vec![0; 45],
    };
    let knows = place_with(Some(Rated::new(&ratings)));
    let port = board(&knows, |_| ());
    let top = [
        "query",
        "top",
        "--user",
        "7",
        "--count",
        "20",
        "--include-below",
        "--twin",
    ];
    let told = [
        "Without the movies that user 7 has rated",
        "are those of core",
    ];
    let list = succeeds(&knows, &port, &top, &told);
    let may_name_rated = |place: &TempDir, port: &str, arguments: &[&str]| {
        let arguments = [&["query", "top", "--json"], arguments].concat();
        let answer = succeeds(place, port, &arguments, &[]);
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["may_name_rated"].as_bool().unwrap()
    };
    assert!(!may_name_rated(&knows, &port, &["--user", "7"]));
    assert!(!may_name_rated(&knows, &port, &[]));
    for all in [
        &["--user", "7", "--include-rated"][..],
        &["--include-rated"],
    ] {
        assert!(may_name_rated(&knows, &port, all));
    }
    assert_eq!(parts(&list), (46..=60).collect::<Vec<u32>>());
    let whole = [&top[..], &["--include-rated"]].concat();
    let list = succeeds(&knows, &port, &whole, &["are those of core"]);
    assert!(
        parts(&list).len() == 20 && !list.contains("has rated"),
        "{list}"
    );
    succeeds(
        &knows,
        &port,
        &["query", "info"],
        &["leave out what they have rated"],
    );
    succeeds(&knows, &port, &["query", "top"], &["the device's owner"]);

    let not = place();
    let port = board(&not, |_| ());
    assert!(may_name_rated(&not, &port, &["--user", "7"]));
    assert!(!may_name_rated(&not, &port, &[]));
    let told = [
        "Movies that user 7 has rated may be among these",
        "`export --seen all`",
    ];
    let list = succeeds(&not, &port, &top, &told);
    assert_eq!(parts(&list).len(), 20);
    let list = succeeds(&not, &port, &whole, &[]);
    assert!(!list.contains("has rated"), "{list}");
    succeeds(
        &not,
        &port,
        &["query", "info"],
        &["may include what they have rated"],
    );
}

#[test]
fn a_self_test_passes_on_an_equal_board_and_names_the_first_difference_on_another() {
    let place = place();
    let port = board(&place, |_| ());
    let test = [
        "selftest",
        "--predictions",
        "50",
        "--tops",
        "3",
        "--write",
        "t.txt",
    ];
    succeeds(
        &place,
        &port,
        &test,
        &["Wrote t.txt", "are those of core on a PC"],
    );
    // The owner has ratings now; a fresh board takes the file.
    fails(&place, &port, 1, &["selftest"], &["ratings"]);
    let fresh = board(&place, |_| ());
    succeeds(
        &place,
        &fresh,
        &["selftest", "--transcript", "t.txt"],
        &["are those of core"],
    );

    let text = std::fs::read_to_string(place.path().join("t.txt")).unwrap();
    let line = text
        .lines()
        .position(|line| line.contains("Stars("))
        .unwrap();
    let changed: String = text
        .lines()
        .enumerate()
        .map(|(at, text)| {
            let other = if text.as_bytes()[9] == b'0' { "1" } else { "0" };
            match at == line {
                true => format!("{}{other}{}\n", &text[..9], &text[10..]),
                false => format!("{text}\n"),
            }
        })
        .collect();
    std::fs::write(place.path().join("other.txt"), changed).unwrap();
    let fresh = board(&place, |_| ());
    let arguments = ["selftest", "--transcript", "other.txt"];
    fails(
        &place,
        &fresh,
        1,
        &arguments,
        &["differs", "Predict", "is the first"],
    );
    std::fs::write(place.path().join("other.txt"), "nonsense").unwrap();
    fails(&place, &fresh, 2, &arguments, &["other.txt", "line 1"]);
}
