//! A checkpoint's bytes: a safetensors file that any Python opens.
//!
//! Tensors (f32 unless said): `user_embedding` and `movie_embedding` `[rows, dim]`, `user_bias`
//! and `movie_bias` `[rows]` when the model has them, `dense_0.weight` `[inputs, outputs]` and
//! `dense_0.bias` `[outputs]` and so on for each layer, `user_ids` and `movie_ids` (u32, the
//! MovieLens id of each row), `user_counts` and `movie_counts` (u32, ratings of each row). With
//! interests: `kin_code` (u8) `[movies, 8]` and `kin_codebook` `[256, 64]`, `interest_course` (fade, weight, fame) and
//! `user_latest` (u32) `[users, 16]`, the rows of the movies rated last, 4294967295 where there are no more. `newcomer` is
//! bias and row of somebody new, `user_drift` `[users]` by how much biases have moved and `drift_course` their fade and pull,
//! where they were found; `user_odds` `[users]` how far users' ratings lie from their predictions, and `odds_course` the noise,
//! the slope and the ends of an interval ([`Odds`]). Where ids stand for names, `user_names` and `movie_names` (u8): UTF-8,
//! a line each, the first that of id 1.
//! Metadata (all strings, as the format demands): see [`KEYS`].

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors};

use super::model::Checkpoint;
use super::note::{DataNote, SidesNote, SplitNote};
use super::tensors::{File, Kind, Named, floats, integers, little_end, number, tensor};
use pocketrec::model::interest::LATEST;
use pocketrec::model::kin;
use pocketrec_data::Names;
use pocketrec_train::Validation;
use pocketrec_train::drift::Drift;
use pocketrec_train::interest::Interest;
use pocketrec_train::odds::Odds;
use pocketrec_train::options::ModelKind;
use pocketrec_train::parameters::{Layer, Parameters};

/// The metadata keys of a checkpoint of this version.
///
/// `options` is JSON; `scale` two numbers with a space between; `split_seed` and `split_share`
/// say which ratings were held out for validation; `data_fingerprint` is 16 hexadecimal digits, and
/// `data_reading`, `data_sides` (which older files lack) and `data_added` are JSON. `run` names the run in each of its files
/// ([`RunNote::id`](super::RunNote::id)). `validation` is what
/// [`Validation`] holds, with spaces between, or `none`.
pub const KEYS: [&str; 19] = [
    "format",
    "model",
    "mean",
    "scale",
    "users",
    "movies",
    "options",
    "data_name",
    "data_source",
    "data_reading",
    "data_fingerprint",
    "data_licence",
    "data_sides",
    "data_added",
    "split_seed",
    "split_share",
    "best_epoch",
    "run",
    "validation",
];

/// The `format` of files that this version writes, and the only one that it reads.
pub const FORMAT: &str = "pocketrec checkpoint 1";

impl Checkpoint {
    /// The file, to be written.
    ///
    /// # Errors
    /// A sentence, when the lengths of the tables and of the ids disagree or a number isn't finite.
    pub fn file(&self) -> Result<File<'_>, String> {
        self.check()?;
        self.unchecked()
    }

    pub(super) fn unchecked(&self) -> Result<File<'_>, String> {
        let p = &self.parameters;
        let mut tensors: Vec<Named<'_>> = Vec::new();
        let mut floats = |name: String, shape: Vec<usize>, bytes| {
            tensors.push((name, Dtype::F32, shape, bytes));
        };
        let course = |values: &[f32]| little_end(values).into_owned().into();
        floats(
            "user_embedding".into(),
            vec![p.users, p.user_dim],
            little_end(&p.user_embedding),
        );
        floats(
            "movie_embedding".into(),
            vec![p.movies, p.movie_dim],
            little_end(&p.movie_embedding),
        );
        if p.model.has_biases() {
            floats("user_bias".into(), vec![p.users], little_end(&p.user_bias));
            floats(
                "movie_bias".into(),
                vec![p.movies],
                little_end(&p.movie_bias),
            );
        }
        for (i, layer) in p.layers.iter().enumerate() {
            let shape = vec![layer.inputs, layer.outputs];
            floats(
                format!("dense_{i}.weight"),
                shape,
                little_end(&layer.weight),
            );
            floats(
                format!("dense_{i}.bias"),
                vec![layer.outputs],
                little_end(&layer.bias),
            );
        }
        if let Some(newcomer) = &self.newcomer {
            floats(
                "newcomer".into(),
                vec![newcomer.len()],
                little_end(newcomer),
            );
        }
        if let Some(drift) = &self.drift {
            floats(
                "user_drift".into(),
                vec![drift.users.len()],
                little_end(&drift.users),
            );
            floats(
                "drift_course".into(),
                vec![2],
                course(&[drift.fade, drift.pull]),
            );
        }
        if let Some(odds) = &self.odds {
            floats(
                "user_odds".into(),
                vec![odds.users.len()],
                little_end(&odds.users),
            );
            let values = [odds.noise, odds.slope, odds.low, odds.high];
            floats("odds_course".into(), vec![values.len()], course(&values));
        }
        if let Some(interest) = &self.interest {
            let values = [interest.fade, interest.weight, interest.fame];
            floats(
                "interest_course".into(),
                vec![values.len()],
                course(&values),
            );
            let words = vec![kin::BOOKS * kin::WORDS, kin::NUMBERS];
            floats(
                "kin_codebook".into(),
                words,
                little_end(&interest.kin_codebook),
            );
        }
        for (name, values) in [
            ("user_ids", &self.user_ids),
            ("movie_ids", &self.movie_ids),
            ("user_counts", &self.user_counts),
            ("movie_counts", &self.movie_counts),
        ] {
            let shape = vec![values.len()];
            tensors.push((name.into(), Dtype::U32, shape, little_end(values)));
        }
        if let Some(interest) = &self.interest {
            let codes = &interest.kin_codes;
            let shape = vec![codes.len() / kin::BYTES, kin::BYTES];
            tensors.push(("kin_code".into(), Dtype::U8, shape, codes.into()));
            let latest = little_end(&interest.latest);
            let shape = vec![interest.latest.len() / LATEST, LATEST];
            tensors.push(("user_latest".into(), Dtype::U32, shape, latest));
        }
        for (name, names) in [
            ("user_names", &self.data.user_names),
            ("movie_names", &self.data.movie_names),
        ] {
            if !names.is_empty() {
                let text = names.all().join("\n").into_bytes();
                tensors.push((name.into(), Dtype::U8, vec![text.len()], text.into()));
            }
        }
        let options = serde_json::to_string(&self.options).map_err(|error| error.to_string())?;
        let values = [
            FORMAT.into(),
            p.model.name().into(),
            p.mean.to_string(),
            format!("{} {}", p.scale.0, p.scale.1),
            p.users.to_string(),
            p.movies.to_string(),
            options,
            self.data.name.clone(),
            self.data.source.clone(),
            serde_json::to_string(&self.data.reading).map_err(|error| error.to_string())?,
            format!("{:016x}", self.data.fingerprint),
            self.data.licence.clone(),
            serde_json::to_string(&self.data.sides).map_err(|error| error.to_string())?,
            serde_json::to_string(&self.data.added).map_err(|error| error.to_string())?,
            self.split.seed.to_string(),
            self.split.share.to_string(),
            self.best_epoch.to_string(),
            self.run().id(),
            self.validation
                .map_or_else(|| "none".into(), validation_text),
        ];
        File::new(tensors, KEYS.into_iter().zip(values))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Kind> {
        let not = |error: safetensors::SafeTensorError| Kind::NotSafetensors(error.to_string());
        let file = SafeTensors::deserialize(bytes).map_err(not)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let checkpoint = Self::from_parts(&file, &metadata).map_err(Kind::Content)?;
        checkpoint.check().map_err(Kind::Content)?;
        Ok(checkpoint)
    }

    pub(super) fn from_parts(
        file: &SafeTensors<'_>,
        metadata: &HashMap<String, String>,
    ) -> Result<Self, String> {
        let entry = |key: &str| {
            let missing = || format!("its metadata has no {key}");
            metadata.get(key).map(String::as_str).ok_or_else(missing)
        };
        let format = entry("format")?;
        if format != FORMAT {
            return Err(format!(
                "its format is {format:?}, and this version reads {FORMAT:?}"
            ));
        }
        let name = entry("model")?;
        let model = ModelKind::from_name(name)
            .ok_or_else(|| format!("its model is {name:?} and not mlp, mf or hybrid"))?;
        let (low, high) = entry("scale")?
            .split_once(' ')
            .ok_or_else(|| "its scale is not two numbers".to_string())?;
        let (user_shape, user_embedding) = floats(file, "user_embedding", 2)?;
        let (movie_shape, movie_embedding) = floats(file, "movie_embedding", 2)?;
        let biases = |name: &str| {
            if model.has_biases() {
                floats(file, name, 1).map(|(_, values)| values)
            } else {
                Ok(Vec::new())
            }
        };
        let mut layers = Vec::new();
        while model.has_network()
            && file
                .tensor(&format!("dense_{}.weight", layers.len()))
                .is_ok()
        {
            let (shape, weight) = floats(file, &format!("dense_{}.weight", layers.len()), 2)?;
            let (_, bias) = floats(file, &format!("dense_{}.bias", layers.len()), 1)?;
            layers.push(Layer {
                inputs: shape[0],
                outputs: shape[1],
                weight,
                bias,
            });
        }
        let parameters = Parameters {
            model,
            mean: number("mean", entry("mean")?)?,
            scale: (number("scale", low)?, number("scale", high)?),
            users: number("users", entry("users")?)?,
            movies: number("movies", entry("movies")?)?,
            user_dim: user_shape[1],
            movie_dim: movie_shape[1],
            user_embedding,
            movie_embedding,
            user_bias: biases("user_bias")?,
            movie_bias: biases("movie_bias")?,
            layers,
        };
        let fingerprint = entry("data_fingerprint")?;
        entry("run")?;
        let validation =
            match entry("validation")? {
                "none" => None,
                text => Some(validation_of(text).ok_or_else(|| {
                    format!("its validation is {text:?}, which can't be understood")
                })?),
            };
        Ok(Self {
            parameters,
            user_ids: integers(file, "user_ids")?,
            movie_ids: integers(file, "movie_ids")?,
            user_counts: integers(file, "user_counts")?,
            movie_counts: integers(file, "movie_counts")?,
            data: DataNote {
                name: entry("data_name")?.into(),
                source: entry("data_source")?.into(),
                reading: serde_json::from_str(entry("data_reading")?)
                    .map_err(|error| format!("its data_reading can't be understood: {error}"))?,
                fingerprint: u64::from_str_radix(fingerprint, 16)
                    .map_err(|_| format!("its data_fingerprint is {fingerprint:?}"))?,
                licence: entry("data_licence")?.into(),
                user_names: names(file, "user_names")?,
                movie_names: names(file, "movie_names")?,
                sides: match metadata.get("data_sides") {
                    Some(text) => serde_json::from_str(text)
                        .map_err(|error| format!("its data_sides can't be understood: {error}"))?,
                    None => SidesNote::default(),
                },
                added: serde_json::from_str(entry("data_added")?)
                    .map_err(|error| format!("its data_added can't be understood: {error}"))?,
            },
            split: SplitNote {
                seed: number("split_seed", entry("split_seed")?)?,
                share: number("split_share", entry("split_share")?)?,
            },
            options: serde_json::from_str(entry("options")?)
                .map_err(|error| format!("its options can't be understood: {error}"))?,
            best_epoch: number("best_epoch", entry("best_epoch")?)?,
            newcomer: optional(file, "newcomer")?,
            drift: drift(file)?,
            odds: odds(file)?,
            interest: interest(file)?,
            validation,
        })
    }
}

/// The numbers of a tensor that not every file has.
fn optional(file: &SafeTensors<'_>, name: &str) -> Result<Option<Vec<f32>>, String> {
    if file.tensor(name).is_err() {
        return Ok(None);
    }
    floats(file, name, 1).map(|(_, values)| Some(values))
}

/// Where biases have come to, where they have moved.
fn drift(file: &SafeTensors<'_>) -> Result<Option<Drift>, String> {
    let Some(users) = optional(file, "user_drift")? else {
        return Ok(None);
    };
    match floats(file, "drift_course", 1)?.1[..] {
        [fade, pull] => Ok(Some(Drift { fade, pull, users })),
        _ => Err("drift_course has not two numbers".into()),
    }
}

/// How sure predictions are, where that was found.
fn odds(file: &SafeTensors<'_>) -> Result<Option<Odds>, String> {
    let Some(users) = optional(file, "user_odds")? else {
        return Ok(None);
    };
    match floats(file, "odds_course", 1)?.1[..] {
        [noise, slope, low, high] => Ok(Some(Odds {
            noise,
            slope,
            low,
            high,
            users,
        })),
        _ => Err("odds_course has not four numbers".into()),
    }
}

/// The interests, where there are any: a file without them is whole.
fn interest(file: &SafeTensors<'_>) -> Result<Option<Interest>, String> {
    if file.tensor("kin_code").is_err() {
        return Ok(None);
    }
    let (_, course) = floats(file, "interest_course", 1)?;
    let [fade, weight, fame] = course[..] else {
        return Err("interest_course has not three numbers".into());
    };
    let kin_codes = tensor(file, "kin_code", Dtype::U8)?.data().to_vec();
    let (_, kin_codebook) = floats(file, "kin_codebook", 2)?;
    Ok(Some(Interest {
        fade,
        weight,
        fame,
        latest: integers(file, "user_latest")?,
        kin_codes,
        kin_codebook,
    }))
}

/// Names, where ids have some: a line each, ascending.
fn names(file: &SafeTensors<'_>, name: &str) -> Result<Names, String> {
    if file.tensor(name).is_err() {
        return Ok(Names::default());
    }
    let text = tensor(file, name, Dtype::U8)?;
    let text = std::str::from_utf8(text.data()).map_err(|_| format!("{name} isn't UTF-8"))?;
    let names: Vec<String> = text.split('\n').map(str::to_owned).collect();
    match names.is_sorted_by(|a, b| a < b) {
        true => Ok(Names::new(names)),
        false => Err(format!("{name} don't ascend")),
    }
}

/// A model's errors in the metadata: its fields, with spaces between.
fn validation_text(validation: Validation) -> String {
    let Validation {
        ratings,
        rmse,
        movie_means,
        personal,
    } = validation;
    format!("{ratings} {rmse} {movie_means} {personal}")
}

/// The errors of such a text.
fn validation_of(text: &str) -> Option<Validation> {
    let mut parts = text.split(' ');
    let validation = Validation {
        ratings: parts.next()?.parse().ok()?,
        rmse: parts.next()?.parse().ok()?,
        movie_means: parts.next()?.parse().ok()?,
        personal: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(validation)
}
