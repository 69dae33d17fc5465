//! An owner's ratings as files: taken away, brought from elsewhere, and what doesn't fit.

use super::*;

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
    let output = program(&place)
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

/// A board that takes so many imports and then goes, before it answers the last; it is back once the flag is set, with what
/// it has.
fn going_board(place: &TempDir, imports: usize) -> (String, Arc<AtomicBool>) {
    let bytes = std::fs::read(place.path().join("model.img")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let is_back = Arc::new(AtomicBool::new(false));
    let back = is_back.clone();
    std::thread::spawn(move || {
        let image = ImageBytes::copy(&bytes);
        let mut board = MemoryBoard::new(Model::open(image.as_ref()));
        let mut left = imports;
        for stream in listener.incoming() {
            let mut line = stream.unwrap();
            if left == 0 && !back.load(Ordering::SeqCst) {
                continue;
            }
            let mut reader = FrameReader::new();
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = line.read(&mut buffer) {
                let mut goes = false;
                for byte in &buffer[..count] {
                    if let Some(Ok(frame)) = reader.push(*byte)
                        && let Ok(Request::Import { .. }) = postcard::from_bytes(frame.body)
                        && left > 0
                    {
                        left -= 1;
                        goes = left == 0;
                    }
                }
                board.write_all(&buffer[..count]).unwrap();
                let mut answer = Vec::new();
                let mut some = [0; 1024];
                while let Ok(count) = board.read(&mut some) {
                    answer.extend_from_slice(&some[..count]);
                }
                if goes || line.write_all(&answer).is_err() {
                    break;
                }
            }
        }
    });
    (format!("tcp:{address}"), is_back)
}

#[test]
fn a_board_that_goes_midway_is_told_with_what_it_took_and_the_same_command_goes_on() {
    let place = place();
    let (port, is_back) = going_board(&place, 2);
    let file: String = (1..=30)
        .map(|row| format!("{},{}\n", row * 10, 1 + row % 5))
        .collect();
    std::fs::write(
        place.path().join("mine.csv"),
        format!("movieId,rating\n{file}"),
    )
    .unwrap();
    let load = ["query", "ratings", "--load", "mine.csv"];
    fails(
        &place,
        &port,
        1,
        &load,
        &[
            "8 of 30 ratings of mine.csv were taken in; the same command again goes on, and does no harm to them",
            "atings may have been taken in all the same: `query ratings` tells",
        ],
    );
    is_back.store(true, Ordering::SeqCst);
    // The request that wasn't answered was carried out.
    let ratings = ["query", "ratings"];
    succeeds(&place, &port, &ratings, &["16 ratings"]);
    succeeds(&place, &port, &load, &["30 ratings of mine.csv taken in"]);
    let there = succeeds(&place, &port, &ratings, &["30 ratings"]);
    let fresh = board(&place, |_| ());
    succeeds(&place, &fresh, &load, &["30 ratings"]);
    assert_eq!(there, succeeds(&place, &fresh, &ratings, &["30 ratings"]));
}

#[test]
fn what_is_forgotten_is_told_by_its_title_and_of_flash_only_where_the_board_keeps_ratings_there() {
    let place = place();
    let flash = "from flash at the next compaction, which `query compact` does now";
    let in_flash = |bytes: &mut [u8]| {
        change(bytes, |reply| {
            if let Reply::Hello(hello) = reply {
                hello.capabilities |= Capabilities::STORAGE;
            }
        });
    };
    let boards = [board(&place, |_| ()), board(&place, in_flash)];
    for (port, says_flash) in boards.iter().zip([false, true]) {
        let forget = ["query", "forget", "part 3"];
        let said = "the owner has not rated Part 3 (1960)";
        fails(&place, port, 2, &forget, &[said]);
        succeeds(&place, port, &["query", "rate", "part 3", "4"], &[]);
        let text = succeeds(&place, port, &forget, &["Part 3 (1960) is forgotten"]);
        assert_eq!(text.contains(flash), says_flash, "{text}");
    }
}
