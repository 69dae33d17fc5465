//! From a checkpoint to answers, as people type it: `train`, `export`, `inspect`, `recommend`, and what goes wrong.

mod added;
mod boards;
mod claims;
mod drift;
mod kin;
mod lists;
mod map;
#[path = "../memory/mod.rs"]
mod memory;
mod report;
mod tables;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pocketrec_train::ModelKind;
use tempfile::TempDir;

/// A folder with a model trained on a small synthetic set of ratings, in which commands run.
struct Place(TempDir);

impl Place {
    /// Trains one.
    fn trained() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let data = place.path("ratings");
        std::fs::create_dir(&data).unwrap();
        let mut ratings = String::from("userId,movieId,rating,timestamp\n");
        for user in 1..=40_u32 {
            for movie in 1..=30_u32 {
                // Movie n has n ratings more than movie 0 would, at most everybody's.
                if (user * 7 + movie * 13) % 40 < movie + 5 {
                    let halves = (user * movie) % 10 + 1;
                    let stars = f64::from(halves) / 2.0;
                    writeln!(ratings, "{user},{},{stars:.1},1000000000", movie * 10).unwrap();
                }
            }
        }
        std::fs::write(data.join("ratings.csv"), ratings).unwrap();
        let mut movies = String::from("movieId,title,genres\n");
        for movie in 1..=30 {
            writeln!(
                movies,
                "{},\"Part {movie}, The (19{movie:02})\",Comedy|Drama",
                movie * 10
            )
            .unwrap();
        }
        std::fs::write(data.join("movies.csv"), movies).unwrap();
        place.succeeds(&[
            "train", "--data", "ratings", "--model", "mlp", "--epochs", "2", "--batch", "100",
        ]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn host(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_host"))
            .env("XDG_CONFIG_HOME", self.0.path().join("config"))
            .env("XDG_RUNTIME_DIR", self.0.path().join("config"))
            .env_remove("POCKETREC_PORT")
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.host(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one sentence with which a command fails with `code`.
    fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.host(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(errors.starts_with("error: "), "{arguments:?}: {errors}");
        assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
        errors
    }

    /// Names of the files in a folder.
    fn files(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn an_export_says_which_image_it_replaces_where_that_was_another() {
    let place = Place::trained();
    let replaced = "Replaced an image of ";
    for again in [false, true] {
        let told = place.succeeds(&["export"]);
        assert!(!told.contains(replaced), "{again}: {told}");
    }
    let told = place.succeeds(&["export", "--precision", "i8", "--users", "none"]);
    let was = "ratings mlp in f16 of 8 dimensions, with 30 movies and 40 users";
    contains(&told, &[replaced, was]);
    let told = place.succeeds(&["export", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let due = serde_json::json!({
        "model": "ratings mlp", "precision": "i8", "dim": 8, "movies": 30, "users": 0,
    });
    assert_eq!(told["replaced"], due);
    let told = place.succeeds(&["export", "--quiet", "--precision", "i8"]);
    assert!(!told.contains(replaced), "{told}");
    // What was no image is nobody's to miss.
    std::fs::write(place.path(IMAGE), "no image").unwrap();
    let told = place.succeeds(&["export"]);
    assert!(!told.contains(replaced), "{told}");
    let told = place.succeeds(&["inspect"]);
    contains(&told, &["rows of 8 in f16"]);
}

const IMAGE: &str = "target/pocketrec/model.img";

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

#[test]
fn a_trained_model_is_exported_inspected_and_asked_without_flags() {
    let place = Place::trained();
    let bill = place.succeeds(&["export"]);
    contains(
        &bill,
        &["all 30 movies", "all 40 users", "movie_embedding", "RAM:"],
    );
    contains(&bill, &["stm32f405", "microbit", "to spare"]);
    contains(&bill, &["Effect of rounding", "f32 RMSE", "f16 RMSE"]);
    contains(
        &bill,
        &["not for commercial use", IMAGE, "model.titles.csv"],
    );

    let inspected = place.succeeds(&["inspect"]);
    contains(
        &inspected,
        &[
            "verified",
            "Movies: 30",
            "Users: 40",
            "not for commercial use",
        ],
    );

    let best = place.succeeds(&["recommend", "--user", "7", "--count", "5"]);
    contains(&best, &["user 7", "Part ", "Comedy, Drama"]);
    assert_eq!(best.matches("(19").count(), 5);
    let mean = place.succeeds(&["recommend", "--include-below"]);
    contains(&mean, &["the mean user"]);
    assert_eq!(mean.matches("(19").count(), 10);

    assert_eq!(place.succeeds(&["recommend", "7", "--count", "5"]), best);
    let by_title = place.succeeds(&["predict", "--user", "7", "--movie", "the part 12"]);
    assert_eq!(place.succeeds(&["predict", "7", "part", "12"]), by_title);
    contains(&by_title, &["stars: user 7 on Part 12, The (1912)"]);
    assert_eq!(
        by_title,
        place.succeeds(&["predict", "--user", "7", "--movie", "120"])
    );

    let near = place.succeeds(&["similar", "--movie", "part 3", "--count", "4"]);
    assert_eq!(
        place.succeeds(&["similar", "part", "3", "--count", "4"]),
        near
    );
    contains(&near, &["Nearest to Part 3, The (1903)", "Likeness"]);
    assert_eq!(near.matches("(19").count(), 5);
}

#[test]
fn a_choice_of_users_and_movies_is_what_the_image_holds() {
    let place = Place::trained();
    place.succeeds(&[
        "export",
        "--users",
        "none",
        "--movies",
        "12",
        "--precision",
        "f32",
    ]);
    let inspected = place.succeeds(&["inspect", IMAGE]);
    contains(&inspected, &["Movies: 12", "Users: none", "f32"]);
    let refused = place.fails(2, &["recommend", "--user", "7"]);
    contains(&refused, &["holds no users", "the mean user"]);
    place.succeeds(&[
        "export",
        "--users",
        "ids:3,7",
        "--movies",
        "min-ratings:20",
        "--out",
        "b.img",
    ]);
    let inspected = place.succeeds(&["inspect", "b.img"]);
    contains(&inspected, &["Users: 2"]);
    place.succeeds(&["recommend", "--user", "7", "--image", "b.img"]);
    assert!(place.path("b.titles.csv").exists());
}

#[test]
fn what_is_wrong_is_said_in_a_sentence_with_exit_code_2_and_nothing_is_written() {
    let place = Place::trained();
    let before = place.files("target/pocketrec");
    let cases: [(&[&str], &[&str]); 10] = [
        (
            &["export", "--checkpoint", "none.safetensors"],
            &["none.safetensors", "train"],
        ),
        (
            &["export", "--checkpoint", "ratings/ratings.csv"],
            &["ratings.csv", "safetensors"],
        ),
        (
            &["export", "--users", "ids:99"],
            &["user 99", "ids from 1 to 40"],
        ),
        (
            &["export", "--movies", "ids:15"],
            &["movie 15", "ids from 10 to 300"],
        ),
        (
            &["export", "--movies", "min-ratings:1000"],
            &["no movie is left", "ratings"],
        ),
        (&["export", "--movies", "some"], &["some", "min-ratings:20"]),
        (&["export", "--precision", "f64"], &["f64", "f16"]),
        (
            &["export", "--board", "toaster"],
            &["toaster", "stm32f405", "microbit"],
        ),
        (
            &[
                "export",
                "--out",
                "target/pocketrec/../pocketrec/model.safetensors",
            ],
            &["is the checkpoint", "name another file"],
        ),
        (&["inspect"], &["model.img", "export"]),
    ];
    for (arguments, parts) in cases {
        contains(&place.fails(2, arguments), parts);
    }
    assert_eq!(place.files("target/pocketrec"), before);
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_the_work() {
    let place = Place::trained();
    std::fs::create_dir_all(place.path("taken.titles.csv")).unwrap();
    for (out, said) in [
        ("ratings", "--out is ratings, which is a folder"),
        ("missing/a.img", "and there is no folder missing"),
        ("taken.img", "titles is taken.titles.csv, which is a folder"),
    ] {
        let output = place.host(&["export", "--out", out]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{out}: {told}");
        assert!(told.contains(said), "{out}: {told}");
        assert!(output.stdout.is_empty(), "{out}");
    }
    assert_eq!(place.files("."), ["ratings", "taken.titles.csv", "target"]);
}

#[test]
fn a_name_that_says_another_kind_of_file_is_refused_with_one_that_would_be_right() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    for (arguments, said) in [
        (
            &["export", "--out", "pico.uf2"][..],
            "--out is pico.uf2, and an image is written, without a firmware (`--uf2`, `--hex`, `--elf` and `--format` write something else): name it pico.img",
        ),
        (
            &["export", "--board", "pico", "--uf2", "pico.hex"],
            "--uf2 is pico.hex, and a .uf2 is written: name it pico.uf2",
        ),
        (
            &["export", "--out", "model.csv"],
            "name a folder and add --format csv, or name an .npz",
        ),
        (
            &["map", "--out", "map.csv"],
            "--out is map.csv, and a map is written as text with tabs: name it map.tsv",
        ),
        (
            &["report", "--out", "page.pdf"],
            "--out is page.pdf, and a report is a page: name it page.html",
        ),
        (
            &["train", "--out", "model.safetensors"],
            "--out is model.safetensors, which ends in .safetensors like a file; it should name a folder",
        ),
        (
            &["simulate", "--csv", "curve.json"],
            "--csv is curve.json, and figures are written as CSV: name it curve.csv",
        ),
        (
            &["query", "ratings", "--emulator", "--save", "mine.parquet"],
            "--save is mine.parquet, and ratings are saved as CSV: name it mine.csv",
        ),
    ] {
        contains(&place.fails(2, arguments), &[said]);
    }
    assert_eq!(place.files("."), ["ratings", "target"]);
}

#[test]
fn a_broken_image_is_refused_by_the_field_at_fault() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    let path = place.path(IMAGE);
    let whole = std::fs::read(&path).unwrap();
    let refusal = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        place.fails(2, &["inspect"])
    };
    contains(&refusal(&whole[..whole.len() - 9]), &[IMAGE, "length"]);
    let mut flipped = whole.clone();
    flipped[500] ^= 1;
    contains(&refusal(&flipped), &[IMAGE, "CRC-32 mismatch"]);
    contains(&refusal(b"not an image at all"), &[IMAGE, "PkRc"]);
    contains(&refusal(b""), &[IMAGE, "no image"]);
}
