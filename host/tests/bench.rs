//! `bench`, as people type it: its tables on small shapes, and whoever is timed beside. How long
//! anything takes is nobody's business here.

use std::process::{Command, Output};

fn host(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_host"))
        .args(arguments)
        .output()
        .unwrap()
}

fn succeeds(arguments: &[&str]) -> String {
    let output = host(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The one sentence that a command ends with, and its exit code.
fn fails(arguments: &[&str]) -> (String, Option<i32>) {
    let output = host(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    assert!(!errors.contains("panicked"), "{errors}");
    let last = errors.trim_end().lines().last().unwrap_or_default();
    (last.to_owned(), output.status.code())
}

/// The numbers of the first row of a table that starts with `name`.
fn row(text: &str, name: &str) -> Vec<f64> {
    let row = text.lines().find(|line| line.trim().starts_with(name));
    let row = row.unwrap_or_else(|| panic!("no row `{name}` in\n{text}"));
    let words = row.trim()[name.len()..].split_whitespace();
    words
        .filter_map(|word| word.replace(',', "").parse().ok())
        .collect()
}

const SMALL: [&str; 12] = [
    "bench",
    "train",
    "--ratings",
    "200000",
    "--users",
    "500",
    "--movies",
    "300",
    "--batch",
    "1000",
    "--epochs",
    "2",
];

#[test]
fn every_kernel_and_thread_count_has_a_row() {
    let text = succeeds(&SMALL);
    for kernel in ["find slots", "gather rows", "scatter slopes", "update rows"] {
        assert!(row(&text, kernel)[0] > 0.0, "{kernel}");
    }
    // Three times 644 multiply-adds, whichever way the machine's path shares them out.
    let parts = if text.contains("first layer back") {
        [
            "forward, later layers back",
            "first layer back",
            "its weight gradient",
        ]
    } else {
        ["forward", "backward", "weight gradient"]
    };
    let work: f64 = parts.iter().map(|part| row(&text, part)[1]).sum();
    assert_eq!(work, 3.0 * 644.0, "{text}");
    let portable = succeeds(&[&SMALL[..], &["--kernel", "portable"]].concat());
    for kernel in ["forward", "backward", "weight gradient"] {
        assert_eq!(row(&portable, kernel)[1], 644.0, "{kernel}");
    }
    // Seconds, the best of them, ratings a second.
    let [median, best, speed] = row(&text, "1 thread")[..3] else {
        panic!("{text}");
    };
    assert!(best <= median && best > 0.0);
    // In a table of three decimals and one: 200,000 ratings in so many seconds.
    assert!(
        (speed * median * 1e6 / 200_000.0 - 1.0).abs() < 0.3,
        "{text}"
    );
}

#[test]
fn a_shape_of_nothing_is_refused_by_name() {
    for (option, said) in [
        ("--dim", "the user embedding's size is 0"),
        ("--hidden", "hidden layer 1 is 0"),
    ] {
        let (sentence, code) = fails(&["bench", "kernels", option, "0"]);
        assert_eq!(code, Some(2), "{sentence}");
        assert!(sentence.contains(said), "{sentence}");
    }
}

#[test]
fn growth_tells_the_time_of_a_rating_and_the_memory_of_each_shape() {
    let text = succeeds(&["bench", "growth", "--largest", "ml-100k", "--epochs", "1"]);
    let [users, movies, ratings, lazy, each, ..] = row(&text, "ml-100k")[..] else {
        panic!("{text}");
    };
    assert_eq!((users, movies, ratings), (943.0, 1_682.0, 95_000.0));
    assert!((lazy * 1e9 / ratings / each - 1.0).abs() < 0.1, "{text}");
    assert!(!text.contains("ml-1m"));
    let (sentence, code) = fails(&["bench", "growth", "--epochs", "0"]);
    assert_eq!(code, Some(2));
    assert!(sentence.contains("--epochs is 0"), "{sentence}");
    let output = host(&["bench", "growth", "--largest", "ml-2m"]);
    assert_eq!(output.status.code(), Some(2));
}

/// Peers need a Python; a shell script plays it.
#[cfg(unix)]
mod peers {
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    use super::*;

    /// A program that says `missing` when asked which packages it hasn't got, and does `work` when
    /// it is given a script.
    fn python(folder: &Path, missing: &str, work: &str) -> PathBuf {
        let path = folder.join("python");
        let text = format!(
            "#!/bin/sh\nif [ \"$1\" = -c ]; then printf '{missing}'; exit 0; fi\n\
             case \"$1\" in /*/peers/*.py) [ -f \"$1\" ] || exit 9;; *) exit 9;; esac\n{work}\n"
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// `peers` is the whole option.
    fn arguments<'a>(python: &'a Path, peers: &'a str) -> Vec<&'a str> {
        let mut arguments = SMALL.to_vec();
        arguments.extend([peers, "--python", python.to_str().unwrap()]);
        arguments
    }

    #[test]
    fn each_has_a_row_beside_ours_and_the_ratio_is_that_of_the_medians() {
        let folder = tempfile::tempdir().unwrap();
        // What it is told must be there to be read, and all of it.
        let work = "while [ $# -gt 1 ]; do [ \"$1\" = --rows ] && rows=$2; shift; done\n\
                    ls \"$rows\" > /dev/null || exit 9\n\
                    echo warming up\n\
                    echo '{\"who\": \"somebody\", \"seconds\": 7.5}'";
        let python = python(folder.path(), "", work);
        let text = succeeds(&arguments(&python, "--peers=torch,libmf"));
        for (ours, title) in [
            ("pocketrec, --model mlp", "An epoch, the lesson's network"),
            ("pocketrec, --model mf", "An epoch, 8 factors"),
        ] {
            let table = &text[text.find(title).unwrap_or_else(|| panic!("{text}"))..];
            let fastest = table
                .lines()
                .filter(|line| line.trim().starts_with(ours))
                .map(|line| row(line, ours)[1])
                .fold(f64::INFINITY, f64::min);
            let [threads, median, _, _, ratio] = row(table, "somebody")[..] else {
                panic!("{table}");
            };
            assert_eq!((threads, median), (1.0, 7.5));
            // Ours is told to a thousandth of a second.
            let due = 7.5 / (fastest + 0.0006)..=7.5 / (fastest - 0.0006).max(1e-6);
            assert!(due.contains(&ratio), "{ratio} is not within {due:?}");
        }
    }

    #[test]
    fn reading_parquet_is_compared_by_processor_time_too() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("synth");
        let data = data.to_str().unwrap();
        let small = ["--users", "30", "--movies", "40", "--ratings", "600"];
        succeeds(&[&["synth", "--format", "parquet", "--out", data][..], &small].concat());
        let work = "case \"$*\" in *'--data '*/ratings.parquet*) ;; *) exit 9;; esac\n\
                    echo '{\"who\": \"somebody\", \"seconds\": 7.5, \"processor\": 3.25}'";
        let python = python(folder.path(), "", work);
        let text =
            succeeds(&[&arguments(&python, "--peers=polars")[..], &["--data", data]].concat());
        let table = &text[text
            .find("Reading ratings.parquet")
            .unwrap_or_else(|| panic!("{text}"))..];
        assert!(table.contains("Processor s"), "{table}");
        let [_, median, _, processor, _] = row(table, "somebody")[..] else {
            panic!("{table}");
        };
        assert_eq!((median, processor), (7.5, 3.25));
        assert_eq!(row(table, "pocketrec, ids made dense").len(), 4, "{table}");
    }

    #[test]
    fn who_is_missing_is_named_and_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let work = "echo '{\"who\": \"somebody\", \"seconds\": 1}'";
        let python = python(folder.path(), "torch\\n", work);
        let text = succeeds(&arguments(&python, "--peers=torch,libmf"));
        assert!(text.contains("has no torch"), "{text}");
        assert!(!text.contains("An epoch, the lesson's network"), "{text}");
        assert!(text.contains("An epoch, 8 factors"), "{text}");
    }

    #[test]
    fn what_goes_wrong_is_told_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let nobody = folder.path().join("nobody");
        let (sentence, code) = fails(&arguments(&nobody, "--peers=libmf"));
        assert_eq!(code, Some(2));
        assert!(sentence.contains("--python is"), "{sentence}");

        let broken = python(folder.path(), "", "echo 'ImportError: no GPU' >&2; exit 1");
        let (sentence, code) = fails(&arguments(&broken, "--peers=libmf"));
        assert_eq!(code, Some(1));
        assert!(
            sentence.contains("libmf_epoch.py failed: ImportError: no GPU"),
            "{sentence}"
        );

        let silent = python(folder.path(), "", "echo nothing of use");
        let (sentence, code) = fails(&arguments(&silent, "--peers=libmf"));
        assert_eq!(code, Some(1));
        assert!(sentence.contains("libmf_epoch.py ended with"), "{sentence}");

        let there = python(folder.path(), "", "exit 0");
        let mut factors = arguments(&there, "--peers=torch");
        factors.extend(["--model", "mf"]);
        let (sentence, code) = fails(&factors);
        assert_eq!(code, Some(2));
        assert!(sentence.contains("leave --model out"), "{sentence}");
    }
}
