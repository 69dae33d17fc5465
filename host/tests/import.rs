//! `host import` as people type it: from a file of arrays to lists, and how it refuses.

mod program;

use std::path::Path;

use program::{host, text};

use safetensors::tensor::{Dtype, TensorView};

const USERS: usize = 12;
const MOVIES: usize = 15;
const DIM: usize = 4;

/// The numbers of user and movie rows.
fn tables() -> [Vec<f32>; 2] {
    [(USERS, 7), (MOVIES, 11)].map(|(rows, step)| {
        (0..rows * DIM)
            .map(|at| ((at * step) % 13) as f32 / 13.0 + 0.5)
            .collect()
    })
}

/// A folder with a model as PyTorch's tensors are saved, and ids.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tables = tables().map(|table| {
        table
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect::<Vec<u8>>()
    });
    let views = [
        ("users.weight", USERS, &tables[0]),
        ("items.weight", MOVIES, &tables[1]),
    ];
    let views = views.map(|(name, rows, bytes)| {
        (
            name,
            TensorView::new(Dtype::F32, vec![rows, DIM], bytes).expect("a tensor"),
        )
    });
    let bytes = safetensors::serialize(views, None).expect("a file");
    std::fs::write(folder.path().join("net.safetensors"), bytes).expect("it is written");
    let ids: String = (0..USERS).map(|row| format!("{}\n", 100 - row)).collect();
    std::fs::write(folder.path().join("users.csv"), format!("userId\n{ids}"))
        .expect("ids are written");
    folder
}

/// Predictions for a few pairs, the first of them off by so much.
fn predictions(folder: &Path, off: f32) {
    let [users, movies] = tables();
    let mut table = "user,movie,prediction\n".to_owned();
    for row in 0..USERS {
        let movie = (row * 5) % MOVIES;
        let (p, q) = (&users[row * DIM..][..DIM], &movies[movie * DIM..][..DIM]);
        let dot: f32 = p.iter().zip(q).map(|(a, b)| a * b).sum();
        let off = if row == 0 { off } else { 0.0 };
        table += &format!("{},{movie},{}\n", 100 - row, dot + off);
    }
    std::fs::write(folder.join("predictions.csv"), table).expect("predictions are written");
}

const IMPORT: [&str; 6] = [
    "import",
    "net.safetensors",
    "--user-ids",
    "users.csv",
    "--check",
    "predictions.csv",
];

#[test]
fn an_imported_model_exports_and_ranks() {
    let folder = folder();
    predictions(folder.path(), 0.0);
    let output = host(folder.path(), &IMPORT);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in [
        "net.safetensors: mf of 12 users and 15 movies, rows of 4 numbers",
        "`users.weight` as user_embedding",
        "No scale is given",
        "12 predictions of the image in f32 are those of --check",
        "12 predictions of the image in f16 are those of --check",
        "Wrote target/pocketrec/model.safetensors",
        "Next: ",
    ] {
        assert!(told.contains(part), "{part:?} isn't in {told}");
    }
    let in_codes = [&IMPORT[..], &["--precision", "codes", "--out", "coded"]].concat();
    let output = host(folder.path(), &in_codes);
    let told = text(&output.stdout);
    let lost = ["codes lose 0.00", "to 3 bytes a movie would lose 0."];
    assert!(lost.iter().all(|part| told.contains(part)), "{told}");
    let output = host(folder.path(), &["export"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains(
            "the model was imported without its ratings (`import` with `--data PATH` takes them in)"
        ),
        "{}",
        text(&output.stdout)
    );
    let output = host(folder.path(), &["recommend", "89", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["user"], 89);
    // Whoever misses its ratings hears what gives them.
    for (command, code) in [
        (&["recommend", "89"][..], 0),
        (&["recommend", "--all-users", "--out", "lists.csv"], 0),
        (&["add-movie", "--title", "New (2001)"], 2),
    ] {
        let output = host(folder.path(), command);
        let told = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{command:?}: {told}");
        let advice = "`import` with `--data PATH` takes them in";
        assert!(told.contains(advice), "{command:?}: {told}");
    }
    std::fs::write(
        folder.path().join("ratings.csv"),
        "userId,movieId,rating\n89,1,4\n",
    )
    .expect("ratings are written");
    let output = host(folder.path(), &["recommend", "89", "--data", "ratings.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("imported without its ratings, so none are known"),
        "{}",
        text(&output.stderr)
    );
    let output = host(folder.path(), &["train", "--resume"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("its model was imported"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn what_rounding_may_do_is_told_beside_what_it_does() {
    let folder = folder();
    predictions(folder.path(), 0.0);
    let output = host(
        folder.path(),
        &[&IMPORT[..], &["--precision", "i8"]].concat(),
    );
    let told = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let line = told.lines().find(|line| line.contains("in i8 are those"));
    assert!(
        line.is_some_and(|line| line.contains(", where rounding may do up to ")),
        "{told}"
    );
    // A quarter of a star isn't what eight bits do.
    predictions(folder.path(), 0.25);
    let output = host(
        folder.path(),
        &[&IMPORT[..], &["--precision", "i8"]].concat(),
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn predictions_that_differ_are_a_failure_that_names_the_worst_row_and_writes_nothing() {
    let folder = folder();
    predictions(folder.path(), 0.25);
    let output = host(folder.path(), &IMPORT);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains("worst in row 2, user 100 and movie 0:"),
        "{told}"
    );
    assert!(!folder.path().join("target").exists());
}

#[test]
fn what_is_no_model_is_bad_input_in_a_sentence() {
    let folder = folder();
    std::fs::write(folder.path().join("model.pt"), b"\x80\x02}").expect("it is written");
    for (arguments, told) in [
        (&["import", "model.pt"][..], "holds a pickle"),
        (&["import", "nowhere.npz"], "there is no file nowhere.npz"),
        (
            &["import", "net.safetensors", "--movie-ids", "users.csv"],
            "has 12 ids, and `items.weight` has 15 rows",
        ),
        (
            &["import", "net.safetensors", "--map", "user_embedding=p"],
            "--map names an array `p`",
        ),
        (
            &["import", "net.safetensors", "--dim", "33"],
            "it should be a number from 1 to 32",
        ),
        (
            &["import", "net.safetensors", "--mean", "data"],
            "--data names none",
        ),
        (
            &["import", "net.safetensors", "--precision", "i8"],
            "--precision is of an image, and a checkpoint has none",
        ),
    ] {
        let output = host(folder.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        assert!(
            text(&output.stderr).contains(told),
            "{}",
            text(&output.stderr)
        );
        assert!(!folder.path().join("target").exists());
    }
}

#[test]
fn an_image_that_out_names_is_the_one_that_export_makes() {
    let folder = folder();
    predictions(folder.path(), 0.0);
    std::fs::create_dir(folder.path().join("made")).expect("a folder");
    let image = [&IMPORT[..], &["--out", "made/net.img"]].concat();
    let output = host(folder.path(), &image);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in ["Wrote made/model.safetensors", "made/net.img"] {
        assert!(told.contains(part), "{part:?} isn't in {told}");
    }
    let export = ["export", "--checkpoint", "made/model.safetensors", "--out"];
    let output = host(folder.path(), &[&export[..], &["due.img"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("an image");
    assert_eq!(read("made/net.img"), read("due.img"));
    // What is compared is what is written.
    let output = host(
        folder.path(),
        &[&image[..], &["--precision", "i8", "--json"]].concat(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["image"]["precision"], "i8");
    assert_eq!(answer["checks"][1]["what"], "of the image in i8");
    assert_ne!(read("made/net.img"), read("due.img"));
}

#[test]
fn a_model_is_not_replaced_by_its_own_checkpoint() {
    let folder = folder();
    let [from, to] = ["net.safetensors", "model.safetensors"].map(|name| folder.path().join(name));
    std::fs::rename(&from, &to).expect("it is moved");
    let whole = std::fs::read(&to).expect("a model");
    for out in [".", "new.img"] {
        let output = host(
            folder.path(),
            &["import", "model.safetensors", "--out", out],
        );
        assert_eq!(output.status.code(), Some(2));
        let told = text(&output.stderr);
        assert!(
            told.contains("model.safetensors is what the checkpoint would replace"),
            "{told}"
        );
        assert_eq!(std::fs::read(&to).expect("a model"), whole);
    }
}
