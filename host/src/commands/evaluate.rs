//! `host evaluate`: how well a recipe predicts and ranks, by the protocols that people compare with.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::data::{self, DataArgs};
use super::model::ModelArgs;
use crate::note;
use crate::print::{self, Answer, Target, count, seconds};
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_data::{Dataset, Scale, Silent};
use pocketrec_evaluate::Plan;
use pocketrec_evaluate::by_time::ByTime;
use pocketrec_evaluate::cold::{self, Order};
use pocketrec_evaluate::protocol::{self, Fold};
use pocketrec_evaluate::report::{FoldResult, Report};
use pocketrec_export::{Precision, limits};
use pocketrec_train::Solver;

/// Options of `host evaluate`.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,

    /// Cross-validate with this many folds; this is the default protocol
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(2..=100),
        conflicts_with_all = ["official", "train", "leave_last_out", "by_time", "cold_start"])]
    folds: u8,

    /// Use the official folds in this folder, u1.base and u1.test to u5.base and u5.test
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["data", "train", "leave_last_out", "by_time"])]
    official: Option<PathBuf>,

    /// Train on this file; needs --test
    #[arg(long, value_name = "FILE", requires = "test", conflicts_with_all = ["data", "leave_last_out", "by_time"])]
    train: Option<PathBuf>,

    /// Test on this file; needs --train
    #[arg(long, value_name = "FILE", requires = "train")]
    test: Option<PathBuf>,

    /// Hold out each user's latest rating and evaluate top-N lists
    #[arg(long)]
    leave_last_out: bool,

    /// Learn from earlier ratings and measure on later ones: last:0.1 holds back the last tenth of each person's,
    /// from:2015-01-01 all ratings from that day (UTC) on
    #[arg(long, value_name = "HOW", conflicts_with_all = ["leave_last_out", "cold_start"])]
    by_time: Option<ByTime>,

    /// Leave this many people out of training, and predict their later ratings after a fold-in of their first ones
    #[arg(long, value_name = "PEOPLE", conflicts_with_all = ["official", "train", "leave_last_out"])]
    cold_start: Option<usize>,

    /// With --cold-start, the order in which people are taken to have rated: time or random
    #[arg(
        long,
        value_name = "ORDER",
        default_value = "time",
        requires = "cold_start"
    )]
    order: Order,

    /// With --cold-start, also train again with the people's known ratings, for comparison: five more training runs
    #[arg(long, requires = "cold_start")]
    retrain: bool,

    /// Instead of training, write the folds to this folder as u1.base, u1.test and so on, for other programs
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["cold_start", "csv"])]
    write_folds: Option<PathBuf>,

    /// Also evaluate top-10 lists of movies that the user hasn't rated: NDCG, hit rate and recall
    #[arg(long, conflicts_with = "cold_start")]
    lists: bool,

    /// Also count how many ratings lie in their intervals, by how wide those are; 5 % of the training ratings are then held
    /// back to find them by
    #[arg(long)]
    odds: bool,

    /// Also predict the test ratings knowing when they were given, from their users' ratings before and after, as libraries
    /// do that learn from dates; no device can, and 5 % of the training ratings are held back to learn how
    #[arg(long, conflicts_with = "cold_start")]
    dated: bool,

    /// Precisions of the image to evaluate, separated by commas: f16, f32, i16, i8, codes, codes3, codes2 or codes1; lists
    /// use the last one, and tell what each keeps of those by the first
    #[arg(
        long,
        value_name = "NAMES",
        default_value = "f16",
        value_delimiter = ',',
        conflicts_with = "cold_start"
    )]
    precision: Vec<Precision>,

    /// Write every figure as CSV with columns fold, method, measure and value; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "cold_start")]
    csv: Option<Target>,

    #[command(flatten)]
    model: ModelArgs,
}

impl Args {
    /// Whether everything that is asked for can be written.
    fn check_places(&self) -> Result<()> {
        self.csv
            .iter()
            .try_for_each(|csv| csv.claim_kind("--csv", "figures are written as CSV", &["csv"]))?;
        self.write_folds
            .iter()
            .try_for_each(|folder| files::check_folder("--write-folds", folder))
    }

    /// What the options alone decide, before ratings are read.
    fn check_model(&self) -> Result<()> {
        let options = self.model.options(Scale::of(&[]))?;
        match limits::of_options(&options) {
            None => Ok(()),
            Some(beyond) => Err(BadInput::new(format!(
                "predictions are measured on exported images, which can't hold this model: it has {beyond}"
            ))
            .into()),
        }
    }
}

/// Trains on each fold, measures and tells.
///
/// # Errors
/// [`BadInput`] for options or data that can't be used; else what failed.
pub fn run(args: &Args) -> Result<()> {
    args.check_places()?;
    if args.write_folds.is_none() {
        args.check_model()?;
    }
    let (sets, protocol) = sets(args)?;
    let mut folds = Vec::new();
    for (name, data, split) in &sets {
        match split {
            Some(split) => folds.push(Fold {
                name: name.clone(),
                data,
                split: split.clone(),
            }),
            // Those are drawn by people.
            None if args.cold_start.is_some() => {}
            None if args.by_time.is_some() => {
                folds.extend(
                    args.by_time
                        .as_ref()
                        .map(|split| split.fold(data))
                        .transpose()?,
                );
            }
            None if args.leave_last_out => folds.push(protocol::leave_last_out(data)),
            None => folds.extend(protocol::folds(data, args.folds.into(), args.model.seed)),
        }
    }
    for fold in &folds {
        check(fold)?;
        if args.dated && !fold.data.has_times {
            return Err(BadInput::new(format!(
                "--dated goes by when ratings were given, which {} doesn't say",
                fold.data.name
            ))
            .into());
        }
    }
    if let Some(folder) = &args.write_folds {
        return protocol::write(&folds, folder)
            .with_context(|| format!("can't write {}", folder.display()));
    }
    let data = &sets[0].1;
    let options = args.model.options(data.scale)?;
    let plan = Plan {
        precisions: args.precision.clone(),
        lists: args.lists || args.leave_last_out,
        ahead: args.by_time.is_some() || args.leave_last_out,
        odds: args.odds,
        dated: args.dated,
        threads: options.thread_count(),
        options: options.clone(),
    };
    note!(
        "{}: {} by {} of {}; {protocol}",
        data.name,
        count(data.ratings.len(), "rating"),
        count(data.ratings.user_count(), "user"),
        count(data.ratings.movie_count(), "movie"),
    );
    data::tell(data);
    if let Some(people) = args.cold_start {
        let tell = |what: &str| print::log(what);
        return print::answer(&cold::curve(
            data,
            &options,
            cold::Look {
                people,
                order: args.order,
                retrain: args.retrain,
                odds: args.odds,
            },
            &tell,
        )?);
    }
    let how = match options.solver {
        Solver::Gibbs => "Gibbs sampling",
        Solver::Adam => "Adam",
        Solver::Imported => "another program",
    };
    note!(
        "{} of {} by {how}, predicted by core from the exported image",
        options.model.name(),
        match options.by_data {
            true => "as many dimensions as the ratings bear".into(),
            false => count(options.user_dim, "dimension"),
        }
    );
    note!("");
    let all = folds.len();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let tell = |result: &FoldResult| {
        let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if let Some(errors) = result.errors.last() {
            print::log(&format!(
                "{done} of {all}: {}, {}, RMSE {:.4}, MAE {:.4}, trained in {}",
                result.fold,
                count(result.dim, "dimension"),
                errors.rmse,
                errors.mae,
                seconds(result.seconds)
            ));
        }
    };
    let report = Report {
        data: data.name.clone(),
        protocol,
        model: options.model.name().into(),
        solver: options.solver.name().into(),
        seed: options.seed,
        folds: pocketrec_evaluate::run(&folds, &plan, &tell)?,
    };
    if let Some(csv) = &args.csv {
        csv.write(report.csv().as_bytes())?;
    }
    print::answer(&report)
}

impl Answer for Report {
    fn tell(&self) {
        print::block(&self.text());
    }
}

impl Answer for cold::Curve {
    fn tell(&self) {
        note!(
            "RMSE on {} of {} left out of training, by how many of their first {} are known",
            count(self.ratings, "later rating"),
            count(self.people, "person"),
            match self.order {
                Order::Time => "by time",
                Order::Random => "in a random order",
            },
        );
        note!("");
        print::block(&self.text());
    }
}

/// Whether a fold can be learned from and measured on.
fn check(fold: &Fold<'_>) -> Result<()> {
    let Fold { name, data, split } = fold;
    let why = if split.validation.is_empty() {
        "has no rating to measure on: nobody has a rating to hold back beside another".to_owned()
    } else {
        let stars = |row: &u32| data.ratings.stars[*row as usize];
        let first = split.train.first().map(stars);
        if split.train.iter().any(|row| Some(stars(row)) != first) {
            return Ok(());
        }
        "has too few ratings to learn from; they should be of at least two different values".into()
    };
    Err(BadInput::new(format!("{}: {name} {why}", data.name)).into())
}

type Set = (String, Dataset, Option<pocketrec_data::Split>);

/// The data sets that are tried, with a split where files give it, and the protocol in words.
fn sets(args: &Args) -> Result<(Vec<Set>, String)> {
    if let Some(folder) = &args.official {
        let mut sets = Vec::new();
        let whole = Dataset::load_as(folder, &args.data.reading(), &Silent).ok();
        for (name, base, test) in protocol::official(folder)? {
            let (mut data, split) = protocol::pair(&base, &test, &args.data.reading(), &Silent)?;
            if let Some(whole) = &whole {
                data.titles = whole.titles.clone();
                data.sides = whole.sides.clone();
            }
            sets.push((name, data, Some(split)));
        }
        let protocol = count(sets.len(), "official fold");
        return Ok((sets, protocol));
    }
    if let (Some(train), Some(test)) = (&args.train, &args.test) {
        let (data, split) = protocol::pair(train, test, &args.data.reading(), &Silent)?;
        return Ok((
            vec![("test".into(), data, Some(split))],
            "a given pair of files".into(),
        ));
    }
    let data = args.data.load(None)?;
    let needs_times = if args.leave_last_out {
        Some("--leave-last-out holds everybody's last rating back")
    } else if args.by_time.is_some() {
        Some("--by-time holds the later ratings back")
    } else {
        (args.cold_start.is_some() && args.order == Order::Time)
            .then_some("--cold-start goes by everybody's first ratings (--order random doesn't)")
    };
    if let Some(needs) = needs_times.filter(|_| !data.has_times) {
        return Err(BadInput::new(format!(
            "{needs}, and {} doesn't say when ratings were given; take another protocol, or data with times",
            data.name
        ))
        .into());
    }
    let folds = usize::from(args.folds);
    let cross_validates =
        !args.leave_last_out && args.by_time.is_none() && args.cold_start.is_none();
    if cross_validates && data.ratings.len() < folds {
        return Err(BadInput::new(format!(
            "{} has too few ratings for {folds} folds: {}",
            data.name,
            data.ratings.len()
        ))
        .into());
    }
    let protocol = if args.cold_start.is_some() {
        "people left out".into()
    } else if let Some(split) = &args.by_time {
        split.words()
    } else if args.leave_last_out {
        "everybody's last rating held back".into()
    } else {
        format!("{}-fold cross-validation", args.folds)
    };
    Ok((vec![(String::new(), data, None)], protocol))
}
