//! What a run needs to go on where it ended, and its file.
//!
//! The file is safetensors too, and enough by itself: it says of which run it is ([`RunNote`]), holds the steps done and
//! the history in its metadata, and the solver's memory in tensors. Of Adam those are `users` and `movies`, their moments
//! and the steps that last touched their rows as the fast trainer keeps them (see [`layout`](super::fast::layout)),
//! `dense`, `dense_m` and `dense_v`, and `best`, all numbers of the best epoch's parameters, where that isn't the last.
//! Of the sampler they are each side's rows and prior (`side_0_…` of users, `side_1_…` of movies), `precisions` and their
//! mean `typical`, the mean of the samples so far (`mean_…`), and what its predictions of some ratings add up to
//! (`probe_…`).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::Options;
use super::checkpoint::{self, CheckpointError, Kind, SplitNote};
use super::fast::Fast;
use super::fit::Epoch;
use super::parameters::Parameters;
use pocketrec_data::ratings::mix;

/// The `format` of files that this version writes, and the only one that it reads.
pub const FORMAT: &str = "pocketrec state 3";

/// The tensors of Adam's memory.
const ADAM: [&str; 9] = [
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

/// The tensor of the best epoch's parameters.
const BEST: &str = "best";

/// Which run a file is of: the ratings, which of them were held out, and the options.
#[derive(Clone, Debug, PartialEq)]
pub struct RunNote {
    /// A short name of the ratings.
    pub data: String,
    /// Their fingerprint.
    pub fingerprint: u64,
    /// Which were held out.
    pub split: SplitNote,
    /// How the model is trained.
    pub options: Options,
}

impl RunNote {
    /// The run's name in each of its files: 16 hexadecimal digits, the same for runs that differ in nothing but the number
    /// of epochs or threads, or what the data are called.
    pub fn id(&self) -> String {
        let options = Options {
            epochs: 0,
            threads: None,
            fame: None,
            ..self.options.clone()
        };
        let text = format!(
            "{:016x} {} {} {options:?}",
            self.fingerprint, self.split.seed, self.split.share
        );
        let hash = text
            .bytes()
            .fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
        format!("{hash:016x}")
    }
}

/// Numbers of a solver's memory.
#[derive(Clone, Debug)]
pub(super) enum Numbers {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Bit by bit: some are the bits of integers, and those need be no numbers.
impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::F32(a), Self::F32(b)) => a
                .iter()
                .map(|x| x.to_bits())
                .eq(b.iter().map(|x| x.to_bits())),
            (Self::F64(a), Self::F64(b)) => a
                .iter()
                .map(|x| x.to_bits())
                .eq(b.iter().map(|x| x.to_bits())),
            _ => false,
        }
    }
}

impl Numbers {
    fn dtype(&self) -> Dtype {
        match self {
            Self::F32(_) => Dtype::F32,
            Self::F64(_) => Dtype::F64,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::F32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::F64(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    fn of(view: &TensorView<'_>) -> Option<Self> {
        match view.dtype() {
            Dtype::F32 => {
                let (values, _) = view.data().as_chunks();
                Some(Self::F32(
                    values.iter().map(|x| f32::from_le_bytes(*x)).collect(),
                ))
            }
            Dtype::F64 => {
                let (values, _) = view.data().as_chunks();
                Some(Self::F64(
                    values.iter().map(|x| f64::from_le_bytes(*x)).collect(),
                ))
            }
            _ => None,
        }
    }
}

/// Where a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Every epoch so far.
    pub history: Vec<Epoch>,
    /// Of Adam the steps, of the sampler the sweeps that are done.
    pub(super) steps: u64,
    memory: BTreeMap<Cow<'static, str>, Numbers>,
}

impl State {
    /// A state without memory.
    pub(super) fn at(steps: u64, history: &[Epoch]) -> Self {
        Self {
            history: history.to_vec(),
            steps,
            memory: BTreeMap::new(),
        }
    }

    /// Keeps numbers under a name.
    pub(super) fn keep(&mut self, name: impl Into<Cow<'static, str>>, numbers: Numbers) {
        self.memory.insert(name.into(), numbers);
    }

    /// The single-precision numbers of that name, if there are so many.
    pub(super) fn floats(&self, name: &str, length: usize) -> Option<&[f32]> {
        match self.memory.get(name)? {
            Numbers::F32(values) if values.len() == length => Some(values),
            _ => None,
        }
    }

    /// The double-precision numbers of that name, if there are so many.
    pub(super) fn doubles(&self, name: &str, length: usize) -> Option<&[f64]> {
        match self.memory.get(name)? {
            Numbers::F64(values) if values.len() == length => Some(values),
            _ => None,
        }
    }

    /// Takes over where a trainer is now, into the memory of the last time.
    pub(super) fn follow(&mut self, solver: &Fast, history: &[Epoch]) {
        self.history.clear();
        self.history.extend_from_slice(history);
        self.steps = solver.steps();
        for (name, values) in ADAM.into_iter().zip(solver.memory()) {
            match self.memory.get_mut(name) {
                Some(Numbers::F32(kept)) if kept.len() == values.len() => {
                    kept.copy_from_slice(values);
                }
                _ => self.keep(name, Numbers::F32(values.to_vec())),
            }
        }
    }

    /// Puts a trainer where this one was, if it is of the same shape.
    pub(super) fn restore(&self, solver: &mut Fast) -> bool {
        let lengths = solver.memory().map(<[f32]>::len);
        let mut memory = [&[][..]; 9];
        for ((slot, name), length) in memory.iter_mut().zip(ADAM).zip(lengths) {
            let Some(values) = self.floats(name, length) else {
                return false;
            };
            *slot = values;
        }
        solver.restore(memory, self.steps)
    }

    /// Keeps the best epoch's parameters; those of the last one needn't be.
    pub(super) fn keep_best(&mut self, best: Option<&Parameters>) {
        self.memory.remove(BEST);
        if let Some(best) = best {
            let all: Vec<f32> = best.tables().into_iter().flatten().copied().collect();
            self.keep(BEST, Numbers::F32(all));
        }
    }

    /// The best epoch's parameters where they were kept, given some of the same shape; none where the last one's are
    /// meant or the shape is another.
    pub(super) fn best(&self, like: &Parameters) -> Option<Parameters> {
        let mut left = self.floats(BEST, like.count())?;
        let mut best = like.clone();
        for table in best.tables_mut() {
            let (here, rest) = left.split_at_checked(table.len())?;
            table.copy_from_slice(here);
            left = rest;
        }
        Some(best)
    }

    /// The file's bytes, for a run.
    ///
    /// # Errors
    /// A sentence, when the format's writer refuses.
    pub fn to_bytes(&self, run: &RunNote) -> Result<Vec<u8>, String> {
        let error = |error: &dyn std::fmt::Display| error.to_string();
        let bytes: Vec<Vec<u8>> = self.memory.values().map(Numbers::bytes).collect();
        let mut views = Vec::new();
        for ((name, numbers), bytes) in self.memory.iter().zip(&bytes) {
            let view = TensorView::new(numbers.dtype(), vec![numbers.len()], bytes);
            views.push((name.as_ref(), view.map_err(|e| error(&e))?));
        }
        let json = |value: serde_json::Result<String>| value.map_err(|e| error(&e));
        let metadata = [
            ("format", FORMAT.to_string()),
            ("run", run.id()),
            ("steps", self.steps.to_string()),
            ("history", json(serde_json::to_string(&self.history))?),
            ("options", json(serde_json::to_string(&run.options))?),
            ("data_name", run.data.clone()),
            ("data_fingerprint", format!("{:016x}", run.fingerprint)),
            ("split_seed", run.split.seed.to_string()),
            ("split_share", run.split.share.to_string()),
        ];
        let metadata: HashMap<String, String> =
            metadata.map(|(key, value)| (key.to_string(), value)).into();
        let bytes = safetensors::serialize(views, Some(metadata)).map_err(|e| error(&e))?;
        checkpoint::canonical(&bytes)
    }

    /// Reads a file of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// When the file can't be read, is cut, or isn't such a file; the sentence says what.
    pub fn read(path: &Path) -> Result<(RunNote, Self), CheckpointError> {
        let fail = |kind| CheckpointError {
            path: path.to_owned(),
            kind,
        };
        let bytes = std::fs::read(path).map_err(|error| fail(Kind::Read(error)))?;
        Self::from_bytes(&bytes).map_err(fail)
    }

    fn from_bytes(bytes: &[u8]) -> Result<(RunNote, Self), Kind> {
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
        let fingerprint = u64::from_str_radix(entry("data_fingerprint")?, 16);
        let run = RunNote {
            data: entry("data_name")?.into(),
            fingerprint: fingerprint.map_err(|_| wrong("data_fingerprint"))?,
            split: SplitNote {
                seed: number("split_seed")?,
                share: entry("split_share")?
                    .parse()
                    .map_err(|_| wrong("split_share"))?,
            },
            options: serde_json::from_str(entry("options")?).map_err(|_| wrong("options"))?,
        };
        let mut state = Self {
            history: serde_json::from_str(entry("history")?).map_err(|_| wrong("history"))?,
            steps: number("steps")?,
            memory: BTreeMap::new(),
        };
        for (name, view) in file.iter() {
            let numbers = Numbers::of(&view).ok_or_else(|| wrong(name))?;
            state.keep(name.to_string(), numbers);
        }
        Ok((run, state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunNote {
        RunNote {
            data: "made up".into(),
            fingerprint: 77,
            split: SplitNote {
                seed: 3,
                share: 0.05,
            },
            options: Options::default(),
        }
    }

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
        for (name, length) in ADAM.into_iter().zip([5, 4, 3, 2, 1, 5, 4, 3, 2]) {
            state.keep(name, Numbers::F32(vec![f32::from_bits(40); length]));
        }
        state.keep("mean_bias", Numbers::F64(vec![1.0 / 3.0; 3]));
        state
    }

    #[test]
    fn a_state_is_read_back_in_every_bit_and_says_of_which_run_it_is() {
        let bytes = state().to_bytes(&run()).unwrap();
        let (of, read) = State::from_bytes(&bytes).unwrap();
        assert_eq!((of, read), (run(), state()));
    }

    #[test]
    fn a_truncated_state_is_refused_at_every_length() {
        let bytes = state().to_bytes(&run()).unwrap();
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

    #[test]
    fn a_run_keeps_its_name_for_more_epochs_and_has_another_for_all_else() {
        let named = |change: &dyn Fn(&mut RunNote)| {
            let mut run = run();
            change(&mut run);
            run.id()
        };
        let name = run().id();
        assert_eq!(name.len(), 16);
        assert_eq!(named(&|run| run.options.epochs += 1), name);
        assert_eq!(named(&|run| run.options.threads = Some(3)), name);
        assert_eq!(named(&|run| run.options.fame = Some(0.1)), name);
        assert_eq!(named(&|run| run.data = "elsewhere".into()), name);
        for other in [
            named(&|run| run.options.seed += 1),
            named(&|run| run.options.learning_rate *= 2.0),
            named(&|run| run.fingerprint += 1),
            named(&|run| run.split.seed += 1),
            named(&|run| run.split.share = 0.1),
        ] {
            assert_ne!(other, name);
        }
    }
}
