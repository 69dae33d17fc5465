//! `host query` and `host selftest` as people type them, against core's service behind a socket.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use pocketrec::model::Model;
use pocketrec::wire::{FrameReader, Request};
use pocketrec_data::Ratings;
use pocketrec_export::{Chosen, ImageBytes, Movies, Precision, Rated, Users, build};
use pocketrec_link::memory::MemoryBoard;
use pocketrec_train::checkpoint::{Checkpoint, DataNote, SplitNote};
use pocketrec_train::{ModelKind, Options, Parameters};
use tempfile::TempDir;

/// A folder with an image of 20 users (1 to 20) and 60 movies (10, 20, … 600), and titles.
fn place() -> TempDir {
    place_with(None)
}

/// As [`place`], of an image that says what its users have rated.
fn place_with(seen: Option<Rated>) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let options = Options {
        model: ModelKind::Hybrid,
        ..Options::default()
    };
    let checkpoint = Checkpoint {
        parameters: Parameters::initial(&options, 20, 60, 3.5),
        user_ids: (1..=20).collect(),
        movie_ids: (1..=60).map(|row| row * 10).collect(),
        user_counts: vec![1; 20],
        movie_counts: vec![1; 60],
        data: DataNote {
            name: "made up".into(),
            licence: "not for commercial use".into(),
            ..DataNote::default()
        },
        split: SplitNote::default(),
        options,
        best_epoch: 1,
        interest: None,
        validation: None,
    };
    let chosen = Chosen {
        users: Users::All.rows(&checkpoint).unwrap(),
        movies: Movies::All.rows(&checkpoint).unwrap(),
        seen: seen.map(Arc::new),
    };
    let image = build(&checkpoint, &chosen, Precision::F16).unwrap();
    std::fs::write(place.path().join("model.img"), image).unwrap();
    let titles: String = (1..=60)
        .map(|row| format!("{},Part {row} (1960),Drama\n", row * 10))
        .collect();
    let titles = format!("movieId,title,genres\n{titles}");
    std::fs::write(place.path().join("model.titles.csv"), titles).unwrap();
    place
}

/// A board with the place's image, at the returned port; it keeps its owner's ratings from one host to the next, and
/// ends with the test. `damage` may change each answer's bytes.
fn board(place: &TempDir, damage: impl Fn(&mut [u8]) + Send + 'static) -> String {
    let bytes = std::fs::read(place.path().join("model.img")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let image = ImageBytes::copy(&bytes);
        let mut board = MemoryBoard::new(Model::open(image.as_ref()));
        for stream in listener.incoming() {
            serve(&mut board, stream.unwrap(), &damage);
        }
    });
    format!("tcp:{address}")
}

/// Carries bytes between a host and the board until the host goes.
fn serve(board: &mut MemoryBoard<'_>, mut line: TcpStream, damage: &impl Fn(&mut [u8])) {
    line.set_read_timeout(Some(Duration::from_millis(2)))
        .unwrap();
    let mut buffer = [0; 1024];
    loop {
        match line.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => board.write_all(&buffer[..count]).unwrap(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
        while let Ok(count) = board.read(&mut buffer) {
            damage(&mut buffer[..count]);
            if line.write_all(&buffer[..count]).is_err() {
                return;
            }
        }
    }
}

fn host(place: &TempDir, port: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_host"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
        .env_remove("POCKETREC_PORT")
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
        &["Nearest to Part 5 (1960)", "Cosine", twin],
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
        &["1 rating", "query compact", twin],
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
                "288 bytes",
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
            let output = Command::new(env!("CARGO_BIN_EXE_host"))
                .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
                .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
                .env_remove("POCKETREC_PORT")
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
    let top = ["query", "top", "--user", "7", "--count", "20", "--twin"];
    let told = [
        "Without the movies that user 7 has rated",
        "are those of core",
    ];
    let list = succeeds(&knows, &port, &top, &told);
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
        &["without what they have rated"],
    );
    succeeds(&knows, &port, &["query", "top"], &["the device's owner"]);

    let not = place();
    let port = board(&not, |_| ());
    let told = [
        "Movies that user 7 has rated may be among these",
        "`export --seen all`",
    ];
    let list = succeeds(&not, &port, &top, &told);
    assert_eq!(parts(&list).len(), 20);
    let list = succeeds(&not, &port, &whole, &[]);
    assert!(!list.contains("has rated"), "{list}");
    succeeds(&not, &port, &["query", "info"], &["may be among them"]);
}

#[test]
fn an_owners_ratings_are_theirs_to_take_to_another_device() {
    let place = place();
    let (old, new) = (board(&place, |_| ()), board(&place, |_| ()));
    for movie in 1..=21 {
        let movie = (movie * 10).to_string();
        let rate = ["query", "rate", "--movie", &movie, "--stars", "4.5"];
        succeeds(&place, &old, &rate, &["taken in"]);
    }
    let saved = succeeds(
        &place,
        &old,
        &["query", "ratings", "--save", "mine.csv"],
        &["21 ratings"],
    );
    succeeds(
        &place,
        &new,
        &["query", "ratings", "--load", "mine.csv"],
        &["21 ratings"],
    );
    let brought = succeeds(&place, &new, &["query", "ratings"], &["21 ratings"]);
    assert_eq!(saved.replace("Wrote mine.csv\n", ""), brought);
    let profile = |port| succeeds(&place, port, &["query", "profile"], &["Ratings: 21"]);
    assert_eq!(profile(&old), profile(&new));

    std::fs::write(place.path().join("bad.csv"), "movieId,rating\n10,4\nx,5\n").unwrap();
    fails(
        &place,
        &new,
        2,
        &["query", "ratings", "--load", "bad.csv"],
        &["bad.csv line 3", "1,4.5"],
    );
    std::fs::write(place.path().join("bad.csv"), "movieId,rating\n10,4\n20,9\n").unwrap();
    fails(
        &place,
        &new,
        2,
        &["query", "ratings", "--load", "bad.csv"],
        &[
            "bad.csv line 3: 9 is not on the model's scale, 0.5 to 5",
            "nothing was taken in",
        ],
    );
}

#[test]
fn ratings_of_movies_that_a_device_does_not_know_are_left_out_by_name() {
    let place = place();
    let (part, whole) = (board(&place, |_| ()), board(&place, |_| ()));
    // More than one request's worth, with strangers first, last, next to each other and across a request's end.
    let known: String = (1..=30).map(|row| format!("{},4\n", row * 10)).collect();
    let mut lines: Vec<String> = known.lines().map(str::to_owned).collect();
    for (at, stranger) in [(0, 7), (1, 9), (18, 11), (33, 13)] {
        lines.insert(at.min(lines.len()), format!("{stranger},2"));
    }
    let write = |name: &str, lines: &str| {
        std::fs::write(place.path().join(name), format!("movieId,rating\n{lines}")).unwrap();
    };
    write("known.csv", &known);
    write("mixed.csv", &lines.join("\n"));
    write("strangers.csv", "7,2\n9,2\n");
    let load = |file| ["query", "ratings", "--load", file];
    succeeds(
        &place,
        &part,
        &load("mixed.csv"),
        &[
            "30 ratings of mixed.csv taken in",
            "4 left out",
            "doesn't have: movie 7; movie 9; movie 11; movie 13",
        ],
    );
    let told = succeeds(&place, &whole, &load("known.csv"), &["30 ratings"]);
    assert!(!told.contains("left out"), "{told}");
    let profile = |port| succeeds(&place, port, &["query", "profile"], &["Ratings: 30"]);
    assert_eq!(profile(&part), profile(&whole));
    fails(
        &place,
        &part,
        2,
        &load("strangers.csv"),
        &["no rating of strangers.csv", "movie 7; movie 9"],
    );
}

#[test]
fn a_file_of_ratings_is_taken_as_a_whole_of_one_person_in_order_of_time() {
    let place = place();
    let port = board(&place, |_| ());
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    let load = |file, more: &[&'static str]| [&["query", "ratings", "--load", file], more].concat();
    write(
        "two.csv",
        "userId,movieId,rating,timestamp\n1,10,5,30\n1,20,4.5,10\n2,10,1,5\n2,30,2,6\n1,20,3,20\n",
    );
    let parts = [
        "ratings of 2 people: 1 (3 ratings), 2 (2 ratings)",
        "`--of-user ID`",
    ];
    fails(&place, &port, 2, &load("two.csv", &[]), &parts);
    let stranger = load("two.csv", &["--of-user", "3"]);
    fails(
        &place,
        &port,
        2,
        &stranger,
        &["--of-user 3", "1 (3 ratings)"],
    );
    // A rating that isn't on the scale is found before any is taken.
    write("off.csv", "movieId,rating\n10,4\n20,9\n");
    fails(
        &place,
        &port,
        2,
        &load("off.csv", &[]),
        &["line 3", "nothing was taken in"],
    );
    succeeds(&place, &port, &["query", "profile"], &["Ratings: 0"]);

    let mine = load("two.csv", &["--of-user", "1"]);
    succeeds(&place, &port, &mine, &["2 ratings of two.csv taken in"]);
    let told = succeeds(&place, &port, &["query", "ratings"], &["2 ratings"]);
    let (first, last) = (told.find("Part 2 ").unwrap(), told.find("Part 1 ").unwrap());
    assert!(first < last, "{told}");
    assert!(told.contains("3.00") && told.contains("5.00"), "{told}");
    // Once more does no harm.
    succeeds(&place, &port, &mine, &["2 ratings of two.csv taken in"]);
    let again = succeeds(&place, &port, &["query", "ratings"], &["2 ratings"]);
    assert_eq!(told, again);
}

#[test]
fn ratings_come_from_other_sites_by_title_and_year_and_what_is_missed_is_told() {
    let place = place();
    let port = board(&place, |_| ());
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    let load = |file, more: &[&'static str]| [&["query", "ratings", "--load", file], more].concat();
    write(
        "letterboxd.csv",
        "Date,Name,Year,Letterboxd URI,Rating\n2021-01-02,Part 3,1960,u,4.5\n2021-01-01,Part 4,1960,u,2\n2021-01-01,No Such Film,1999,u,2\n",
    );
    succeeds(
        &place,
        &port,
        &load("letterboxd.csv", &["--left-out", "left.csv"]),
        &[
            "2 ratings of letterboxd.csv taken in",
            "1 left out",
            "No Such Film (1999)",
        ],
    );
    let left = std::fs::read_to_string(place.path().join("left.csv")).unwrap();
    assert_eq!(left, "line,film,rating\n4,No Such Film (1999),2\n");
    write(
        "imdb.csv",
        "Const,Your Rating,Date Rated,Title,Title Type,Year\ntt7,7,2021-01-02,Anders,Movie,1960\ntt8,10,2021-01-02,Part 6,Movie,1960\n",
    );
    write("links.csv", "movieId,imdbId,tmdbId\n50,0000007,1\n");
    succeeds(
        &place,
        &port,
        &load("imdb.csv", &[]),
        &[
            "2 ratings of imdb.csv taken in",
            "IMDb, up to 10, are taken times 0.5",
        ],
    );
    let told = succeeds(&place, &port, &["query", "ratings"], &["4 ratings"]);
    for (title, stars) in [
        ("Part 3 ", "4.50"),
        ("Part 4 ", "2.00"),
        ("Part 5 ", "3.50"),
        ("Part 6 ", "5.00"),
    ] {
        let line = told.lines().find(|line| line.contains(title)).unwrap();
        assert!(line.contains(stars), "{line}");
    }
}

#[test]
fn the_newest_of_a_file_are_taken_and_without_an_image_the_board_says_which_movies_it_has() {
    let place = place();
    let port = board(&place, |_| ());
    let lines: String = (1..=60).map(|row| format!("{},4\n", row * 10)).collect();
    std::fs::write(
        place.path().join("mine.csv"),
        format!("movieId,rating\n{lines}7,4\n"),
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_host"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
        .env_remove("POCKETREC_PORT")
        .args(["query", "ratings", "--load", "mine.csv", "--newest", "5"])
        .args(["--port", &port, "--image", "none"])
        .current_dir(place.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        told.contains("5 ratings of mine.csv taken in"),
        "{output:?}"
    );
    assert!(
        told.contains("1 left out, of movies that the device's model doesn't have: movie 7"),
        "{told}"
    );
}

/// A line on whose far side the board gets no time to work between a `TopN` and a `Cancel`, as with a long ranking: the
/// port, and what says that the ranking has begun.
#[cfg(unix)]
fn slow_board(place: &TempDir) -> (String, std::sync::mpsc::Receiver<()>) {
    let bytes = std::fs::read(place.path().join("model.img")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (began, begun) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let image = ImageBytes::copy(&bytes);
        let mut board = MemoryBoard::new(Model::open(image.as_ref()));
        for stream in listener.incoming() {
            let mut line = stream.unwrap();
            line.set_read_timeout(Some(Duration::from_millis(2)))
                .unwrap();
            let (mut reader, mut works) = (FrameReader::new(), true);
            let mut buffer = [0; 1024];
            loop {
                let count = match line.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error)
                        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                    {
                        0
                    }
                    Err(_) => break,
                };
                for byte in &buffer[..count] {
                    let Some(Ok(frame)) = reader.push(*byte) else {
                        continue;
                    };
                    match postcard::from_bytes(frame.body).unwrap() {
                        Request::TopN { .. } if works => {
                            works = false;
                            began.send(()).unwrap();
                        }
                        Request::Cancel { .. } => works = true,
                        _ => {}
                    }
                }
                board.write_all(&buffer[..count]).unwrap();
                while works && let Ok(count) = board.read(&mut buffer) {
                    if line.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
            }
        }
    });
    (format!("tcp:{address}"), begun)
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_the_board_and_then_the_program() {
    let place = place();
    let (port, begun) = slow_board(&place);
    let top = ["query", "top", "--image", "model.img", "--port", &port];
    let host = Command::new(env!("CARGO_BIN_EXE_host"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
        .env_remove("POCKETREC_PORT")
        .args(top)
        .current_dir(place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    begun.recv_timeout(Duration::from_secs(60)).unwrap();
    let signal = ["-INT", &host.id().to_string()];
    assert!(
        Command::new("kill")
            .args(signal)
            .status()
            .unwrap()
            .success()
    );
    let output = host.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert_eq!(
        errors,
        format!("error: interrupted: {port} was told to stop, and has stopped\n")
    );
    assert!(output.stdout.is_empty());
    // The board is free for the next host.
    succeeds(
        &place,
        &port,
        &["query", "predict", "--movie", "10"],
        &["stars"],
    );
}

#[test]
fn what_a_board_refuses_is_said_in_a_sentence() {
    let place = place();
    let port = board(&place, |_| ());
    let refused = |arguments: &[&str], parts: &[&str]| {
        let arguments = [&["query"], arguments].concat();
        fails(&place, &port, 2, &arguments, parts);
    };
    refused(
        &["predict", "--user", "99", "--movie", "10"],
        &["user 99 is not in the device's model"],
    );
    refused(
        &["predict", "--movie", "11"],
        &["movie 11 is not in the device's model"],
    );
    refused(
        &["rate", "--movie", "Prat 12", "--stars", "4"],
        &["may mean Part 12 (1960)", "nothing is changed on a guess"],
    );
    refused(
        &["rate", "--movie", "10", "--stars", "7"],
        &["scale: --stars should be", "in steps of"],
    );
    refused(
        &["rate", "--movie", "10", "--stars", "4", "--owner", "200"],
        &["owner 200"],
    );
    refused(&["forget", "--movie", "10"], &["rate"]);
    refused(&["top", "--count", "200"], &["200"]);
    refused(
        &["format"],
        &["every owner", "ratings --save", "format --yes"],
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

#[test]
fn files_and_numbers_are_checked_before_a_firmware_is_built() {
    let place = place();
    std::fs::write(place.path().join("bad.csv"), "movieId,rating\n10,nan\n").unwrap();
    for (arguments, said) in [
        (
            "query --emulator ratings --load nope.csv",
            "nope.csv can't be read",
        ),
        (
            "query --emulator ratings --load bad.csv",
            "bad.csv line 2 should be",
        ),
        (
            "query --emulator ratings --save .",
            "--save is ., which is a folder",
        ),
        (
            "query --emulator rate --movie 10 --stars nan",
            "it should be a number of stars",
        ),
        (
            "query --emulator rate --movie 10 --stars inf",
            "it should be a number of stars",
        ),
        (
            "query --emulator predict --movie 11",
            "movie 11 is not in the device's model",
        ),
        (
            "query --emulator top --user 99",
            "user 99 is not in the device's model",
        ),
        (
            "query --emulator rate --movie 10 --stars 7",
            "--stars should be 0.5 to 5 in steps of 0.5",
        ),
        (
            "selftest --emulator --write missing/t.txt",
            "and there is no folder missing",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_host"))
            .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
            .env_remove("POCKETREC_PORT")
            .args(arguments.split_whitespace())
            .args(["--image", "model.img"])
            .current_dir(place.path())
            // Whoever starts it has begun to build.
            .env("CARGO", "no-cargo-here")
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {errors}");
        assert!(errors.contains(said), "{arguments}: {errors}");
    }
}

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
        &["no number of stars", "rate alien 4.5"],
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
    let (_, text, said) = asks(&["query", "ratings", "--owner", "0"], "");
    assert!(
        !text.contains("Part 9") && !said.contains("for owner"),
        "{text}{said}"
    );

    // What `emulate` leaves behind comes before memory, with its own image.
    let other = board(&place, |_| ());
    let running = config.path().join("pocketrec/emulated-1.json");
    let image = place.path().join("model.img");
    let text = serde_json::json!({
        "board": "microbit",
        "address": other.trim_start_matches("tcp:"),
        "pid": 1,
        "image": image,
        "crc": 0,
    });
    std::fs::write(&running, text.to_string()).unwrap();
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
    // A file that nobody stands behind any more is skipped, and removed.
    let stale = std::fs::read_to_string(&running).unwrap();
    let stale = stale.replace(other.trim_start_matches("tcp:"), "127.0.0.1:1");
    std::fs::write(&running, stale).unwrap();
    let (_, _, said) = asks(&["query", "ratings"], "");
    assert!(
        said.contains(&format!("asking {port}, as last time")),
        "{said}"
    );
    assert!(!running.exists());
}

#[test]
fn a_board_that_says_nothing_is_given_up_after_the_timeout() {
    let place = place();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("tcp:{}", listener.local_addr().unwrap());
    let silent = ["query", "hello", "--timeout", "0.2"];
    fails(
        &place,
        &port,
        1,
        &silent,
        &["nothing answers at", "waited 200 ms"],
    );
    let wrong = ["query", "hello", "--timeout", "0"];
    fails(&place, &port, 2, &wrong, &["from 0.1 to 86400"]);
}

#[test]
fn stars_below_the_scale_are_refused_by_the_board_and_not_taken_for_an_option() {
    let place = place();
    let port = board(&place, |_| ());
    let rate = ["query", "rate", "--movie", "10", "--stars", "-1"];
    fails(&place, &port, 2, &rate, &["--stars should be 0.5 to 5"]);
}

#[test]
fn a_wrong_baud_rate_is_told_from_silence() {
    let place = place();
    // Every byte arrives as another one, as it does at another speed.
    let port = board(&place, |bytes| {
        bytes.iter_mut().for_each(|byte| *byte = 0x80 | *byte >> 1)
    });
    fails(
        &place,
        &port,
        1,
        &["query", "hello"],
        &["make no frame", "--baud"],
    );
}

#[test]
fn a_board_without_a_model_says_why_and_what_to_do() {
    let place = place();
    let image = place.path().join("model.img");
    let whole = std::fs::read(&image).unwrap();
    std::fs::write(&image, &whole[..100]).unwrap();
    let port = board(&place, |_| ());
    std::fs::write(&image, &whole).unwrap();
    succeeds(
        &place,
        &port,
        &["query", "hello"],
        &["no model", "length", "xtask flash"],
    );
    fails(
        &place,
        &port,
        1,
        &["query", "top"],
        &["no model", "xtask flash"],
    );
}

/// Puts another image of the same movies to the place, with the titles that `word` makes.
fn exchange(place: &TempDir, word: &str) {
    let other = self::place();
    let image = std::fs::read(other.path().join("model.img")).unwrap();
    let mut image = image;
    // Its name, behind the CRC.
    let at = (13..).find(|at| image[*at].is_ascii_lowercase()).unwrap();
    image[at] = image[at].to_ascii_uppercase();
    let mut crc = flate2::Crc::new();
    crc.update(&image[..9]);
    crc.update(&image[13..]);
    image[9..13].copy_from_slice(&crc.sum().to_le_bytes());
    std::fs::write(place.path().join("model.img"), image).unwrap();
    let titles = std::fs::read_to_string(other.path().join("model.titles.csv")).unwrap();
    let titles = titles.replace("Part", word);
    std::fs::write(place.path().join("model.titles.csv"), titles).unwrap();
}

#[test]
fn titles_of_another_image_than_the_boards_are_refused_with_the_way_on() {
    let place = place();
    let port = board(&place, |_| ());
    let rate = ["query", "rate", "--movie", "part 9", "--stars", "5"];
    succeeds(
        &place,
        &port,
        &rate,
        &["Part 9 (1960): taken in, 1 rating in all"],
    );
    exchange(&place, "Piece");
    std::fs::write(place.path().join("mine.csv"), "movieId,rating\n10,4\n").unwrap();
    for question in [
        "top",
        "top --user 7",
        "predict --movie 10",
        "similar --movie 10",
        "suggest",
        "explain --movie 10",
        "ratings",
        "ratings --save yours.csv",
        "ratings --load mine.csv",
        "rate --movie 10 --stars 4",
        "forget --movie 90",
        "undo",
        "top --twin",
    ] {
        let arguments: Vec<&str> = ["query"].into_iter().chain(question.split(' ')).collect();
        let parts = ["another image (CRC-32 ", "model.img (", "--image none"];
        fails(&place, &port, 2, &arguments, &parts);
    }
    assert!(!place.path().join("yours.csv").exists());
    let run = |arguments: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_host"))
            .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
            .env_remove("POCKETREC_PORT")
            .args(arguments.split_whitespace())
            .args(["--image", "none", "--port", &port])
            .current_dir(place.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (code, shown, errors) = run("query ratings");
    assert_eq!(code, Some(0), "{errors}");
    // Nothing was changed meanwhile.
    assert!(
        shown.starts_with("1 rating") && shown.contains("movie 90"),
        "{shown}"
    );
    let (code, shown, errors) = run("query top");
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        !shown.contains("Piece") && shown.contains("movie "),
        "{shown}"
    );
    assert_eq!(run("query predict --movie 10").0, Some(0));
    let (code, _, errors) = run("query predict --movie piece");
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("no titles"), "{errors}");
    let (code, _, errors) = run("query top --twin");
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("--twin needs an image"), "{errors}");
    // What is about the board itself needs no titles.
    for question in ["hello", "info", "limits", "health", "owners", "profile"] {
        succeeds(&place, &port, &["query", question], &[]);
    }
}

#[test]
fn without_an_image_movies_are_shown_by_their_ids_and_a_line_says_so() {
    let place = place();
    let port = board(&place, |_| ());
    let ask = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_host"))
            .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
            .env_remove("POCKETREC_PORT")
            .args(["query", "--port", &port])
            .args(arguments)
            .current_dir(place.path())
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), errors)
    };
    // Where the image lies isn't where commands look.
    let (code, errors) = ask(&["top"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        errors.contains("model.img does not exist, so movies are shown by their ids"),
        "{errors}"
    );
    let (code, errors) = ask(&["top", "--image", "nope.img"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("nope.img does not exist"), "{errors}");
    std::fs::remove_file(place.path().join("model.titles.csv")).unwrap();
    let (code, errors) = ask(&["top", "--image", "model.img"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        errors.contains("no titles lie beside model.img"),
        "{errors}"
    );
    let (code, errors) = ask(&["owners"]);
    assert_eq!((code, &*errors), (Some(0), ""));
}

#[test]
fn titles_that_lie_beside_another_image_than_theirs_are_left_out_with_a_warning() {
    let place = place();
    let port = board(&place, |_| ());
    let titles = place.path().join("model.titles.csv");
    let text = std::fs::read_to_string(&titles).unwrap();
    let image = ImageBytes::read(&place.path().join("model.img")).unwrap();
    let crc = Model::open(image.as_ref()).unwrap().header().crc;
    let of = |crc: u32| {
        let header = format!("movieId,title,genres,image {crc:08x}");
        let lines = text.replace("movieId,title,genres", &header);
        std::fs::write(&titles, lines.replace(",Drama", ",Drama,")).unwrap();
    };
    of(crc);
    let predict = ["query", "predict", "--movie", "10"];
    succeeds(&place, &port, &predict, &["on Part 1 (1960)"]);
    of(crc ^ 1);
    let output = host(&place, &port, &predict);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    assert!(
        errors.contains("model.titles.csv has titles of another image"),
        "{errors}"
    );
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("on movie 10"), "{shown}");
}

#[test]
fn a_twin_of_another_image_is_refused() {
    let place = place();
    let port = board(&place, |_| ());
    let other: PathBuf = place.path().join("model.img");
    let example = pocketrec::image::example();
    std::fs::write(other, example.bytes()).unwrap();
    fails(
        &place,
        &port,
        2,
        &["query", "top", "--twin"],
        &["CRC-32", "same image"],
    );
}
