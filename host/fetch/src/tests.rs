//! Promises of `fetch`, kept against a server on this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use super::unpack::unpack;
use super::zipped::zip_of;
use super::*;
use pocketrec_data::Silent;

/// Serves `body` to so many requests on this machine, and gives the address.
fn serve(
    body: Vec<u8>,
    status: &'static str,
    requests: usize,
    cut: usize,
) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/datasets", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for _ in 0..requests {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap())
                .lines()
                .map(Result::unwrap);
            asked.push(lines.next().unwrap());
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body[..body.len() - cut]).unwrap();
        }
        asked
    });
    (address, server)
}

pub fn release(md5: Option<String>) -> Release {
    Release {
        name: "ml-tiny",
        md5: md5.map(|md5| &*md5.leak()),
        counts: None,
        may_be_passed_on: false,
        folder: "ml-tiny",
        most_bytes: 100_000,
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub const RATINGS: &str = "1::2::4::978300760\n";

#[test]
fn a_release_is_fetched_checked_unzipped_and_not_fetched_twice() {
    let zip = zip_of(&[
        ("ml-tiny/ratings.dat", RATINGS),
        ("ml-tiny/README", "hello"),
    ]);
    let release = release(Some(hex(&Md5::digest(&zip))));
    let folder = tempfile::tempdir().unwrap();
    let (address, server) = serve(zip, "200 OK", 1, 0);
    for _ in 0..2 {
        let place = fetch(&release, &address, folder.path(), &Silent)
            .unwrap_or_else(|error| panic!("{error}"))
            .folder;
        assert_eq!(
            fs::read_to_string(place.join("ratings.dat")).unwrap(),
            RATINGS
        );
        assert_eq!(
            pocketrec_data::Dataset::load(&place, &Silent)
                .unwrap()
                .ratings
                .len(),
            1
        );
    }
    assert_eq!(
        server.join().unwrap(),
        ["GET /datasets/ml-tiny.zip HTTP/1.1"]
    );
    assert_eq!(names(folder.path()), ["ml-tiny", "ml-tiny.zip"]);
}

#[test]
fn what_is_not_as_published_is_refused_and_leaves_nothing() {
    let zip = zip_of(&[("ml-tiny/ratings.dat", RATINGS)]);
    let sum = hex(&Md5::digest(&zip));
    for (body, status, cut, md5, said) in [
        (zip.clone(), "200 OK", 0, "0".repeat(32), "has the MD5 sum"),
        (zip.clone(), "200 OK", 10, sum.clone(), "broke off"),
        (
            Vec::new(),
            "404 Not Found",
            0,
            sum.clone(),
            "can't fetch http://127.0.0.1",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (address, server) = serve(body, status, 1, cut);
        let error = fetch(&release(Some(md5)), &address, folder.path(), &Silent)
            .unwrap_err()
            .to_string();
        server.join().unwrap();
        assert!(error.contains(said), "{error}");
        assert!(
            names(folder.path()).is_empty(),
            "{:?}",
            names(folder.path())
        );
    }
}

#[test]
fn no_entry_of_a_zip_is_written_outside_its_folder() {
    for (name, said) in [
        ("../evil.txt", "outside"),
        ("ml-tiny/../../evil.txt", "outside"),
        ("/evil.txt", "outside"),
        ("ml-tiny\\..\\..\\evil.txt", "outside"),
        ("C:/evil.txt", "outside"),
        ("evil.txt", "isn't in a folder"),
        ("other/evil.txt", "isn't in a folder ml-tiny"),
        ("ml-tiny", "is not a file that a release has"),
    ] {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a/b");
        fs::create_dir_all(&folder).unwrap();
        let zip = folder.join("ml-tiny.zip");
        fs::write(
            &zip,
            zip_of(&[("ml-tiny/ratings.dat", RATINGS), (name, "evil")]),
        )
        .unwrap();
        let error = unpack(&release(None), &zip, &folder)
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{name}: {error}");
        assert_eq!(names(&folder), ["ml-tiny.zip"], "{name}");
        assert_eq!(names(outer.path()), ["a"], "{name}");
    }
}

/// A server on this machine that sends `head` and then whatever comes, `pause` before each piece, and how to ask it.
fn server(head: String, pieces: Vec<Vec<u8>>, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            // Who doesn't want it any more closes the line.
            let _ = stream.write_all(head.as_bytes());
            for piece in &pieces {
                std::thread::sleep(pause);
                if stream.write_all(piece).is_err() {
                    break;
                }
            }
        }
    });
    address
}

fn refusal(address: &str, patience: u64) -> String {
    let folder = tempfile::tempdir().unwrap();
    let patience = Duration::from_secs(patience);
    let release = release(None);
    let result = fetch_within(patience, &release, address, folder.path(), &Silent);
    assert!(names(folder.path()).is_empty());
    result.unwrap_err().to_string()
}

#[test]
fn a_server_that_sends_nothing_more_is_given_up() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_owned();
    // Longer than anybody waits.
    let pause = Duration::from_secs(600);
    for head in [head, String::new()] {
        let told = refusal(&server(head, vec![vec![0; 10]], pause), 1);
        assert!(told.contains("timeout"), "{told}");
    }
}

#[test]
fn what_is_larger_than_any_release_is_refused_whether_it_is_announced_or_not() {
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n".to_owned();
    let silent = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_owned();
    for (head, pieces) in [(announced, 0), (silent, 1000)] {
        let pieces = vec![vec![0; 1000]; pieces];
        let told = refusal(&server(head, pieces, Duration::ZERO), 60);
        assert!(told.contains("which no zip of ml-tiny is"), "{told}");
    }
}

#[test]
fn a_redirection_to_elsewhere_is_refused_by_its_address() {
    let to = |to: &str| {
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        refusal(&server(head, Vec::new(), Duration::ZERO), 60)
    };
    for other in [
        "https://example.org/ml-tiny.zip",
        "http://127.0.0.1:9/x",
        "//example.org/x",
    ] {
        let told = to(other);
        assert!(
            told.contains(&format!("sends us on to `{other}`")),
            "{told}"
        );
    }
    let told = to("/datasets/again.zip");
    assert!(told.contains("sends us on and on"), "{told}");
}

#[test]
fn only_what_an_earlier_fetch_wrote_is_replaced_and_all_else_stays_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("ml-tiny.zip");
    let release = release(None);
    let place = folder.path().join("ml-tiny");
    let unzipped = |entries: &[(&str, &str)]| {
        fs::write(&zip, zip_of(entries)).unwrap();
        unpack(&release, &zip, folder.path()).unwrap()
    };
    // What lies there already may be anybody's.
    fs::create_dir(&place).unwrap();
    fs::write(place.join("README"), "mine").unwrap();
    let first = unzipped(&[("ml-tiny/ratings.dat", RATINGS), ("ml-tiny/README", "old")]);
    assert_eq!(
        (first.changed, first.others),
        (vec!["README".to_owned()], vec![])
    );
    fs::remove_file(place.join("README")).unwrap();
    fs::write(place.join("notes.txt"), "mine").unwrap();
    fs::create_dir(place.join("work")).unwrap();
    fs::write(place.join("work/ratings.dat"), "mine").unwrap();

    let second = unzipped(&[("ml-tiny/ratings.dat", "new"), ("ml-tiny/README", "old")]);
    assert_eq!(second.changed, [""; 0]);
    assert_eq!(second.others, ["notes.txt", "work"]);
    let read = |name: &str| fs::read_to_string(place.join(name)).unwrap();
    assert_eq!(
        (read("ratings.dat"), read("README")),
        ("new".into(), "old".into())
    );

    fs::write(place.join("ratings.dat"), "changed by hand").unwrap();
    let third = unzipped(&[
        ("ml-tiny/ratings.dat", "newer"),
        ("ml-tiny/README", "newer"),
    ]);
    assert_eq!(third.changed, ["ratings.dat"]);
    assert_eq!(
        (read("ratings.dat"), read("README")),
        ("changed by hand".into(), "newer".into())
    );
    assert_eq!(
        (read("notes.txt"), read("work/ratings.dat")),
        ("mine".into(), "mine".into())
    );
    assert_eq!(names(folder.path()), ["ml-tiny", "ml-tiny.zip"]);
}

#[test]
fn a_zip_with_a_folder_of_another_name_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("ml-tiny.zip");
    fs::create_dir(folder.path().join("photos")).unwrap();
    fs::write(folder.path().join("photos/me.jpg"), "mine").unwrap();
    fs::write(&zip, zip_of(&[("photos/ratings.dat", RATINGS)])).unwrap();
    let error = unpack(&release(None), &zip, folder.path()).unwrap_err();
    assert!(
        error.to_string().contains("isn't in a folder ml-tiny"),
        "{error}"
    );
    assert_eq!(names(&folder.path().join("photos")), ["me.jpg"]);
    assert_eq!(names(folder.path()), ["ml-tiny.zip", "photos"]);
}

#[test]
fn a_zip_that_grows_beyond_its_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("ml-tiny.zip");
    let zeros = "0".repeat(600_000);
    fs::write(
        &zip,
        zip_of(&[("ml-tiny/a", &zeros), ("ml-tiny/b", &zeros)]),
    )
    .unwrap();
    assert!(fs::metadata(&zip).unwrap().len() < 100_000);
    let error = unpack(&release(None), &zip, folder.path()).unwrap_err();
    assert!(
        error.to_string().contains("larger than the release can be"),
        "{error}"
    );
    assert_eq!(names(folder.path()), ["ml-tiny.zip"]);
}

#[test]
fn a_zip_that_is_not_the_release_s_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("ml-tiny.zip");
    fs::write(&zip, "mine").unwrap();
    let release = release(Some("0".repeat(32)));
    let error = fetch(&release, "http://127.0.0.1:9", folder.path(), &Silent).unwrap_err();
    assert!(matches!(error, FetchError::InTheWay(_)), "{error}");
    assert_eq!(fs::read(&zip).unwrap(), b"mine");
    // A file where the folder would come is somebody's too.
    fs::write(&zip, zip_of(&[("ml-tiny/ratings.dat", RATINGS)])).unwrap();
    fs::write(folder.path().join("ml-tiny"), "mine").unwrap();
    let error = unpack(&release, &zip, folder.path()).unwrap_err();
    assert!(matches!(error, FetchError::InTheWay(_)), "{error}");
}
