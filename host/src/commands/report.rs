//! `host report`: what a model is worth and what it costs, as one page to look at.

use std::path::{Path, PathBuf};

use anyhow::Result;
use plotters::prelude::SeriesLabelPosition;
use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::{Model, Parts};
use pocketrec::rank::TopN;
use serde::Serialize;

use super::image::{ImageArgs, Loaded, TitlesArgs, held};
use super::simulate::{self, Of};
use super::trained;
use crate::print::number::{bytes, fixed, grouped, seconds};
use crate::print::progress::Step;
use crate::print::{self, Answer, Target, count};
use crate::report::charts::{self, Predicted};
use crate::report::curve;
use crate::report::page::{Dot, Page, Section};
use crate::report::verdict;
use crate::{say, warn};
use boards::BOARDS;
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_base::print::{kept, worded};
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::{Dataset, Split, Titles};
use pocketrec_evaluate::picture::SMALL;
use pocketrec_evaluate::simulate::{figures, picture};
use pocketrec_export::device::DeviceBill;
use pocketrec_export::measure::Measure;
use pocketrec_export::{Chosen, Precision, Storage, build, map};
use pocketrec_metrics::Errors;

/// Options of `host report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,

    #[command(flatten)]
    titles: TitlesArgs,

    /// The ratings that the model was trained on [default: the path that training read]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// People to leave out of a training of its own, to measure how a device learns; 0 to leave that out
    #[arg(long, value_name = "N", default_value_t = 50)]
    people: u32,

    /// Page to write; - is standard output [default: beside the image, for example model.html]
    #[arg(long, value_name = "FILE")]
    out: Option<Target>,
}

/// What a report is made of.
struct Made<'a> {
    loaded: &'a Loaded,
    model: &'a Model<'a>,
    /// What training left, or why it isn't there.
    checkpoint: Result<Checkpoint, String>,
    /// The ratings of the training, or why they can't be had.
    data: Result<Dataset, String>,
}

/// Measures, draws and writes.
///
/// # Errors
/// [`BadInput`] for an image that can't be read, and for ratings that aren't those of its training.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(args.image.path(), &args.titles)?;
    let model = loaded.model()?;
    let usual = || Target::File(args.image.path().with_extension("html"));
    let out = args.out.clone().unwrap_or_else(usual);
    out.claim_kind("--out", "a report is a page", &["html", "htm"])?;
    let step = Step::new();
    step.tell("reading the ratings of the training");
    let fingerprint = model.header().fingerprint;
    let source = trained::source_beside(args.image.path(), fingerprint);
    let folder = args.image.path().parent().unwrap_or(Path::new(""));
    let source = source.as_ref().map_err(String::as_str);
    let data = trained::ratings(fingerprint, args.data.as_deref(), source, folder)?;
    let checkpoint = match source {
        Ok(_) => Checkpoint::read(&args.image.path().with_file_name(files::CHECKPOINT))
            .map_err(|why| why.to_string()),
        Err(why) => Err(why.to_owned()),
    };
    let made = Made {
        loaded: &loaded,
        model: &model,
        checkpoint,
        data,
    };
    let mut sections = Vec::new();
    let mut missing = Vec::new();
    type Part = fn(&Made<'_>, &Args, &Step) -> Result<Result<Section, String>>;
    let parts: [(&str, Part); 6] = [
        ("the learning curve", learning),
        ("errors", errors),
        ("precisions", precisions),
        ("boards", |made, _, _| Ok(Ok(on_boards(made)))),
        (LEARNING, cold_start),
        ("lists", |made, _, _| Ok(lists(made))),
    ];
    for (what, part) in parts {
        if args.people == 0 && what == LEARNING {
            continue;
        }
        match part(&made, args, &step)? {
            Ok(section) => sections.push(section),
            Err(why) => missing.push(format!("{what}: {why}")),
        }
    }
    step.tell("laying out the map");
    let dots = dots(&made);
    if dots.is_empty() {
        missing.push("the map: the image has no titles (`--titles FILE` gives them)".into());
    }
    drop(step);
    for why in &missing {
        warn!("the report is without {why}");
    }
    let header = model.header();
    let page = Page {
        title: kept(header.name).into_owned(),
        facts: facts(&made),
        sections,
        dots,
        licence: kept(header.license).into_owned(),
    };
    out.write(page.html().as_bytes())?;
    print::answer(&Written {
        report: out.file(),
        without: missing,
    })
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written<'a> {
    report: Option<&'a Path>,
    /// What it is without, and why.
    without: Vec<String>,
}

impl Answer for Written<'_> {
    fn tell(&self) {
        if let Some(path) = self.report {
            say!("Wrote {}; any browser opens it", path.display());
        }
    }
}

/// What the predictions of a model of these parts are the sum of, in words.
fn summed(parts: Parts) -> String {
    let mut terms = vec!["mean"];
    for (there, term) in [
        (parts.biases, "biases of user and movie"),
        (parts.dot, "dot product of their embeddings"),
        (parts.mlp, "dense layers"),
    ] {
        if there {
            terms.push(term);
        }
    }
    terms.join(" + ")
}

fn facts(made: &Made<'_>) -> Vec<(&'static str, String)> {
    let model = made.model;
    let (header, scale) = (model.header(), model.scale());
    let mut facts = vec![
        ("Movies", grouped(model.movies().into())),
        (
            "Users",
            match model.users() {
                0 => "none; an owner starts as the mean user".into(),
                users => format!(
                    "{}; lists {}",
                    grouped(users.into()),
                    held(model.has_seen())
                ),
            },
        ),
        ("A prediction is", summed(model.parts())),
        (
            "Dimensions",
            format!("{} a user, {} a movie", model.user_dim(), model.movie_dim()),
        ),
        ("Image", bytes(header.length.into())),
        (
            "Ratings",
            format!("{} to {} by {}", scale.lowest, scale.highest, scale.step),
        ),
        (
            "Fingerprint of the data",
            format!("{:016x}", header.fingerprint),
        ),
    ];
    if let Ok(data) = &made.data {
        let ratings = &data.ratings;
        facts.push((
            "Trained on",
            format!(
                "{} of {} by {}",
                count(ratings.len(), "rating"),
                count(ratings.movie_count(), "movie"),
                count(ratings.user_count(), "user")
            ),
        ));
    }
    if let Some(warning) = model.validation().and_then(verdict::warning_of_image) {
        facts.push(("Warning", warning));
    }
    facts
}

/// The course of the training.
fn learning(made: &Made<'_>, args: &Args, _: &Step) -> Result<Result<Section, String>> {
    let (checkpoint, data) = match trained_on(made) {
        Ok(both) => both,
        Err(why) => return Ok(Err(why)),
    };
    let path = args.image.path().with_file_name(files::HISTORY);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(why) => return Ok(Err(format!("{}: {why}", path.display()))),
    };
    let Some(history) = curve::epochs(&text, &checkpoint.run().id()) else {
        return Ok(Err(format!(
            "{} is of another run, or damaged",
            path.display()
        )));
    };
    let ratings = &data.ratings;
    let split = split(checkpoint, data);
    let means = charts::means(ratings, &split);
    let mut baseline = Errors::default();
    for rating in split.validation.iter().map(|rating| *rating as usize) {
        baseline.add(
            means[ratings.movies[rating] as usize].1,
            ratings.stars[rating],
        );
    }
    if history.is_empty() || baseline.count == 0 {
        return Ok(Err("training held no ratings out".into()));
    }
    let mut section = Section::new(
        "How it was trained",
        "The mean absolute error of its predictions by epoch, on ratings that it learned from and on others, beside that of \
         each movie's mean.",
    );
    let (mae, best) = (baseline.mae(), checkpoint.best_epoch);
    let svg = curve::drawn(&history, mae, best, "", SMALL)?;
    section.picture("Mean absolute error by epoch", &svg);
    // Of a long run, some epochs from end to end.
    let every = history.len().div_ceil(8);
    let some = history
        .iter()
        .filter(|epoch| epoch.number % every == 0 || epoch.number == best);
    let rows: Vec<Vec<String>> = some
        .map(|epoch| {
            let kept = if epoch.number == best { ", kept" } else { "" };
            vec![
                format!("{}{kept}", epoch.number),
                fixed(epoch.train_mae, 4),
                fixed(epoch.validation_mae, 4),
                fixed(epoch.validation_mse.sqrt(), 4),
            ]
        })
        .collect();
    section.small_table(&["Epoch", "Training MAE", "Validation MAE", "RMSE"], &rows);
    Ok(Ok(section))
}

/// The checkpoint and the ratings, or why one of them is missing.
fn trained_on<'a>(made: &'a Made<'_>) -> Result<(&'a Checkpoint, &'a Dataset), String> {
    match (&made.checkpoint, &made.data) {
        (Ok(checkpoint), Ok(data)) => Ok((checkpoint, data)),
        (Err(why), _) | (_, Err(why)) => Err(why.clone()),
    }
}

fn split(checkpoint: &Checkpoint, data: &Dataset) -> Split {
    let split = &checkpoint.split;
    Split::random(data.ratings.len(), split.share, split.seed)
}

fn errors(made: &Made<'_>, _: &Args, step: &Step) -> Result<Result<Section, String>> {
    let (checkpoint, data) = match trained_on(made) {
        Ok(both) => both,
        Err(why) => return Ok(Err(why)),
    };
    step.tell("predicting ratings that were held out");
    let split = split(checkpoint, data);
    let measure = Measure::new(checkpoint, data)?;
    if !measure.held_out {
        return Ok(Err("training held no ratings out".into()));
    }
    let bytes = build(checkpoint, measure.everything(), Precision::F16)?;
    let model = Model::open(bytes.as_ref()).map_err(BadInput::new)?;
    let means = charts::means(&data.ratings, &split);
    let mut all = Vec::new();
    for (user, movie, stars) in measure.ratings().iter().copied() {
        let Ok(predicted) = model.predict(UserId(user), MovieId(movie)) else {
            continue;
        };
        let row = data.ratings.movie_ids.binary_search(&movie);
        let (ratings, mean) = row.map_or((0, data.ratings.stars[0]), |row| means[row]);
        all.push(Predicted {
            stars,
            predicted,
            mean,
            ratings,
        });
    }
    if all.is_empty() {
        return Ok(Err("training held no ratings out".into()));
    }
    charts::held_out(&all, data.scale).map(Ok)
}

/// What each precision costs in bytes and in errors, and what fewer dimensions do.
fn precisions(made: &Made<'_>, _: &Args, step: &Step) -> Result<Result<Section, String>> {
    let (checkpoint, data) = match trained_on(made) {
        Ok(both) => both,
        Err(why) => return Ok(Err(why)),
    };
    let measure = Measure::new(checkpoint, data)?;
    let mut rows = Vec::new();
    let precisions =
        Precision::ALL.map(|precision| (precision.name().to_owned(), precision.into()));
    // Halves of the dimensions, down to one.
    let halves = std::iter::successors(Some(checkpoint.parameters.movie_dim / 2), |dim| {
        Some(dim / 2)
    });
    let fewer = halves.take_while(|dim| *dim > 0).map(|dim| {
        let name = format!("{}, {}", Precision::F16.name(), count(dim, "dimension"));
        let storage = Storage {
            dim: Some(dim),
            ..Precision::F16.into()
        };
        (name, storage)
    });
    for (name, storage) in precisions.into_iter().chain(fewer) {
        step.tell(&format!("measuring {name}"));
        // Not every precision is for every model, and only a sampled one has the dimensions that say most first.
        let Ok(found) = measure.errors(storage) else {
            continue;
        };
        let alone = Chosen {
            users: Vec::new(),
            ..measure.everything().clone()
        };
        let alone = build(checkpoint, &alone, storage)?.as_ref().len();
        let fits = BOARDS.iter().filter(|board| alone <= board.image_region);
        let fits: Vec<&str> = fits.map(|board| board.name).collect();
        rows.push(vec![
            name,
            grouped(alone as u64),
            fixed(alone as f64 / checkpoint.movie_ids.len().max(1) as f64, 1),
            fixed(found.rmse(), 4),
            fixed(found.mae(), 4),
            fits.join(", "),
        ]);
    }
    let mut section = Section::new(
        "What precision and dimensions cost",
        "Images of all movies without users, by how embeddings and biases are stored (`export --precision`) and in how many \
         dimensions (all, or with `export --dim` those that say most), and their errors on the ratings that were held out.",
    );
    section.table(
        &["Precision", "Bytes", "Bytes a movie", "RMSE", "MAE", "Fits"],
        &[5],
        &rows,
    );
    Ok(Ok(section))
}

/// What the image takes of each board.
fn on_boards(made: &Made<'_>) -> Section {
    let mut rows = Vec::new();
    for board in BOARDS {
        let bill = DeviceBill::of(&made.loaded.bytes, *board);
        let length = made.loaded.bytes.as_ref().len();
        let share = 100.0 * length as f64 / board.image_region as f64;
        let time = |name: &str| {
            let work = bill.works().iter().find(|work| work.name.starts_with(name));
            let cycles = work.and_then(|work| work.estimate.as_ref())?.cycles;
            Some(seconds(cycles / f64::from(board.clock_hz)))
        };
        let time = |name: &str| time(name).unwrap_or_else(|| "not counted".into());
        rows.push(vec![
            board.name.to_owned(),
            board.chip.to_owned(),
            format!("{} %", fixed(share, 0)),
            ram(&bill, board.ram),
            time("a prediction"),
            time("a ranking"),
            bill.refusal()
                .map_or_else(|| "fits".into(), |why| format!("doesn't fit: {why}")),
        ]);
    }
    let mut section = Section::new(
        "What it takes of each board",
        "This image's share of the flash that a board has for it; bytes of RAM that its usual firmware takes, the deepest stack \
         that an emulator saw among them; and modelled times: instructions counted on an emulated core, cycles by its \
         manual at zero wait states.",
    );
    section.table(
        &[
            "Board",
            "Chip",
            "Flash",
            "RAM",
            "A prediction",
            "A list",
            "The image",
        ],
        &[1, 3, 6],
        &rows,
    );
    section
}

/// What a board's usual firmware takes of its RAM.
fn ram(bill: &DeviceBill, of: usize) -> String {
    let Some(firmware) = bill.firmware() else {
        return "not measured".into();
    };
    let bytes = |bytes: usize| grouped(bytes as u64);
    let (variables, of) = (firmware.variables, bytes(of));
    match firmware.stack {
        Some(stack) => format!("{} of {of}", bytes(variables + stack)),
        None => format!("{} of {of}, and the stack", bytes(variables)),
    }
}

/// What `--people 0` leaves out.
const LEARNING: &str = "learning on a device";

/// How a device learns people who took no part in training.
fn cold_start(made: &Made<'_>, args: &Args, step: &Step) -> Result<Result<Section, String>> {
    let (checkpoint, data) = match trained_on(made) {
        Ok(both) => both,
        Err(why) => return Ok(Err(why)),
    };
    let of = Of {
        line: None,
        people: args.people,
        model: checkpoint.parameters.model,
        retrain: false,
    };
    let outcome = match simulate::one_seed(&of, data, 0, step) {
        Ok(outcome) => outcome,
        Err(why) if why.is::<BadInput>() => return Ok(Err(why.to_string())),
        Err(why) => return Err(why),
    };
    let lines = figures::lines(&outcome.people, false);
    let mut section = Section::new(
        "What a device learns about a new person",
        format!(
            "{} were left out of a training of its own (the default options of this kind of model). Each gave ratings on a \
             device, in a random order, and their other ratings were predicted.",
            count(outcome.people.len(), "person")
        ),
    );
    let svg = picture::drawn(&lines, "", SMALL, SeriesLabelPosition::LowerLeft)?;
    section.picture(
        "RMSE of a new person's other ratings by the number of ratings given",
        &svg,
    );
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.k.to_string(),
                fixed(line.nothing, 4),
                fixed(line.biases, 4),
                fixed(line.device, 4),
            ]
        })
        .collect();
    section.small_table(
        &[
            "Ratings given",
            "No learning",
            "The person's bias",
            "The device",
        ],
        &rows,
    );
    Ok(Ok(section))
}

/// Movies of a list.
const LISTED: usize = 5;

/// A movie's title as it is, or what one without a title is called.
fn called(titles: &Titles, id: u32) -> String {
    match titles.get(id) {
        Some(movie) => kept(&movie.title).into_owned(),
        None => titles.title(id),
    }
}

/// The lists of a few people, beside what they rated highest.
fn lists(made: &Made<'_>) -> Result<Section, String> {
    let (model, titles) = (made.model, &made.loaded.titles);
    let data = made.data.as_ref().map_err(Clone::clone)?;
    let ratings = &data.ratings;
    let mut own: Vec<(u32, Vec<(f32, u32)>)> = ratings
        .user_ids
        .iter()
        .map(|id| (*id, Vec::new()))
        .collect();
    for at in 0..ratings.len() {
        let movie = ratings.movie_ids[ratings.movies[at] as usize];
        own[ratings.users[at] as usize]
            .1
            .push((ratings.stars[at], movie));
    }
    own.retain(|(id, _)| model.user(UserId(*id)).is_ok());
    own.sort_by_key(|(id, own)| (std::cmp::Reverse(own.len()), *id));
    if own.is_empty() {
        return Err("the image holds no users".into());
    }
    // One who rated much, one in the middle, one who rated little.
    let chosen = [0, own.len() / 2, own.len() - 1];
    let mut rows = Vec::new();
    for at in chosen {
        let Some((id, own)) = own.get_mut(at) else {
            continue;
        };
        own.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let state = model.user(UserId(*id)).map_err(|why| why.to_string())?;
        let interest = model.interest_of_user(UserId(*id)).unwrap_or_default();
        let mut top = TopN::<LISTED>::new().with_interest(interest);
        let new = |movie: MovieId| own.iter().all(|(_, rated)| *rated != movie.0);
        top.advance(model, &state, new, u32::MAX);
        let loved: Vec<String> = own
            .iter()
            .take(LISTED)
            .map(|(_, movie)| called(titles, *movie))
            .collect();
        let next: Vec<String> = top
            .hits()
            .iter()
            .map(|hit| called(titles, hit.movie.0))
            .collect();
        rows.push(vec![
            format!(
                "{}, {}",
                made.loaded.people.called(*id),
                count(own.len(), "rating")
            ),
            loved.join("; "),
            next.join("; "),
        ]);
    }
    let mut section = Section::new(
        "Lists of a few people",
        "Who rated most, who is in the middle, and who rated least: what they gave most stars, and what the model would show \
         them next, without what they have rated.",
    );
    section.table(
        &["Who", "Gave most stars", "Is recommended"],
        &[1, 2],
        &rows,
    );
    Ok(section)
}

/// The movies as the map has them; none without titles.
fn dots(made: &Made<'_>) -> Vec<Dot> {
    let (model, titles) = (made.model, &made.loaded.titles);
    if titles.is_empty() {
        return Vec::new();
    }
    let id = |row| model.movie_id(row).unwrap_or(MovieId(0)).0;
    let ratings = |row| titles.get(id(row)).map_or(0, |movie| movie.ratings);
    let places = map::of(model, ratings);
    (0..)
        .zip(places)
        .map(|(row, place)| Dot {
            id: id(row),
            title: match titles.get(id(row)) {
                Some(movie) => movie.title.clone(),
                None => worded(&titles.title(id(row))).into_owned(),
            },
            genres: titles
                .get(id(row))
                .map_or_else(Vec::new, |movie| movie.genres.clone()),
            ratings: ratings(row),
            place,
        })
        .collect()
}
