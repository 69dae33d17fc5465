//! A file from a server, no larger than it should be, from nowhere else, and given up when nothing comes.

use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::time::Duration;

use md5::{Digest, Md5};

use super::{FetchError, hex};
use crate::LoadProgress;
use crate::release::Release;
use pocketrec_base::files::Unfinished;

/// Times that a server may send us elsewhere on itself.
const REDIRECTS: usize = 5;

/// Fetches `url` to `zip`, and checks size and MD5 sum before the file comes into its place.
pub(super) fn download(
    patience: Duration,
    release: &Release,
    url: &str,
    zip: &Path,
    progress: &dyn LoadProgress,
) -> Result<(), FetchError> {
    let (url, body) = ask(patience, url)?;
    let most = release.most_bytes;
    let too_large = || {
        FetchError::Refused(format!(
            "{url} is larger than {} MB, which no zip of {} is; nothing was kept",
            most / 1_000_000,
            release.name
        ))
    };
    let total = body.content_length().unwrap_or(0);
    if total > most {
        return Err(too_large());
    }
    let mut body = body.into_reader();
    let disk = |error| FetchError::Io(zip.to_owned(), error);
    let folder = zip.parent().unwrap_or(Path::new("."));
    let name = zip.file_name().unwrap_or_default();
    let (part, file) = Unfinished::file(folder, name).map_err(disk)?;
    let mut file = BufWriter::new(file);
    let (mut md5, mut got) = (Md5::new(), 0);
    let mut block = vec![0; 1 << 16];
    loop {
        let count = match body.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Err(FetchError::Broken(url, error)),
        };
        got += count as u64;
        if got > most {
            return Err(too_large());
        }
        md5.update(&block[..count]);
        file.write_all(&block[..count]).map_err(disk)?;
        progress.bytes(got, total.max(got));
    }
    let file = file.into_inner().map_err(io::IntoInnerError::into_error);
    file.and_then(|file| file.sync_data()).map_err(disk)?;
    let sum = hex(&md5.finalize());
    if let Some(published) = release.md5.filter(|md5| *md5 != sum) {
        return Err(FetchError::Sum {
            path: zip.to_owned(),
            found: sum,
            published,
        });
    }
    std::fs::rename(part.path(), zip).map_err(disk)
}

/// The answer of a server that is asked by https, or of one on this machine; and the address that gave it.
fn ask(patience: Duration, url: &str) -> Result<(String, ureq::Body), FetchError> {
    let secure = url.starts_with("https://");
    if !secure && !is_on_this_machine(url) {
        return Err(FetchError::Refused(format!(
            "{url} isn't asked for by https, so whoever is on the way could change what comes"
        )));
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .https_only(secure)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience.min(Duration::from_secs(20))))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .build()
        .into();
    let mut at = url.to_owned();
    for _ in 0..=REDIRECTS {
        let response = agent
            .get(&at)
            .call()
            .map_err(|error| FetchError::Network(at.clone(), Box::new(error)))?;
        if !response.status().is_redirection() {
            return Ok((at, response.into_body()));
        }
        let to = response.headers().get("location");
        let to = to.and_then(|to| to.to_str().ok()).unwrap_or_default();
        at = on_the_same_server(&at, to).ok_or_else(|| {
            FetchError::Refused(format!(
                "{at} sends us on to `{}`, which is another server or no https; download it by hand if you trust that one, and give `train --data` the zip",
                to.escape_default()
            ))
        })?;
    }
    Err(FetchError::Refused(format!(
        "{url} sends us on and on, {REDIRECTS} times"
    )))
}

/// `https://host:1` of `https://host:1/path`, and the path.
fn parts(url: &str) -> Option<(&str, &str)> {
    let start = url.find("://")? + 3;
    let end = url[start..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |at| start + at);
    Some(url.split_at(end))
}

/// Where a redirection leads, if it stays on the server that gave it.
fn on_the_same_server(from: &str, to: &str) -> Option<String> {
    let (server, _) = parts(from)?;
    // `//host` is another server.
    let here = to.starts_with('/') && !to.starts_with("//") && !to.contains('\\');
    if here {
        return Some(format!("{server}{to}"));
    }
    let (other, path) = parts(to)?;
    let same = other.eq_ignore_ascii_case(server) && path.starts_with('/');
    same.then(|| to.to_owned())
}

fn is_on_this_machine(url: &str) -> bool {
    let Some(("http", rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    ["127.0.0.1", "localhost", "[::1]"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_is_followed_on_the_same_server_only() {
        let from = "https://files.grouplens.org/datasets/ml-1m.zip";
        let same = |to| on_the_same_server(from, to);
        assert_eq!(
            same("/new/ml-1m.zip").as_deref(),
            Some("https://files.grouplens.org/new/ml-1m.zip")
        );
        let whole = "https://files.grouplens.org/new/ml-1m.zip";
        assert_eq!(same(whole).as_deref(), Some(whole));
        for other in [
            "http://files.grouplens.org/ml-1m.zip",
            "https://files.grouplens.org.example/ml-1m.zip",
            "https://files.grouplens.org:444/ml-1m.zip",
            "https://files.grouplens.org@example.org/ml-1m.zip",
            "https://example.org/ml-1m.zip",
            "//example.org/ml-1m.zip",
            "/\\example.org/ml-1m.zip",
            "file:///etc/passwd",
            "ml-1m.zip",
            "",
        ] {
            assert_eq!(same(other), None, "{other}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        assert!(is_on_this_machine("http://127.0.0.1:9/x"));
        assert!(is_on_this_machine("http://localhost/x"));
        for url in [
            "http://files.grouplens.org/x",
            "http://127.0.0.1.example.org/x",
            "http://127.0.0.1@example.org/x",
            "http://example.org/127.0.0.1:9",
            "ftp://127.0.0.1/x",
        ] {
            assert!(!is_on_this_machine(url), "{url}");
            let refused = ask(Duration::from_secs(1), url).unwrap_err().to_string();
            assert!(refused.contains("isn't asked for by https"), "{refused}");
        }
    }
}
