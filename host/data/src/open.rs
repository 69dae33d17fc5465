//! One opening of an input: what it is is read off its first bytes, and its text comes from the same stream.
//!
//! Nothing is opened or read a second time, so that a pipe (`/dev/stdin`, `<(zcat …)`, a named one) gives all of its
//! bytes; a file that was told from its name alone might be another by the time it is read.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::blocks::{self, Blocks};
use super::error::DataError;
use super::json;
use super::magic::{self, Kind};
use super::quotes::Quotes;

/// Packed twice is packed by mistake; more often than that is packed to be unpacked forever.
const LAYERS: usize = 2;
/// Bytes of text that a packed byte holds at most, beyond the first [`FEW`] of them.
const MOST_UNPACKED: u64 = 100;
const FEW: u64 = 1 << 26;
/// How much text a packed byte is, about: a hint.
const UNPACKED: u64 = 4;

/// The file beside ratings at `path`, where `should` says what it is to be.
///
/// # Errors
/// [`DataError::Input`] where there is none or it is a folder, [`DataError::Io`] where it can't be opened.
pub fn beside(path: &Path, should: &str) -> Result<File, DataError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => DataError::Input(format!(
            "there is no {}; it should be {should}",
            path.display()
        )),
        _ => DataError::Io(path.to_owned(), error),
    })?;
    match file.metadata().is_ok_and(|there| there.is_dir()) {
        true => Err(DataError::Input(format!(
            "{} is a folder; it should be {should}",
            path.display()
        ))),
        false => Ok(file),
    }
}

/// Text that is read once, from its beginning.
pub struct Text<'a> {
    /// Its bytes, unpacked.
    pub read: Box<dyn Read + Send + 'a>,
    /// About how many they are; 0 where nobody knows.
    pub size: u64,
    /// Bytes of the input, packed as it may be; 0 where nobody knows.
    pub total: u64,
    /// How many of those were read.
    pub done: Arc<AtomicU64>,
}

/// Up to [`magic::LOOKED_AT`] bytes, all there are if fewer.
pub fn head(read: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(magic::LOOKED_AT);
    read.take(magic::LOOKED_AT as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The text of an input whose first bytes are `head` and whose others `rest` gives; `total` is the length of both if
/// that is known, else 0.
///
/// # Errors
/// [`DataError::Input`] names what is no text; [`DataError::Io`] where reading fails.
pub fn text<'a>(
    head: Vec<u8>,
    rest: impl Read + Send + 'a,
    total: u64,
    shown: &Path,
) -> Result<Text<'a>, DataError> {
    let done = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        read: Cursor::new(head.clone()).chain(rest),
        done: done.clone(),
    };
    let mut read: Box<dyn Read + Send + 'a> = Box::new(counted);
    let (mut start, mut size) = (head, total);
    let mut layer = 0;
    let kind = loop {
        let kind = magic::of(&start);
        let mut unpacked: Box<dyn Read + Send + 'a> = match kind {
            Kind::Text | Kind::Json => break kind,
            _ if layer == LAYERS => {
                return Err(refusal(shown, "packed more than twice", "unpack it first"));
            }
            Kind::Gzip => Box::new(Bounded::new(MultiGzDecoder::new(read), done.clone())),
            Kind::Zstd => {
                let frames = Zstd {
                    source: read,
                    decoder: FrameDecoder::new(),
                    within: false,
                };
                Box::new(Bounded::new(frames, done.clone()))
            }
            Kind::Zip => {
                let way = if layer == 0 {
                    "a zip file is read from its end, which a pipe doesn't give first; name the file, or pipe one of its files in with `unzip -p`"
                } else {
                    "unpack it first"
                };
                return Err(refusal(shown, "a zip file", way));
            }
            Kind::Other(name, way) => return Err(refusal(shown, name, way)),
        };
        start = self::head(&mut unpacked).map_err(|error| unreadable(shown, error))?;
        read = Box::new(Cursor::new(start.clone()).chain(unpacked));
        size = size.saturating_mul(UNPACKED);
        layer += 1;
    };
    read = match kind {
        Kind::Json => Box::new(json::Lines::new(read)),
        _ if blocks::begin(&start) => Box::new(Blocks::new(read)),
        _ => Box::new(Quotes::new(read)),
    };
    Ok(Text {
        read,
        size,
        total,
        done,
    })
}

/// What isn't a file of ratings, and what to do with it.
pub fn refusal(shown: &Path, name: &str, way: &str) -> DataError {
    DataError::Input(format!(
        "{} is {name}, not the text of ratings: {way}",
        shown.display()
    ))
}

/// An error of reading: of the input, where what is packed in it is cut or damaged.
pub fn unreadable(shown: &Path, error: io::Error) -> DataError {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            DataError::Input(format!(
                "{} is cut or damaged ({error}); copy or fetch it again",
                shown.display()
            ))
        }
        _ => DataError::Io(shown.to_owned(), error),
    }
}

/// Text out of packed bytes, as long as it is no more than packed ratings can hold.
///
/// Ratings are packed to a fifth or a tenth. A file of some megabytes that says one line over and over unpacks to as
/// many gigabytes, which would fill the machine's memory.
pub struct Bounded<R> {
    read: R,
    given: u64,
    packed: Arc<AtomicU64>,
}

impl<R> Bounded<R> {
    /// Text that `read` unpacks out of so many packed bytes.
    pub fn new(read: R, packed: Arc<AtomicU64>) -> Bounded<R> {
        Bounded {
            read,
            given: 0,
            packed,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.read.read(buffer)?;
        self.given += got as u64;
        let packed = self.packed.load(Ordering::Relaxed);
        match self.given > FEW.max(packed.saturating_mul(MOST_UNPACKED)) {
            true => Err(damaged(&format!(
                "it unpacks to more than {MOST_UNPACKED} times its size, which no ratings do"
            ))),
            false => Ok(got),
        }
    }
}

/// Tells how much was read.
struct Counted<R> {
    read: R,
    done: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.read.read(buffer)?;
        self.done.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// Zstandard, frame after frame.
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    within: bool,
}

impl<R: Read> Zstd<R> {
    /// Begins the next frame that isn't one to skip; whether there is one.
    fn next_frame(&mut self) -> io::Result<bool> {
        use FrameDecoderError::ReadFrameHeaderError as Header;
        use ReadFrameHeaderError::SkipFrame;
        loop {
            let mut first = [0];
            if self.source.read(&mut first)? == 0 {
                return Ok(false);
            }
            match self
                .decoder
                .init(Cursor::new(first).chain(&mut self.source))
            {
                Ok(()) => return Ok(true),
                Err(Header(SkipFrame { length, .. })) => {
                    let mut skipped = (&mut self.source).take(length.into());
                    io::copy(&mut skipped, &mut io::sink())?;
                    if skipped.limit() > 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(damaged(&error)),
            }
        }
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.within {
                let got = self.decoder.read(buffer)?;
                if got > 0 {
                    return Ok(got);
                }
                self.within = !self.decoder.is_finished();
            }
            if !self.within {
                self.within = self.next_frame()?;
                if !self.within {
                    return Ok(0);
                }
            }
            if !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| damaged(&error))?;
            }
        }
    }
}

fn damaged(why: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}
