//! What a C compiler makes of a model, compared with core bit for bit.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::build;
use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::Model;
use pocketrec_base::random::Sequence;
use pocketrec_checkpoint::DataNote;
use pocketrec_train::{ModelKind, Options};

const USERS: usize = 9;
const MOVIES: usize = 40;

/// A model of random numbers with gaps between its ids.
fn checkpoint(kind: ModelKind, dim: usize) -> Checkpoint {
    let options = Options {
        model: kind,
        user_dim: dim,
        movie_dim: dim,
        hidden: vec![3],
        ..Options::default()
    };
    let mut p = Parameters::initial(&options, USERS, MOVIES, 3.53);
    let mut random = Sequence::new(dim as u64);
    for table in p.tables_mut() {
        table.fill_with(|| (random.unit() * 1.6 - 0.8) as f32);
    }
    // Zeros of either sign are numbers too.
    p.movie_embedding[0] = 0.0;
    p.movie_embedding[1] = -0.0;
    Checkpoint {
        user_ids: (0..USERS as u32).map(|row| row * 5 + 2).collect(),
        movie_ids: (0..MOVIES as u32).map(|row| row * row + 1).collect(),
        data: DataNote {
            name: "made up */ int x".into(),
            licence: "free".into(),
            ..DataNote::default()
        },
        ..Checkpoint::of_parameters(p, options)
    }
}

/// A program that prints each prediction's bits, and a list of each user.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <string.h>
#include "small_model.h"

int main(void) {
    for (uint32_t user = 0; user < POCKETREC_USERS; user++) {
        for (uint32_t movie = 0; movie < POCKETREC_MOVIES; movie++) {
            float stars = pocketrec_predict(user, movie);
            uint32_t bits;
            memcpy(&bits, &stars, sizeof bits);
            printf("%08lx\n", (unsigned long)bits);
        }
        uint32_t movies[5];
        float stars[5];
        size_t found = pocketrec_top(user, 5, movies, stars);
        for (size_t at = 0; at < found; at++) {
            printf("%lu ", (unsigned long)pocketrec_movie_id(movies[at]));
        }
        printf("\n");
    }
    printf("%d %d %lu\n", pocketrec_movie(3) == UINT32_MAX, pocketrec_user(0) == UINT32_MAX,
        (unsigned long)pocketrec_movie(10));
    return 0;
}
"#;

/// What [`PROGRAM`] prints, compiled so.
fn run(folder: &Path, c: &C, options: &[&str]) -> String {
    run_program(folder, c, options, PROGRAM)
}

fn run_program(folder: &Path, c: &C, options: &[&str], program: &str) -> String {
    std::fs::write(folder.join("small_model.h"), &c.header).unwrap();
    std::fs::write(folder.join("small_model.c"), &c.source).unwrap();
    std::fs::write(folder.join("main.c"), program).unwrap();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let made = Command::new(compiler)
        .current_dir(folder)
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-o", "program"])
        .args(options)
        .args(["main.c", "small_model.c"])
        .output()
        .expect("a C compiler, which building this needs too");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let output = Command::new(folder.join("program")).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_c_program_predicts_and_ranks_with_cores_bits() {
    let folder = tempfile::tempdir().unwrap();
    for (dim, precision, options) in [
        (8, Precision::F16, "-O2"),
        (8, Precision::F32, "-O0"),
        (13, Precision::F16, "-O3"),
        (32, Precision::F32, "-O2"),
    ] {
        let checkpoint = checkpoint(ModelKind::Mf, dim);
        let chosen = Chosen::all(&checkpoint);
        let c = write(&checkpoint, &chosen, precision, "small_model").unwrap();
        let told = run(folder.path(), &c, &[options]);
        let image = build(&checkpoint, &chosen, precision).unwrap();
        let model = Model::open(image.as_ref()).unwrap();
        let mut due = String::new();
        for user in &checkpoint.user_ids {
            let mut list = Vec::new();
            for movie in &checkpoint.movie_ids {
                let stars = model.predict(UserId(*user), MovieId(*movie)).unwrap();
                due += &format!("{:08x}\n", stars.to_bits());
                list.push((stars, *movie));
            }
            // A stable sort: of equals the lowest id first.
            list.sort_by(|a, b| b.0.total_cmp(&a.0));
            for (_, movie) in &list[..5] {
                due += &format!("{movie} ");
            }
            due += "\n";
        }
        due += "1 1 3\n";
        assert!(told == due, "{dim} {precision:?}\n{told}\n{due}");
    }
}

const NAMES: &str = r#"
#include <stdio.h>
#include "small_model.h"

int main(void) {
    for (uint32_t movie = 0; movie < POCKETREC_MOVIES; movie++) {
        const char *name = pocketrec_movie_name(movie);
        printf("%s %d\n", name, pocketrec_movie_named(name) == movie);
    }
    printf("%d\n", pocketrec_movie_named("nobody") == UINT32_MAX);
    return 0;
}
"#;

#[test]
fn names_of_ids_are_there_in_c() {
    let folder = tempfile::tempdir().unwrap();
    let mut checkpoint = checkpoint(ModelKind::Mf, 8);
    let names = ["050X", "a \"b\" \\  ??/", "caf\u{e9}7", "ligne\n2"];
    checkpoint.movie_ids = (1..=MOVIES as u32).collect();
    let all = names.iter().map(|name| (*name).to_owned());
    let all = all.chain((4..MOVIES).map(|at| format!("z{at:02}")));
    checkpoint.data.movie_names = Names::new(all.clone().collect());
    let chosen = Chosen {
        movies: (0..MOVIES).rev().step_by(2).rev().collect(),
        ..Chosen::all(&checkpoint)
    };
    let c = write(&checkpoint, &chosen, Precision::F16, "small_model").unwrap();
    assert!(!c.header.contains("pocketrec_user_name"));
    let told = run_program(folder.path(), &c, &[], NAMES);
    let mut due: String = all
        .skip(1)
        .step_by(2)
        .map(|name| format!("{name} 1\n"))
        .collect();
    due += "1\n";
    assert_eq!(told, due);
}

#[test]
fn a_cpp_program_links_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = checkpoint(ModelKind::Mf, 8);
    let chosen = Chosen::all(&checkpoint);
    let c = write(&checkpoint, &chosen, Precision::F16, "small_model").unwrap();
    let due = run(folder.path(), &c, &[]);
    std::fs::write(folder.path().join("main.cpp"), PROGRAM).unwrap();
    let compiled = |compiler: &str, arguments: &[&str]| {
        let made = Command::new(compiler)
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .expect("a compiler of C++ comes with that of C");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
    };
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    compiled(&compiler, &["-std=c11", "-c", "small_model.c"]);
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    compiled(&compiler, &["-o", "program", "main.cpp", "small_model.o"]);
    let output = Command::new(folder.path().join("program"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), due);
}

#[test]
fn what_c_does_not_compute_is_refused() {
    let network = checkpoint(ModelKind::Hybrid, 8);
    let refused = |checkpoint: &Checkpoint, precision| {
        let chosen = Chosen::all(checkpoint);
        write(checkpoint, &chosen, precision, "x")
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&network, Precision::F16).contains("without dense layers"));
    let mut plain = checkpoint(ModelKind::Mf, 8);
    assert!(refused(&plain, Precision::I8).contains("f32 or f16, not i8"));
    plain.parameters.movie_bias[3] = 1e6;
    assert!(refused(&plain, Precision::F16).contains("movie_bias holds 1000000"));
}
