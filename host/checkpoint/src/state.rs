//! What a run needs to go on where it ended, and its file.
//!
//! The file is safetensors too, and enough by itself: it says of which run it is ([`RunNote`]), holds the steps done and
//! the history in its metadata, and the solver's memory in tensors. Of Adam those are `users` and `movies`, their moments
//! and the steps that last touched their rows as the fast trainer keeps them (see [`layout`](pocketrec_train::fast::layout)),
//! `dense`, `dense_m` and `dense_v`, and `best`, all numbers of the best epoch's parameters, where that isn't the last.
//! Of the sampler they are each side's rows and prior (`side_0_…` of users, `side_1_…` of movies), `precisions` and their
//! mean `typical`, the mean of the samples so far (`mean_…`), and what its predictions of some ratings add up to
//! (`probe_…`).

use std::borrow::Cow;
use std::path::Path;

use pocketrec_base::random::{digest, hash};
use pocketrec_train::Epoch;
use pocketrec_train::state::{Numbers, State};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::note::{Learned, RunNote, SplitNote};
use super::tensors::{CheckpointError, File, Kind, Named, little_end};

/// The `format` of files that this version writes, and the only one that it reads.
pub const FORMAT: &str = "pocketrec state 5";

/// Numbers as a tensor has them: their type, how many there are, and their bytes.
fn tensor(numbers: &Numbers) -> (Dtype, usize, Cow<'_, [u8]>) {
    match numbers {
        Numbers::F32(values) => (Dtype::F32, values.len(), little_end(values)),
        Numbers::F64(values) => (Dtype::F64, values.len(), little_end(values)),
    }
}

/// The numbers of a tensor, where it has numbers of floating point.
fn numbers(view: &TensorView<'_>) -> Option<Numbers> {
    match view.dtype() {
        Dtype::F32 => {
            let (values, _) = view.data().as_chunks();
            let values = values.iter().map(|x| f32::from_le_bytes(*x)).collect();
            Some(Numbers::F32(values))
        }
        Dtype::F64 => {
            let (values, _) = view.data().as_chunks();
            let values = values.iter().map(|x| f64::from_le_bytes(*x)).collect();
            Some(Numbers::F64(values))
        }
        _ => None,
    }
}

/// A fingerprint as the metadata have it.
fn hexadecimal(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// The metadata's entry of [`sum`].
const SUM: &str = "sum";

/// A hash of all else that a file holds, in any order: what a disk has changed is not gone on from.
fn sum<'a>(
    metadata: impl Iterator<Item = (&'a str, &'a str)>,
    tensors: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> u64 {
    let metadata = metadata.map(|(key, value)| (key, value.as_bytes()));
    let parts = metadata.chain(tensors);
    let parts =
        parts.map(|(name, bytes)| hash(digest(name.as_bytes()) ^ digest(bytes).rotate_left(1)));
    parts.fold(0, u64::wrapping_add)
}

/// The file, to be written, for a run.
///
/// # Errors
/// A sentence, when the format's writer refuses.
pub fn file<'a>(state: &'a State, run: &RunNote) -> Result<File<'a>, String> {
    let tensors = state.memory().map(|(name, numbers)| {
        let (dtype, length, bytes) = tensor(numbers);
        (name.to_string(), dtype, vec![length], bytes)
    });
    let tensors: Vec<Named<'_>> = tensors.collect();
    let json = |value: serde_json::Result<String>| value.map_err(|error| error.to_string());
    let mut metadata = vec![
        ("format", FORMAT.to_string()),
        ("run", run.id()),
        ("steps", state.steps.to_string()),
        ("history", json(serde_json::to_string(&state.history))?),
        ("options", json(serde_json::to_string(&run.options))?),
        ("data_name", run.data.clone()),
        ("data_fingerprint", hexadecimal(run.learned.ratings)),
        ("data_users", hexadecimal(run.learned.users)),
        ("data_movies", hexadecimal(run.learned.movies)),
        ("split_seed", run.split.seed.to_string()),
        ("split_share", run.split.share.to_string()),
    ];
    let values = metadata.iter().map(|(key, value)| (*key, &value[..]));
    let named = tensors.iter();
    let sum = sum(
        values,
        named.map(|(name, _, _, bytes)| (&name[..], &bytes[..])),
    );
    metadata.push((SUM, hexadecimal(sum)));
    File::new(tensors, metadata)
}

/// Reads such a [`file()`].
///
/// # Errors
/// When the file can't be read, is cut, or isn't such a file; the sentence says what.
pub fn read(path: &Path) -> Result<(RunNote, State), CheckpointError> {
    let fail = |kind| CheckpointError {
        path: path.to_owned(),
        kind,
    };
    let bytes = std::fs::read(path).map_err(|error| fail(Kind::Read(error)))?;
    from_bytes(&bytes).map_err(fail)
}

fn from_bytes(bytes: &[u8]) -> Result<(RunNote, State), Kind> {
    let not = |error: safetensors::SafeTensorError| Kind::NotSafetensors(error.to_string());
    let file = SafeTensors::deserialize(bytes).map_err(not)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(not)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let entry = |key: &str| {
        let missing = || Kind::Content(format!("its metadata has no {key}"));
        metadata.get(key).map(String::as_str).ok_or_else(missing)
    };
    let format = entry("format")?;
    if format != FORMAT {
        let why = format!("its format is {format:?}, and this version resumes {FORMAT:?}");
        return Err(Kind::Content(why));
    }
    let wrong = |key: &str| Kind::Content(format!("its {key} can't be understood"));
    let number = |key: &str| entry(key)?.parse().map_err(|_| wrong(key));
    let fingerprint = |key: &str| {
        let number = u64::from_str_radix(entry(key)?, 16);
        number.map_err(|_| wrong(key))
    };
    let run = RunNote {
        data: entry("data_name")?.into(),
        learned: Learned {
            ratings: fingerprint("data_fingerprint")?,
            users: fingerprint("data_users")?,
            movies: fingerprint("data_movies")?,
        },
        split: SplitNote {
            seed: number("split_seed")?,
            share: entry("split_share")?
                .parse()
                .map_err(|_| wrong("split_share"))?,
        },
        options: serde_json::from_str(entry("options")?).map_err(|_| wrong("options"))?,
    };
    let history: Vec<Epoch> =
        serde_json::from_str(entry("history")?).map_err(|_| wrong("history"))?;
    let mut state = State::at(number("steps")?, &history);
    let values = metadata.iter().filter(|(key, _)| *key != SUM);
    let values = values.map(|(key, value)| (&key[..], &value[..]));
    if fingerprint(SUM)? != sum(values, file.iter().map(|(name, view)| (name, view.data()))) {
        let why = "it isn't what was written: its sum differs".into();
        return Err(Kind::Content(why));
    }
    for (name, view) in file.iter() {
        let numbers = numbers(&view).ok_or_else(|| wrong(name))?;
        state.keep(name.to_string(), numbers);
    }
    Ok((run, state))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::note::tests::run;
    use super::*;
    use crate::damage::{damaged, is_sentence, no_memory_is_claimed, some};

    fn state() -> State {
        let epoch = |number| Epoch {
            number,
            train_mse: 0.1 + 1.0 / 3.0,
            train_mae: 0.5,
            validation_mse: 1.0 / number as f64,
            validation_mae: 0.25,
            seconds: 0.125,
            improved: true,
        };
        let mut state = State::at(40, &[epoch(1), epoch(2)]);
        // The step that last touched a row is kept as the bits of an integer: any will do.
        for (name, length) in [("users", 5), ("users_last", 3), ("dense", 1)] {
            state.keep(name, Numbers::F32(vec![f32::from_bits(40); length]));
        }
        state.keep("mean_bias", Numbers::F64(vec![1.0 / 3.0; 3]));
        state
    }

    #[test]
    fn a_state_is_read_back_in_every_bit_and_says_of_which_run_it_is() {
        let bytes = file(&state(), &run()).unwrap().to_bytes();
        let (of, read) = from_bytes(&bytes).unwrap();
        assert_eq!((of, read), (run(), state()));
    }

    #[test]
    fn a_truncated_state_is_refused_at_every_length() {
        let bytes = file(&state(), &run()).unwrap().to_bytes();
        for length in 0..bytes.len() {
            assert!(from_bytes(&bytes[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn a_damaged_state_is_what_was_written_or_refused_in_a_sentence(damages in some()) {
            let whole = file(&state(), &run()).unwrap().to_bytes();
            match from_bytes(&damaged(&whole, &damages)) {
                Ok(read) => assert_eq!(read, (run(), state())),
                Err(kind) => {
                    let path = "state.safetensors".into();
                    is_sentence(&CheckpointError { path, kind }.to_string(), "state.safetensors");
                }
            }
            no_memory_is_claimed();
        }
    }

    #[test]
    fn another_kind_of_file_is_refused_by_name() {
        let view = TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap();
        let bytes = safetensors::serialize([("users", view)], None).unwrap();
        let Err(Kind::Content(why)) = from_bytes(&bytes) else {
            panic!("a file of something else passed");
        };
        assert!(why.contains("format"));
    }
}
