//! Runs of `host train` that are stopped, cut off, resumed or useless: what they leave, and what is said of it.

#[cfg(unix)]
mod room;
#[cfg(unix)]
#[path = "../signals/mod.rs"]
mod signals;
#[cfg(unix)]
mod stopped;
#[cfg(unix)]
mod told_to_end;

use std::path::Path;
use std::process::{Command, Output};

use safetensors::SafeTensors;

const FILES: [&str; 4] = [
    "state.safetensors",
    "history.csv",
    "history.svg",
    "model.safetensors",
];

fn host(folder: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_host"))
        .current_dir(folder)
        .args(line.split_whitespace())
        .output()
        .expect("the program starts")
}

/// Runs it, which must succeed; what it printed, errors last.
fn done(folder: &Path, line: &str) -> String {
    let output = host(folder, line);
    let told = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{line}: {told}");
    told
}

/// Runs it, which must end with that code; what it printed as errors.
fn fails(folder: &Path, line: &str, code: i32) -> String {
    let output = host(folder, line);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {told}");
    assert!(!told.contains("panicked"), "{told}");
    told
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Ratings of 40 users and 60 movies by a taste that differs.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut ratings = String::new();
    for user in 1..=40u32 {
        for movie in (1..=60u32).filter(|movie| (user * 7 + movie * 3) % 5 != 0) {
            let stars = 1 + (user % 3 + movie % 3) % 5;
            ratings += &format!(
                "{user}::{movie}::{stars}::{}\n",
                978_300_000 + user * 100 + movie
            );
        }
    }
    std::fs::write(folder.path().join("ratings.dat"), ratings).expect("ratings are written");
    folder
}

/// The tensors of a model, whatever its metadata say.
fn tensors(path: &Path) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(path).expect("there is a model");
    let file = SafeTensors::deserialize(&bytes).expect("it is whole");
    let mut tensors: Vec<_> = file
        .iter()
        .map(|(name, tensor)| (name.to_owned(), tensor.data().to_vec()))
        .collect();
    tensors.sort();
    tensors
}

fn metadata(path: &Path, key: &str) -> String {
    let bytes = std::fs::read(path).expect("there is a file");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("it is whole");
    header.metadata().as_ref().expect("it has metadata")[key].clone()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

const ADAM: &str = "train --data ratings.dat --model mlp --batch 100 --no-early-stop";
const GIBBS: &str = "train --data ratings.dat --sweeps 24";

#[test]
fn the_files_of_a_run_name_it_and_those_of_another_have_another_name() {
    let folder = folder();
    let named = |line: &str| -> Vec<String> {
        done(folder.path(), &format!("{line} --out out"));
        let out = folder.path().join("out");
        let run = metadata(&out.join("model.safetensors"), "run");
        let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("a file");
        assert!(
            read("history.csv")
                .lines()
                .skip(1)
                .all(|line| line.ends_with(&run))
        );
        assert!(read("history.svg").contains(&format!("<!-- run {run} -->")));
        let state = out.join("state.safetensors");
        let state = state.exists().then(|| metadata(&state, "run"));
        [Some(run), state].into_iter().flatten().collect()
    };
    let first = named(&format!("{ADAM} --epochs 2"));
    assert_eq!(first[0], first[1]);
    let longer = named(&format!("{ADAM} --epochs 3 --threads 1"));
    assert_eq!(first, longer);
    let other = named(&format!("{ADAM} --epochs 2 --seed 1"));
    assert_eq!(other[0], other[1]);
    assert_ne!(first[0], other[0]);
    // The sampler is at its end and leaves no state.
    assert_eq!(named(GIBBS).len(), 1);
}

#[test]
fn a_kill_between_any_two_files_leaves_what_goes_on_to_the_same_bits() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    done(folder.path(), &format!("{ADAM} --epochs 2 --out old"));
    done(folder.path(), &format!("{ADAM} --epochs 4 --out new"));
    done(folder.path(), &format!("{ADAM} --epochs 6 --out whole"));
    for renamed in 0..=FILES.len() {
        let out = at("cut");
        std::fs::create_dir(&out).expect("a folder is made");
        for (number, name) in FILES.iter().enumerate() {
            let from = if number < renamed { "new" } else { "old" };
            std::fs::copy(at(from).join(name), out.join(name)).expect("a file is copied");
        }
        done(
            folder.path(),
            &format!("{ADAM} --epochs 6 --out cut --resume"),
        );
        assert!(
            tensors(&out.join("model.safetensors")) == tensors(&at("whole/model.safetensors")),
            "killed after {renamed} files"
        );
        std::fs::remove_dir_all(&out).expect("it is removed");
    }
}

#[test]
fn a_state_beside_a_model_of_another_run_is_refused_whichever_is_asked_for() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let runs = [
        format!("{ADAM} --seed 0"),
        format!("{ADAM} --seed 1"),
        format!("{ADAM} --seed 0 --lr 0.02"),
        format!("{ADAM} --seed 0 --validation 0.2"),
    ];
    for (number, run) in runs.iter().enumerate() {
        done(
            folder.path(),
            &format!("{run} --epochs 2 --out run{number}"),
        );
    }
    for other in 1..runs.len() {
        let (model, state) = (
            format!("run0/{}", FILES[3]),
            format!("run{other}/{}", FILES[0]),
        );
        std::fs::create_dir_all(at("mixed")).expect("a folder is made");
        std::fs::copy(at(&model), at("mixed/model.safetensors")).expect("it is copied");
        std::fs::copy(at(&state), at("mixed/state.safetensors")).expect("it is copied");
        let before = std::fs::read(at("mixed/model.safetensors")).expect("it is there");
        for run in [&runs[0], &runs[other]] {
            let line = format!("{run} --epochs 4 --out mixed --resume");
            let told = fails(folder.path(), &line, 2);
            assert!(told.contains("are of two runs"), "{told}");
        }
        let after = std::fs::read(at("mixed/model.safetensors")).expect("it is there");
        assert!(before == after && names(&at("mixed")).len() == 2);
        // What the sentence says to do leads on.
        std::fs::remove_file(at("mixed/model.safetensors")).expect("it is removed");
        let told = fails(
            folder.path(),
            &format!("{} --epochs 4 --out mixed --resume", runs[0]),
            2,
        );
        assert!(told.contains("its run had other options"), "{told}");
        done(
            folder.path(),
            &format!("{} --epochs 4 --out mixed --resume", runs[other]),
        );
        std::fs::remove_dir_all(at("mixed")).expect("it is removed");
    }
    std::fs::write(
        at("other.dat"),
        "1::1::3::978300000\n1::2::4::978300001\n2::1::5::978300002\n",
    )
    .expect("ratings are written");
    let told = fails(
        folder.path(),
        &format!(
            "{} --epochs 4 --out run0 --resume",
            runs[0].replace("ratings.dat", "other.dat")
        ),
        2,
    );
    assert!(
        told.contains("of which these are others: ratings"),
        "{told}"
    );
    let told = fails(folder.path(), &format!("{GIBBS} --out nothing --resume"), 2);
    assert!(
        told.contains("there is no nothing/state.safetensors"),
        "{told}"
    );
    assert!(!folder.path().join("nothing").exists());
    done(folder.path(), &format!("{GIBBS} --out sampled"));
    let told = fails(folder.path(), &format!("{GIBBS} --out sampled --resume"), 2);
    assert!(told.contains("has done all its sweeps"), "{told}");
}

#[test]
fn a_cosine_schedule_that_going_on_stretches_gets_a_line() {
    let folder = folder();
    for (course, gets_one) in [("cosine", true), ("step:1:0.5", false), ("constant", false)] {
        let line = format!("{ADAM} --schedule {course} --out {}", &course[..4]);
        done(folder.path(), &format!("{line} --epochs 2"));
        let told = done(folder.path(), &format!("{line} --epochs 4 --resume"));
        assert_eq!(
            told.contains("it was laid out for 2, and goes on as one of 4"),
            gets_one,
            "{told}"
        );
    }
}

#[test]
fn a_model_that_is_no_use_is_told_so_when_it_is_trained_exported_and_inspected() {
    let folder = folder();
    for lr in ["1", "10"] {
        let told = done(folder.path(), &format!("{ADAM} --epochs 4 --lr {lr}"));
        assert!(
            told.contains(
                "warning: this model predicts the 96 ratings that were held out no better"
            ),
            "{told}"
        );
        assert!(told.contains("train again on more ratings"), "{told}");
        for verb in ["export", "inspect"] {
            let told = done(folder.path(), verb);
            assert!(told.contains("no better than each movie's mean"), "{told}");
        }
    }
    let told = done(
        folder.path(),
        "train --data ratings.dat --model mf --batch 50 --lr 0.02 --epochs 30",
    );
    assert!(!told.contains("warning"), "{told}");
    for verb in [GIBBS, "export", "inspect"] {
        let told = done(folder.path(), verb);
        assert!(!told.contains("warning"), "{told}");
    }
    let told = done(folder.path(), &format!("{ADAM} --epochs 2 --validation 0"));
    assert!(
        told.contains("was not measured") && !told.contains("warning"),
        "{told}"
    );
    for (verb, said) in [("export", "was not measured"), ("inspect", "Measured: no")] {
        let told = done(folder.path(), verb);
        assert!(told.contains(said) && !told.contains("warning"), "{told}");
    }
    let told = fails(folder.path(), &format!("{ADAM} --epochs 40 --lr 1e30"), 1);
    assert!(
        told.contains("diverged") && told.contains("a lower --lr"),
        "{told}"
    );
}
