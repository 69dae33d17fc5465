//! Getting a MovieLens release from where GroupLens keeps it: download, check, unzip.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use md5::{Digest, Md5};

use super::LoadProgress;
use super::release::Release;
use super::source::{broken_zip, open_zip};
use crate::files::Unfinished;

/// Where GroupLens keeps the releases.
pub const GROUPLENS: &str = "https://files.grouplens.org/datasets/movielens";

/// No release unzips to more.
const MOST_BYTES: u64 = 8_000_000_000;

/// Why a release couldn't be had; displays as one sentence.
#[derive(Debug)]
pub enum FetchError {
    /// The server can't be reached, or refuses.
    Network(String, Box<ureq::Error>),
    /// The connection broke off.
    Broken(String, io::Error),
    /// The disk refuses.
    Io(PathBuf, io::Error),
    /// What came isn't what GroupLens published.
    Sum {
        /// The file that was deleted again.
        path: PathBuf,
        /// Its MD5 sum.
        found: String,
        /// The published one.
        published: &'static str,
    },
    /// The zip is broken, or would write outside its folder: a sentence.
    Zip(String),
}

impl std::fmt::Display for FetchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FetchError::Network(url, error) => {
                write!(
                    f,
                    "can't fetch {url}: {error}; download it by hand and give `train --data` the zip"
                )
            }
            FetchError::Broken(url, error) => {
                write!(f, "the download of {url} broke off ({error}); try again")
            }
            FetchError::Io(path, error) => write!(f, "can't write {}: {error}", path.display()),
            FetchError::Sum {
                path,
                found,
                published,
            } => write!(
                f,
                "{} has the MD5 sum {found}, where GroupLens published {published}: the download was broken, try again",
                path.display()
            ),
            FetchError::Zip(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for FetchError {}

/// Fetches a release's zip from `base`, checks its MD5 sum where GroupLens publishes one, and unzips it into `folder`;
/// gives the folder that holds the ratings.
///
/// A zip that is there already with the right sum isn't fetched again.
///
/// # Errors
/// [`FetchError`]; nothing half-written stays.
pub fn fetch(
    release: &Release,
    base: &str,
    folder: &Path,
    progress: &dyn LoadProgress,
) -> Result<PathBuf, FetchError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| FetchError::Io(path, error)
    };
    fs::create_dir_all(folder).map_err(io(folder))?;
    let zip = folder.join(format!("{}.zip", release.name));
    let have = release
        .md5
        .is_some_and(|md5| sum_of(&zip).is_ok_and(|sum| sum == md5));
    if !have {
        let url = format!("{}/{}.zip", base.trim_end_matches('/'), release.name);
        download(release, &url, &zip, progress)?;
    }
    unzip(&zip, folder)
}

fn download(
    release: &Release,
    url: &str,
    zip: &Path,
    progress: &dyn LoadProgress,
) -> Result<(), FetchError> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .build()
        .into();
    let network = |error| FetchError::Network(url.to_owned(), Box::new(error));
    let response = agent.get(url).call().map_err(network)?;
    let body = response.into_body();
    let total = body.content_length().unwrap_or(0);
    let mut body = body.into_reader();
    let disk = |error| FetchError::Io(zip.to_owned(), error);
    let name = zip.file_name().unwrap_or_default();
    let (part, file) =
        Unfinished::file(zip.parent().unwrap_or(Path::new("")), name).map_err(disk)?;
    let take = || -> Result<String, FetchError> {
        let mut file = BufWriter::new(file);
        let (mut md5, mut got) = (Md5::new(), 0);
        let mut block = vec![0; 1 << 16];
        loop {
            let count = body
                .read(&mut block)
                .map_err(|error| FetchError::Broken(url.to_owned(), error))?;
            if count == 0 {
                break;
            }
            md5.update(&block[..count]);
            file.write_all(&block[..count]).map_err(disk)?;
            got += count as u64;
            progress.bytes(got, total.max(got));
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_data()).map_err(disk)?;
        Ok(hex(&md5.finalize()))
    };
    let sum = take()?;
    if let Some(published) = release.md5.filter(|md5| *md5 != sum) {
        return Err(FetchError::Sum {
            path: zip.to_owned(),
            found: sum,
            published,
        });
    }
    fs::rename(part.path(), zip).map_err(|error| FetchError::Io(zip.to_owned(), error))
}

fn sum_of(path: &Path) -> io::Result<String> {
    let mut md5 = Md5::new();
    let mut file = File::open(path)?;
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex(&md5.finalize())),
            count => md5.update(&block[..count]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Unzips into a folder beside and then moves what the zip holds, one top folder, into its place.
fn unzip(zip: &Path, folder: &Path) -> Result<PathBuf, FetchError> {
    let name = zip.file_name().unwrap_or_default();
    let beside = Unfinished::folder(folder, name)
        .map_err(|error| FetchError::Io(folder.to_owned(), error))?;
    let top = unzip_beside(zip, beside.path())?;
    let place = folder.join(&top);
    let moved = match fs::remove_dir_all(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::rename(beside.path().join(&top), &place),
    };
    moved
        .map(|()| place.clone())
        .map_err(|error| FetchError::Io(place, error))
}

fn unzip_beside(zip: &Path, beside: &Path) -> Result<PathBuf, FetchError> {
    let broken = |error| FetchError::Zip(broken_zip(zip, error).to_string());
    let refuse = |name: &str, why: &str| {
        FetchError::Zip(format!("{}: the entry `{name}` {why}", zip.display()))
    };
    let mut archive = open_zip(zip).map_err(|error| FetchError::Zip(error.to_string()))?;
    let mut top: Option<PathBuf> = None;
    let mut written = 0u64;
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(broken)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let Some(path) = plain_path(&name) else {
            return Err(refuse(&name, "would be written outside its folder"));
        };
        let Some(first) = path
            .components()
            .next()
            .filter(|_| path.components().count() > 1 || entry.is_dir())
        else {
            return Err(refuse(&name, "isn't in a folder, as a release's are"));
        };
        if first.as_os_str() == "__MACOSX" {
            continue;
        }
        match &top {
            None => top = Some(first.as_os_str().into()),
            Some(top) if top.as_os_str() != first.as_os_str() => {
                return Err(refuse(
                    &name,
                    "is in a second folder, where a release has one",
                ));
            }
            Some(_) => {}
        }
        if entry.is_symlink() {
            return Err(refuse(&name, "is a link, which a release has none of"));
        }
        let place = beside.join(&path);
        let io = |error| FetchError::Io(place.clone(), error);
        if entry.is_dir() {
            fs::create_dir_all(&place).map_err(io)?;
            continue;
        }
        fs::create_dir_all(place.parent().unwrap_or(beside)).map_err(io)?;
        let mut file = File::create(&place).map_err(io)?;
        let left = MOST_BYTES - written;
        let count = io::copy(&mut entry.by_ref().take(left + 1), &mut file).map_err(io)?;
        if count > left {
            return Err(refuse(&name, "is larger than any release"));
        }
        written += count;
    }
    top.ok_or_else(|| FetchError::Zip(format!("{} is empty", zip.display())))
}

/// The path of an entry, if it stays below the folder that it is unzipped into on every system.
fn plain_path(name: &str) -> Option<PathBuf> {
    if name.contains(['\\', ':', '\0']) {
        return None;
    }
    let path = PathBuf::from(name);
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
        .then_some(path)
}

#[cfg(test)]
mod tests {
    use super::super::Silent;
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

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

    fn zip_of(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, text) in entries {
            zip.start_file(*name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn release(md5: Option<String>) -> Release {
        Release {
            name: "ml-tiny",
            md5: md5.map(|md5| &*md5.leak()),
            counts: None,
            may_be_passed_on: false,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    const RATINGS: &str = "1::2::4::978300760\n";

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
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(
                fs::read_to_string(place.join("ratings.dat")).unwrap(),
                RATINGS
            );
            assert_eq!(
                super::super::Dataset::load(&place, &Silent)
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
            ("other/evil.txt", "a second folder"),
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
            let error = unzip(&zip, &folder).unwrap_err().to_string();
            assert!(error.contains(said), "{name}: {error}");
            assert_eq!(names(&folder), ["ml-tiny.zip"], "{name}");
            assert_eq!(names(outer.path()), ["a"], "{name}");
        }
    }
}
