//! A board that lies, or that is broken: whatever it says, the program ends, with a sentence.

mod answers;
mod warned;

use answers::*;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::time::Duration;

use pocketrec::image::example;
use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::rank::Order;
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
    include_below: false,
    order: Order::Score,
    wanted: Wanted::ANY,
};
const RATE: Request = Request::Rate {
    who: WHO,
    movie: 10,
    stars: 4.0,
};

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
        // Behind a question it is a sentence of its own.
        let (_, behind) = error.split_once("? ").unwrap();
        let begins = behind.chars().next().is_some_and(char::is_uppercase);
        assert!(begins && behind[1..].contains(&said[1..]), "{error}");
        drop(silent);
        assert_eq!(asked, Timing::MEMORY.tries_of_change);
        // An answer to something else leaves it open as well, and a refusal doesn't.
        let mut lies = script(|_| vec![Reply::Stars(3.0)]);
        let error = lies
            .ask_checked(&request, |_, _| ())
            .unwrap_err()
            .to_string();
        assert!(error.to_lowercase().contains(said), "{error}");
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
    query_in(&tempfile::tempdir().unwrap(), port, arguments)
}

/// As [`query`], of a board that a program holds as `emulate` does.
fn query_held(port: &str, arguments: &[&str]) -> Output {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("config/pocketrec");
    std::fs::create_dir_all(&folder).unwrap();
    let address = port.trim_start_matches("tcp:");
    let note = format!(
        r#"{{"board":"stm32f405","address":"{address}","pid":1,"image":"/none.img","crc":0}}"#
    );
    std::fs::write(folder.join("emulated-1.json"), note).unwrap();
    query_in(&place, port, arguments)
}

fn query_in(place: &tempfile::TempDir, port: &str, arguments: &[&str]) -> Output {
    std::fs::write(
        place.path().join("mine.csv"),
        "movieId,rating\n10,4\n20,3\n",
    )
    .unwrap();
    Command::new(env!("CARGO_BIN_EXE_host"))
        .env("XDG_CONFIG_HOME", place.path().join("config"))
        .env("XDG_RUNTIME_DIR", place.path().join("config"))
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
