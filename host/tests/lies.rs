//! A board that lies, or that is broken: whatever it says, the program ends, with a sentence.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::time::Duration;

use pocketrec::image::example;
use pocketrec::model::Model;
use pocketrec::wire::{
    Because, Explained, FrameReader, HELLO_MAGIC, Hello, Limits, MAX_FRAME, MAX_IMPORT, ModelInfo,
    Owners, ProfileReply, Ranked, RatingEntry, RatingsReply, Refusal, Reply, Request, Storage,
    StorageState, VERSION, Who, encode_frame,
};
use pocketrec_link::memory::MemoryBoard;
use pocketrec_link::{Connection, Known, LinkError, Timing, ratings, sense};

const WHO: Who = Who::Owner(0);
const TOP: Request = Request::TopN {
    who: WHO,
    count: 2,
    include_rated: false,
};
const RATE: Request = Request::Rate {
    who: WHO,
    movie: 10,
    stars: 4.0,
};

fn movies(list: &[(u32, f32)]) -> Reply<'static> {
    let ranked = list.iter().map(|(movie, stars)| Ranked {
        movie: *movie,
        score: *stars,
        stars: *stars,
    });
    Reply::Movies(ranked.collect())
}

fn page(total: u16, ratings: &[(u32, f32)]) -> Reply<'static> {
    let entries = ratings.iter().map(|(movie, stars)| RatingEntry {
        movie: *movie,
        stars: *stars,
        used: true,
    });
    Reply::Ratings(RatingsReply {
        total,
        ratings: entries.collect(),
    })
}

fn import(count: u8) -> Request {
    let mut ratings = [(0, 0.0); MAX_IMPORT];
    for (rating, movie) in ratings.iter_mut().zip([10, 20, 300]) {
        *rating = (movie, 4.0);
    }
    Request::Import {
        who: WHO,
        count,
        ratings,
    }
}

fn imported(taken: u8, refused: Option<Refusal>) -> Reply<'static> {
    Reply::Imported {
        taken,
        refused,
        ratings: 3,
    }
}

fn info(change: impl FnOnce(&mut ModelInfo<'static>)) -> Reply<'static> {
    let mut info = ModelInfo {
        name: "made up",
        license: "none",
        fingerprint: 0,
        length: 0,
        crc: 0,
        movies: 3,
        users: 0,
        user_dim: 4,
        movie_dim: 4,
        parts: 0,
        mean: 3.0,
        lowest: 0.5,
        highest: 5.0,
        step: 0.5,
        seen: false,
        validation: None,
    };
    change(&mut info);
    Reply::ModelInfo(info)
}

fn explained(change: impl FnOnce(&mut Explained)) -> Reply<'static> {
    let mut explained = Explained {
        stars: 3.0,
        mean: 3.0,
        user_bias: 0.0,
        movie_bias: 0.0,
        dot: 0.0,
        mlp: 0.0,
        because: Default::default(),
    };
    change(&mut explained);
    Reply::Explained(explained)
}

fn owners(change: impl FnOnce(&mut Owners)) -> Reply<'static> {
    let mut owners = Owners {
        owners: 1,
        capacity: 64,
        ram: 0,
        flash: 0,
        ratings: [0; 8],
        unused: [0; 8],
    };
    change(&mut owners);
    Reply::Owners(owners)
}

fn storage(free: u16, records: u32) -> Reply<'static> {
    Reply::Storage(Storage {
        state: StorageState::Flash,
        bytes: 4096,
        pages: 4,
        free,
        records,
        capacity: 100,
        rounds: 0,
        torn: 0,
        bad_writes: 0,
    })
}

#[test]
fn every_answer_that_cannot_be_right_is_told_by_what_is_wrong_with_it() {
    let nan = f32::NAN;
    let predict = Request::Predict {
        who: Who::ImageUser(2),
        movie: 10,
    };
    let similar = Request::Similar {
        movie: 10,
        count: 2,
    };
    let rated = |before, after, ratings| Reply::Rated {
        before,
        after,
        ratings,
    };
    let profile = |bias, row: &[f32]| {
        Reply::Profile(ProfileReply {
            ratings: 0,
            bias,
            row: row.iter().copied().collect(),
        })
    };
    let ratings = |first| Request::Ratings { who: WHO, first };
    let because = |movies: &[u32], moved| {
        explained(|explained| {
            explained.because = movies
                .iter()
                .map(|movie| Because {
                    movie: *movie,
                    stars: 4.0,
                    moved,
                })
                .collect();
        })
    };
    let explain = Request::Explain {
        who: WHO,
        movie: 10,
    };
    let limits = Reply::Limits(Limits {
        owners: 200,
        list: 20,
        dimensions: 64,
        units: 64,
        body: 288,
        image: 0,
        ratings: 64,
        undo: 8,
        storage: 0,
    });
    let image = example();
    let known = Known::of(&Model::open(image.bytes()).unwrap());
    for (request, reply, said) in [
        (TOP, Reply::Stars(3.0), "an answer to something else"),
        (Request::Hello, info(|_| ()), "an answer to something else"),
        (predict, Reply::Stars(nan), "NaN is among the numbers"),
        (predict, Reply::Stars(9.0), "9 stars are not between"),
        (
            TOP,
            movies(&[(10, 4.0), (20, 3.0), (300, 2.0)]),
            "there are 3 movies where 2",
        ),
        (
            TOP,
            movies(&[(10, 4.0), (10, 4.0)]),
            "movie 10 is named twice",
        ),
        (
            TOP,
            movies(&[(11, 4.0)]),
            "movie 11 is named, which its image",
        ),
        (
            TOP,
            movies(&[(10, f32::INFINITY)]),
            "inf is among the numbers",
        ),
        (TOP, movies(&[(10, 7.5)]), "7.5 stars are not between"),
        (similar, movies(&[(20, 1.5)]), "a cosine is beyond 1"),
        (similar, movies(&[(10, 1.0)]), "near itself"),
        (RATE, rated(3.0, nan, 1), "NaN"),
        (RATE, rated(-1.0, 3.0, 1), "-1 stars are not between"),
        (RATE, rated(3.0, 3.0, 0), "no rating behind it"),
        (RATE, rated(3.0, 3.0, u32::MAX), "more than any board holds"),
        (Request::Profile { who: WHO }, profile(nan, &[]), "NaN"),
        (
            Request::Profile { who: WHO },
            profile(0.0, &[1.0]),
            "a row of 1 number ",
        ),
        (
            Request::ForgetMe { who: WHO },
            Reply::Forgotten { ratings: 4 },
            "there are 4 ratings left",
        ),
        (
            ratings(0),
            page(0, &[(10, 4.0)]),
            "there is 1 rating where 0 should be left",
        ),
        (
            ratings(5),
            page(6, &[(10, 4.0), (20, 4.0)]),
            "there are 2 ratings where 1",
        ),
        (ratings(0), page(9, &[]), "nothing is told of 9 ratings"),
        (
            ratings(0),
            page(u16::MAX, &[]),
            "65535 ratings are more than any",
        ),
        (
            ratings(0),
            page(2, &[(10, 4.0), (10, 4.0)]),
            "movie 10 is named twice",
        ),
        (ratings(0), page(1, &[(10, nan)]), "NaN"),
        (
            ratings(0),
            page(1, &[(11, 4.0)]),
            "movie 11 is named, which its image",
        ),
        (
            import(3),
            imported(0, None),
            "0 of 3 ratings were taken in, and no reason",
        ),
        (import(3), imported(4, None), "4 of 3 ratings were taken in"),
        (
            import(3),
            imported(3, Some(Refusal::LogFull)),
            "all ratings were taken in and one",
        ),
        (
            import(3),
            imported(1, Some(Refusal::UnknownMovie(9))),
            "which nobody asked for",
        ),
        (
            import(3),
            imported(1, Some(Refusal::UnknownMovie(20))),
            "but its image has it",
        ),
        (
            TOP,
            Reply::Refused(Refusal::UnknownUser(7)),
            "which nobody asked for",
        ),
        (
            predict,
            Reply::Refused(Refusal::UnknownMovie(10)),
            "but its image has it",
        ),
        (
            predict,
            Reply::Refused(Refusal::UnknownUser(2)),
            "but its image has it",
        ),
        (
            RATE,
            Reply::Refused(Refusal::UnknownOwner(3)),
            "which nobody asked for",
        ),
        (Request::ModelInfo, info(|info| info.mean = nan), "NaN"),
        (
            Request::ModelInfo,
            info(|info| info.highest = 0.0),
            "is no scale",
        ),
        (
            Request::ModelInfo,
            info(|info| info.step = 0.0),
            "is no scale",
        ),
        (
            Request::ModelInfo,
            info(|info| info.movies = 0),
            "it has no movies",
        ),
        (explain, explained(|explained| explained.dot = nan), "NaN"),
        (
            explain,
            explained(|explained| explained.stars = 80.0),
            "80 stars",
        ),
        (explain, because(&[10, 10], 0.1), "movie 10 is named twice"),
        (explain, because(&[11], 0.1), "movie 11 is named"),
        (explain, because(&[10], nan), "NaN"),
        (
            Request::Limits,
            limits,
            "there are 200 owners, and not 1 to 8",
        ),
        (
            Request::Owners,
            owners(|owners| owners.owners = 9),
            "there are 9 owners, and not 1 to 8",
        ),
        (
            Request::Owners,
            owners(|owners| owners.owners = 0),
            "there are 0 owners",
        ),
        (
            Request::Owners,
            owners(|owners| owners.ratings[0] = 65),
            "room for 64",
        ),
        (
            Request::Owners,
            owners(|owners| owners.unused[0] = 1),
            "1 of them not for",
        ),
        (Request::Storage, storage(5, 0), "5 of 4 pages"),
        (Request::Compact, storage(0, 101), "101 of 100 records"),
    ] {
        let found = sense::check(&request, &reply, Some(&known)).unwrap_err();
        assert!(found.contains(said), "{request:?}, {reply:?}: {found}");
    }
}

#[test]
fn every_answer_of_cores_service_can_be_right() {
    let image = example();
    let model = Model::open(image.bytes()).unwrap();
    let known = Known::of(&model);
    let counts = pocketrec_link::questions::Counts {
        predictions: 20,
        ..pocketrec_link::questions::Counts::FULL
    };
    let mut questions = pocketrec_link::questions::of(&model, counts, 3);
    questions.extend([
        Request::Hello,
        Request::Limits,
        Request::LinkCounters,
        Request::Health,
        Request::Owners,
        Request::Storage,
        Request::Compact,
        import(3),
        import(0),
        Request::Ratings { who: WHO, first: 0 },
        Request::Ratings { who: WHO, first: 9 },
        Request::Suggest { who: WHO, count: 9 },
        Request::ForgetMe { who: WHO },
        Request::Undo { who: WHO },
        Request::Profile {
            who: Who::Owner(99),
        },
        Request::Rate {
            who: Who::ImageUser(2),
            movie: 10,
            stars: 4.0,
        },
    ]);
    let mut board = Connection::new(MemoryBoard::new(Ok(model)), "board", Timing::MEMORY);
    board.hold_to(known);
    for question in questions {
        if let Err(why) = board.ask_checked(&question, |_, _| ()) {
            panic!("{question:?}: {why}");
        }
    }
}

/// A line whose far end answers each request as a function says.
struct Script<F> {
    reader: FrameReader,
    ready: VecDeque<u8>,
    answer: F,
}

impl<F: FnMut(&Request) -> Vec<Reply<'static>>> Script<F> {
    fn new(answer: F) -> Self {
        Self {
            reader: FrameReader::new(),
            ready: VecDeque::new(),
            answer,
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let Some(Ok(asked)) = self.reader.push(*byte) else {
                continue;
            };
            let request = postcard::from_bytes(asked.body).unwrap();
            for reply in (self.answer)(&request) {
                let mut frame = [0; MAX_FRAME];
                let length = encode_frame(VERSION, asked.number, &reply, &mut frame).unwrap();
                self.ready.push_back(0);
                self.ready.extend(&frame[..length]);
            }
        }
    }
}

impl<F: FnMut(&Request) -> Vec<Reply<'static>>> Write for Script<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hear(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F> Read for Script<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() {
            std::thread::sleep(Duration::from_millis(1));
            return Err(ErrorKind::TimedOut.into());
        }
        self.ready.read(buffer)
    }
}

fn script<F: FnMut(&Request) -> Vec<Reply<'static>>>(answer: F) -> Connection<Script<F>> {
    let timing = Timing {
        stall: Duration::from_millis(200),
        longest: Duration::from_secs(1),
        ..Timing::MEMORY
    };
    Connection::new(Script::new(answer), "a board", timing)
}

#[test]
fn work_that_gets_nowhere_ends_whatever_is_said_of_it() {
    // Says something as long as it is listened to.
    type Course = fn(u32) -> (u32, u32);
    let courses: [Course; 5] = [
        |_| (0, 100),
        |_| (7, 100),
        |turn| (100 - turn.min(100), 100),
        |turn| (turn % 3, 3 + turn),
        // Gets on forever.
        |turn| (turn, u32::MAX),
    ];
    for course in courses {
        struct Talks(Course, u32, u32, VecDeque<u8>, FrameReader, bool);
        impl Write for Talks {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                for byte in bytes {
                    if let Some(Ok(frame)) = self.4.push(*byte) {
                        match postcard::from_bytes(frame.body).unwrap() {
                            Request::Cancel { .. } => self.5 = true,
                            _ => self.1 = frame.number,
                        }
                    }
                }
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        impl Read for Talks {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if self.3.is_empty() {
                    std::thread::sleep(Duration::from_millis(1));
                    let (done, total) = (self.0)(self.2);
                    self.2 += 1;
                    let mut frame = [0; MAX_FRAME];
                    let reply = Reply::Working { done, total };
                    let length = encode_frame(VERSION, self.1, &reply, &mut frame).unwrap();
                    self.3.extend(&frame[..length]);
                }
                self.3.read(buffer)
            }
        }
        let line = Talks(course, 0, 0, VecDeque::new(), FrameReader::new(), false);
        let timing = Timing {
            stall: Duration::from_millis(200),
            longest: Duration::from_secs(1),
            ..Timing::MEMORY
        };
        let mut board = Connection::new(line, "a board", timing);
        let error = board.ask(&TOP).unwrap_err();
        assert!(matches!(error, LinkError::Stalled { .. }), "{error}");
        assert!(error.to_string().contains("gets nowhere"), "{error}");
        assert!(board.line().5, "it is told to stop");
    }
}

#[test]
fn pages_that_make_no_list_end_with_a_sentence() {
    type Pages = fn(u16) -> Reply<'static>;
    let list = |from: u16, count: u16| -> Vec<(u32, f32)> {
        (from..from + count).map(|id| (id.into(), 4.0)).collect()
    };
    let cases: [(Pages, &str); 4] = [
        // The first page again and again.
        (
            |_| page(60, &(0..20).map(|id| (id, 4.0)).collect::<Vec<_>>()),
            "movie 0 is named twice",
        ),
        // Another number with each page.
        (
            |first| page(60 + first, &[(first.into(), 4.0)]),
            "60 ratings at first and 61",
        ),
        // One that never ends, if it were believed.
        (
            |first| page(u16::MAX, &[(first.into(), 4.0)]),
            "65535 ratings are more than any board holds",
        ),
        // Fewer than it says.
        (
            |first| match first {
                0 => page(21, &(0..20).map(|id| (id, 4.0)).collect::<Vec<_>>()),
                _ => page(21, &[]),
            },
            "nothing is told of 1 rating",
        ),
    ];
    for (pages, said) in cases {
        let mut asked = 0;
        let mut board = script(|request| match request {
            Request::Ratings { first, .. } => {
                asked += 1;
                vec![pages(*first)]
            }
            _ => vec![],
        });
        let error = ratings::all(&mut board, WHO).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        drop(board);
        assert!(asked <= 2, "asked {asked} times");
    }
    let mut honest = script(|request| match request {
        Request::Ratings { first, .. } => vec![page(45, &list(*first, 20.min(45 - first)))],
        _ => vec![],
    });
    assert_eq!(ratings::all(&mut honest, WHO).unwrap().len(), 45);
    // Another board behind the last page.
    let mut turn = 0;
    let mut other = script(|request| match request {
        Request::Ratings { first, .. } => {
            turn += 1;
            let from = if turn == 4 { 1000 } else { *first };
            vec![page(45, &list(from, 20.min(45 - first)))]
        }
        _ => vec![],
    });
    let error = ratings::all(&mut other, WHO).unwrap_err().to_string();
    assert!(error.contains("another board answers now"), "{error}");
}

#[test]
fn a_change_without_an_answer_is_told_as_one_that_may_have_been_made() {
    for (request, said) in [
        (
            RATE,
            "the rating may have been taken all the same: `query ratings` tells",
        ),
        (
            Request::Undo { who: WHO },
            "may have been undone all the same: `query ratings` tells",
        ),
        (
            Request::Forget {
                who: WHO,
                movie: 10,
            },
            "the rating may have been forgotten all the same: `query ratings` tells",
        ),
        (
            Request::ForgetMe { who: WHO },
            "ratings may have been forgotten",
        ),
        (
            import(3),
            "ratings may have been taken in all the same: `query ratings` tells",
        ),
        (Request::Compact, "to ask again does no harm"),
        (Request::Format, "all ratings may have been erased"),
    ] {
        let mut asked = 0;
        let mut silent = script(|_| {
            asked += 1;
            vec![]
        });
        let error = silent.ask(&request).unwrap_err().to_string();
        assert!(error.starts_with("nothing answers"), "{error}");
        assert!(error.contains(said), "{error}");
        drop(silent);
        assert_eq!(asked, Timing::MEMORY.tries_of_change);
        // An answer to something else leaves it open as well, and a refusal doesn't.
        let mut lies = script(|_| vec![Reply::Stars(3.0)]);
        let error = lies
            .ask_checked(&request, |_, _| ())
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
        let mut refuses = script(|_| vec![Reply::Refused(Refusal::StorageFailed)]);
        let error = refuses
            .ask_for(&request, |_, _| (), |_| Some(()))
            .unwrap_err();
        assert!(matches!(error, LinkError::Refused(_)), "{error}");
    }
    let error = script(|_| vec![]).ask(&TOP).unwrap_err().to_string();
    assert!(!error.contains("may have been"), "{error}");
}

/// The port of a board that answers with `answer`, over any number of connections, one after the other.
fn board(mut answer: impl FnMut(&Request) -> Vec<Reply<'static>> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut line: TcpStream = stream.unwrap();
            let mut script = Script::new(&mut answer);
            let mut buffer = [0; 512];
            while let Ok(count @ 1..) = line.read(&mut buffer) {
                script.hear(&buffer[..count]);
                let ready: Vec<u8> = script.ready.drain(..).collect();
                if line.write_all(&ready).is_err() {
                    break;
                }
            }
        }
    });
    format!("tcp:{address}")
}

fn query(port: &str, arguments: &[&str]) -> Output {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(
        place.path().join("mine.csv"),
        "movieId,rating\n10,4\n20,3\n",
    )
    .unwrap();
    Command::new(env!("CARGO_BIN_EXE_host"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
        .env_remove("POCKETREC_PORT")
        .arg("query")
        .args(arguments)
        .args(["--port", port])
        .current_dir(place.path())
        .output()
        .unwrap()
}

#[test]
fn a_person_who_asks_a_board_that_lies_reads_a_sentence() {
    let hello = Hello {
        magic: HELLO_MAGIC,
        oldest: VERSION,
        newest: VERSION,
        firmware: [0, 1, 0],
        status: 0,
        capabilities: 0,
        largest_frame: MAX_FRAME as u16,
    };
    let limits = Limits {
        owners: 1,
        list: 20,
        dimensions: 8,
        units: 32,
        body: 288,
        image: 0,
        ratings: 64,
        undo: 8,
        storage: 0,
    };
    let lying = |ratings: fn() -> Reply<'static>| {
        board(move |request| {
            vec![match request {
                Request::Hello => Reply::Hello(hello),
                Request::ModelInfo => info(|_| ()),
                Request::Limits => Reply::Limits(limits),
                Request::Import { .. } => imported(0, None),
                Request::Ratings { .. } => ratings(),
                Request::TopN { .. } => movies(&[(10, f32::NAN)]),
                Request::ForgetMe { .. } => Reply::Forgotten { ratings: 2 },
                _ => Reply::Stars(3.0),
            }]
        })
    };
    let (port, empty) = (lying(|| page(9, &[])), lying(|| page(0, &[])));
    for (arguments, said) in [
        (&["ratings", "--load", "mine.csv"][..], "no reason is given"),
        (&["ratings"], "nothing is told of 9 ratings"),
        (&["top"], "NaN is among the numbers"),
        (&["forget", "--all"], "2 ratings left"),
        (&["owners"], "an answer to something else"),
        (
            &["rate", "--movie", "10", "--stars", "4"],
            "`query ratings` tells",
        ),
    ] {
        let port = if arguments.contains(&"--load") {
            &empty
        } else {
            &port
        };
        let output = query(port, arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
        assert!(errors.contains("can't be right"), "{arguments:?}: {errors}");
        assert!(errors.contains(said), "{arguments:?}: {errors}");
    }
}

/// What somebody reads of a board that answers so: what is told, and what is warned of.
fn asked(
    answer: impl Fn(&Request) -> Reply<'static> + Send + 'static,
    arguments: &[&str],
) -> (Option<i32>, String, String) {
    let hello = Hello {
        magic: HELLO_MAGIC,
        oldest: VERSION,
        newest: VERSION,
        firmware: [0, 1, 0],
        status: 0,
        capabilities: 0,
        largest_frame: MAX_FRAME as u16,
    };
    let port = board(move |request| {
        vec![match (answer(&request), request) {
            (Reply::Cancelled(_), Request::Hello) => Reply::Hello(hello),
            (Reply::Cancelled(_), Request::ModelInfo) => info(|_| ()),
            (Reply::Cancelled(_), Request::TopN { .. }) => movies(&[(10, 3.0)]),
            (reply, _) => reply,
        }]
    });
    let output = query(&port, arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn who_asks_a_board_with_a_useless_model_is_warned() {
    let model = |rmse, personal| {
        move |request: &Request| match request {
            Request::ModelInfo => info(|info| {
                info.validation = Some(pocketrec::model::Validation {
                    rmse,
                    movie_means: 1.0,
                    personal,
                });
            }),
            _ => Reply::Cancelled(false),
        }
    };
    for arguments in [
        &["hello"][..],
        &["info"],
        &["info", "--json"],
        &["top", "--image", "none"],
    ] {
        for (rmse, personal, due) in [
            (1.0, true, "no better than each movie's mean"),
            (0.8, false, "everybody the same list"),
            (0.8, true, ""),
        ] {
            let (code, out, errors) = asked(model(rmse, personal), arguments);
            assert_eq!(code, Some(0), "{errors}");
            assert!(errors.contains(due), "{arguments:?}: {errors}");
            assert_eq!(errors.contains("this model"), !due.is_empty(), "{errors}");
            let shown = arguments.contains(&"top") || out.contains("0.8") || out.contains("1.0");
            assert!(shown, "{out}");
        }
    }
}

#[test]
fn ratings_that_a_board_has_and_does_not_use_are_told_before_any_answer() {
    let states = [
        (StorageState::OtherVersion, "a firmware of another version"),
        (StorageState::Closed, "can't be opened"),
        (StorageState::Failed, "gone with its power"),
        (StorageState::Absent, ""),
    ];
    for (state, due) in states {
        let answer = move |request: &Request| match request {
            Request::Storage => Reply::Storage(Storage {
                state,
                bytes: 4096,
                pages: 4,
                free: 3,
                records: 0,
                capacity: 0,
                rounds: 0,
                torn: 0,
                bad_writes: 0,
            }),
            Request::Rate { .. } => Reply::Refused(Refusal::StorageOfOtherVersion),
            _ => Reply::Cancelled(false),
        };
        let (code, _, errors) = asked(answer, &["top", "--image", "none"]);
        assert_eq!(code, Some(0), "{errors}");
        assert!(errors.contains(due), "{state:?}: {errors}");
        assert_eq!(
            errors.contains("`query storage` tells more"),
            !due.is_empty(),
            "{errors}"
        );
        if state == StorageState::OtherVersion {
            let (code, out, _) = asked(answer, &["storage"]);
            assert_eq!(code, Some(0));
            for part in [due, "`query format`", "`query ratings --save FILE`"] {
                assert!(out.contains(part), "{out}");
            }
            assert!(!out.contains("erased and ready"), "{out}");
            let rate = ["rate", "--movie", "10", "--stars", "4", "--image", "none"];
            let (code, _, errors) = asked(answer, &rate);
            assert_eq!(code, Some(1), "{errors}");
            assert!(errors.contains("so nothing was changed"), "{errors}");
            assert!(errors.contains("`query format` erases them"), "{errors}");
        }
    }
}

#[test]
fn a_firmware_of_another_day_is_told_by_its_version_whatever_is_asked() {
    for (version, way_on) in [
        (
            VERSION - 1,
            "`cargo xtask flash BOARD` brings it up to date",
        ),
        (VERSION + 1, "this program is too old"),
    ] {
        let answer = move |request: &Request| match request {
            Request::Hello => Reply::Hello(Hello {
                magic: HELLO_MAGIC,
                oldest: version,
                newest: version,
                firmware: [0, 1, 0],
                status: 0,
                capabilities: 0,
                largest_frame: MAX_FRAME as u16,
            }),
            _ => Reply::Cancelled(false),
        };
        for arguments in [&["hello"][..], &["top"], &["forget", "--all"], &["storage"]] {
            let (code, out, errors) = asked(answer, arguments);
            assert_eq!((code, out.as_str()), (Some(1), ""), "{errors}");
            let told = format!(
                "speaks version {version} of the messages, and this program version {VERSION}"
            );
            assert!(
                errors.contains(&told) && errors.contains(way_on),
                "{errors}"
            );
            assert_eq!(errors.trim().lines().count(), 1, "{errors}");
        }
    }
}
