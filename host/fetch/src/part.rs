//! What has come of a download so far: it stays when the line breaks or the program ends, and the next one goes on from it.
//!
//! Beside `ml-20m.zip` lie `ml-20m.zip.part`, the bytes, and `ml-20m.zip.part.from`, two lines: the address that they came
//! from, and by what its server tells whether the file is still the same (its `ETag`, or when it was changed). A part
//! without that second file, or that is a link, is begun anew.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::FetchError;
use pocketrec_base::files::Unfinished;

/// A download that may be under way.
pub(super) struct Part {
    path: PathBuf,
    from: PathBuf,
    /// Open to be read and appended to, and nobody else's meanwhile.
    pub file: File,
    /// How much of it is there.
    pub length: u64,
    /// By what the server tells whether it is still the same file; nothing where that isn't known.
    pub validator: Option<String>,
    /// Whether it stays when this value goes.
    pub stays: bool,
    /// Has a signal take it away as long as nothing can go on from it.
    unfinished: Option<Unfinished>,
}

impl Part {
    /// The part of `zip` that came from `url`, or an empty one.
    ///
    /// # Errors
    /// [`FetchError::InTheWay`] where another fetch is at work on it; else what the disk says.
    pub fn open(zip: &Path, url: &str) -> Result<Part, FetchError> {
        let path = with(zip, ".part");
        let from = with(zip, ".part.from");
        let disk = |error| FetchError::Io(path.clone(), error);
        let begun = || {
            let (unfinished, file) = Unfinished::made(path.clone(), create).map_err(disk)?;
            Ok((Some(unfinished), file))
        };
        let (unfinished, file) = match open_own(&path) {
            Ok(Some(file)) => (None, file),
            Ok(None) => {
                // A link or a folder of that name is nothing to go on from: only the name is taken back.
                remove(&path).map_err(disk)?;
                begun()?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => begun()?,
            Err(error) => return Err(disk(error)),
        };
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            // What was begun here the other one has taken.
            if let Some(unfinished) = unfinished {
                unfinished.stay();
            }
            return Err(FetchError::InTheWay(format!(
                "{} is being fetched by another program; wait for its end, or name another folder with --out",
                zip.display()
            )));
        }
        let length = file.metadata().map_err(disk)?.len();
        let validator = fs::read_to_string(&from)
            .ok()
            .and_then(|text| validator_of(&text, url));
        let mut part = Part {
            path,
            from,
            file,
            length,
            validator,
            stays: false,
            unfinished,
        };
        if part.length > 0 && part.validator.is_none() {
            part.begin(url, None)?;
        }
        part.lasts(part.validator.is_some());
        Ok(part)
    }

    /// Begins anew with what comes from `url`; it can be gone on from where a `validator` is known.
    ///
    /// # Errors
    /// What the disk says.
    pub fn begin(&mut self, url: &str, validator: Option<String>) -> Result<(), FetchError> {
        let disk = |path: &Path, error| FetchError::Io(path.to_owned(), error);
        self.file
            .set_len(0)
            .map_err(|error| disk(&self.path, error))?;
        self.length = 0;
        self.lasts(validator.is_some());
        let note = |text: String| create(&self.from)?.write_all(text.as_bytes());
        let noted = remove(&self.from).and_then(|()| match &validator {
            Some(validator) => note(format!("{url}\n{validator}\n")),
            None => Ok(()),
        });
        noted.map_err(|error| disk(&self.from, error))?;
        self.validator = validator;
        Ok(())
    }

    /// The sum of what is there.
    ///
    /// # Errors
    /// What the disk says.
    pub fn sum(&self) -> io::Result<Md5> {
        let (mut md5, mut file) = (Md5::new(), &self.file);
        file.seek(SeekFrom::Start(0))?;
        let mut block = vec![0; 1 << 16];
        loop {
            match file.read(&mut block)? {
                0 => return Ok(md5),
                count => md5.update(&block[..count]),
            }
        }
    }

    /// Puts it into its place: it is whole.
    ///
    /// # Errors
    /// What the disk says.
    pub fn finish(mut self, zip: &Path) -> io::Result<()> {
        fs::rename(&self.path, zip)?;
        self.stays = true;
        remove(&self.from)
    }
}

impl Part {
    /// Says whether it outlives this program unless it is finished.
    fn lasts(&mut self, stays: bool) {
        self.stays = stays;
        match self.unfinished.take() {
            Some(unfinished) if stays => unfinished.stay(),
            None if !stays => self.unfinished = Some(Unfinished::there(self.path.clone())),
            same => self.unfinished = same,
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.stays {
            let _ = remove(&self.from);
            let _ = remove(&self.path);
        }
    }
}

/// A path with more behind its name.
fn with(path: &Path, more: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// The second line of a note whose first is `url`.
fn validator_of(text: &str, url: &str) -> Option<String> {
    let mut lines = text.lines();
    let validator = (lines.next()? == url).then(|| lines.next()).flatten()?;
    // It is sent in a header.
    let is_plain = |c: char| c == ' ' || c.is_ascii_graphic();
    (!validator.is_empty() && validator.chars().all(is_plain)).then(|| validator.to_owned())
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create_new(true)
        .open(path)
}

/// An ordinary file that is there under this name alone; nothing of what may lead to somebody else's file.
fn open_own(path: &Path) -> io::Result<Option<File>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = OpenOptions::new().read(true).append(true).open(path)?;
    // What was exchanged for a link meanwhile is another file.
    let (opened, there) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok((there.is_file() && is_the_same(&opened, &there)).then_some(file))
}

#[cfg(unix)]
fn is_the_same(opened: &fs::Metadata, there: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (opened.dev(), opened.ino(), opened.nlink()) == (there.dev(), there.ino(), 1)
}

#[cfg(not(unix))]
fn is_the_same(opened: &fs::Metadata, there: &fs::Metadata) -> bool {
    opened.len() == there.len()
}

/// Takes a file's or a link's name away, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
