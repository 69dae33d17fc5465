//! Whether a place that a person named can be written to: better told before an hour of work than after it.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Unfinished, folder_of};
use crate::error::BadInput;

/// Makes sure that [`write_with`](super::write_with) will be able to write the file that a person named behind `option`.
/// Nothing is left behind.
///
/// # Errors
/// [`BadInput`] for a folder, for what is not an ordinary file, for a link that leads nowhere and for a place in a folder
/// that isn't there; else what the file system says.
pub fn check_file(option: &str, path: &Path) -> Result<()> {
    let refuse = |why: &str| -> Result<()> {
        Err(BadInput::new(format!("{option} is {}, {why}", path.display())).into())
    };
    if let Some(why) = leads_nowhere(path) {
        return refuse(&format!("{why}; it should name a file"));
    }
    let ends_as_a_folder = path.to_string_lossy().ends_with(std::path::is_separator);
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => return refuse("which is a folder; it should name a file"),
        Ok(there) if !there.is_file() => {
            return refuse("which is not an ordinary file; it should name one");
        }
        _ if ends_as_a_folder || path.file_name().is_none() => {
            return refuse("which names no file; it should");
        }
        _ => {}
    }
    // Where it is a link, the file that it leads to is written.
    let real = path.canonicalize();
    let folder = folder_of(real.as_deref().unwrap_or(path));
    if !folder.is_dir() {
        let folder = folder.display();
        return refuse(&format!(
            "and there is no folder {folder}; make it first, or name another file"
        ));
    }
    probe(folder).with_context(|| format!("can't write {}", path.display()))
}

/// Endings of names by which people and programs tell kinds of files apart.
const KINDS: [&str; 23] = [
    "c",
    "csv",
    "elf",
    "gz",
    "h",
    "h5",
    "hex",
    "htm",
    "html",
    "img",
    "json",
    "jsonl",
    "keras",
    "npy",
    "npz",
    "parquet",
    "pdf",
    "safetensors",
    "svg",
    "tsv",
    "uf2",
    "xlsx",
    "zip",
];

/// The ending of a path, where it says a kind of file.
fn kind(path: &Path) -> Option<&'static str> {
    let end = path.extension()?;
    KINDS
        .into_iter()
        .find(|kind| end.eq_ignore_ascii_case(kind))
}

/// Makes sure that the name of a file that a person named behind `option` doesn't say that it is of another kind than `what`
/// is written, as in `a map is written as text with tabs`. Names of such files end as `own` say, first the usual one.
///
/// # Errors
/// [`BadInput`] with a name that would be right.
pub fn check_kind(option: &str, path: &Path, what: &str, own: &[&str]) -> Result<(), BadInput> {
    match (kind(path), own) {
        (Some(kind), [usual, ..]) if !own.contains(&kind) => Err(BadInput::new(format!(
            "{option} is {}, and {what}: name it {}",
            path.display(),
            path.with_extension(usual).display()
        ))),
        _ => Ok(()),
    }
}

/// Makes sure that a folder can be written to, or made, as [`check_file`] does of a file. It isn't made yet: what is
/// refused for another reason should leave nothing behind.
///
/// # Errors
/// [`BadInput`] where a file is in the way, or a link that leads nowhere, and for a name of a file where no folder is; else
/// what the file system says.
pub fn check_folder(option: &str, path: &Path) -> Result<()> {
    // Of a path that is there in part, what is there decides.
    let there = path
        .ancestors()
        .map(|part| {
            if part.as_os_str().is_empty() {
                Path::new(".")
            } else {
                part
            }
        })
        .find(|part| part.symlink_metadata().is_ok())
        .unwrap_or(path);
    if let Some(why) = leads_nowhere(there) {
        let at = match there == path {
            true => why,
            false => format!("and {}, {why}", there.display()),
        };
        return Err(BadInput::new(format!(
            "{option} is {}, {at}; it should name a folder to write to",
            path.display()
        ))
        .into());
    }
    if path.as_os_str().is_empty() || there.exists() && !there.is_dir() {
        let why = match there == path {
            true => "which is there and no folder".into(),
            false if path.as_os_str().is_empty() => "which is nothing".into(),
            false => format!("and {} is not a folder", there.display()),
        };
        return Err(BadInput::new(format!(
            "{option} is {}, {why}; it should name a folder to write to",
            path.display()
        ))
        .into());
    }
    if there != path
        && let Some(kind) = kind(path)
    {
        return Err(BadInput::new(format!(
            "{option} is {}, which ends in .{kind} like a file; it should name a folder to write to",
            path.display()
        ))
        .into());
    }
    probe(there).with_context(|| format!("can't write to {}", path.display()))
}

/// Why a link can't be written through, in words that follow its name; nothing for one that can, and for what is none.
fn leads_nowhere(path: &Path) -> Option<String> {
    let target = std::fs::read_link(path).ok()?;
    let error = std::fs::metadata(path).err()?;
    Some(match error.kind() {
        io::ErrorKind::NotFound => {
            format!("which is a link to {}, which isn't there", target.display())
        }
        _ => format!(
            "which is a link to {} that can't be followed: {error}",
            target.display()
        ),
    })
}

/// Writes a file to a folder and takes it away again.
fn probe(folder: &Path) -> io::Result<()> {
    Unfinished::file(folder, OsStr::new("probe")).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_says_another_kind_of_file_is_refused_with_one_that_would_be_right() {
        let what = "a map is written as text with tabs";
        let check = |name: &str| {
            let checked = check_kind("--out", Path::new(name), what, &["tsv", "txt"]);
            checked.map_err(|error| error.to_string())
        };
        for name in ["x.tsv", "x.TSV", "x.txt", "x", "x.of.mine", ".csv"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        assert_eq!(
            check("to/x.Parquet"),
            Err(
                "--out is to/x.Parquet, and a map is written as text with tabs: name it to/x.tsv"
                    .into()
            )
        );
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| check_folder("--out", &folder.path().join(name));
        let error = at("m.safetensors").unwrap_err().to_string();
        assert!(
            error.ends_with(
                "which ends in .safetensors like a file; it should name a folder to write to"
            ),
            "{error}"
        );
        at("m").unwrap();
        at("ml-25m.v2").unwrap();
        // One that is there is one, whatever it is called.
        std::fs::create_dir(folder.path().join("m.zip")).unwrap();
        at("m.zip").unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_written_is_refused_by_its_option_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "there").unwrap();
        for (name, said) in [
            ("", "which is a folder; it should name a file"),
            ("missing/a.csv", "and there is no folder"),
            ("file/a.csv", "and there is no folder"),
            ("new/", "which names no file"),
        ] {
            let error = check_file("--csv", &at(name)).unwrap_err();
            assert_eq!(crate::error::exit_code(&error), 2, "{name}");
            let error = error.to_string();
            assert!(
                error.starts_with("--csv is ") && error.contains(said),
                "{error}"
            );
        }
        for name in ["file", "new"] {
            check_file("--csv", &at(name)).unwrap();
        }
        assert_eq!(std::fs::read(at("file")).unwrap(), b"there");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_checked_by_what_of_its_path_is_there_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "in the way").unwrap();
        for name in ["file", "file/x", "file/x/y"] {
            let error = check_folder("--out", &at(name)).unwrap_err();
            assert_eq!(crate::error::exit_code(&error), 2, "{name}");
            assert!(error.to_string().starts_with("--out is "), "{error}");
        }
        assert!(check_folder("--out", Path::new("")).is_err());
        for name in ["", "new", "new/deeper"] {
            check_folder("--out", &at(name)).unwrap();
        }
        check_folder("--out", Path::new("nowhere/yet")).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_refused_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink("missing", at("dangling")).unwrap();
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        for (name, said) in [
            ("dangling", "is a link to missing, which isn't there"),
            ("loop", "is a link to loop that can't be followed"),
        ] {
            for error in [
                check_file("--out", &at(name)).unwrap_err(),
                check_folder("--out", &at(name)).unwrap_err(),
                check_folder("--out", &at(name).join("new")).unwrap_err(),
            ] {
                assert_eq!(crate::error::exit_code(&error), 2, "{error}");
                assert!(error.to_string().contains(said), "{error}");
            }
        }
        std::fs::create_dir(at("real")).unwrap();
        std::os::unix::fs::symlink("real", at("linked")).unwrap();
        check_folder("--out", &at("linked")).unwrap();
        check_folder("--out", &at("linked/new")).unwrap();
        check_file("--csv", &at("linked/new")).unwrap();
        assert_eq!(std::fs::read_dir(at("real")).unwrap().count(), 0);
    }
}
