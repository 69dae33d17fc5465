//! The run that `--resume` goes on with.

use anyhow::{Error, Result};

use super::args::Args;
use crate::print::count;
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_checkpoint::{Checkpoint, CheckpointError, RunNote, state};
use pocketrec_train::schedule::Schedule;
use pocketrec_train::{Options, Solver, State};

/// The state of the run in `--out`, if it was a run like this one, and the options that it had.
///
/// # Errors
/// [`BadInput`] says what is missing, or of which other run it is.
pub fn read(args: &Args, run: &RunNote) -> Result<(State, Options)> {
    let model_path = args.out.join(files::CHECKPOINT);
    let path = args.out.join(files::STATE);
    let refuse = |why: String| {
        Error::new(BadInput::new(format!(
            "{} can't be resumed: {why}",
            args.out.display()
        )))
    };
    let told = |error: CheckpointError| match error.is_bad_input() {
        true => Error::new(BadInput::new(error)),
        false => Error::new(error),
    };
    let model = match model_path.exists() {
        true => Some(Checkpoint::read(&model_path).map_err(told)?),
        false => None,
    };
    if !path.exists() {
        let name = path.display();
        return Err(refuse(match model {
            None => format!("there is no {name}, which a run leaves"),
            Some(model) if model.options.solver == Solver::Gibbs => {
                format!("its run has done all its sweeps, and left no {name}")
            }
            Some(model) if model.options.solver == Solver::Imported => {
                "its model was imported, and an import leaves no state to go on from".into()
            }
            Some(_) => format!("there is no {name} beside its model"),
        }));
    }
    let (of, state) = state::read(&path).map_err(told)?;
    if let Some(model) = &model
        && model.run().id() != of.id()
    {
        return Err(refuse(format!(
            "{} and {} are of two runs ({} and {}); to go on with the second, move the first away",
            model_path.display(),
            path.display(),
            named(&model.run()),
            named(&of)
        )));
    }
    if let Some(others) = of.learned.difference(&run.learned) {
        return Err(refuse(format!(
            "it learned from {}, of which these are others: {others}",
            of.data
        )));
    }
    if of.id() != run.id() {
        return Err(refuse(
            "its run had other options; repeat all of them but --epochs and --threads".into(),
        ));
    }
    if run.options.solver == Solver::Adam && state.history.len() >= run.options.epochs {
        return Err(refuse(format!(
            "its run has done {} already; ask for more with --epochs",
            count(state.history.len(), "epoch")
        )));
    }
    Ok((state, of.options))
}

/// What tells a run from others, in a few words.
fn named(run: &RunNote) -> String {
    format!(
        "{} by {} on {}, seed {}, run {}",
        run.options.model.name(),
        run.options.solver.name(),
        run.data,
        run.options.seed,
        run.id()
    )
}

/// What going on changes about a run's course, as a line; nothing where the result is that of one uninterrupted run.
pub fn change(before: &Options, options: &Options) -> Option<String> {
    let stretched = options.schedule == Schedule::Cosine && before.epochs != options.epochs;
    (options.solver == Solver::Adam && stretched).then(|| {
        format!(
            "note: --schedule cosine runs over all epochs: it was laid out for {}, and goes on as one of {} would at this point, so the learning rate jumps and the result is not that of one run",
            before.epochs, options.epochs
        )
    })
}
