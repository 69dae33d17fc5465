//! Where a run ended: what a solver keeps in memory of itself, so that a run can go on.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What one epoch did. Errors are in stars and squared stars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// 1 for the first.
    pub number: usize,
    /// Mean squared error over the epoch's batches, each before its own step, as Keras reports it.
    pub train_mse: f64,
    /// Mean absolute error, likewise.
    pub train_mae: f64,
    /// Mean squared error on the validation ratings after the epoch, predictions clamped.
    pub validation_mse: f64,
    /// Mean absolute error, likewise.
    pub validation_mae: f64,
    /// Wall time of the epoch, validation included.
    pub seconds: f64,
    /// Whether the validation MSE is the lowest so far.
    pub improved: bool,
}

/// Numbers of a solver's memory.
#[derive(Clone, Debug)]
pub enum Numbers {
    /// In single precision.
    F32(Vec<f32>),
    /// In double precision.
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

/// Where a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Every epoch so far.
    pub history: Vec<Epoch>,
    /// Of Adam the steps, of the sampler the sweeps that are done.
    pub steps: u64,
    memory: BTreeMap<Cow<'static, str>, Numbers>,
}

impl State {
    /// A state without memory.
    pub fn at(steps: u64, history: &[Epoch]) -> Self {
        Self {
            history: history.to_vec(),
            steps,
            memory: BTreeMap::new(),
        }
    }

    /// Keeps numbers under a name.
    pub fn keep(&mut self, name: impl Into<Cow<'static, str>>, numbers: Numbers) {
        self.memory.insert(name.into(), numbers);
    }

    /// The single-precision numbers of that name, if there are so many.
    pub fn floats(&self, name: &str, length: usize) -> Option<&[f32]> {
        match self.memory.get(name)? {
            Numbers::F32(values) if values.len() == length => Some(values),
            _ => None,
        }
    }

    /// As [`floats`](Self::floats), to write.
    pub fn floats_mut(&mut self, name: &str, length: usize) -> Option<&mut [f32]> {
        match self.memory.get_mut(name)? {
            Numbers::F32(values) if values.len() == length => Some(values),
            _ => None,
        }
    }

    /// Keeps nothing under that name any more.
    pub fn forget(&mut self, name: &str) {
        self.memory.remove(name);
    }

    /// The double-precision numbers of that name, if there are so many.
    pub fn doubles(&self, name: &str, length: usize) -> Option<&[f64]> {
        match self.memory.get(name)? {
            Numbers::F64(values) if values.len() == length => Some(values),
            _ => None,
        }
    }

    /// All that is kept, by name in alphabetical order.
    pub fn memory(&self) -> impl Iterator<Item = (&str, &Numbers)> {
        let memory = self.memory.iter();
        memory.map(|(name, numbers)| (name.as_ref(), numbers))
    }
}
