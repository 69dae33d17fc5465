//! Adam's memory as a state keeps it: the trainer's tables as they lie, and the best epoch's parameters.

use super::fast::Fast;
use super::parameters::Parameters;
use super::state::Epoch;
use super::state::{Numbers, State};

/// The tensors of the trainer's memory, in the order of [`Fast::memory`].
const TABLES: [&str; 9] = [
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

/// Takes over where a trainer is now, into the memory of the last time.
pub fn follow(state: &mut State, solver: &Fast, history: &[Epoch]) {
    state.history.clear();
    state.history.extend_from_slice(history);
    state.steps = solver.steps();
    for (name, values) in TABLES.into_iter().zip(solver.memory()) {
        match state.floats_mut(name, values.len()) {
            Some(kept) => kept.copy_from_slice(values),
            None => state.keep(name, Numbers::F32(values.to_vec())),
        }
    }
}

/// Puts a trainer where this one was, if it is of the same shape.
pub fn restore(state: &State, solver: &mut Fast) -> bool {
    let lengths = solver.memory().map(<[f32]>::len);
    let mut memory = [&[][..]; 9];
    for ((slot, name), length) in memory.iter_mut().zip(TABLES).zip(lengths) {
        let Some(values) = state.floats(name, length) else {
            return false;
        };
        *slot = values;
    }
    solver.restore(memory, state.steps)
}

/// Keeps the best epoch's parameters; those of the last one needn't be.
pub fn keep_best(state: &mut State, best: Option<&Parameters>) {
    state.forget(BEST);
    if let Some(best) = best {
        let all: Vec<f32> = best.tables().into_iter().flatten().copied().collect();
        state.keep(BEST, Numbers::F32(all));
    }
}

/// The best epoch's parameters where they were kept, given some of the same shape; none where the last one's are
/// meant or the shape is another.
pub fn best(state: &State, like: &Parameters) -> Option<Parameters> {
    let mut left = state.floats(BEST, like.count())?;
    let mut best = like.clone();
    for table in best.tables_mut() {
        let (here, rest) = left.split_at_checked(table.len())?;
        table.copy_from_slice(here);
        left = rest;
    }
    Some(best)
}
