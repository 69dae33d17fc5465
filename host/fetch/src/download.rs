//! A file from a server, no larger than it should be, from nowhere else, given up when nothing comes, and gone on with
//! where an earlier download broke off.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use md5::Digest;

use super::part::Part;
use super::{FetchError, hex};
use pocketrec_data::LoadProgress;
use pocketrec_data::release::Release;

/// Times that a server may send us elsewhere on itself.
const REDIRECTS: usize = 5;

/// Fetches `url` to `zip`, and checks size and MD5 sum before the file comes into its place. What an earlier call left
/// half done is gone on from, where the server says that its file is still the same.
pub(super) fn download(
    patience: Duration,
    release: &Release,
    url: &str,
    zip: &Path,
    progress: &dyn LoadProgress,
) -> Result<(), FetchError> {
    let disk = |error| FetchError::Io(zip.to_owned(), error);
    let mut part = Part::open(zip, url)?;
    let answer = ask(patience, url, &part)?;
    let most = release.most_bytes;
    let too_large = |part: &mut Part| {
        part.stays = false;
        FetchError::Refused(format!(
            "{} is larger than {} MB, which no zip of {} is; nothing was kept",
            answer.url,
            most / 1_000_000,
            release.name
        ))
    };
    if !answer.goes_on {
        part.begin(url, answer.validator.clone())?;
    }
    let total = answer.total.unwrap_or(0);
    if total > most || part.length > most {
        return Err(too_large(&mut part));
    }
    let mut md5 = part.sum().map_err(disk)?;
    let mut got = part.length;
    let mut body = answer.body.map(ureq::Body::into_reader);
    let mut block = vec![0; 1 << 16];
    while let Some(body) = &mut body {
        let count = match body.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => {
                return Err(FetchError::Broken {
                    url: answer.url,
                    error,
                    goes_on: part.stays.then_some(got),
                });
            }
        };
        got += count as u64;
        if got > most {
            return Err(too_large(&mut part));
        }
        md5.update(&block[..count]);
        part.file.write_all(&block[..count]).map_err(disk)?;
        progress.bytes(got, total.max(got));
    }
    part.file.sync_data().map_err(disk)?;
    let sum = hex(&md5.finalize());
    if let Some(published) = release.md5.filter(|md5| *md5 != sum) {
        part.stays = false;
        return Err(FetchError::Sum {
            path: zip.to_owned(),
            found: sum,
            published,
        });
    }
    part.finish(zip).map_err(disk)
}

/// What a server answers.
struct Answer {
    /// The address that gave it.
    url: String,
    /// What comes; nothing where all was there already.
    body: Option<ureq::Body>,
    /// Whether that follows what was there.
    goes_on: bool,
    /// How long the whole file is, where the server says so.
    total: Option<u64>,
    /// By what it tells whether the file is still the same.
    validator: Option<String>,
}

/// The answer of a server that is asked by https, or of one on this machine: for what is missing of a part, or for all.
fn ask(patience: Duration, url: &str, part: &Part) -> Result<Answer, FetchError> {
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
        .http_status_as_error(false)
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience.min(Duration::from_secs(20))))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .build()
        .into();
    let mut at = url.to_owned();
    let mut rest = part
        .validator
        .as_ref()
        .filter(|_| part.length > 0)
        .map(|validator| (part.length, validator));
    let mut redirects = 0;
    loop {
        let mut request = agent.get(&at);
        if let Some((from, validator)) = rest {
            request = request
                .header("Range", format!("bytes={from}-"))
                .header("If-Range", validator);
        }
        let network = |error| FetchError::Network(at.clone(), Box::new(error));
        let response = request.call().map_err(network)?;
        let status = response.status();
        if !status.is_redirection() {
            let range = response.headers().get("content-range");
            let range = range.and_then(|range| ContentRange::of(range.to_str().ok()?));
            let answer = |body, goes_on, total, validator| Answer {
                url: at.clone(),
                body,
                goes_on,
                total,
                validator,
            };
            match (status.as_u16(), rest, range) {
                (206, Some((from, _)), Some(range)) if range.from == Some(from) => {
                    let body = Some(response.into_body());
                    return Ok(answer(body, true, range.total, None));
                }
                (416, Some((from, _)), Some(range)) if range.total == Some(from) => {
                    return Ok(answer(None, true, range.total, None));
                }
                // Something else than was asked for: then all of it.
                (206 | 416, Some(_), _) => {
                    rest = None;
                    continue;
                }
                (200, ..) => {
                    let validator = validator(response.headers());
                    let body = response.into_body();
                    let total = body.content_length();
                    return Ok(answer(Some(body), false, total, validator));
                }
                (other, ..) => return Err(network(ureq::Error::StatusCode(other))),
            }
        }
        redirects += 1;
        if redirects > REDIRECTS {
            return Err(FetchError::Refused(format!(
                "{url} sends us on and on, {REDIRECTS} times"
            )));
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
}

/// By what a server tells whether its file is still the same, byte for byte: its `ETag` unless that is a weak one, else
/// when the file was changed (RFC 9110, 13.1.5).
fn validator(headers: &ureq::http::HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text("etag")
        .filter(|tag| tag.starts_with('"'))
        .or_else(|| text("last-modified"))
        .map(str::to_owned)
}

/// Which bytes of a file come: `bytes 10-99/100`, or `bytes */100` where none do.
#[derive(Debug, PartialEq)]
struct ContentRange {
    from: Option<u64>,
    total: Option<u64>,
}

impl ContentRange {
    fn of(text: &str) -> Option<ContentRange> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let from = range.split_once('-').map(|(from, _)| from.parse());
        Some(ContentRange {
            from: from.transpose().ok()?,
            total: total.parse().ok(),
        })
    }
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
            let folder = tempfile::tempdir().unwrap();
            let part = Part::open(&folder.path().join("x.zip"), url).unwrap();
            let refused = ask(Duration::from_secs(1), url, &part)
                .err()
                .unwrap()
                .to_string();
            assert!(refused.contains("isn't asked for by https"), "{refused}");
        }
    }
}
