//! Runs that are stopped, killed, or not alone in their folder.

use super::*;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// Starts a run, sends it a signal once it has printed a line that holds `until`, and gives its exit code and what it
/// printed as errors. A run that prints more than a pipe holds can't end before.
fn stop(folder: &Path, line: &str, until: &str, signal: &str) -> (Option<i32>, String) {
    let mut child = signals::as_usual(&mut Command::new(env!("CARGO_BIN_EXE_host")))
        .current_dir(folder)
        .args(line.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let found = lines.any(|line| line.expect("a line").contains(until));
    assert!(found, "{until:?} was never printed");
    let kill = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(kill.expect("there is a kill").success());
    let drain = std::thread::spawn(move || lines.count());
    let output = child.wait_with_output().expect("it ends");
    drain.join().expect("the rest is read");
    (output.status.code(), text(&output.stderr))
}

/// Epochs of Adam whose lines are more than a pipe holds.
const LONG: &str = "--epochs 2000";

#[test]
fn who_is_stopped_keeps_what_there_is_says_so_and_can_go_on() {
    let folder = folder();
    let adam = format!("{ADAM} {LONG}");
    let gibbs = GIBBS.replace("--sweeps 24", "--sweeps 10000000 --keep-every 0");
    for (run, until) in [(&gibbs, "Saved the run so far"), (&adam, "train MSE")] {
        for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
            // The second time it goes on.
            for resume in ["", "--resume"] {
                let line = format!("{run} --out cut {resume}");
                let (ended, told) = stop(folder.path(), &line, until, signal);
                assert_eq!(ended, Some(code), "{signal}: {told}");
                assert!(
                    told.contains("Stopping; what there is will be kept"),
                    "{told}"
                );
                assert!(
                    told.contains("Stopped: wrote cut/model.safetensors"),
                    "{told}"
                );
                assert!(told.contains("with --resume continues it"), "{told}");
                let mut due = FILES;
                due.sort_unstable();
                assert_eq!(names(&folder.path().join("cut")), due);
                let export = "export --checkpoint cut/model.safetensors --out stopped.img";
                done(folder.path(), export);
            }
            std::fs::remove_dir_all(folder.path().join("cut")).expect("it is removed");
        }
    }
}

#[test]
fn a_run_does_not_go_on_with_other_genres_or_years() {
    let folder = folder();
    let titles = |year: u32| {
        let lines = (1..=60).map(|movie| format!("{movie}::Film {movie} ({year})::War\n"));
        let lines: String = lines.collect();
        std::fs::write(folder.path().join("movies.dat"), lines).expect("titles are written");
    };
    titles(1990);
    let gibbs = GIBBS.replace("--sweeps 24", "--sweeps 10000000 --keep-every 0 --out cut");
    let kept = "Saved the run so far";
    stop(folder.path(), &gibbs, kept, "-INT");
    let resume = format!("{gibbs} --resume");
    stop(folder.path(), &resume, kept, "-INT");
    titles(1960);
    let told = fails(folder.path(), &resume, 2);
    let others = "of which these are others: genres, years or table of movies";
    assert!(told.contains(others), "{told}");
}

#[test]
fn a_run_whose_reader_ctrl_c_ends_too_is_kept_all_the_same() {
    let folder = folder();
    let mut child = signals::as_usual(&mut Command::new(env!("CARGO_BIN_EXE_host")))
        .current_dir(folder.path())
        .args(format!("{ADAM} {LONG} --out out").split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stderr.take());
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(lines.any(|line| line.expect("a line").contains("train MSE")));
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("there is a kill").success());
    let drain = std::thread::spawn(move || lines.count());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    drain.join().expect("the rest is read");
    assert_eq!(names(&folder.path().join("out")).len(), FILES.len());
}

#[test]
fn a_run_that_is_stopped_or_killed_goes_on_to_the_same_bits() {
    let folder = folder();
    let adam = format!("{ADAM} {LONG}");
    done(folder.path(), &format!("{adam} --out whole"));
    let whole = tensors(&folder.path().join("whole/model.safetensors"));
    let kept = "Saved the run so far in cut";
    for (keep, until, signal, code) in [
        ("", "epoch    2/", "-INT", Some(130)),
        ("--keep-every 0", kept, "-KILL", None),
    ] {
        let line = format!("{adam} --out cut {keep}");
        let (ended, told) = stop(folder.path(), &line, until, signal);
        assert_eq!(ended, code, "{told}");
        done(folder.path(), &format!("{adam} --out cut --resume"));
        let cut = tensors(&folder.path().join("cut/model.safetensors"));
        assert!(cut == whole, "{signal}");
        std::fs::remove_dir_all(folder.path().join("cut")).expect("it is removed");
    }
}

#[test]
fn a_folder_takes_one_run_at_a_time_and_a_dead_one_does_not_hold_it() {
    let folder = folder();
    let mut first = Command::new(env!("CARGO_BIN_EXE_host"))
        .current_dir(folder.path())
        .args(format!("{ADAM} --epochs 1000000 --out out").split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(first.stdout.take().expect("a pipe")).lines();
    assert!(lines.any(|line| line.expect("a line").contains("epoch ")));
    let drain = std::thread::spawn(move || lines.count());
    let told = fails(folder.path(), &format!("{ADAM} --epochs 2 --out out"), 2);
    assert!(
        told.contains("--out is out, where another run is at work"),
        "{told}"
    );
    done(folder.path(), &format!("{ADAM} --epochs 2 --out other"));
    first.kill().expect("it is killed");
    first.wait().expect("it ends");
    drain.join().expect("the rest is read");
    done(folder.path(), &format!("{ADAM} --epochs 2 --out out"));
}
