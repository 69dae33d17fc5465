//! Promises of a `fetch` that breaks off, kept against a server on this machine that does what servers do.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::tests::{RATINGS, names, release};
use super::zipped::zip_of;
use super::*;
use pocketrec_data::Silent;

/// What a server does with one request.
#[derive(Clone, Copy)]
struct Manner {
    /// Whether it sends only what was asked for.
    ranges: bool,
    /// What it says where it sends a part: the first byte, and of how many, if not the truth.
    lies: Option<(usize, usize)>,
    /// The file's headers.
    validator: &'static str,
    /// Bytes behind which the line breaks.
    cut: Option<usize>,
}

const PLAIN: Manner = Manner {
    ranges: true,
    lies: None,
    validator: "ETag: \"one\"\r\n",
    cut: None,
};

/// A server of one file, which does as the last of its manners from then on; each request's `Range` and `If-Range`.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(body: Vec<u8>, manners: Vec<Manner>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = asked.clone();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let manner = manners[number.min(manners.len() - 1)];
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let lines: Vec<String> = lines
                    .map(Result::unwrap)
                    .take_while(|line| !line.is_empty())
                    .map(|line| line.to_ascii_lowercase())
                    .collect();
                let header = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
                let from = header("range: bytes=").map(|from| from.trim_end_matches('-'));
                let condition = header("if-range: ");
                told.lock().unwrap().push(format!(
                    "{} {}",
                    from.unwrap_or("all"),
                    condition.unwrap_or("-")
                ));
                let is_same = condition
                    .is_some_and(|tag| manner.validator.to_ascii_lowercase().contains(tag));
                let from = from
                    .filter(|_| manner.ranges && is_same)
                    .map(|from| from.parse::<usize>().unwrap());
                let (head, sent) = match from {
                    Some(from) if from >= body.len() => (
                        format!(
                            "416 Range Not Satisfiable\r\nContent-Range: bytes */{}",
                            body.len()
                        ),
                        &[][..],
                    ),
                    Some(from) => {
                        let (says, of) = manner.lies.unwrap_or((from, body.len()));
                        (
                            format!(
                                "206 Partial Content\r\nContent-Range: bytes {says}-{}/{of}",
                                of - 1
                            ),
                            &body[from..],
                        )
                    }
                    None => ("200 OK".to_owned(), &body[..]),
                };
                let head = format!(
                    "HTTP/1.1 {head}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n",
                    manner.validator,
                    sent.len()
                );
                stream.write_all(head.as_bytes()).unwrap();
                let sent = &sent[..manner.cut.unwrap_or(sent.len()).min(sent.len())];
                // Who has read enough closes the line.
                let _ = stream.write_all(sent);
            }
        });
        Server { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A zip, and the release that it is.
fn zip() -> (Vec<u8>, Release) {
    let zip = zip_of(&[
        ("ml-tiny/ratings.dat", RATINGS),
        ("ml-tiny/README", "hello"),
    ]);
    let release = release(Some(hex(&Md5::digest(&zip))));
    (zip, release)
}

fn broken(cut: usize) -> Manner {
    Manner {
        cut: Some(cut),
        ..PLAIN
    }
}

#[test]
fn a_download_that_broke_off_goes_on_from_where_it_was() {
    let (zip, release) = zip();
    let folder = tempfile::tempdir().unwrap();
    // It breaks twice, and once before a byte came.
    let server = Server::new(zip, vec![broken(50), broken(0), broken(30), PLAIN]);
    for there in [50, 50, 80] {
        let error = fetch(&release, &server.address, folder.path(), &Silent).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("broke off")
                && error.contains(&format!(
                    "the same command goes on behind the {there} bytes"
                )),
            "{error}"
        );
        assert_eq!(
            names(folder.path()),
            ["ml-tiny.zip.part", "ml-tiny.zip.part.from"]
        );
    }
    fetch(&release, &server.address, folder.path(), &Silent).unwrap();
    assert_eq!(names(folder.path()), ["ml-tiny", "ml-tiny.zip"]);
    assert_eq!(
        server.asked(),
        ["all -", "50 \"one\"", "50 \"one\"", "80 \"one\""]
    );
}

#[test]
fn a_server_that_sends_all_or_something_else_than_was_asked_for_is_taken_at_its_word() {
    let (zip, release) = zip();
    let dated = Manner {
        validator: "ETag: W/\"weak\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n",
        ..PLAIN
    };
    for (second, requests) in [
        (
            Manner {
                ranges: false,
                ..PLAIN
            },
            2,
        ),
        // The file is another one now.
        (
            Manner {
                validator: "ETag: \"two\"\r\n",
                ..PLAIN
            },
            2,
        ),
        (
            Manner {
                lies: Some((49, zip.len())),
                ..PLAIN
            },
            3,
        ),
        (
            Manner {
                validator: dated.validator,
                ..PLAIN
            },
            2,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(zip.clone(), vec![broken(50), second, PLAIN]);
        fetch(&release, &server.address, folder.path(), &Silent).unwrap_err();
        fetch(&release, &server.address, folder.path(), &Silent).unwrap();
        assert_eq!(names(folder.path()), ["ml-tiny", "ml-tiny.zip"]);
        assert_eq!(server.asked().len(), requests);
    }
    // By the date, where there is no strong tag.
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(
        zip,
        vec![
            Manner {
                cut: Some(50),
                ..dated
            },
            dated,
        ],
    );
    fetch(&release, &server.address, folder.path(), &Silent).unwrap_err();
    fetch(&release, &server.address, folder.path(), &Silent).unwrap();
    assert_eq!(server.asked()[1], "50 mon, 01 jan 2024 00:00:00 gmt");
}

#[test]
fn nothing_is_gone_on_from_that_may_be_of_another_file() {
    let (zip, release) = zip();
    let part = |folder: &Path| folder.join("ml-tiny.zip.part");
    // Without a tag nothing stays.
    let folder = tempfile::tempdir().unwrap();
    let bare = Manner {
        validator: "",
        ..PLAIN
    };
    let server = Server::new(
        zip.clone(),
        vec![Manner {
            cut: Some(50),
            ..bare
        }],
    );
    fetch(&release, &server.address, folder.path(), &Silent).unwrap_err();
    assert!(
        names(folder.path()).is_empty(),
        "{:?}",
        names(folder.path())
    );
    // What isn't known to have come from there is begun anew.
    for from in [
        None,
        Some("https://example.org/ml-tiny.zip\n\"one\"\n"),
        Some("\u{1}"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(part(folder.path()), "of something else").unwrap();
        if let Some(from) = from {
            fs::write(folder.path().join("ml-tiny.zip.part.from"), from).unwrap();
        }
        let server = Server::new(zip.clone(), vec![PLAIN]);
        fetch(&release, &server.address, folder.path(), &Silent).unwrap();
        assert_eq!(server.asked(), ["all -"]);
    }
    // What went wrong on the way shows in the sum, and isn't kept.
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(zip.clone(), vec![broken(50), PLAIN]);
    fetch(&release, &server.address, folder.path(), &Silent).unwrap_err();
    let mut bytes = fs::read(part(folder.path())).unwrap();
    bytes[40] ^= 1;
    fs::write(part(folder.path()), bytes).unwrap();
    let error = fetch(&release, &server.address, folder.path(), &Silent).unwrap_err();
    assert!(matches!(error, FetchError::Sum { .. }), "{error}");
    assert!(names(folder.path()).is_empty());
    // All was there but the last step.
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(zip.clone(), vec![broken(50), PLAIN]);
    fetch(&release, &server.address, folder.path(), &Silent).unwrap_err();
    fs::write(part(folder.path()), &zip).unwrap();
    fetch(&release, &server.address, folder.path(), &Silent).unwrap();
    assert_eq!(names(folder.path()), ["ml-tiny", "ml-tiny.zip"]);
}

#[cfg(unix)]
#[test]
fn no_link_that_lies_where_the_part_would_is_written_through() {
    let (zip, release) = zip();
    let outer = tempfile::tempdir().unwrap();
    let victim = outer.path().join("victim");
    for hard in [false, true] {
        let folder = tempfile::tempdir_in(outer.path()).unwrap();
        fs::write(&victim, "mine").unwrap();
        for name in ["ml-tiny.zip.part", "ml-tiny.zip.part.from"] {
            let place = folder.path().join(name);
            match hard {
                true => fs::hard_link(&victim, place).unwrap(),
                false => std::os::unix::fs::symlink(&victim, place).unwrap(),
            }
        }
        let server = Server::new(zip.clone(), vec![broken(50), PLAIN]);
        fetch(&release, &server.address, folder.path(), &Silent).unwrap_err();
        fetch(&release, &server.address, folder.path(), &Silent).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
        assert_eq!(server.asked(), ["all -", "50 \"one\""]);
    }
}

#[test]
fn two_fetches_at_a_time_do_not_write_one_part() {
    let (zip, release) = zip();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("ml-tiny.zip");
    let server = Server::new(zip, vec![PLAIN]);
    let held = part::Part::open(&place, "http://127.0.0.1").unwrap();
    let error = fetch(&release, &server.address, folder.path(), &Silent).unwrap_err();
    assert!(matches!(error, FetchError::InTheWay(_)), "{error}");
    drop(held);
    fetch(&release, &server.address, folder.path(), &Silent).unwrap();
}
