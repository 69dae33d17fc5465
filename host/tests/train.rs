//! `host train`, `fetch` and `synth` as people type them: what they print, what they leave and how they fail.

mod program;

use std::process::Command;

use program::{host, text};

/// Ratings of 40 users and 60 movies, in ML-1M's form.
fn ratings() -> String {
    let mut text = String::new();
    for user in 1..=40u32 {
        for movie in (1..=60u32).filter(|movie| (user * 7 + movie * 3) % 5 != 0) {
            let stars = 1 + (user % 3 + movie % 3) % 5;
            text.push_str(&format!(
                "{user}::{movie}::{stars}::{}\n",
                978_300_000 + user * 100 + movie
            ));
        }
    }
    text
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("ratings.dat"), ratings()).expect("ratings are written");
    std::fs::write(
        folder.path().join("movies.dat"),
        b"1::L\xe9on (1994)::Crime\n",
    )
    .expect("titles are written");
    folder
}

const TRAIN: [&str; 8] = [
    "train",
    "--data",
    "ratings.dat",
    "--model",
    "mlp",
    "--epochs",
    "3",
    "--batch=100",
];

#[test]
fn the_first_command_prints_what_the_readme_shows_of_it() {
    let readme = include_str!("../../README.md");
    let shown = readme.split("```text\n").nth(1).expect("a sample");
    let shown = shown.split("```").next().expect("its end");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = host(folder.path(), &["train"]);
    let told = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{told}");
    // A line may be shown as far as a dot of three says, and lines be left out for one.
    for line in shown
        .lines()
        .map(|line| line.trim_end_matches('…').trim_end())
    {
        assert!(
            told.lines().any(|one| one.starts_with(line)),
            "`{line}` isn't in:\n{told}"
        );
    }
    assert!(
        told.contains("Learning from ratings, genres of movies and years of movies\n"),
        "{told}"
    );
}

#[test]
fn another_program_gets_the_split_and_the_batches_of_each_epoch() {
    let folder = folder();
    let wanted = ["--write-split", "split", "--write-orders", "2"];
    let output = host(folder.path(), &[&TRAIN[..], &wanted].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let column = |name: &str| {
        let bytes = std::fs::read(folder.path().join("split").join(name)).expect("a column");
        let (numbers, rest) = bytes.as_chunks();
        assert!(rest.is_empty());
        numbers
            .iter()
            .map(|number| u32::from_le_bytes(*number))
            .collect::<Vec<_>>()
    };
    let (held, users) = (column("validation.u32"), column("users.u32"));
    let orders = ["order-1.u32", "order-2.u32"].map(column);
    assert_ne!(orders[0], orders[1]);
    for order in orders {
        let mut all = [order.clone(), held.clone()].concat();
        all.sort_unstable();
        assert!((0..users.len() as u32).eq(all), "each rating stands once");
        // Within a batch they stay in the order of users: at most one border of two buckets runs through it.
        for batch in order.chunks(100) {
            let falls = batch
                .windows(2)
                .filter(|pair| users[pair[0] as usize] > users[pair[1] as usize]);
            assert!(falls.count() <= 1);
        }
    }
    assert!(!folder.path().join("split/order-3.u32").exists());
    let output = host(folder.path(), &[&TRAIN[..], &wanted[2..]].concat());
    assert_eq!(
        output.status.code(),
        Some(2),
        "orders without a split are refused"
    );
}

#[test]
fn training_tells_its_course_and_leaves_whole_files() {
    let folder = folder();
    let output = host(folder.path(), &TRAIN);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    for part in [
        "40 distinct users rated 60 different movies (total ratings = 1,920)",
        "Output shape  Parameters  Connected to",
        "of memory",
        "epoch 1/3  train MSE ",
        "epoch 3/3  train MSE ",
        "always the mean (",
        "the mean of each movie",
        "Difference",
        "target/pocketrec/model.safetensors",
    ] {
        assert!(told.contains(part), "{part:?} isn't in\n{told}");
    }
    assert!(!told.contains('\x1b'), "a log has no terminal codes");
    let heading = told
        .lines()
        .position(|line| line.contains("Movie's mean"))
        .expect("a table of examples");
    let examples = told
        .lines()
        .skip(heading + 2)
        .take_while(|line| !line.is_empty())
        .count();
    assert_eq!(examples, 7, "{told}");

    let out = folder.path().join("target/pocketrec");
    let mut names: Vec<String> = std::fs::read_dir(&out)
        .expect("the folder is there")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "history.csv",
            "history.svg",
            "model.safetensors",
            "state.safetensors"
        ]
    );
    let read = |name: &str| std::fs::read(out.join(name)).expect("the file is there");
    let history = text(&read("history.csv"));
    assert_eq!(history.lines().count(), 4, "{history}");
    assert!(history.starts_with("epoch,train_mse,train_mae,validation_mse,validation_mae"));
    let curve = text(&read("history.svg"));
    for part in [
        "<svg",
        "training",
        "validation",
        "baseline",
        "Epoch",
        "</svg>",
    ] {
        assert!(curve.contains(part), "{part:?} isn't in the picture");
    }

    let first = read("model.safetensors");
    assert!(host(folder.path(), &TRAIN).status.success());
    assert!(
        first == read("model.safetensors"),
        "the same run gives the same bytes"
    );
}

/// Runs the program, which must end with `code` and one sentence that holds `said`.
fn refuses(arguments: &[&str], code: i32, said: &str) {
    let folder = folder();
    std::fs::write(
        folder.path().join("cut.csv"),
        "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n1,3,4.",
    )
    .expect("a cut file is written");
    std::fs::write(folder.path().join("file"), "in the way").expect("a file is written");
    let end_of_zip = [&b"PK\x05\x06"[..], &[0; 18]].concat();
    std::fs::write(folder.path().join("none.zip"), end_of_zip).expect("a zip is written");
    let wide = b"\xff\xfeu\0s\0e\0r\0";
    std::fs::write(folder.path().join("wide.csv"), wide).expect("a file is written");
    let output = host(folder.path(), arguments);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    assert!(told.contains(said), "{arguments:?}: {told}");
    assert!(
        told.starts_with("error: ") && !told.contains("panicked"),
        "{arguments:?}: {told}"
    );
}

#[test]
fn an_option_that_cannot_be_trained_with_is_one_sentence_and_exit_code_2() {
    for (option, value, said) in [
        ("--model", "cnn", "mlp"),
        ("--dim", "0", "at least 1"),
        ("--dim", "-3", "-3"),
        ("--hidden", "32,x", "`x` should be a whole number"),
        ("--hidden", "", "should be a whole number"),
        ("--lr", "nan", "above 0"),
        ("--lr", "fast", "fast"),
        ("--batch", "0", "batch"),
        ("--epochs", "0", "epochs"),
        ("--validation", "1.5", "it should be a share from 0 to 0.9"),
        ("--optimiser", "sgd", "dense"),
        ("--l2", "-1", "L2"),
        ("--patience", "0", "patience"),
        ("--seed", "x", "x"),
    ] {
        let option = format!("{option}={value}");
        refuses(
            &[
                "train",
                "--data",
                "ratings.dat",
                "--solver",
                "adam",
                &option,
            ],
            2,
            said,
        );
    }
}

#[test]
fn a_model_beyond_every_image_is_trained_with_a_warning_and_evaluated_not_at_all() {
    let folder = folder();
    for (option, said) in [
        (
            "--dim=33",
            "33 numbers in a user's row, and an image holds at most 32",
        ),
        ("--movie-dim=33", "33 numbers in a movie's row"),
        (
            "--hidden=65,4",
            "65 units in dense layer 0, and an image holds at most 64",
        ),
        ("--hidden=8,8,8,8", "5 dense layers"),
    ] {
        let output = host(folder.path(), &[&TRAIN[..], &[option]].concat());
        let told = text(&output.stderr);
        assert!(output.status.success(), "{told}");
        assert!(
            told.starts_with("warning: `export` will refuse this model") && told.contains(said),
            "{told}"
        );
        let refused = host(folder.path(), &["export"]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(text(&refused.stderr).contains(said));
        let mut evaluate = TRAIN.to_vec();
        evaluate[0] = "evaluate";
        evaluate.push(option);
        let refused = host(folder.path(), &evaluate);
        assert_eq!(refused.status.code(), Some(2));
        assert!(text(&refused.stderr).contains(said));
    }
    let fits = host(folder.path(), &TRAIN);
    assert!(!text(&fits.stderr).contains("`export` will refuse"));
}

#[test]
fn rows_as_long_as_an_image_holds_are_trained_by_either_solver_and_longer_ones_refused_or_told_first()
 {
    let folder = folder();
    let train = |more: &[&str]| {
        let all = [&["train", "--data", "ratings.dat"], more].concat();
        host(folder.path(), &all)
    };
    for solver in [
        &["--solver", "gibbs", "--sweeps", "4"],
        &["--solver", "adam", "--epochs", "2"],
    ] {
        let output = train(&[&solver[..], &["--dim", "32"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("will refuse"));
        let output = host(folder.path(), &["export"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let inspected = text(&host(folder.path(), &["inspect"]).stdout);
        assert!(inspected.contains("rows of 32"), "{inspected}");
    }
    let refused = train(&["--dim", "33"]);
    assert_eq!(refused.status.code(), Some(2));
    let told = text(&refused.stderr);
    assert!(
        told.contains("33 numbers") && told.contains("at most 32"),
        "{told}"
    );
    assert!(refused.stdout.is_empty());
    // Before the ratings are looked for.
    for (command, code) in [
        ("train", "warning: `export`"),
        ("evaluate", "error: predictions"),
    ] {
        let arguments = [command, "--data", "nowhere", "--model", "mf", "--dim", "33"];
        let output = host(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output.stderr).starts_with(code),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn data_that_cannot_be_trained_on_is_named_by_file_and_line() {
    refuses(&["train", "--data", "nowhere"], 2, "there is no nowhere");
    refuses(
        &["train", "--data", "cut.csv"],
        2,
        "cut.csv, line 3: `1,3,4.`: it has 3 fields",
    );
    refuses(&["train", "--data", "movies.dat"], 2, "movies.dat, line 1");
    refuses(
        &["train", "--data", "none.zip"],
        2,
        "none.zip holds no ratings",
    );
    refuses(&["train", "--data", "wide.csv"], 2, "wide.csv is in UTF-16");
    refuses(
        &["train", "--data", "ratings.dat", "--out", "file/x"],
        2,
        "--out is file/x, and file is not a folder",
    );
    refuses(
        &["train", "--data", "ratings.dat", "--out", "ratings.dat"],
        2,
        "--out is ratings.dat, which is there and no folder",
    );
    refuses(&["fetch", "ml-2m"], 2, "it should be one of ml-100k, ml-1m");
    refuses(
        &["fetch", "ml-100k", "--from", "http://127.0.0.1:9"],
        1,
        "can't fetch http://127.0.0.1:9/ml-100k.zip",
    );
    refuses(&["synth", "--shape", "ml-2m"], 2, "it should be ml-100k");
    refuses(
        &["synth", "--shape", "ml-100k", "--ratings", "10"],
        2,
        "18860 to",
    );
}

#[test]
fn what_cannot_be_written_is_refused_before_the_work() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "in the way").expect("a file is written");
    std::fs::create_dir(folder.path().join("mine")).expect("a folder is made");
    std::fs::write(folder.path().join("mine/ratings.csv"), "mine").expect("a file is written");
    let missing = "is missing/a, and there is no folder missing; make it first";
    for (arguments, said) in [
        ("evaluate --data ratings.dat --csv missing/a", missing),
        (
            "evaluate --data ratings.dat --csv .",
            "--csv is ., which is a folder",
        ),
        (
            "evaluate --data ratings.dat --write-folds file",
            "--write-folds is file",
        ),
        (
            "train --data ratings.dat --write-split file",
            "--write-split is file",
        ),
        ("simulate --data ratings.dat --csv missing/a", missing),
        (
            "simulate --data ratings.dat --picture .",
            "which is a folder",
        ),
        (
            "synth --shape ml-100k --out file",
            "--out is file, which is there and no folder",
        ),
        (
            "synth --shape ml-100k --out mine",
            "mine/ratings.csv exists and wasn't written by `synth`",
        ),
        (
            "fetch ml-100k --from http://127.0.0.1:9 --out file/x",
            "and file is not a folder",
        ),
        ("bench train --ratings 1000 --trace file", "--trace is file"),
    ] {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let output = host(folder.path(), &words);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {told}");
        assert!(
            told.starts_with("error: ") && told.contains(said),
            "{arguments}: {told}"
        );
        assert_eq!(text(&output.stdout), "", "{arguments}");
    }
    let mine = std::fs::read(folder.path().join("mine/ratings.csv")).expect("it is there");
    assert_eq!(mine, b"mine");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        4
    );
}

#[test]
fn errors_are_shown_only_where_ratings_were_held_back() {
    let folder = folder();
    let output = host(folder.path(), &[&TRAIN[..], &["--validation=0"]].concat());
    let told = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(told.contains("No rating was held back"), "{told}");
    assert!(told.contains("epoch 3/3  train MSE "), "{told}");
    assert!(
        !told.contains("validation MSE") && !told.contains("RMSE"),
        "{told}"
    );
}

#[test]
fn a_fold_that_nothing_can_be_learned_from_is_refused_before_the_work() {
    let folder = folder();
    let header = "userId,movieId,rating,timestamp\n";
    let write = |name: &str, lines: &str| {
        std::fs::write(folder.path().join(name), format!("{header}{lines}"))
            .expect("it is written");
    };
    write("two.csv", "1,2,3,1000000000\n2,2,4,1000000001\n");
    write("four.csv", "1,2,3,1000000000\n2,3,4,1000000000\n");
    for (arguments, said) in [
        (
            "--data two.csv",
            "two.csv has too few ratings for 5 folds: 2",
        ),
        (
            "--data two.csv --folds 2",
            "two.csv: fold 1 has too few ratings to learn from",
        ),
        (
            "--data two.csv --leave-last-out",
            "last ratings has no rating to measure on",
        ),
        (
            "--data two.csv --by-time last:0.5",
            "two.csv: nobody has enough ratings for a share of 0.5 to be one",
        ),
        (
            "--data two.csv --by-time from:2015-01-01",
            "two.csv: its ratings are from 2001-09-09 to 2001-09-09, so a cut at 2015-01-01 leaves none on one side",
        ),
        (
            "--by-time last:10%",
            "`last:10%` is not a split by time: last:0.1",
        ),
        (
            "--train two.csv --test four.csv",
            "in two.csv and in four.csv",
        ),
    ] {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let output = host(folder.path(), &[&["evaluate"], &words[..]].concat());
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {told}");
        assert!(
            told.starts_with("error: ") && told.contains(said),
            "{arguments}: {told}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_printed_is_a_sentence_and_not_a_panic() {
    let folder = folder();
    let full = || {
        let file = std::fs::File::options().write(true).open("/dev/full");
        std::process::Stdio::from(file.expect("Linux has it"))
    };
    let run = |out: std::process::Stdio, error: std::process::Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
        command.current_dir(folder.path()).args(TRAIN);
        command
            .stdout(out)
            .stderr(error)
            .output()
            .expect("it starts")
    };
    let output = run(full(), std::process::Stdio::piped());
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.starts_with("error: can't print to stdout: No space"),
        "{told}"
    );
    assert!(!told.contains("panicked"), "{told}");
    assert_eq!(run(full(), full()).status.code(), Some(1));
}

#[test]
fn an_option_that_another_protocol_would_not_heed_is_refused() {
    for option in [
        "--leave-last-out --folds 3",
        "--cold-start 2 --folds 3",
        "--by-time last:0.1 --folds 3",
        "--by-time last:0.1 --leave-last-out",
        "--cold-start 2 --lists",
        "--cold-start 2 --precision f32",
        "--cold-start 2 --csv a.csv",
        "--write-folds out --csv a.csv",
    ] {
        let mut arguments = vec!["evaluate", "--data", "ratings.dat"];
        arguments.extend(option.split_whitespace());
        refuses(&arguments, 2, "cannot be used with");
    }
}

#[test]
fn what_synth_makes_up_is_trained_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shape = ["--users=300", "--movies=200", "--ratings=9000"];
    let output = host(
        folder.path(),
        &[
            &["synth", "--shape", "ml-100k", "--out", "made"],
            &shape[..],
        ]
        .concat(),
    );
    let told = text(&output.stdout);
    assert!(
        told.contains("9,000 made-up ratings of 200 movies by 300 users"),
        "{told}"
    );
    assert!(told.contains("the best reachable RMSE is 0.7"), "{told}");
    let trained = || {
        let output = host(
            folder.path(),
            &["train", "--data", "made", "--model", "mf", "--epochs", "2"],
        );
        let told = text(&output.stdout);
        assert!(
            told.contains("300 distinct users rated 200 different movies (total ratings = 9,000)"),
            "{told}"
        );
        assert!(told.contains("made-up ratings, free to use"), "{told}");
    };
    trained();
    // Other programs read Parquet; a folder has one set of ratings.
    let table = ["synth", "--format", "parquet", "--out", "made"];
    let output = host(folder.path(), &[&table[..], &shape[..]].concat());
    let told = text(&output.stdout);
    assert!(told.contains("ratings.parquet"), "{told}");
    assert!(!folder.path().join("made/ratings.csv").exists());
    trained();
}
