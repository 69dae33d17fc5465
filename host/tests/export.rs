//! From a checkpoint to answers, as people type it: `train`, `export`, `inspect`, `recommend`, and what goes wrong.

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
            .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
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
    contains(&bill, &["What rounding costs", "f32 RMSE", "f16 RMSE"]);
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
    let mean = place.succeeds(&["recommend"]);
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
    contains(&near, &["Nearest to Part 3, The (1903)", "Cosine"]);
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

/// The numbers of the parts that a list names.
fn parts(list: &str) -> Vec<u32> {
    let parts = list.split("Part ").skip(1);
    let mut parts: Vec<u32> = parts
        .map(|rest| rest.split_once(',').unwrap().0.parse().unwrap())
        .collect();
    parts.sort_unstable();
    parts
}

/// The parts that a user of [`Place::trained`] has not rated.
fn unrated(user: u32) -> Vec<u32> {
    (1..=30)
        .filter(|movie| (user * 7 + movie * 13) % 40 >= movie + 5)
        .collect()
}

const LEFT_OUT: &str = "Without the movies that user";
const UNKNOWN: &str = "has rated may be among these: ";

#[test]
fn a_users_list_is_without_what_they_have_rated_by_the_image_or_by_the_ratings() {
    let place = Place::trained();
    let out = "target/pocketrec/bare.img";
    let bill = place.succeeds(&["export"]);
    contains(
        &bill,
        &["user_seen", "It says which movies they have rated, in "],
    );
    contains(
        &place.succeeds(&["inspect"]),
        &["user_seen", "without what they have rated"],
    );
    let bill = place.succeeds(&["export", "--seen", "none", "--out", out]);
    contains(
        &bill,
        &["(`--seen none`), so a device's lists for them may name it"],
    );
    assert!(!bill.contains("user_seen"), "{bill}");
    contains(&place.succeeds(&["inspect", out]), &["may be among them"]);

    for user in [1, 7, 40] {
        let name = user.to_string();
        let list = |image: &str, more: &[&str]| {
            let all = [
                "recommend",
                "--user",
                &name,
                "--count",
                "30",
                "--image",
                image,
            ];
            place.succeeds(&[&all[..], more].concat())
        };
        let due = unrated(user);
        assert!(due.len() > 3 && due.len() < 27);
        for image in [IMAGE, out] {
            let told = list(image, &[]);
            assert_eq!(parts(&told), due, "user {user} of {image}: {told}");
            contains(&told, &[LEFT_OUT]);
            let whole = list(image, &["--include-rated"]);
            assert_eq!(parts(&whole).len(), 30, "{whole}");
            assert!(!whole.contains("has rated"), "{whole}");
        }
    }
    let mean = place.succeeds(&["recommend", "--count", "30"]);
    assert!(
        parts(&mean).len() == 30 && !mean.contains("has rated"),
        "{mean}"
    );
}

#[test]
fn ratings_that_are_not_those_of_the_training_are_told_and_not_used() {
    let place = Place::trained();
    // Nothing beside it says where the ratings are.
    place.succeeds(&["export", "--seen", "none", "--out", "bare.img"]);
    let bare = [
        "recommend",
        "--user",
        "7",
        "--count",
        "30",
        "--image",
        "bare.img",
    ];
    let told = place.succeeds(&bare);
    contains(
        &told,
        &[UNKNOWN, "no checkpoint beside the image", "`--data PATH`"],
    );
    assert_eq!(parts(&told).len(), 30);
    let with = |path| [&bare[..], &["--data", path]].concat();
    let told = place.succeeds(&with("ratings"));
    assert_eq!(parts(&told), unrated(7));
    contains(&told, &[LEFT_OUT]);
    std::fs::write(
        place.path("other.csv"),
        "7,10,4.0,1000000000\n8,20,3.0,1000000000\n",
    )
    .unwrap();
    let error = place.fails(2, &with("other.csv"));
    contains(&error, &["--data other.csv", "fingerprint is", "theirs is"]);
    place.fails(2, &with("none.csv"));
    let error = place.fails(2, &["recommend", "--data", "ratings"]);
    contains(&error, &["--user"]);

    let beside = "target/pocketrec/bare.img";
    place.succeeds(&["export", "--seen", "none", "--out", beside]);
    let beside = ["recommend", "--user", "7", "--image", beside];
    std::fs::rename(place.path("ratings"), place.path("moved")).unwrap();
    contains(&place.succeeds(&beside), &[UNKNOWN, "any more"]);
    let bill = place.succeeds(&["export"]);
    contains(
        &bill,
        &["It doesn't say what they have rated", "`--data PATH`"],
    );
    let error = place.fails(2, &["export", "--seen", "all"]);
    contains(&error, &["`--seen all`", "`--data PATH` names them"]);
    contains(
        &place.succeeds(&["export", "--seen", "all", "--data", "moved"]),
        &["user_seen"],
    );
    std::fs::create_dir(place.path("ratings")).unwrap();
    std::fs::copy(place.path("other.csv"), place.path("ratings/ratings.csv")).unwrap();
    contains(
        &place.succeeds(&beside),
        &[UNKNOWN, "no longer those of the training"],
    );
    // A checkpoint of other ratings has taken its place.
    let data = "moved/ratings.csv";
    let text = std::fs::read_to_string(place.path(data)).unwrap();
    std::fs::write(place.path(data), text + "1,310,4.0,1000000000\n").unwrap();
    place.succeeds(&[
        "train", "--data", data, "--model", "mf", "--epochs", "1", "--batch", "100",
    ]);
    contains(
        &place.succeeds(&beside),
        &[UNKNOWN, "was trained on other ratings"],
    );
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
fn fame_is_a_number_that_core_takes_as_it_is() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    for fame in ["nan", "inf", "1e39", "101", "much"] {
        let told = place.fails(2, &["recommend", "--fame", fame]);
        contains(&told, &["--fame", "a number from -100 to 100"]);
    }
    place.succeeds(&["recommend", "--fame", "-1"]);
}

#[test]
fn a_movie_or_a_user_that_is_not_there_is_answered_with_what_is() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    let error = place.fails(2, &["predict", "--movie", "Trap 999"]);
    contains(&error, &["did you mean"]);
    let error = place.fails(2, &["similar", "--movie", "part"]);
    contains(&error, &["may mean one of 30 movies", "and 21 more"]);
    let error = place.fails(2, &["recommend", "--user", "41"]);
    contains(&error, &["user 41", "ids from 1 to 40"]);
}

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
    let exported = place.succeeds(&["export", "--board", "microbit"]);
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
                "stack at its deepest",
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
        "--board",
        "microbit",
        "--movies",
        &number,
        "--out",
        "large.img",
    ]);
    contains(
        &fits,
        &["What rounding costs was not measured", "without titles"],
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
    use pocketrec_train::checkpoint::{Checkpoint, DataNote, SplitNote};
    use pocketrec_train::{Options, Parameters};
    let options = Options {
        model,
        ..Options::default()
    };
    let (users, movies) = (50, 60_000);
    Checkpoint {
        parameters: Parameters::initial(&options, users, movies, 3.5),
        user_ids: (1..=users as u32).collect(),
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
        options,
        best_epoch: 1,
        interest: None,
        validation: None,
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
        contains(&error, &[what, "it is no serial port;", "`--port` takes"]);
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
