//! Changes of ratings over lines that break and lose bytes: each is made once, and a person is told whether it was.

#[cfg(unix)]
mod signals;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use pocketrec::image::{AlignedBytes, example};
use pocketrec::model::Model;
use pocketrec::wire::{FrameReader, Reply, Request, Who};
use pocketrec_link::memory::MemoryBoard;
use pocketrec_link::{Connection, Timing, ratings};

const WHO: Who = Who::Owner(0);

/// The model of an image that is there for as long as the program runs.
fn model(image: AlignedBytes<256>) -> Model<'static> {
    Model::open(Box::leak(Box::new(image)).bytes()).unwrap()
}

/// What a board's line does with a request, once.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It is carried out, and the line is cut before the answer.
    Cut,
    /// It is carried out, and the answer is swallowed; so are all that follow.
    Mute,
}

/// Carries bytes between a host and a board until the host goes, or until a change is to cut the line: then `true`.
fn serve(
    board: &mut MemoryBoard<'_>,
    mut line: TcpStream,
    fate: &Mutex<Option<Fate>>,
    met: &mpsc::Sender<()>,
) -> bool {
    line.set_read_timeout(Some(Duration::from_millis(2)))
        .unwrap();
    let mut reader = FrameReader::new();
    let mut buffer = [0; 1024];
    let mut is_mute = false;
    loop {
        let count = match line.read(&mut buffer) {
            Ok(0) => return false,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(_) => return false,
        };
        board.write_all(&buffer[..count]).unwrap();
        let mut changes = false;
        for byte in &buffer[..count] {
            if let Some(Ok(frame)) = reader.push(*byte) {
                let request = postcard::from_bytes(frame.body).unwrap();
                changes |= pocketrec_link::sense::change(&request).is_some();
            }
        }
        let mut answer = [0; 1024];
        while let Ok(count) = board.read(&mut answer) {
            if changes && let Some(fate) = fate.lock().unwrap().take() {
                met.send(()).unwrap();
                match fate {
                    Fate::Cut => return true,
                    Fate::Mute => is_mute = true,
                }
            }
            if !is_mute && line.write_all(&answer[..count]).is_err() {
                return false;
            }
        }
    }
}

/// Boards at one port, and what becomes of the next change.
struct Far {
    port: String,
    fate: Arc<Mutex<Option<Fate>>>,
    met: mpsc::Receiver<()>,
}

impl Far {
    /// A board; once the line was cut, `other` is at the port, where there is one.
    fn new(first: Model<'static>, other: Option<Model<'static>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = format!("tcp:{}", listener.local_addr().unwrap());
        let fate = Arc::new(Mutex::new(None));
        let (meets, met) = mpsc::channel();
        let far = Self {
            port,
            fate: fate.clone(),
            met,
        };
        std::thread::spawn(move || {
            let mut board = MemoryBoard::new(Ok(first));
            let mut other = other.map(|model| MemoryBoard::new(Ok(model)));
            for stream in listener.incoming() {
                if serve(&mut board, stream.unwrap(), &fate, &meets)
                    && let Some(other) = other.take()
                {
                    board = other;
                }
            }
        });
        far
    }

    fn next_change(&self, fate: Fate) {
        *self.fate.lock().unwrap() = Some(fate);
    }
}

fn command(place: &Path, port: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
    command
        .arg("query")
        .args(arguments)
        .args(["--port", port, "--image", "none"])
        .current_dir(place)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Exit code, what is printed, and complaints.
fn query(port: &str, arguments: &[&str]) -> (i32, String, String) {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("mine.csv"), "movieId,rating\n300,4\n").unwrap();
    told(command(place.path(), port, arguments).output().unwrap())
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn rate(movie: &str) -> [&str; 5] {
    ["rate", "--movie", movie, "--stars", "4"]
}

/// The movies that an owner has rated.
fn rated(port: &str) -> Vec<u32> {
    let (code, out, errors) = query(port, &["ratings"]);
    assert_eq!(code, 0, "{errors}");
    let mut movies = vec![10, 20, 300];
    movies.retain(|id| out.contains(&format!("movie {id} ")));
    movies
}

#[test]
fn a_change_is_made_once_where_the_line_breaks_before_its_answer() {
    for (change, left) in [
        (&rate("300")[..], &[10, 20, 300][..]),
        (&["undo"], &[10]),
        (&["forget", "--movie", "10"], &[20]),
        (&["ratings", "--load", "mine.csv"], &[10, 20, 300]),
        (&["forget", "--all"], &[]),
        (&["compact"], &[10, 20]),
    ] {
        let far = Far::new(model(example()), None);
        for movie in ["10", "20"] {
            assert_eq!(query(&far.port, &rate(movie)).0, 0);
        }
        far.next_change(Fate::Cut);
        let (code, _, errors) = query(&far.port, change);
        assert_eq!(code, 0, "{change:?}: {errors}");
        far.met.try_recv().unwrap();
        assert_eq!(rated(&far.port), left, "{change:?}");
    }
}

#[test]
fn another_board_behind_a_line_that_broke_is_not_asked_for_the_change() {
    let mut other = example();
    let bytes = other.bytes_mut();
    // Its name, behind the CRC.
    let at = (13..).find(|at| bytes[*at].is_ascii_lowercase()).unwrap();
    bytes[at] = bytes[at].to_ascii_uppercase();
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[..9]);
    crc.update(&bytes[13..]);
    bytes[9..13].copy_from_slice(&crc.sum().to_le_bytes());
    let far = Far::new(model(example()), Some(model(other)));
    far.next_change(Fate::Cut);
    let (code, out, errors) = query(&far.port, &rate("10"));
    assert_eq!((code, &*out), (1, ""), "{errors}");
    assert!(
        errors.contains("a board with another image answers there now"),
        "{errors}"
    );
    assert!(errors.contains("may have been taken"), "{errors}");
    assert!(rated(&far.port).is_empty());
}

#[cfg(unix)]
#[test]
fn ctrl_c_in_the_middle_of_a_change_says_that_it_may_have_been_made() {
    let far = Far::new(model(example()), None);
    far.next_change(Fate::Mute);
    let place = tempfile::tempdir().unwrap();
    let host = signals::as_usual(&mut command(place.path(), &far.port, &rate("10")))
        .spawn()
        .unwrap();
    far.met.recv_timeout(Duration::from_secs(60)).unwrap();
    let kill = Command::new("kill")
        .args(["-INT", &host.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let (code, out, errors) = told(host.wait_with_output().unwrap());
    assert_eq!((code, &*out), (130, ""), "{errors}");
    assert!(errors.contains("interrupted"), "{errors}");
    assert!(
        errors.contains("the rating may have been taken all the same: `query ratings` tells"),
        "{errors}"
    );
    assert_eq!(rated(&far.port), [10]);
}

/// A board in memory whose line changes one byte in a hundred, both ways.
struct Noisy {
    board: MemoryBoard<'static>,
    state: u32,
    is_quiet: bool,
}

impl Noisy {
    fn damage(&mut self, bytes: &mut [u8]) {
        for byte in bytes.iter_mut().filter(|_| !self.is_quiet) {
            // Numerical Recipes' generator.
            self.state = self
                .state
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            if (self.state >> 8).is_multiple_of(100) {
                *byte ^= 1 << (self.state >> 29);
            }
        }
    }
}

impl Write for Noisy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut bytes = bytes.to_vec();
        self.damage(&mut bytes);
        self.board.write(&bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Noisy {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.board.read(buffer)?;
        self.damage(&mut buffer[..count]);
        Ok(count)
    }
}

#[test]
fn every_change_over_a_noisy_line_is_answered_in_the_end_and_made_once() {
    let line = Noisy {
        board: MemoryBoard::new(Ok(model(example()))),
        state: 7,
        is_quiet: false,
    };
    let timing = Timing {
        tries_of_change: 20,
        silence: Duration::from_millis(20),
        ..Timing::MEMORY
    };
    let mut noisy = Connection::new(line, "a noisy line", timing);
    let mut expected: Vec<(u32, f32)> = Vec::new();
    for turn in 0..60_u32 {
        let movie = [10, 20, 300][turn as usize % 3];
        let stars = 0.5 + (turn % 10) as f32 * 0.5;
        let request = match turn % 5 {
            4 => Request::Undo { who: WHO },
            _ => Request::Rate {
                who: WHO,
                movie,
                stars,
            },
        };
        let answer = noisy.ask(&request).unwrap();
        match answer.reply().unwrap() {
            Reply::Rated { .. } => {
                expected.retain(|rating| rating.0 != movie);
                expected.push((movie, stars));
            }
            Reply::Undone { movie, stars, .. } => {
                let at = expected
                    .iter()
                    .position(|rating| rating.0 == movie)
                    .unwrap();
                expected.remove(at);
                expected.extend(stars.map(|stars| (movie, stars)));
            }
            reply => panic!("{reply:?}"),
        }
    }
    noisy.line().is_quiet = true;
    let mut found: Vec<(u32, f32)> = ratings::all(&mut noisy, WHO)
        .unwrap()
        .iter()
        .map(|rating| (rating.movie, rating.stars))
        .collect();
    let by_movie = |a: &(u32, f32), b: &(u32, f32)| a.0.cmp(&b.0);
    found.sort_by(by_movie);
    expected.sort_by(by_movie);
    assert_eq!(found, expected);
}
