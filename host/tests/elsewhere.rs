//! Ratings of other data than MovieLens, as people type it: from a pipe to lists, with names and another scale.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use pocketrec::wire::{Refusal, Reply, Request, Who};
use pocketrec_export::ImageBytes;
use pocketrec_link::memory::MemoryBoard;
use pocketrec_link::{Connection, Timing};
use tempfile::TempDir;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command with `input` at its standard input.
    fn host(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_host"))
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let input = input.to_vec();
        // What doesn't read it closes the pipe.
        let writer = std::thread::spawn(move || drop(pipe.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    fn succeeds(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = self.host(arguments, input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn fails(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = self.host(arguments, input);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        errors
    }
}

/// 30 people, 20 books, a scale from `low` in whole steps up to `low + 9`, no times.
fn books(low: i32) -> Vec<u8> {
    let mut text = String::from("User-ID;ISBN;Book-Rating\n");
    for user in 0..30 {
        for book in 0..20 {
            if (user * 7 + book * 3) % 5 < 3 {
                let rating = low + (user * 3 + book * book) % 10;
                text += &format!("\"U{user:02}\";\"05{book:02}X\";{rating}\n");
            }
        }
    }
    text.into_bytes()
}

const QUICK: [&str; 4] = ["--sweeps", "8", "--threads", "1"];

#[test]
fn a_pipe_of_names_on_another_scale_becomes_lists_of_those_names() {
    let place = Place::new();
    let train = [
        "train",
        "--data",
        "-",
        "--licence",
        "mine alone",
        "--out",
        ".",
    ];
    let said = place.succeeds(&[&train[..], &QUICK].concat(), &books(1));
    for line in [
        "mine alone",
        "`User-ID` as the user, `ISBN` as the movie, `Book-Rating` as the rating",
        "go from 1 to 10 by 1",
        "user ids are names",
        "doesn't say when ratings were given",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let said = place.succeeds(&["export", "--checkpoint", "model.safetensors"], b"");
    assert!(
        said.contains("came from a pipe, which can't be read again"),
        "{said}"
    );
    assert!(
        said.contains("mine alone") && !said.contains("GroupLens"),
        "{said}"
    );
    let said = place.succeeds(&["inspect", "model.img"], b"");
    assert!(said.contains("1 to 10 by 1"), "{said}");
    // Some of them, by the names that the ratings have.
    let some = [
        "export",
        "--checkpoint",
        "model.safetensors",
        "--users",
        "ids:U07,U03",
        "--movies",
        "ids:0503X, 0504X,0511X",
        "--out",
        "some.img",
    ];
    let said = place.succeeds(&some, b"");
    assert!(said.contains("3 of 20 movies and 2 of 30 users"), "{said}");
    place.succeeds(&["recommend", "--user", "U03", "--image", "some.img"], b"");
    let unknown = [&some[..4], &["ids:7"]].concat();
    let told = place.fails(&unknown, b"");
    assert!(
        told.contains("user 7 is not in the checkpoint") && told.contains("from U00 to U29"),
        "{told}"
    );
    let said = place.succeeds(&["recommend", "--user", "U07", "--image", "model.img"], b"");
    assert!(said.contains("user U07") && said.contains("X"), "{said}");
    let said = place.succeeds(
        &[
            "predict",
            "--user",
            "U07",
            "--movie",
            "0503X",
            "--image",
            "model.img",
        ],
        b"",
    );
    assert!(said.contains("user U07 on 0503X"), "{said}");
    let error = place.fails(
        &[
            "predict",
            "--user",
            "U99",
            "--movie",
            "0503X",
            "--image",
            "model.img",
        ],
        b"",
    );
    assert!(
        error.contains("no user of the image is called `U99`; it has 30 users"),
        "{error}"
    );
}

#[test]
fn an_owner_rates_on_the_scale_that_the_ratings_were_on() {
    for (low, on, off) in [
        (1, [1.0, 10.0], [0.0, 5.5, 11.0]),
        (-4, [-4.0, 5.0], [-5.0, 0.5, 6.0]),
    ] {
        let place = Place::new();
        std::fs::write(place.path("ratings.csv"), books(low)).unwrap();
        place.succeeds(
            &[
                &["train", "--data", "ratings.csv", "--out", "."][..],
                &QUICK,
            ]
            .concat(),
            b"",
        );
        place.succeeds(&["export", "--checkpoint", "model.safetensors"], b"");
        let path = place.path("model.img");
        let image = ImageBytes::read(&path).unwrap();
        let board = MemoryBoard::new(Ok(image.open(&path).unwrap()));
        let mut device = Connection::new(board, "core", Timing::MEMORY);
        let mut rate = |stars| {
            let request = Request::Rate {
                who: Who::Owner(0),
                movie: 4,
                stars,
            };
            device.ask(&request).unwrap()
        };
        for stars in on {
            assert!(
                matches!(rate(stars).reply(), Some(Reply::Rated { .. })),
                "{stars}"
            );
        }
        for stars in off {
            assert!(
                matches!(rate(stars).reply(), Some(Reply::Refused(Refusal::OffScale))),
                "{stars}"
            );
        }
        let who = Who::Owner(0);
        let answer = device.ask(&Request::Ratings { who, first: 0 }).unwrap();
        let Some(Reply::Ratings(page)) = answer.reply() else {
            panic!("no ratings")
        };
        assert_eq!((page.ratings[0].movie, page.ratings[0].stars), (4, on[1]));
    }
}

#[test]
fn protocols_that_need_times_are_refused_without_them_and_others_run() {
    let place = Place::new();
    std::fs::write(place.path("ratings.csv"), books(1)).unwrap();
    for protocol in [
        &["--leave-last-out"][..],
        &["--cold-start", "3"],
        &["--by-time", "last:0.1"],
        &["--by-time", "from:2015-01-01"],
    ] {
        let error = place.fails(
            &[&["evaluate", "--data", "ratings.csv"][..], protocol].concat(),
            b"",
        );
        assert!(
            error.contains("doesn't say when ratings were given; take another protocol"),
            "{error}"
        );
    }
    let said = place.succeeds(
        &[
            &["evaluate", "--data", "ratings.csv", "--folds", "2"][..],
            &QUICK,
        ]
        .concat(),
        b"",
    );
    assert!(said.contains("2-fold cross-validation"), "{said}");
}

#[test]
fn what_cannot_be_read_is_told_with_the_way_on() {
    let place = Place::new();
    std::fs::create_dir(place.path("empty")).unwrap();
    std::fs::create_dir(place.path("full")).unwrap();
    std::fs::write(place.path("full/reviews.csv"), "a,b,c\n1,2,3\n").unwrap();
    std::fs::write(place.path("reviews.csv"), "wer,was,wie\n1,2,3\n").unwrap();
    std::fs::write(place.path("table.csv"), b"PAR1\0\0").unwrap();
    for (data, said) in [
        (
            "empty",
            "empty holds no ratings file by a known name, such as ratings.csv, ratings.dat, u.data: it is empty",
        ),
        (
            "full",
            "it has reviews.csv; --data may name the file itself",
        ),
        (
            "reviews.csv",
            "name them, for instance --columns user=wer,item=was,rating=wie",
        ),
        ("table.csv", "table.csv is cut or damaged"),
        ("nowhere", "there is no nowhere"),
    ] {
        let error = place.fails(&["train", "--data", data, "--out", "."], b"");
        assert!(error.contains(said), "{error}");
    }
    let error = place.fails(&["train", "--data", "-", "--out", "."], b"PK\x03\x04zipped");
    assert!(error.contains("standard input is a zip file"), "{error}");
    let error = place.fails(&["train", "--data", "-", "--out", "."], b"");
    assert!(error.contains("standard input is empty"), "{error}");
    assert!(!place.path("model.safetensors").exists());
}

#[cfg(unix)]
#[test]
fn a_path_of_any_bytes_goes_the_whole_way_and_the_next_command_can_be_typed_as_it_stands() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let folder = place
        .0
        .path()
        .join(OsStr::from_bytes(b"it's \xff \x1b[31m"));
    if std::fs::create_dir(&folder).is_err() {
        // This file system takes text only.
        return;
    }
    let ratings = folder.join(OsStr::from_bytes(b"\xe9.csv"));
    let titles = folder.join(OsStr::from_bytes(b"\xe9t.csv"));
    let ids: String = (0..20)
        .map(|book| format!("05{book:02}X,Book {book},Drama\n"))
        .collect();
    std::fs::write(&ratings, books(1)).unwrap();
    std::fs::write(&titles, format!("movieId,title,genres\n{ids}")).unwrap();
    // What a run prints, and the command that it says to type next.
    let run = |command: &mut Command| {
        let output = command
            .current_dir(place.0.path())
            .env_remove("CARGO_PKG_NAME")
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{command:?}: {errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains('\u{1b}') && !errors.contains('\u{1b}'));
        let next = text.lines().find_map(|line| line.strip_prefix("Next: "));
        (next.map(str::to_owned), text)
    };
    let mut train = Command::new(env!("CARGO_BIN_EXE_host"));
    train.args(["train", "--data"]).arg(&ratings);
    train.arg("--titles").arg(&titles);
    train.arg("--out").arg(&folder).args(QUICK);
    let (next, _) = run(&mut train);
    // A shell that knows `$'…'`.
    let shell = |line: &str| {
        let mut shell = Command::new("bash");
        shell.args(["-c", line]);
        shell
    };
    if Command::new("bash").arg("--version").output().is_err() {
        return;
    }
    let (next, _) = run(&mut shell(&next.unwrap()));
    let (_, text) = run(&mut shell(&next.unwrap()));
    assert!(text.contains("Book"), "{text}");
    let mut recommend = Command::new(env!("CARGO_BIN_EXE_host"));
    recommend.args(["recommend", "--user", "U07", "--image"]);
    recommend.arg(folder.join("model.img"));
    let (_, text) = run(&mut recommend);
    // The ratings of the training were found again, and their titles too.
    assert!(
        text.contains("Book") && text.contains("Without the movies that user U07 has rated"),
        "{text}"
    );
}

/// Verbs that know nothing of a model's things, and those that ask a board.
const ELSEWHERE: [&str; 7] = [
    "bench", "fetch", "synth", "emulate", "query", "selftest", "help",
];

#[test]
fn what_is_no_movie_is_called_by_its_own_name_by_every_verb() {
    let place = Place::new();
    let mut ratings = String::from("rater,joke,rating,time\n");
    let mut titles = String::from("itemId,title,genres\n");
    for joke in 0..60 {
        titles += &format!(
            "{joke},Knock knock {joke},{}\n",
            ["Pun", "Riddle"][joke % 2]
        );
        for user in (0..30).filter(|user| (user * 7 + joke * 3) % 5 < 3) {
            let (stars, time) = (
                1 + (user * 3 + joke * joke) % 10,
                1_000_000 + 900 * (user + joke),
            );
            ratings += &format!("{user},{joke},{stars},{time}\n");
        }
    }
    std::fs::write(place.path("ratings.csv"), &ratings).unwrap();
    std::fs::write(place.path("jokes.csv"), titles).unwrap();
    std::fs::write(place.path("first.csv"), "user,rating\n1,7\n2,9\n").unwrap();
    std::fs::write(place.path("pairs.csv"), "user,joke\n1,2\n3,4\n").unwrap();
    let (mut said, mut verbs) = (String::new(), vec![]);
    let data = "--data ratings.csv --columns user=rater,item=joke,rating=rating,time=time --titles jokes.csv";
    let model = "--checkpoint model.safetensors --users all";
    for (line, input) in [
        (format!("train {data} --item-name joke --licence mine --out ."), ""),
        (format!("train {data} --item-name joke --out other --model mlp --solver adam --epochs 2"), ""),
        (format!("evaluate {data} --item-name joke --folds 2"), ""),
        (format!("evaluate {data} --item-name joke --leave-last-out"), ""),
        (format!("simulate {data} --item-name joke --people 4"), ""),
        (format!("export {model} --board microbit"), ""),
        (format!("export {model} --format csv --out tables"), ""),
        (format!("export {model} --format c --out model.c"), ""),
        (format!("export {model} --out model.npz"), ""),
        (format!("import model.npz {data} --item-name joke --dim 4 --out imported"), ""),
        ("import model.npz --item-name joke --out bare".into(), ""),
        ("inspect model.img --board pico".into(), ""),
        ("predict 3 4 --image model.img".into(), ""),
        ("predict --pairs pairs.csv --image model.img --out - --format csv".into(), ""),
        ("predict 3 400 --image model.img".into(), ""),
        ("predict 3 nock --image model.img".into(), ""),
        ("recommend 3 --image model.img".into(), ""),
        ("recommend 3 --genre pun --image model.img".into(), ""),
        ("recommend 3 --genre western --image model.img".into(), ""),
        ("recommend --all-users --image model.img --out - --format csv".into(), ""),
        ("recommend --all-users --image model.img --out - --format jsonl".into(), ""),
        ("similar 4 --image model.img".into(), ""),
        ("map --image model.img --out -".into(), ""),
        ("report model.img --out report.html".into(), ""),
        ("report model.img --titles none --out plain.html".into(), ""),
        (
            "console --image model.img".into(),
            "help\nboard\nrate id:4 5\ntop\nwhy id:4\nme\nsimilar id:4\nrate knock 3\nundo\nnonsense\n",
        ),
        (
            "add-movie --title Orange --genres Pun --ratings first.csv --checkpoint model.safetensors".into(),
            "",
        ),
        ("add-movie --title Lemon --genres Western --checkpoint model.safetensors".into(), ""),
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        let quick: &[&str] = match arguments[0] {
            "train" if line.contains("adam") => &[],
            "train" | "evaluate" => &QUICK,
            _ => &[],
        };
        let output = place.host(&[&arguments[..], quick].concat(), input.as_bytes());
        let refused = ["400", "nock", "estern", "console"];
        let due = 2 * i32::from(refused.iter().any(|word| line.contains(word)));
        assert_eq!(output.status.code(), Some(due), "{line}: {output:?}");
        verbs.push(arguments[0].to_owned());
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(bytes);
            said.extend(text.lines().map(|told| format!("{line}: {told}\n")));
        }
    }
    // What is written for people, and for programs that look for no movies.
    for name in [
        "tables/jokes.csv",
        "model.titles.csv",
        "report.html",
        "plain.html",
        "history.csv",
    ] {
        let text = std::fs::read_to_string(place.path(name)).unwrap();
        let seen = match text.split_once("</style>") {
            Some((_, page)) => page
                .split("<script")
                .map(|part| part.rsplit("</script>").next().unwrap())
                .collect(),
            None => text,
        };
        said.extend(seen.lines().map(|line| format!("{name}: {line}\n")));
    }
    for part in [
        "joke_embedding",
        "60 different jokes",
        "user,rank,joke,score",
        "itemId\ttitle\tgenres\tratings\tx\ty\titem joke/jokes",
        "tables/jokes.csv: joke,ratings,bias",
        "model.titles.csv: itemId,title",
        "8 a user, 8 a joke",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // What is left are names of verbs and of options.
    let names = ["add-movie", "--movie"];
    let plain = names
        .iter()
        .fold(said.to_lowercase(), |said, name| said.replace(name, ""));
    let left: Vec<&str> = plain
        .lines()
        .filter(|line| line.contains("movie"))
        .collect();
    assert!(left.is_empty(), "{left:#?}");
    // Every verb of the help was tried.
    let help = place.succeeds(&["--help"], b"");
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let listed = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    for verb in listed.filter_map(|line| line.split_whitespace().next()) {
        assert!(
            verbs.iter().any(|tried| tried == verb) || ELSEWHERE.contains(&verb),
            "{verb}"
        );
    }
}
