//! Which movies belong together: stored where there is room, and left out in words where there is none.

use std::fmt::Write;

use super::{Place, contains};

/// A folder with a model of ratings that have times, so that it knows what people look for.
fn place() -> Place {
    let place = Place(tempfile::tempdir().unwrap());
    let mut ratings = String::from("userId,movieId,rating,timestamp\n");
    for user in 1..=60_u32 {
        for at in 0..25_u32 {
            let (movie, stars) = ((user * 3 + at * 7) % 120 + 1, (user + at) % 5 + 1);
            writeln!(
                ratings,
                "{user},{movie},{stars},{}",
                1_000_000_000 + at * 60
            )
            .unwrap();
        }
    }
    std::fs::write(place.path("ratings.csv"), ratings).unwrap();
    place.succeeds(&["train", "--data", "ratings.csv", "--sweeps", "8"]);
    place
}

/// The micro:bit with an image region of so many kilobytes.
fn board(place: &Place, kilobytes: u64) {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../firmware/boards/microbit/board.toml"
    );
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("kb = 188"));
    let text = text.replace("kb = 188", &format!("kb = {kilobytes}"));
    std::fs::create_dir_all(place.path("small")).unwrap();
    std::fs::write(place.path("small/board.toml"), text).unwrap();
}

#[test]
fn what_belongs_together_is_left_out_where_it_does_not_fit_and_where_nobody_wants_it() {
    let place = place();
    let image = |more: &[&str]| {
        let all = [
            "export",
            "--precision",
            "i8",
            "--users",
            "none",
            "--out",
            "a.img",
        ];
        let told = place.succeeds(&[&all, more].concat());
        (told, std::fs::metadata(place.path("a.img")).unwrap().len())
    };
    let (told, with) = image(&[]);
    contains(&told, &["kin_code", "kin_codebook"]);
    let (told, without) = image(&["--kin", "none"]);
    assert!(!told.contains("kin_code"), "{told}");
    assert!(with - without > 120 * 8 + 1024, "{with} and {without}");

    // A whole number of pages between the two.
    let pages = without.div_ceil(1024);
    assert!(pages * 1024 < with);
    board(&place, pages);
    let small = ["--board", "small/board.toml"];
    let output = place.host(
        &[
            &[
                "export",
                "--precision",
                "i8",
                "--users",
                "none",
                "--out",
                "b.img",
            ][..],
            &small,
        ]
        .concat(),
    );
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    contains(
        &told,
        &["without the table of which movies belong together, which doesn't fit"],
    );
    assert_eq!(
        std::fs::metadata(place.path("b.img")).unwrap().len(),
        without
    );
    let all = [
        &[
            "export",
            "--precision",
            "i8",
            "--users",
            "none",
            "--kin",
            "all",
        ][..],
        &small,
    ];
    contains(&place.fails(1, &all.concat()), &["bytes too large"]);
    // And so where the precision is chosen too.
    let told =
        place.succeeds(&[&["export", "--users", "none", "--out", "c.img"][..], &small].concat());
    contains(
        &told,
        &["taken", "without the table of which movies belong together"],
    );
    let chosen = std::fs::metadata(place.path("c.img")).unwrap().len();
    assert!(chosen <= pages * 1024, "{chosen}");
}
