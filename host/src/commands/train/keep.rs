//! What a run leaves: its files, together, when it ends, when it is stopped, and every so often before.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::args::Args;
use crate::print::epochs;
use crate::report::curve;
use pocketrec_base::files::{self, Together};
use pocketrec_checkpoint::{Checkpoint, DataNote, File, RunNote, SplitNote, state};
use pocketrec_data::{Dataset, Split};
use pocketrec_metrics::baselines::Baselines;
use pocketrec_train::{Epoch, Fit, Observer, Options, Trained};

/// What the files of a run say beside what it learned.
pub struct Run<'a> {
    /// Where they go, and which ratings were asked for.
    pub args: &'a Args,
    /// The ratings.
    pub data: &'a Dataset,
    /// Which of them were held back.
    pub split: &'a Split,
    /// What the model must beat.
    pub baselines: &'a Baselines,
    /// How it is trained.
    pub options: &'a Options,
}

impl Run<'_> {
    /// Which run it is.
    pub fn note(&self) -> RunNote {
        RunNote {
            data: self.data.name.clone(),
            learned: DataNote::of_run(self.data, self.options).learned(),
            split: SplitNote {
                seed: self.args.model.seed,
                share: self.args.validation,
            },
            options: self.options.clone(),
        }
    }

    /// The checkpoint of what was trained.
    pub fn checkpoint(&self, trained: &Trained) -> Checkpoint {
        let held = self.note().split;
        let note = DataNote::of_run(self.data, self.options);
        Checkpoint::of(trained, note, &self.data.ratings, None, held)
    }

    /// Writes all files of the run, or none: first each beside its place, then all into their places, the model last.
    ///
    /// # Errors
    /// What the file system says; files of an earlier run are then as they were, and the sentence says where the model
    /// is that could be kept.
    pub fn write(&self, fit: &Fit, checkpoint: &Checkpoint) -> Result<()> {
        let folder = &self.args.out;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("can't create {}", folder.display()))?;
        let model = checkpoint
            .file()
            .map_err(|why| anyhow!("the model can't be kept: {why}"))?;
        let mut together = Together::default();
        let written = self.add(&mut together, fit, checkpoint, &model);
        let failed = match written {
            Ok(()) => together.commit().err(),
            Err(failed) => {
                // What was written makes room for the model.
                drop(together);
                Some(failed)
            }
        };
        let Some((place, error)) = failed else {
            return Ok(());
        };
        let kept = match rescue(folder, &model) {
            Some(path) => format!(
                "the trained model is in {}; make room, and move it to {}",
                path.display(),
                folder.join(files::CHECKPOINT).display()
            ),
            None => "and nowhere else was room for the trained model".into(),
        };
        Err(anyhow!(
            "can't write {}: {error}; what was there is as it was, {kept}",
            place.display()
        ))
    }

    fn add(
        &self,
        together: &mut Together,
        fit: &Fit,
        checkpoint: &Checkpoint,
        model: &File<'_>,
    ) -> Result<(), (PathBuf, std::io::Error)> {
        let mut add = |name: &str, fill: &dyn Fn(&mut dyn Write) -> std::io::Result<()>| {
            let place = self.args.out.join(name);
            let result = together.add(&place, fill);
            result.map_err(|error| (place, error))
        };
        let other = |name: &str, why: String| {
            let place = self.args.out.join(name);
            (place, std::io::Error::other(why))
        };
        if let Some(state) = &fit.state {
            let state =
                state::file(state, &checkpoint.run()).map_err(|why| other(files::STATE, why))?;
            add(files::STATE, &|to| state.write_to(to))?;
        }
        let run = checkpoint.run().id();
        let csv = curve::csv(&fit.history, &run);
        add(files::HISTORY, &|to| to.write_all(csv.as_bytes()))?;
        let title = format!("{} on {}", self.options.model.name(), self.data.name);
        let baseline = self.baselines.score_movies(&self.data.ratings, self.split);
        let svg = curve::svg(&fit.history, baseline.mae, fit.best_epoch, &title, &run)
            .map_err(|why| other(files::CURVE, why.to_string()))?;
        add(files::CURVE, &|to| to.write_all(svg.as_bytes()))?;
        add(files::CHECKPOINT, &|to| model.write_to(to))?;
        if fit.state.is_none() {
            // An earlier run's would belong to another checkpoint.
            together.remove(&self.args.out.join(files::STATE));
        }
        Ok(())
    }
}

/// Writes the model where there is room, under a name that nothing has: beside its place, or among temporary files.
fn rescue(folder: &Path, model: &File<'_>) -> Option<PathBuf> {
    [folder, &std::env::temp_dir()].into_iter().find_map(|at| {
        let mut file = tempfile::Builder::new()
            .prefix("model.")
            .suffix(".safetensors")
            .tempfile_in(at)
            .ok()?;
        model.write_to(&mut file).ok()?;
        file.as_file().sync_data().ok()?;
        let (_, path) = file.keep().ok()?;
        path.file_name().map(|name| at.join(name))
    })
}

/// Shows a run's course, has it stopped by Ctrl-C and the like, and keeps it every so often.
pub struct Watched<'a> {
    run: &'a Run<'a>,
    shown: epochs::Epochs,
    stop: &'static AtomicBool,
    every: Duration,
    last: Instant,
}

impl<'a> Watched<'a> {
    /// Keeps the run so often.
    pub fn new(
        run: &'a Run<'a>,
        shown: epochs::Epochs,
        stop: &'static AtomicBool,
        every: Duration,
    ) -> Self {
        Self {
            run,
            shown,
            stop,
            every,
            last: Instant::now(),
        }
    }
}

impl Observer for Watched<'_> {
    fn progress(&mut self, epoch: usize, done: usize, total: usize) {
        self.shown.progress(epoch, done, total);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        // Who is stopped may have nobody left to print to: the terminal is closed, or Ctrl-C has ended the reader too.
        // The files come first.
        if !self.stop.load(Ordering::Relaxed) {
            self.shown.epoch(epoch);
        }
    }

    fn stop(&mut self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn stop_flag(&self) -> Option<&AtomicBool> {
        Some(self.stop)
    }

    fn wants_to_keep(&mut self) -> bool {
        self.last.elapsed() >= self.every
    }

    fn keep(&mut self, fit: Fit) {
        let trained = Trained::of(fit, self.run.options.clone());
        let checkpoint = self.run.checkpoint(&trained);
        let out = self.run.args.out.display();
        match self.run.write(&trained.fit, &checkpoint) {
            Ok(()) => self.shown.tell(&format!(
                "Saved the run so far in {out}; --resume continues it"
            )),
            Err(error) => crate::warn!("{error:#}; training goes on"),
        }
        self.last = Instant::now();
    }
}
