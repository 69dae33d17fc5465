//! Movies that belong together, measured on the built-in ratings: series find themselves, in every precision alike.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use anyhow::{Context, Result};
use pocketrec::ids::MovieId;
use pocketrec::model::Model;
use pocketrec::rank::Nearest;
use pocketrec_data::{Dataset, builtin};
use pocketrec_export::{Bytes, Chosen, ImageBytes, Movies, Precision, Storage, Users, build};
use tests::trained;

/// The lists that are judged.
const LENGTH: usize = 10;
/// A series counts with its movies of so many ratings.
const WELL_KNOWN: u32 = 20;
/// Under so many ratings a movie is obscure.
const OBSCURE: u32 = 5;

/// What the movies of a series are called alike: a title up to its colon, without year, article, number and part.
fn stem(title: &str) -> String {
    let title = title.split(" (").next().unwrap_or_default().to_lowercase();
    let title = title.split(':').next().unwrap_or_default();
    let title = title.split(" - ").next().unwrap_or_default();
    let title = title.split(" and the ").next().unwrap_or_default();
    let mut words: Vec<&str> = title
        .split([' ', ','])
        .filter(|word| !["", "the", "a", "an", "part"].contains(word))
        .collect();
    let number = |word: &str| {
        word.chars()
            .all(|c| c.is_ascii_digit() || "ivx".contains(c))
    };
    while words.len() > 1 && words.last().is_some_and(|word| number(word)) {
        words.pop();
    }
    words.join(" ")
}

fn image(movies: Movies, storage: impl Into<Storage>) -> Result<ImageBytes> {
    let storage = storage.into();
    let trained = trained::checkpoint()?;
    let without_mlp = trained::without_mlp(trained);
    let checkpoint = match storage.precision {
        Precision::Codes(_) => &without_mlp,
        _ => trained,
    };
    let chosen = Chosen {
        users: Users::None.rows(checkpoint)?,
        movies: movies.rows(checkpoint)?,
        seen: None,
        facets: None,
    };
    Ok(build(checkpoint, &chosen, storage)?)
}

fn list(model: &Model<'_>, row: u32, by_taste: bool) -> Vec<u32> {
    let mut nearest = match by_taste {
        true => Nearest::<LENGTH>::by_taste(LENGTH, model, row),
        false => Nearest::with_limit(LENGTH, model, row),
    };
    nearest.advance(model, u32::MAX);
    nearest.hits().iter().map(|hit| hit.movie.0).collect()
}

/// How good the lists of a model are.
#[derive(Debug)]
struct Found {
    /// Share of a series among the nearest of each of its movies.
    series: f64,
    /// Share of movies with under [`OBSCURE`] ratings, in the lists of all movies with more.
    obscure: f64,
    /// Mean share of genres that a movie and one of its list have in common.
    genres: f64,
}

fn judge(model: &Model<'_>, data: &Dataset, by_taste: bool) -> Result<Found> {
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for &movie in &data.ratings.movies {
        *counts
            .entry(data.ratings.movie_ids[movie as usize])
            .or_default() += 1;
    }
    let rows: Vec<(u32, u32)> = (0..model.movies())
        .filter_map(|row| Some((row, model.movie_ids().id(row)?)))
        .collect();
    let mut series: BTreeMap<String, Vec<(u32, u32)>> = BTreeMap::new();
    for &(row, id) in &rows {
        if counts[&id] >= WELL_KNOWN {
            let title = &data.titles.get(id).context("a title")?.title;
            series.entry(stem(title)).or_default().push((row, id));
        }
    }
    let (mut found, mut of) = (0, 0);
    for movies in series.values() {
        for &(row, _) in movies {
            let list = list(model, row, by_taste);
            found += movies.iter().filter(|(_, id)| list.contains(id)).count();
            of += (movies.len() - 1).min(LENGTH);
        }
    }
    let genres = |id| -> HashSet<&str> {
        let movie = data.titles.get(id);
        movie.map_or_else(HashSet::new, |movie| {
            movie.genres.iter().map(String::as_str).collect()
        })
    };
    let (mut obscure, mut shared, mut named) = (0, 0.0, 0);
    for &(row, id) in rows
        .iter()
        .filter(|(_, id)| counts[id] >= OBSCURE)
        .step_by(5)
    {
        let own = genres(id);
        for other in list(model, row, by_taste) {
            let others = genres(other);
            obscure += usize::from(counts[&other] < OBSCURE);
            shared += own.intersection(&others).count() as f64 / own.union(&others).count() as f64;
            named += 1;
        }
    }
    Ok(Found {
        series: f64::from(found as u32) / of as f64,
        obscure: obscure as f64 / f64::from(named),
        genres: shared / f64::from(named),
    })
}

#[test]
fn series_find_themselves_and_nobody_obscure_is_named() -> Result<()> {
    let data = builtin::load();
    let image = image(Movies::All, Precision::F16)?;
    let model = Model::open(image.as_ref())?;
    let (kin, taste) = (judge(&model, &data, false)?, judge(&model, &data, true)?);
    println!("kin: {kin:?}, taste: {taste:?}");
    assert!(kin.series >= 0.48, "{kin:?}");
    assert_eq!(kin.obscure, 0.0);
    assert!(kin.genres > taste.genres, "{kin:?}, by taste {taste:?}");
    assert!(kin.series > taste.series, "{kin:?}, by taste {taste:?}");
    Ok(())
}

#[test]
fn the_same_movies_belong_together_in_every_precision() -> Result<()> {
    let of = |precision| -> Result<Vec<Vec<u32>>> {
        let image = image(Movies::MostRated(300), precision)?;
        let model = Model::open(image.as_ref())?;
        Ok((0..model.movies())
            .map(|row| list(&model, row, false))
            .collect())
    };
    let usual = of(Precision::F16)?;
    assert!(usual.iter().all(|list| list.len() == LENGTH));
    for precision in [
        Precision::F32,
        Precision::I16,
        Precision::I8,
        Precision::Codes(Bytes::Two),
    ] {
        assert_eq!(of(precision)?, usual, "{precision:?}");
    }
    Ok(())
}

/// Twenty movies that many people know, by MovieLens's numbers.
const TWENTY: [u32; 20] = [
    1, 260, 296, 318, 356, 480, 527, 541, 589, 593, 595, 608, 858, 912, 1136, 1197, 1721, 2571,
    4993, 58559,
];

#[test]
fn the_page_of_twenty_movies_has_the_lists_of_the_built_in_ratings() -> Result<()> {
    let data = builtin::load();
    let image = image(Movies::All, Precision::F16)?;
    let model = Model::open(image.as_ref())?;
    let mut page = String::new();
    let title = |id| data.titles.get(id).map_or("", |movie| movie.title.as_str());
    for id in TWENTY {
        let row = model.movie_row(MovieId(id))?;
        let titles: Vec<&str> = list(&model, row, false).into_iter().map(title).collect();
        writeln!(page, "| {} | {} |", title(id), titles.join(" · "))?;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/SIMILAR.md");
    let told = std::fs::read_to_string(path)?;
    assert!(
        told.contains(&page),
        "docs/SIMILAR.md should have these rows:\n{page}"
    );
    Ok(())
}

#[test]
fn an_image_without_the_tables_is_8_bytes_a_movie_smaller_and_compares_by_taste() -> Result<()> {
    let with = image(Movies::MostRated(1000), Precision::I8)?;
    let without = image(
        Movies::MostRated(1000),
        Storage {
            without_kin: true,
            ..Precision::I8.into()
        },
    )?;
    let saved = with.as_ref().len() - without.as_ref().len();
    // The codebook, the levels, and how well known each movie is, which nothing else asks for here.
    assert!((24_400..26_500).contains(&saved), "{saved} bytes");
    let (with, without) = (Model::open(with.as_ref())?, Model::open(without.as_ref())?);
    for row in [0, 1, 500] {
        assert_eq!(list(&without, row, false), list(&with, row, true));
        assert_ne!(list(&without, row, false), list(&with, row, false));
    }
    Ok(())
}
