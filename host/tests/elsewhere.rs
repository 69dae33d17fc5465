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

#[test]
fn what_is_no_movie_is_called_by_its_own_name_from_training_to_answers() {
    let place = Place::new();
    let mut jokes = String::from("rater,joke,rating\n");
    for user in 0..30 {
        for joke in 0..20 {
            if (user * 7 + joke * 3) % 5 < 3 {
                jokes += &format!("{user},{joke},{}\n", 1 + (user * 3 + joke * joke) % 10);
            }
        }
    }
    let train = [
        "train",
        "--data",
        "-",
        "--licence",
        "mine",
        "--item-name",
        "joke",
        "--out",
        ".",
    ];
    let mut said = place.succeeds(&[&train[..], &QUICK].concat(), jokes.as_bytes());
    assert!(said.contains("20 different jokes"), "{said}");
    for arguments in [
        &[
            "export",
            "--checkpoint",
            "model.safetensors",
            "--users",
            "all",
            "--board",
            "microbit",
        ][..],
        &["inspect", "model.img"],
        &["recommend", "3", "--image", "model.img"],
        &["predict", "3", "4", "--image", "model.img"],
        &["similar", "4", "--image", "model.img"],
        &[
            "recommend",
            "--all-users",
            "--image",
            "model.img",
            "--out",
            "-",
            "--format",
            "csv",
        ],
    ] {
        said += &place.succeeds(arguments, b"");
    }
    said += &place.fails(&["predict", "3", "400", "--image", "model.img"], b"");
    said += &place.succeeds(
        &["console", "--image", "model.img"],
        b"help\nboard\nrate id:4 5\ntop\nwhy id:4\nme\n",
    );
    // What a page is made of.
    let titles = (1..=20).map(|joke| format!("{joke},Knock knock {joke},\n"));
    let titles = format!("movieId,title,genres\n{}", titles.collect::<String>());
    std::fs::write(place.path("jokes.csv"), titles).unwrap();
    let map = [
        "map",
        "--image",
        "model.img",
        "--titles",
        "jokes.csv",
        "--out",
        "-",
    ];
    let map = place.succeeds(&map, b"");
    assert!(map.contains("\tx\ty\titem joke/jokes\n"), "{map}");
    said += &map;
    said += &place.succeeds(&["report", "model.img", "--out", "report.html"], b"");
    let report = std::fs::read_to_string(place.path("report.html")).unwrap();
    let (_, report) = report.split_once("</style>").unwrap();
    assert!(report.contains("8 a user, 8 a joke"), "{report}");
    said += report;
    assert!(
        said.contains("the dot product") || said.contains("joke 4"),
        "{said}"
    );
    assert!(said.contains("user,rank,joke,score"), "{said}");
    // What is left are names: of options, of the image's tables and of files.
    let names = ["--movies", "movie_", "movie-", "movies.csv", "movieId"];
    let plain = names.iter().fold(said.to_lowercase(), |said, name| {
        said.replace(&name.to_lowercase(), "")
    });
    let left: Vec<&str> = plain
        .lines()
        .filter(|line| line.contains("movie"))
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}
