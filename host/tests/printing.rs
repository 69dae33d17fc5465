//! What every verb prints: nothing from outside steers a terminal, tables fit it, and JSON says what the text says.

mod memory;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use unicode_width::UnicodeWidthStr;

/// The folder of the ratings: its name colours, rings, turns the direction of writing and begins a line of its own.
const FOLDER: &str = "rat\u{1b}[31m\u{7}\u{202e}ings\nerror: forged";

/// A title that does the same; it stands in quotes in a CSV file.
const TITLE: &str =
    "Ali\u{1b}]0;x\u{7}en\u{9b}2J\u{200b}\u{2066}\u{7f}\nerror: forged 千と千尋 (1979)";

/// A folder with a model trained on such ratings and an image of it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let data = place.path(FOLDER);
        std::fs::create_dir(&data).unwrap();
        let mut ratings = String::from("userId,movieId,rating,timestamp\n");
        for user in 1..=40_u32 {
            for movie in 1..=30_u32 {
                if (user * 7 + movie * 13) % 40 < movie + 5 {
                    let stars = f64::from((user * movie) % 10 + 1) / 2.0;
                    writeln!(ratings, "{user},{},{stars:.1},1000000000", movie * 10).unwrap();
                }
            }
        }
        std::fs::write(data.join("ratings.csv"), ratings).unwrap();
        let mut movies =
            format!("movieId,title,genres\n300,\"{TITLE}\",Hor\u{1b}ror|\u{202e}Drama\n");
        for movie in 1..30 {
            writeln!(
                movies,
                "{},\"Part {movie} of a story with a rather long title (19{movie:02})\",Comedy|Drama",
                movie * 10
            )
            .unwrap();
        }
        std::fs::write(data.join("movies.csv"), movies).unwrap();
        let trained = place.host(
            100,
            &[
                "train", "--data", FOLDER, "--model", "mlp", "--epochs", "2", "--batch", "100",
            ],
        );
        assert!(trained.status.success(), "{}", both(&trained));
        is_harmless(&trained);
        let exported = place.host(100, &["export"]);
        assert!(exported.status.success(), "{}", both(&exported));
        is_harmless(&exported);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn host(&self, columns: usize, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_host"))
            .env("XDG_CONFIG_HOME", self.0.path().join("config"))
            .env("XDG_RUNTIME_DIR", self.0.path().join("config"))
            .env_remove("POCKETREC_PORT")
            .args(arguments)
            .current_dir(self.0.path())
            .env("COLUMNS", columns.to_string())
            .output()
            .unwrap()
    }

    /// A board that holds the image, at the returned port.
    fn board(&self) -> String {
        let image = std::fs::read(self.path("target/pocketrec/model.img")).unwrap();
        memory::board(Some(image), |_| ())
    }
}

fn both(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Nothing but letters and line feeds, and no line that somebody else wrote.
fn is_harmless(output: &Output) {
    let text = both(output);
    let hostile = |c: char| {
        c != '\n' && c.is_control()
            || ('\u{200b}'..='\u{200f}').contains(&c)
            || ('\u{2028}'..='\u{202e}').contains(&c)
            || ('\u{2060}'..='\u{206f}').contains(&c)
    };
    assert!(!text.contains(hostile), "{text:?}");
    assert!(!text.contains("\nerror: forged"), "{text}");
}

/// Each verb that reads ratings or an image, and words of the text that it answers with.
fn verbs(port: &str) -> Vec<Vec<&str>> {
    let board = ["--port", port];
    let mut verbs = vec![
        vec!["inspect"],
        vec!["inspect", "--board", "stm32f405"],
        vec!["predict", "--movie", "id:300", "--user", "7"],
        vec!["recommend", "--user", "7"],
        vec!["similar", "--movie", "id:10", "--count", "29"],
        vec![
            "evaluate", "--data", FOLDER, "--folds", "2", "--model", "mlp", "--epochs", "1",
            "--lists",
        ],
        vec![
            "selftest",
            "--predictions",
            "5",
            "--tops",
            "1",
            "--port",
            port,
        ],
    ];
    for question in [
        &["hello"][..],
        &["limits"],
        &["info"],
        &["owners"],
        &["storage"],
        &["health"],
        &["counters"],
        &["predict", "--movie", "id:300"],
        &["top", "--user", "7", "--count", "20"],
        &["similar", "--movie", "id:300"],
        &["rate", "--movie", "id:300", "--stars", "1"],
        &["explain", "--movie", "id:300"],
        &["suggest"],
        &["profile"],
        &["ratings"],
        &["undo"],
    ] {
        verbs.push([&["query"], question, &board[..]].concat());
    }
    verbs
}

#[test]
fn nothing_from_outside_steers_a_terminal_whatever_is_asked() {
    let place = Place::new();
    let port = place.board();
    // A self-test wants a device without ratings, and the questions end with an `undo` of the only one.
    for verb in verbs(&port) {
        let output = place.host(100, &verb);
        assert!(output.status.success(), "{verb:?}: {}", both(&output));
        is_harmless(&output);
    }
    let listed = place.host(100, &["similar", "--movie", "id:10", "--count", "29"]);
    assert!(
        both(&listed).contains(r"Ali\u{1b}]0;x"),
        "{}",
        both(&listed)
    );
    // What is refused is told with what was typed.
    for wrong in [
        &["train", "--data", "no\u{1b}[31m\nerror: forged"][..],
        &["predict", "--movie", "\u{1b}[31m\nerror: forged"],
        &[
            "predict",
            "--movie",
            "1",
            "--image",
            "\u{202e}\nerror: forged",
        ],
        &["export", "--checkpoint", "\u{9b}2J\nerror: forged"],
        &["export", "--out", "\u{9b}2J\nerror: forged/x"],
        &["fetch", "ml-\u{1b}[31m\nerror: forged"],
        &["synth", "--shape", "\u{1b}[31m\nerror: forged"],
        &["inspect", "--board", "\u{1b}[31m\nerror: forged"],
        &["train", "--seed", "\u{1b}[31m\nerror: forged"],
        &["\u{1b}[31m\nerror: forged"],
        &["query", "hello", "--port", "/dev/\u{1b}[31m\nerror: forged"],
        &["selftest", "--transcript", "\u{1b}[31m\nerror: forged"],
    ] {
        let output = place.host(100, wrong);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{wrong:?}: {}",
            both(&output)
        );
        is_harmless(&output);
    }
}

#[test]
fn tables_fit_terminals_of_40_to_200_columns() {
    let place = Place::new();
    let port = place.board();
    for columns in [40, 80, 120, 200] {
        for verb in verbs(&port) {
            let output = place.host(columns, &verb);
            let text = String::from_utf8(output.stdout).unwrap();
            // Tables are indented, sentences aren't, but for what goes on from the line before; a word isn't broken.
            let wide = text.lines().find(|line| {
                line.starts_with(' ') && line.trim().contains(' ') && line.width() > columns
            });
            assert_eq!(wide, None, "{verb:?} at {columns}:\n{text}");
        }
    }
}

#[test]
fn json_is_one_document_that_says_what_the_text_says() {
    let place = Place::new();
    let port = place.board();
    for verb in verbs(&port) {
        let output = place.host(100, &[&verb[..], &["--json"]].concat());
        assert!(output.status.success(), "{verb:?}: {}", both(&output));
        is_harmless(&output);
        let parsed: Result<Value, _> = serde_json::from_slice(&output.stdout);
        assert!(
            parsed.is_ok_and(|value| value.is_object()),
            "{verb:?}: {}",
            both(&output)
        );
    }
    let json = |arguments: &[&str]| -> Value {
        let output = place.host(100, &[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let text = |arguments: &[&str]| both(&place.host(100, arguments));

    let predict = ["predict", "--movie", "id:300", "--user", "7"];
    let told = json(&predict);
    // A title is read as one line.
    assert_eq!(told["movie"]["title"], TITLE.replace('\n', " "));
    assert_eq!(told["user"], 7);
    let stars = format!("{:.2} stars", told["stars"].as_f64().unwrap());
    assert!(text(&predict).starts_with(&stars), "{}", text(&predict));

    for verb in [
        &["recommend", "--user", "7", "--include-below"][..],
        &["similar", "--movie", "id:10"],
    ] {
        let told = json(verb);
        let shown = text(verb);
        let movies = told["movies"].as_array().unwrap();
        assert_eq!(movies.len(), 10);
        let by = |movie: &Value| {
            let by = movie.get("score").or(movie.get("likeness")).unwrap();
            by.as_f64().unwrap()
        };
        let first = by(&movies[0]);
        let mut before = f64::INFINITY;
        for movie in movies {
            let by = by(movie);
            assert!(by <= before, "a list is sorted by what it shows: {told}");
            before = by;
            let text = match movie.get("score") {
                Some(_) => format!("{:.0} %", 100.0 * by / first),
                None => format!("{by:.2}"),
            };
            assert!(shown.contains(&text), "no {text}: {shown}");
            assert!(shown.contains(&movie["id"].to_string()), "{shown}");
        }
    }
}

#[test]
fn quiet_leaves_the_answer_and_json_is_refused_beside_another_document() {
    let place = Place::new();
    let output = place.host(100, &["similar", "--movie", "id:10", "-q"]);
    let text = both(&output);
    assert!(
        !text.contains("Nearest to") && text.contains("Likeness"),
        "{text}"
    );
    let evaluate = [
        "evaluate", "--data", FOLDER, "--folds", "2", "--model", "mlp", "--epochs", "1",
    ];
    let output = place.host(100, &[&evaluate[..], &["--csv", "-"]].concat());
    let csv = String::from_utf8(output.stdout).unwrap();
    assert!(csv.starts_with("fold,method,measure,value\n"), "{csv}");
    assert!(
        csv.lines().all(|line| line.split(',').count() == 4),
        "{csv}"
    );
    let output = place.host(100, &[&evaluate[..], &["--csv", "-", "--json"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(both(&output).contains("--csv is -, and --json writes to standard output already"));
}

#[test]
fn sentences_fit_terminals_of_40_to_200_columns_and_a_log_has_them_whole() {
    let place = Place::new();
    let long = [
        "predict",
        "--movie",
        "no such movie of that name at all anywhere",
        "--user",
        "1",
    ];
    let missing = [
        "query",
        "--port",
        "tcp:127.0.0.1:1",
        "rate",
        "--movie",
        "1",
        "--stars",
        "4",
    ];
    let useless = [
        "inspect",
        "a folder/of some name/and another/that is not there/model.img",
    ];
    for words in [&long[..], &missing, &useless] {
        for columns in [40, 63, 80, 200] {
            let said = place.host(columns, words);
            let errors = String::from_utf8_lossy(&said.stderr);
            for line in errors.lines() {
                // A name or a command without a space can't be broken.
                let broken = line.trim().contains(' ') && !line.contains('`');
                assert!(
                    !broken || UnicodeWidthStr::width(line) <= columns,
                    "{columns}: {errors}"
                );
            }
        }
        let whole = Command::new(env!("CARGO_BIN_EXE_host"))
            .env("XDG_CONFIG_HOME", place.0.path().join("config"))
            .args(words)
            .current_dir(place.0.path())
            .env_remove("COLUMNS")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&whole.stderr).lines().count(), 1);
    }
}
