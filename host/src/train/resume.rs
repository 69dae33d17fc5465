//! What a run needs to go on where it ended, and its file.
//!
//! The file is safetensors too: `users` and `movies`, their moments and the steps that last touched
//! their rows as the fast trainer keeps them (see [`layout`](super::fast::layout)), `dense`,
//! `dense_m` and `dense_v`, and in its metadata the steps done and the history. It belongs beside a checkpoint, which has the
//! best epoch's parameters.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::checkpoint::{self, CheckpointError, Kind};
use super::fast::Fast;
use super::fit::Epoch;

/// The `format` of files that this version writes, and the only one that it reads.
pub const FORMAT: &str = "pocketrec state 2";

const NAMES: [&str; 9] = [
    "users",
    "users_moments",
    "users_last",
    "movies",
    "movies_moments",
    "movies_last",
    "dense",
    "dense_m",
    "dense_v",
];

/// Where a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Every epoch so far.
    pub history: Vec<Epoch>,
    steps: u64,
    memory: [Vec<f32>; 9],
}

impl State {
    /// The state of a trainer.
    pub(super) fn of(solver: &Fast, history: &[Epoch]) -> Self {
        Self {
            history: history.to_vec(),
            steps: solver.steps(),
            memory: solver.memory().map(<[f32]>::to_vec),
        }
    }

    /// Puts a trainer where this one was, if it is of the same shape.
    pub(super) fn restore(&self, solver: &mut Fast) -> bool {
        solver.restore(self.memory.each_ref().map(Vec::as_slice), self.steps)
    }

    /// Writes the file, first beside `path` and then in its place.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let fail = |kind| CheckpointError {
            path: path.to_owned(),
            kind,
        };
        let bytes = self.to_bytes().map_err(|why| fail(Kind::Content(why)))?;
        crate::files::write(path, &bytes).map_err(|error| fail(Kind::Write(error)))
    }

    /// Reads a file that [`State::write`] wrote.
    ///
    /// # Errors
    /// When the file can't be read, is cut, or isn't such a file; the sentence says what.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let fail = |kind| CheckpointError {
            path: path.to_owned(),
            kind,
        };
        let bytes = std::fs::read(path).map_err(|error| fail(Kind::Read(error)))?;
        Self::from_bytes(&bytes).map_err(fail)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let bytes = self.memory.each_ref().map(|values| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            bytes.collect::<Vec<u8>>()
        });
        let mut views = Vec::new();
        for ((name, bytes), values) in NAMES.into_iter().zip(&bytes).zip(&self.memory) {
            let view = TensorView::new(Dtype::F32, vec![values.len()], bytes);
            views.push((name, view.map_err(|error| error.to_string())?));
        }
        let history = serde_json::to_string(&self.history).map_err(|error| error.to_string())?;
        let metadata = [
            ("format", FORMAT.to_string()),
            ("steps", self.steps.to_string()),
            ("history", history),
        ];
        let metadata: HashMap<String, String> =
            metadata.map(|(key, value)| (key.to_string(), value)).into();
        let bytes = safetensors::serialize(views, Some(metadata));
        checkpoint::canonical(&bytes.map_err(|error| error.to_string())?)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Kind> {
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
        let history = serde_json::from_str(entry("history")?).map_err(|_| wrong("history"))?;
        let steps = entry("steps")?.parse().map_err(|_| wrong("steps"))?;
        let mut memory = [const { Vec::new() }; 9];
        for (values, name) in memory.iter_mut().zip(NAMES) {
            *values = checkpoint::floats(&file, name, 1).map_err(Kind::Content)?.1;
        }
        Ok(Self {
            history,
            steps,
            memory,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        State {
            history: vec![epoch(1), epoch(2)],
            steps: 40,
            // The step that last touched a row is kept as the bits of an integer: any will do.
            memory: [5, 4, 3, 2, 1, 5, 4, 3, 2].map(|length| vec![f32::from_bits(40); length]),
        }
    }

    #[test]
    fn a_state_is_read_back_in_every_bit() {
        let bytes = state().to_bytes().unwrap();
        let read = State::from_bytes(&bytes).unwrap();
        assert_eq!(read, state());
        assert_eq!(read.memory[8][0].to_bits(), 40);
    }

    #[test]
    fn a_truncated_state_is_refused_at_every_length() {
        let bytes = state().to_bytes().unwrap();
        for length in 0..bytes.len() {
            assert!(State::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn another_kind_of_file_is_refused_by_name() {
        let view = TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap();
        let bytes = safetensors::serialize([("users", view)], None).unwrap();
        let Err(Kind::Content(why)) = State::from_bytes(&bytes) else {
            panic!("a file of something else passed");
        };
        assert!(why.contains("format"));
    }
}
