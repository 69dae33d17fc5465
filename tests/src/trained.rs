//! Models trained on the built-in ratings for a moment, and their images.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result};
use pocketrec_checkpoint::{Checkpoint, DataNote, SplitNote};
use pocketrec_data::{Split, builtin};
use pocketrec_export::{Chosen, ImageBytes, Movies, Precision, Rated, Storage, Users, build, fit};
use pocketrec_train::{ModelKind, Options, Parameters, Recipe, interest, train};
use tempfile::TempDir;

/// A `hybrid` model of the built-in ratings after one epoch: every part of a prediction has weights that a training
/// gave it. Trained once a test program.
///
/// # Errors
/// When training fails.
pub fn checkpoint() -> Result<&'static Checkpoint> {
    static TRAINED: LazyLock<Result<Checkpoint>> = LazyLock::new(|| {
        let data = builtin::load();
        let ratings = &data.ratings;
        let options = Options {
            model: ModelKind::Hybrid,
            epochs: 1,
            patience: None,
            ..Options::default()
        };
        let split = Split::random(ratings.len(), 0.05, 0);
        let recipe = Recipe::new(options.clone(), false);
        let mut trained = train(&data, &split, recipe, &mut ())?;
        let parameters = &trained.fit.parameters;
        let all = (&split, &split.in_order(ratings));
        let interest = interest::find(parameters, ratings, all, &options, &|| false);
        trained.interest = interest;
        let held = SplitNote {
            seed: 0,
            share: 0.05,
        };
        Ok(Checkpoint::of(
            &trained,
            DataNote::of(&data),
            ratings,
            None,
            held,
        ))
    });
    TRAINED
        .as_ref()
        .map_err(|error| anyhow::anyhow!("{error:#}"))
}

/// An image in memory and as a file, which lives as long as this value.
pub struct Image {
    /// The bytes.
    pub bytes: ImageBytes,
    /// The file.
    pub path: PathBuf,
    _folder: TempDir,
}

/// [`checkpoint`] without its MLP, for storage that takes none.
pub fn without_mlp(checkpoint: &Checkpoint) -> Checkpoint {
    let model = ModelKind::Mf;
    Checkpoint {
        parameters: Parameters {
            model,
            layers: Vec::new(),
            ..checkpoint.parameters.clone()
        },
        options: Options {
            model,
            ..checkpoint.options.clone()
        },
        ..checkpoint.clone()
    }
}

/// As [`image`], without the MLP: the shape of the default model.
///
/// # Errors
/// As [`image`].
pub fn image_without_mlp(storage: impl Into<Storage>, region: usize) -> Result<Image> {
    image_of(&without_mlp(checkpoint()?), storage.into(), region)
}

/// The image of [`checkpoint`], without its MLP in codes, with its 60 most active users, what they have rated, and as many of the most rated movies
/// as fit `region` bytes.
///
/// # Errors
/// When it can't be built or written.
pub fn image(storage: impl Into<Storage>, region: usize) -> Result<Image> {
    let storage = storage.into();
    let of_sums;
    let checkpoint = match storage.precision {
        Precision::Codes(_) => {
            of_sums = without_mlp(checkpoint()?);
            &of_sums
        }
        _ => checkpoint()?,
    };
    image_of(checkpoint, storage, region)
}

/// As [`image`], with the MLP in codes too.
///
/// # Errors
/// As [`image`].
pub fn image_with_mlp(storage: impl Into<Storage>, region: usize) -> Result<Image> {
    image_of(checkpoint()?, storage.into(), region)
}

fn image_of(checkpoint: &Checkpoint, storage: Storage, region: usize) -> Result<Image> {
    let mut chosen = Chosen {
        users: Users::MostActive(60).rows(checkpoint)?,
        movies: Movies::All.rows(checkpoint)?,
        seen: Some(Arc::new(Rated::new(&builtin::load().ratings))),
        facets: None,
    };
    let movies = fit::movies_that_fit(checkpoint, &chosen, storage, region)?;
    let movies = movies.context("60 users fit every board")?;
    chosen.movies = Movies::MostRated(movies).rows(checkpoint)?;
    let bytes = build(checkpoint, &chosen, storage)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.img");
    std::fs::write(&path, bytes.as_ref())?;
    Ok(Image {
        bytes,
        path,
        _folder: folder,
    })
}
