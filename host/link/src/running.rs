//! Emulated boards that run at the moment: each has a small file that tells where it is asked.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use pocketrec_base::{files, folders};
use serde::{Deserialize, Serialize};

/// An emulated board that `emulate` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The board's name.
    pub board: String,
    /// Where it is asked.
    pub address: SocketAddr,
    /// The process that holds it.
    pub pid: u32,
    /// The image in its flash, as an absolute path.
    pub image: PathBuf,
    /// That image's CRC-32.
    pub crc: u32,
    /// Whether what it learns is kept in a file.
    #[serde(default = "usually")]
    pub keeps: bool,
}

/// Whether what a board learns is kept where nothing is said of it.
fn usually() -> bool {
    true
}

/// How long a socket of this machine may take to answer.
const CONNECT: Duration = Duration::from_secs(2);

impl Running {
    /// The port's name, as `--port` takes it.
    pub fn port(&self) -> String {
        format!("tcp:{}", self.address)
    }

    /// Writes the file that tells of it, which is gone when the value is dropped.
    ///
    /// # Errors
    ///
    /// Those of the file system, and where the system names no folder for it.
    pub fn tell(&self) -> Result<Told> {
        let folder = folder()?;
        let what = || format!("{} can't be written", folder.display());
        let path = folder.join(format!("emulated-{}.json", self.pid));
        files::write(&path, &serde_json::to_vec_pretty(self)?).with_context(what)?;
        Ok(Told(path))
    }

    /// Whether something listens there still.
    fn is_there(&self) -> bool {
        self.address.ip().is_loopback()
            && TcpStream::connect_timeout(&self.address, CONNECT).is_ok()
    }
}

/// The folder of the files that tell of boards, which is made where it isn't there.
///
/// # Errors
///
/// Where the system names none, or it can't be made.
pub fn folder() -> Result<PathBuf> {
    let folder = folders::runtime()
        .context("no folder is named for what runs: XDG_RUNTIME_DIR or HOME should name one")?;
    let made = std::fs::create_dir_all(&folder);
    made.with_context(|| format!("{} can't be written", folder.display()))?;
    Ok(folder)
}

/// The file of a [`Running`].
#[derive(Debug)]
pub struct Told(PathBuf);

impl Drop for Told {
    fn drop(&mut self) {
        // Who finds it stale removes it.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Those that run, by their boards' names. Files of those that don't any more are removed.
pub fn all() -> Vec<Running> {
    folders::runtime().map_or_else(Vec::new, |folder| all_in(&folder))
}

fn all_in(folder: &Path) -> Vec<Running> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("emulated-") && name.ends_with(".json"))
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut all: Vec<Running> = paths
        .filter(ours)
        .filter_map(|path| {
            let text = std::fs::read(&path).ok()?;
            let running: Option<Running> = serde_json::from_slice(&text).ok();
            let running = running.filter(Running::is_there);
            if running.is_none() {
                // Whoever wrote it was ended before it could do so itself.
                let _ = std::fs::remove_file(&path);
            }
            running
        })
        .collect();
    all.sort_by(|a, b| (&a.board, a.address).cmp(&(&b.board, b.address)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_run_are_found_and_files_of_others_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let running = |address, board: &str| Running {
            board: board.into(),
            address,
            pid: 1,
            image: "/model.img".into(),
            crc: 7,
            keeps: true,
        };
        let there = running(listener.local_addr().unwrap(), "microbit");
        let stale = running(gone.local_addr().unwrap(), "stm32f405");
        drop(gone);
        let write = |name: &str, text: &[u8]| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("emulated-1.json", &serde_json::to_vec(&there).unwrap());
        write("emulated-2.json", &serde_json::to_vec(&stale).unwrap());
        write("emulated-3.json", b"half a fi");
        write("something-else.json", b"{}");
        assert_eq!(all_in(folder.path()), [there]);
        let mut left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["emulated-1.json", "something-else.json"]);
        assert!(all_in(Path::new("/nowhere at all")).is_empty());
    }
}
