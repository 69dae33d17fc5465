//! Puts the page together: scripts in the order in which they need each other, styles, and bytes packed as text.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

use crate::shell;

/// The scripts, each behind those that it imports.
const SCRIPTS: [&str; 8] = [
    "core.js",
    "words.js",
    "link.js",
    "boards.js",
    "profile.js",
    "rows.js",
    "map.js",
    "app.js",
];

/// What a page carries.
pub struct Parts {
    /// Core as WebAssembly.
    pub core: Vec<u8>,
    /// The image of its board.
    pub image: Vec<u8>,
    /// The movies: what they are called, and where they lie on the map.
    pub movies: Vec<u8>,
}

/// The page's text.
///
/// # Errors
/// When a file of `web/page` can't be read, or lacks a place that is filled.
pub fn page(parts: &Parts) -> Result<String> {
    let read = |name: &str| {
        let path = shell::root().join("web/page").join(name);
        std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))
    };
    let mut script = String::new();
    for name in SCRIPTS {
        script += &joined(&read(name)?);
    }
    let mut page = read("index.html")?;
    for (place, text) in [
        ("/*{style}*/", read("style.css")?),
        ("{core}", packed(&parts.core)?),
        ("{image}", packed(&parts.image)?),
        ("{movies}", packed(&parts.movies)?),
        ("/*{script}*/", script),
    ] {
        let Some((before, behind)) = page.split_once(place) else {
            bail!("web/page/index.html has no place {place}");
        };
        if text.contains("</script") || text.contains("</style") {
            bail!("what goes to {place} would end its element");
        }
        page = [before, &text, behind].concat();
    }
    Ok(page)
}

/// A script as a part of one: what it imports stands ahead of it, and what it exports is seen anyway.
fn joined(script: &str) -> String {
    let lines = script.lines().filter(|line| !line.starts_with("import "));
    let plain = lines.map(|line| line.strip_prefix("export ").unwrap_or(line));
    plain.flat_map(|line| [line, "\n"]).collect()
}

fn packed(bytes: &[u8]) -> Result<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(STANDARD.encode(encoder.finish()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_stands_behind_all_that_it_imports_and_none_is_left_out() {
        let folder = shell::root().join("web/page");
        let mut seen = Vec::new();
        for name in SCRIPTS {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            for line in text.lines().filter(|line| line.starts_with("import ")) {
                let (_, from) = line.split_once("from './").unwrap();
                let from = from.trim_end_matches("';");
                assert!(seen.contains(&from.to_string()), "{name} imports {from}");
            }
            seen.push(name.to_string());
        }
        let files = std::fs::read_dir(folder).unwrap().flatten();
        let names = files.map(|file| file.file_name().into_string().unwrap());
        let mut scripts: Vec<String> = names.filter(|name| name.ends_with(".js")).collect();
        scripts.sort();
        seen.sort();
        assert_eq!(seen, scripts);
    }

    #[test]
    fn a_page_has_all_of_its_parts_and_asks_nothing_of_a_network() {
        let parts = Parts {
            core: b"core".to_vec(),
            image: b"image".to_vec(),
            movies: b"movies".to_vec(),
        };
        let page = page(&parts).unwrap();
        assert!(!page.contains("/*{") && !page.contains("import "));
        assert!(page.contains(&packed(b"movies").unwrap()));
        assert!(page.contains("default-src 'none'"));
        for address in ["src=\"http", "href=\"http", "url(", "fetch("] {
            assert!(!page.contains(address), "{address}");
        }
    }
}
