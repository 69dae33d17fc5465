//! A board that somebody adds is one folder: a copy of the workspace gets one more, and nothing else there is changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use pocketrec::wire::{Reply, Request};
use pocketrec_export::ImageBytes;
use pocketrec_export::device::DeviceBill;
use pocketrec_link::emulator::Emulator;
use pocketrec_link::{Connection, Timing};
use tests::image::made_up;

const NAME: &str = "made-up";

fn root() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).to_owned()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => std::fs::copy(entry.path(), to).map(drop)?,
        }
    }
    Ok(())
}

/// A copy of the workspace, of which only what lies beside boards is a link.
fn workspace(to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(root())? {
        let entry = entry?;
        let name = entry.file_name();
        match name.to_str() {
            Some("boards" | "firmware") => copy(&entry.path(), &to.join(name))?,
            Some("target" | ".git") | None => {}
            Some(_) => std::os::unix::fs::symlink(entry.path(), to.join(name))?,
        }
    }
    // Cargo adds the new package to it.
    std::fs::remove_file(to.join("Cargo.lock"))?;
    std::fs::copy(root().join("Cargo.lock"), to.join("Cargo.lock"))?;
    Ok(())
}

/// The folder of a board that differs from the micro:bit by its name and its image's region.
fn add(workspace: &Path) -> Result<PathBuf> {
    let boards = workspace.join("firmware").join("boards");
    let folder = boards.join(NAME);
    copy(&boards.join("microbit"), &folder)?;
    let replace = |file: &str, pairs: &[(&str, &str)]| -> Result<()> {
        let mut text = std::fs::read_to_string(folder.join(file))?;
        for (from, to) in pairs {
            ensure!(text.contains(from), "{file} has no {from}");
            text = text.replace(from, to);
        }
        Ok(std::fs::write(folder.join(file), text)?)
    };
    replace("Cargo.toml", &[("microbit", NAME)])?;
    replace(
        "board.toml",
        &[
            ("kb = 188", "kb = 100"),
            ("ratings = 64", "ratings = 32"),
            ("micro:bit v1", "A made-up board"),
        ],
    )?;
    Ok(folder)
}

/// With a copy of the workspace that is compiled by itself.
mod slow {
    use super::*;

    #[test]
    fn a_board_that_is_added_as_one_folder_is_built_and_answers_by_its_name() -> Result<()> {
        let place = tempfile::tempdir()?;
        workspace(place.path())?;
        let folder = add(place.path())?;

        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let target = root().join(target).canonicalize()?;
        let runner = std::env::current_exe()?;
        // Beside the folder of the tests; every firmware that a test boots was built by it.
        let runner = runner.ancestors().nth(2).context("a folder")?.join("xtask");
        let mut build = Command::new(runner);
        build
            .args(["firmware", NAME, "--profile", "firmware-s"])
            .current_dir(place.path())
            // Of its own: cargo takes two copies of a workspace for one there.
            .env("CARGO_TARGET_DIR", target.join("added-board"))
            // As cargo sets it for the package that it runs.
            .env("CARGO_MANIFEST_DIR", place.path().join("xtask"));
        let built = build.output().context("the task runner")?;
        let words = String::from_utf8_lossy(&built.stderr);
        ensure!(built.status.success(), "it did not build: {words}");
        let path = String::from_utf8(built.stdout)?;
        let elf = Path::new(path.trim());

        let board = boards::parse(folder.join(boards::FILE).to_str().context("a path")?)
            .map_err(anyhow::Error::msg)?;
        let bytes = made_up(3, 100)?;
        let image = tempfile::NamedTempFile::new()?;
        std::fs::write(image.path(), &bytes)?;
        let emulator = Emulator::boot(board, elf, Some(image.path()))?;
        let mut connection = Connection::new(emulator, NAME, Timing::EMULATOR);
        let answer = connection.ask(&Request::Limits)?;
        let Some(Reply::Limits(limits)) = answer.reply() else {
            anyhow::bail!("not limits: {:?}", answer.reply());
        };
        assert_eq!(limits.ratings, 32);
        let answer = connection.ask(&Request::Health)?;
        let Some(Reply::Health(health)) = answer.reply() else {
            anyhow::bail!("not health: {:?}", answer.reply());
        };
        assert_eq!(health.board, NAME);

        // Its bill is reckoned without its firmware, which nobody has measured.
        let bill = DeviceBill::of(&ImageBytes::copy(bytes.as_ref()), board);
        assert_eq!(bill.refusal(), None);
        let text = bill.to_string();
        assert!(text.contains("102,400"), "{text}");
        assert!(text.contains("was not measured"), "{text}");
        Ok(())
    }
}
