//! `host import`: a model that another program trained in, checkpoint out.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use pocketrec_base::error::BadInput;
use pocketrec_base::files::{self, Together, lock::Lock};
use pocketrec_data::reading::{Columns, TitlesFrom};
use pocketrec_data::scale::GivenScale;
use pocketrec_export::Precision;
use pocketrec_export::rounding::Lost;
use pocketrec_import::Failed;
use pocketrec_import::check::{Compared, Due};
use pocketrec_import::checkpoint::{Beside, Made, Mean, make};
use pocketrec_import::found::{Found, Wishes};
use pocketrec_import::network::Layout;
use pocketrec_import::roles::Given;
use pocketrec_train::ModelKind;
use serde::Serialize;

use super::data::{self, DataArgs};
use super::export::{self, Exported};
use crate::print::{self, Answer, Item, count, shell};
use crate::{note, say};

/// Options of `host import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: safetensors or npz, of PyTorch, JAX, implicit, LightFM, Surprise or myFM; Keras's .keras or .h5; LIBMF's
    /// text; or the folder that Spark's ALSModel.save writes
    #[arg(value_name = "PATH")]
    model: PathBuf,

    /// Folder to write the checkpoint to, of which `export` makes an image; or a file NAME.img: that image, with the checkpoint
    /// in its folder
    #[arg(long, value_name = "FOLDER|FILE", default_value = files::FOLDER)]
    out: PathBuf,

    /// Which array is what; repeat for each array: user_embedding=NAME, movie_embedding=NAME, user_bias=NAME, movie_bias=NAME,
    /// mean=NAME, user_ids=NAME, movie_ids=NAME, dense_0.weight=NAME; NAME[0:943] is some of its rows [default: by the
    /// usual names]
    #[arg(long, value_name = "WHAT=NAME")]
    map: Vec<Given>,

    /// Ids of the users' rows, in their order, or names of the ids that the model has, from 0: a CSV, Parquet or npy file
    /// [default: those in the model, else row numbers from 0]
    #[arg(long, value_name = "FILE")]
    user_ids: Option<PathBuf>,

    /// Ids of the movies' rows, in their order, or names of the ids that the model has, from 0: a CSV, Parquet or npy file
    /// [default: those in the model, else row numbers from 0]
    #[arg(long, value_name = "FILE")]
    movie_ids: Option<PathBuf>,

    /// What a prediction is the sum of: mf (mean, biases, dot product), mlp (mean, dense layers) or hybrid (all of it) [default:
    /// by what the model has]
    #[arg(long, value_name = "KIND", value_parser = super::model::model)]
    kind: Option<ModelKind>,

    /// How dense weights lie: linear (outputs by inputs, as in PyTorch) or dense (inputs by outputs, as in Keras and
    /// Flax) [default: told by the biases]
    #[arg(long, value_name = "LAYOUT", value_parser = layout)]
    layout: Option<Layout>,

    /// What predictions start from: a number, or data for the mean of --data [default: the model's, else 0]
    #[arg(long, value_name = "NUMBER|data", allow_hyphen_values = true)]
    mean: Option<Mean>,

    /// Cut rows to so many numbers, those that explain most [default: 32 where they have more, which an image can't hold]
    #[arg(long, value_name = "N")]
    dim: Option<usize>,

    /// Ratings that the model was trained on, or ones like them: from them come the scale, what lists add, and what users
    /// have rated
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// Columns of --data, as in `train` [default: recognised by name]
    #[arg(long, value_name = "COLUMNS", requires = "data")]
    columns: Option<Columns>,

    /// Titles of the movies in --data: a file such as movies.csv, or none [default: the file beside the ratings]
    #[arg(long, value_name = "PATH|none", requires = "data")]
    titles: Option<TitlesFrom>,

    /// Rating scale, as LOW..HIGH or LOW..HIGH/STEP [default: that of --data, else what predictions span]
    #[arg(long, value_name = "SCALE", allow_hyphen_values = true)]
    scale: Option<GivenScale>,

    /// What the model may be used for: one line, stored in models and images [default: that of --data]
    #[arg(long, value_name = "LINE", visible_alias = "license", value_parser = data::licence)]
    licence: Option<String>,

    /// What the rated things are called where they aren't movies: joke, or city/cities; models and images keep it
    #[arg(long, value_name = "WORD")]
    item_name: Option<Item>,

    /// Predictions of the program that trained the model, as CSV or Parquet with user, movie and prediction: the image must give the
    /// same to 0.00001 in f32, and in --precision to what its rounding can do to each, or nothing is written
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,

    /// How numbers are stored in the image of --out, and what --check also compares at; same names as `export` [default: f16]
    #[arg(long, value_name = "TYPE")]
    precision: Option<Precision>,
}

fn layout(name: &str) -> Result<Layout, String> {
    match name {
        "linear" => Ok(Layout::Linear),
        "dense" => Ok(Layout::Dense),
        _ => Err("it should be linear or dense".into()),
    }
}

/// Where things go.
struct Place {
    /// The folder of the checkpoint.
    folder: PathBuf,
    /// The image, where one is asked for.
    image: Option<PathBuf>,
    precision: Precision,
}

impl Place {
    fn of(args: &Args) -> Result<Place> {
        let is_image = args.out.extension().is_some_and(|end| end == "img") && !args.out.is_dir();
        let (folder, image) = match (is_image, args.out.parent()) {
            (true, Some(folder)) if folder.as_os_str().is_empty() => (".".into(), Some(&args.out)),
            (true, Some(folder)) => (folder.to_owned(), Some(&args.out)),
            _ => (args.out.clone(), None),
        };
        if args.precision.is_some() && image.is_none() && args.check.is_none() {
            return Err(BadInput::new(
                "--precision is of an image, and a checkpoint has none: give --check FILE, or --out FILE.img",
            )
            .into());
        }
        match image {
            Some(image) => files::check_file("--out", image)?,
            None => files::check_folder("--out", &folder)?,
        }
        let real = |path: &Path| path.canonicalize().ok();
        let to = folder.join(files::CHECKPOINT);
        if real(&to).is_some_and(|to| real(&args.model) == Some(to)) {
            return Err(BadInput::new(format!(
                "{} is what the checkpoint would replace; name another folder with --out",
                args.model.display()
            ))
            .into());
        }
        Ok(Place {
            folder,
            image: image.cloned(),
            precision: args.precision.unwrap_or_default(),
        })
    }
}

/// Imports, compares, tells and writes.
///
/// # Errors
/// [`BadInput`] for a model or tables that can't be used; an error where predictions differ from those of --check, or the
/// disk refuses. Nothing is written then.
pub fn run(args: &Args) -> Result<()> {
    let place = Place::of(args)?;
    if let Some(item) = &args.item_name {
        print::item::call(item);
    }
    let wishes = Wishes {
        map: &args.map,
        user_ids: args.user_ids.as_deref(),
        movie_ids: args.movie_ids.as_deref(),
        layout: args.layout,
        model: args.kind,
    };
    let found = Found::read(&args.model, &wishes).map_err(Failed::into_anyhow)?;
    let data = match &args.data {
        None => None,
        Some(_) => {
            let args = DataArgs {
                data: args.data.clone(),
                columns: args.columns.clone(),
                scale: args.scale,
                licence: args.licence.clone(),
                titles: args.titles.clone(),
                item_name: args.item_name.clone(),
                ..DataArgs::default()
            };
            let data = args.load(None)?;
            data::tell(&data);
            Some(data)
        }
    };
    let name = args.model.file_stem().unwrap_or(args.model.as_os_str());
    let mut made = make(
        found,
        &Beside {
            name: &name.to_string_lossy(),
            data: data.as_ref(),
            scale: args.scale,
            licence: args.licence.as_deref(),
            mean: args.mean,
            dim: args.dim,
        },
    )?;
    made.checkpoint.data.reading.item = args.item_name.clone();
    let p = &made.checkpoint.parameters;
    note!(
        "{}: {} of {} and {}, rows of {}",
        args.model.display(),
        p.model.name(),
        count(p.users, "user"),
        count(p.movies, "movie"),
        match p.user_dim == p.movie_dim {
            true => count(p.user_dim, "number"),
            false => format!("{} and {} numbers", p.user_dim, p.movie_dim),
        }
    );
    for told in &made.notes {
        note!("{told}");
    }
    let checks = match &args.check {
        None => Vec::new(),
        Some(path) => check(
            place.precision,
            &Due::read(path, &made.checkpoint).map_err(Failed::into_anyhow)?,
            &made,
        )?,
    };
    let checkpoint = write(&place.folder, &made)?;
    let image = place
        .image
        .map(|image| export::plain(&checkpoint, &image, place.precision));
    let image = image.transpose()?;
    print::answer(&Imported {
        checkpoint,
        model: p.model.name(),
        users: p.users,
        movies: p.movies,
        dims: [p.user_dim, p.movie_dim],
        checks,
        notes: made.notes,
        image,
    })
}

/// Compares predictions.
fn check(precision: Precision, due: &Due, made: &Made) -> Result<Vec<Checked>> {
    let mut checks = Vec::new();
    let mut add = |what: &str, compared: Compared, must: bool| {
        if must && !compared.holds {
            bail!(
                "the predictions {what} aren't those of --check: {} differ by {:.6} (RMS), worst in {}; nothing was written",
                count(compared.count, "prediction"),
                compared.rms,
                compared.at
            );
        }
        if let Some(astray) = compared.astray {
            bail!(
                "the predictions {what} aren't what rounding makes of the model's: {astray}; nothing was written"
            );
        }
        checks.push(Checked {
            what: what.into(),
            predictions: compared.count,
            rms: compared.rms,
            worst: compared.worst,
            bound: compared.bound,
            holds: compared.holds,
            codes: compared.codes,
        });
        Ok(())
    };
    let checkpoint = &made.checkpoint;
    if let Some(whole) = &made.whole {
        add(
            "before rows were cut",
            due.with_numbers(checkpoint, &whole.parameters())?,
            true,
        )?;
    }
    let exact = made.whole.is_none();
    add(
        "of the image in f32",
        due.with_image(checkpoint, Precision::F32)?,
        exact,
    )?;
    if precision != Precision::F32 {
        let what = format!("of the image in {}", precision.name());
        add(&what, due.with_image(checkpoint, precision)?, exact)?;
    }
    if due.left_out() > 0 {
        note!(
            "{} of --check can't be compared: their user or movie isn't in the model, or they are no numbers",
            count(due.left_out(), "prediction")
        );
    }
    Ok(checks)
}

/// Writes the checkpoint; what a run left there goes, since it is of another model.
fn write(folder: &Path, made: &Made) -> Result<PathBuf> {
    let place = folder.join(files::CHECKPOINT);
    let file = made.checkpoint.file().map_err(BadInput::new)?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("can't create {}", folder.display()))?;
    let _lock = Lock::take("--out", folder)?;
    let mut together = Together::default();
    for old in [files::STATE, files::HISTORY, files::CURVE] {
        together.remove(&folder.join(old));
    }
    together
        .add(&place, |to| file.write_to(to))
        .with_context(|| format!("can't write {}; nothing was changed", place.display()))?;
    together
        .commit()
        .map_err(|(path, error)| anyhow!("can't write {}: {error}", path.display()))?;
    Ok(place)
}

/// A comparison that held, or of which nothing was asked: rows were cut.
#[derive(Debug, Serialize)]
struct Checked {
    what: String,
    predictions: usize,
    rms: f64,
    worst: f32,
    /// The most that any may differ by.
    bound: f32,
    holds: bool,
    /// What codes lose, of an image in codes.
    codes: Option<Lost>,
}

/// What was imported.
#[derive(Debug, Serialize)]
struct Imported {
    #[serde(serialize_with = "print::path")]
    checkpoint: PathBuf,
    model: &'static str,
    users: usize,
    movies: usize,
    dims: [usize; 2],
    checks: Vec<Checked>,
    notes: Vec<String>,
    /// What `export` says of the image, where one is asked for.
    image: Option<Exported>,
}

impl Answer for Imported {
    fn tell(&self) {
        for check in &self.checks {
            let are = match check.holds {
                true => "are those of --check: they differ",
                false => "aren't those of --check, since rows were cut: they differ",
            };
            say!(
                "{} {} {are} by {:.2e} (RMS), at most by {:.2e}, where rounding may do up to {:.2e}",
                count(check.predictions, "prediction"),
                check.what,
                check.rms,
                check.worst,
                check.bound
            );
            if let Some(lost) = check.codes {
                note!("Over all users and movies {lost}");
            }
        }
        say!("Wrote {}", self.checkpoint.display());
        if let Some(image) = &self.image {
            return image.tell();
        }
        let mut words = vec![OsStr::new("export")];
        if self.checkpoint.parent() != Some(Path::new(files::FOLDER)) {
            words.extend([OsStr::new("--checkpoint"), self.checkpoint.as_os_str()]);
        }
        print::next(&shell::command(words));
    }
}
