//! Which titles are shown for a board's answers, and which image they may be of.

use super::*;

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
        let output = program(&place)
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
        let output = program(&place)
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
    // Of things without titles the file says what they are called.
    let image = std::fs::read(place.path().join("model.img")).unwrap();
    let crc = u32::from_le_bytes(image[9..13].try_into().unwrap());
    let head = format!("itemId,title,genres,ratings,item joke,image {crc:08x}\n");
    std::fs::write(place.path().join("model.titles.csv"), head).unwrap();
    let (code, errors) = ask(&["top", "--image", "model.img"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        errors.contains("model.titles.csv has no titles, so jokes are shown by their ids"),
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

#[test]
fn titles_are_those_of_a_file_that_is_named_or_none_whichever_verb_shows_them() {
    let place = place();
    let port = board(&place, |_| ());
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    write(
        "mine.csv",
        "movieId,title\n90,Nine (2009)\n100,Ten (1979)\n",
    );
    write("other.csv", "movieId,title\n91,Nothing (2009)\n");
    let here = |arguments: &[&str]| {
        program(&place)
            .args(arguments)
            .args(["--image", "model.img"])
            .current_dir(place.path())
            .output()
            .unwrap()
    };
    let there = |arguments: &[&str]| host(&place, &port, arguments);
    type Verb<'v> = (&'v dyn Fn(&[&str]) -> Output, &'v [&'v str]);
    let verbs: [Verb<'_>; 6] = [
        (&here, &["predict", "--movie", "id:90"]),
        (&here, &["similar", "--movie", "id:90"]),
        (&here, &["recommend", "--user", "7", "--count", "60"]),
        (&there, &["query", "predict", "--movie", "id:90"]),
        (&there, &["query", "similar", "--movie", "id:90"]),
        (
            &there,
            &["query", "--titles", "mine.csv", "top", "--count", "20"],
        ),
    ];
    for (run, verb) in verbs {
        let asked = |titles: &str| {
            let named = verb.contains(&"--titles");
            let words: Vec<&str> = verb
                .iter()
                .filter(|w| !named || !["--titles", "mine.csv"].contains(w))
                .copied()
                .collect();
            run(&[&words[..], &["--titles", titles]].concat())
        };
        let text = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
        let mine = asked("mine.csv");
        assert!(mine.status.success(), "{verb:?}");
        assert!(!text(&mine).contains("Part"), "{verb:?}: {}", text(&mine));
        let ids = asked("none");
        assert!(ids.status.success(), "{verb:?}");
        assert!(text(&ids).contains("movie "), "{verb:?}: {}", text(&ids));
        for (titles, said) in [
            ("nope.csv", "there is no nope.csv"),
            ("other.csv", "no movie of the image"),
        ] {
            let refused = asked(titles);
            let errors = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(2), "{verb:?}: {errors}");
            assert!(errors.contains(said), "{verb:?}: {errors}");
        }
    }
    let nine = here(&["predict", "--movie", "nine", "--titles", "mine.csv"]);
    assert!(String::from_utf8_lossy(&nine.stdout).contains("on Nine (2009)"));
    // Without an image they are whose the person says they are.
    let titles = ["--image", "none", "--titles", "mine.csv"];
    let output = program(&place)
        .args(["query", "predict", "--movie", "ten", "--port", &port])
        .args(titles)
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("on Ten (1979)"));
}
