//! The ratings that a model was trained on, found by their fingerprint.

use std::path::Path;

use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_checkpoint::{BUILT_IN, Checkpoint, DataNote, IMPORTED, PIPE};
use pocketrec_data::{DataError, Dataset, Reading, Silent, builtin};

/// Why there are none of a model that was imported without `--data`.
const WITHOUT: &str = "the model was imported without its ratings";

/// What to do about ratings that can't be had for such a reason, as [`ratings`] gives it: a half of a sentence.
pub fn advice(why: &str) -> &'static str {
    match why {
        WITHOUT => "`import` with `--data PATH` takes them in",
        _ => "`--data PATH` names the ratings",
    }
}

/// The ratings with that fingerprint: those at `given`, where a path was given; else those that `source`, the note of a
/// checkpoint in `folder`, names, where training left its cache, or those that ship with the project. `source` may be the
/// half of a sentence that says why there is no note; the inner error is such a half too, and says why the ratings can't
/// be had.
///
/// # Errors
///
/// [`BadInput`] where what was given can't be read or has another fingerprint.
pub fn ratings(
    fingerprint: u64,
    given: Option<&Path>,
    source: Result<&DataNote, &str>,
    folder: &Path,
) -> anyhow::Result<Result<Dataset, String>> {
    let reading = source.map_or_else(|_| Reading::default(), |source| source.reading.clone());
    if let (Some(path), Ok(IMPORTED)) = (given, source.map(|source| source.source.as_str())) {
        return Err(BadInput::new(format!(
            "--data {}: {WITHOUT}, so none are known to be those that it was trained on; {}",
            path.display(),
            advice(WITHOUT)
        ))
        .into());
    }
    if let Some(path) = given {
        let data = Dataset::load_as(path, &reading, &Silent).map_err(DataError::into_anyhow)?;
        if data.fingerprint != fingerprint {
            return Err(BadInput::new(format!(
                "--data {}: these are not the ratings that the model was trained on: their fingerprint is {:016x}, and theirs is {fingerprint:016x}",
                path.display(),
                data.fingerprint
            ))
            .into());
        }
        return Ok(Ok(data));
    }
    let source = source.map(|source| source.source.as_str());
    if let Err(_) | Ok(BUILT_IN) = source {
        let data = builtin::load();
        if data.fingerprint == fingerprint {
            return Ok(Ok(data));
        }
    }
    Ok(match source {
        Err(why) => Err(why.into()),
        Ok(BUILT_IN) => {
            Err("the ratings that ship with the project are no longer those of the training".into())
        }
        Ok(PIPE) => {
            Err("the ratings of the training came from a pipe, which can't be read again".into())
        }
        Ok(IMPORTED) => Err(WITHOUT.into()),
        Ok(source) => match at(&files::name::path(source), &reading, folder) {
            Ok(data) if data.fingerprint != fingerprint => Err(format!(
                "the ratings at {} are no longer those of the training",
                files::name::path(source).display()
            )),
            found => found,
        },
    })
}

/// The ratings at a path that a checkpoint names, which may be gone by now.
fn at(source: &Path, reading: &Reading, folder: &Path) -> Result<Dataset, String> {
    // What was a pipe can't be read again, and waiting for it would be without end.
    if !source.is_file() && !source.is_dir() {
        return Err(format!(
            "the ratings of the training are not at {} any more",
            source.display()
        ));
    }
    let cache = folder.join(files::CACHE);
    let data = match cache.is_file() {
        true => Dataset::load_cached(source, reading, &cache, &Silent),
        false => Dataset::load_as(source, reading, &Silent),
    };
    data.map_err(|why| why.to_string())
}

/// What is noted of the ratings of an image by the checkpoint beside it, or why nothing is, as half of a sentence.
pub fn source_beside(image: &Path, fingerprint: u64) -> Result<DataNote, String> {
    let path = image.with_file_name(files::CHECKPOINT);
    if !path.exists() {
        return Err(
            "no checkpoint beside the image says where the ratings of the training are".into(),
        );
    }
    let checkpoint = Checkpoint::read(&path).map_err(|why| why.to_string())?;
    if checkpoint.data.fingerprint != fingerprint {
        return Err("the checkpoint beside the image was trained on other ratings".into());
    }
    Ok(checkpoint.data)
}
