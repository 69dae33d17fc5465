//! `add-movie` to a board that runs, behind a socket.

use super::*;

/// A board with an image, or with none, at the returned port.
fn board(image: Option<Vec<u8>>) -> String {
    memory::board(image, |_| ())
}

/// A place with a model to which movies can be added, and a file of ratings of one.
fn place() -> Place {
    let place = Place::trained();
    let train = [
        "train",
        "--data",
        "ratings",
        "--sweeps",
        "8",
        "--threads",
        "1",
    ];
    place.succeeds(&train);
    let mut ratings = String::from("user,rating\n");
    (1..=40).for_each(|user| ratings += &format!("{user},5\n"));
    std::fs::write(place.path("new.csv"), ratings).unwrap();
    place
}

const LOVED: [&str; 7] = [
    "add-movie",
    "--title",
    "Loved (2001)",
    "--genres",
    "comedy,drama",
    "--ratings",
    "new.csv",
];

#[test]
fn a_movie_is_added_to_a_board_which_ranks_it_and_shows_its_name_and_has_its_twin() {
    let place = place();
    let images = ["f16", "i8", "codes"].map(|precision| {
        let image = format!("{precision}.img");
        let export = ["export", "--users", "all", "--precision", precision];
        place.succeeds(&[&export[..], &["--out", &image]].concat());
        image
    });
    for (at, image) in images.iter().enumerate() {
        let port = board(Some(std::fs::read(place.path(image)).unwrap()));
        let asks = |arguments: &[&str], parts: &[&str]| {
            let output = place.host(&[arguments, &["--port", &port, "--image", image]].concat());
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success(), "{arguments:?}: {said}");
            let told = String::from_utf8(output.stdout).unwrap();
            contains(&told, parts);
            told
        };
        // The first time it goes into the checkpoint too; then the checkpoint has it, and boards have not.
        let told = asks(&LOVED, &["which has 1 of the 8 that fit"]);
        contains(
            &told,
            &["Added Loved (2001) with id 301 to the image of tcp:"],
        );
        assert_eq!(
            told.contains("genres, year and 40 ratings"),
            at == 0,
            "{told}"
        );
        asks(&LOVED, &["which has 1 of the 8 that fit"]);
        // Of nobody in particular it is what most people like.
        asks(&["query", "top", "--twin"], &["Loved (2001)", "Twin: all"]);
        asks(
            &["query", "similar", "--movie", "Loved (2001)", "--twin"],
            &["Twin: all"],
        );
        asks(
            &[
                "query",
                "rate",
                "--movie",
                "Loved (2001)",
                "--stars",
                "1.5",
                "--twin",
            ],
            &["Loved (2001)", "Twin: all"],
        );
        asks(
            &["query", "why", "--movie", "Part 30, The (1930)", "--twin"],
            &["Loved (2001)", "Twin: all"],
        );
        asks(&["query", "ratings"], &["Loved (2001)"]);
        asks(&["query", "added"], &["Loved (2001)"]);
        let selftest = ["selftest", "--port", &port, "--image", image];
        contains(
            &place.fails(2, &selftest),
            &["a self-test is of the image alone: `query added --remove 301`"],
        );
        let told = asks(&["query", "added", "--remove", "loved", "2001"], &[]);
        assert!(!told.contains("Loved"), "{told}");
        let gone = [
            "query", "predict", "--movie", "301", "--port", &port, "--image", image,
        ];
        contains(
            &place.fails(2, &gone),
            &["movie 301 is not in the device's model"],
        );
    }
    // What is exported from then on has it from the start.
    contains(
        &place.succeeds(&["export", "--users", "all"]),
        &["all 31 movies"],
    );
}

#[test]
fn a_movie_that_a_board_cannot_take_is_in_no_file_either() {
    let place = place();
    place.succeeds(&["export", "--users", "all"]);
    let image = std::fs::read(place.path("target/pocketrec/model.img")).unwrap();
    let before = std::fs::read(place.path("target/pocketrec/model.safetensors")).unwrap();
    let titles = std::fs::read(place.path("target/pocketrec/model.titles.csv")).unwrap();
    let port = board(Some(image.clone()));
    let fails = |arguments: &[&str], said: &str| {
        let refused = place.fails(2, &[&LOVED[..], arguments].concat());
        contains(&refused, &[said]);
    };
    fails(
        &["--image", "target/pocketrec/model.img"],
        "--image names the image of a board: --to-board or --port says which board",
    );
    fails(&["--port", &port, "--image", "gone.img"], "gone.img");
    fails(&["--port", &port, "--id", "300"], "it should be above 300");
    // A board of another image, and one without any.
    place.succeeds(&["export", "--users", "none", "--out", "other.img"]);
    fails(
        &["--port", &port, "--image", "other.img"],
        "holds another image",
    );
    let none = board(None);
    fails(
        &["--port", &none],
        "takes no movies beside its image's, or it has no image",
    );
    assert_eq!(
        std::fs::read(place.path("target/pocketrec/model.safetensors")).unwrap(),
        before
    );
    assert_eq!(
        std::fs::read(place.path("target/pocketrec/model.titles.csv")).unwrap(),
        titles
    );
    // Its lists would have it among comedies.
    let bare = ["add-movie", "--title", "Bare (2001)", "--port", &port];
    contains(&place.fails(2, &bare), &["under genres that it hasn't"]);
    // All that fit, and one more.
    for movie in 1..=9 {
        let title = format!("Number {movie} (2001)");
        let genres = ["--genres", "comedy,drama", "--port", &port];
        let add = [&["add-movie", "--title", &title][..], &genres].concat();
        match movie {
            9 => contains(
                &place.fails(2, &add),
                &["the device has room for 8 added movies"],
            ),
            _ => {
                place.succeeds(&add);
            }
        }
    }
}
