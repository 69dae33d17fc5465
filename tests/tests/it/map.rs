//! The map of the built-in movies, measured: what `similar` names near a movie lies near it.

use std::collections::HashMap;

use anyhow::{Context, Result};
use pocketrec::model::Model;
use pocketrec::rank::Nearest;
use pocketrec_data::builtin;
use pocketrec_export::{Chosen, Movies, Precision, Users, build, map};
use tests::trained;

/// Movies that `similar` names.
const NAMED: usize = 10;

/// Under so many ratings no movie is named.
const OBSCURE: u32 = 5;

/// The share of the ten most similar movies among the `most` that are nearest on a map, of those that can be named; the mean
/// over movies of at least so many ratings.
fn shares(model: &Model<'_>, places: &[map::Place], ratings: &[u32], most: [usize; 2]) -> [f64; 2] {
    let named = |row: u32| ratings[row as usize] >= OBSCURE;
    let rows: Vec<u32> = (0..model.movies()).filter(|row| named(*row)).collect();
    let mut sums = [0.0; 2];
    for row in &rows {
        let mut similar = Nearest::<NAMED>::with_limit(NAMED, model, *row);
        similar.advance(model, u32::MAX);
        let similar: Vec<u32> = similar
            .hits()
            .iter()
            .filter_map(|hit| model.movie_row(hit.movie).ok())
            .collect();
        let here = places[*row as usize];
        let far = |other: u32| {
            let there = places[other as usize];
            (here[0] - there[0]).hypot(here[1] - there[1])
        };
        let mut near: Vec<u32> = rows.iter().copied().filter(|other| other != row).collect();
        near.sort_by(|a, b| far(*a).total_cmp(&far(*b)).then(a.cmp(b)));
        for (sum, most) in sums.iter_mut().zip(most) {
            let found = near[..most].iter().filter(|one| similar.contains(one));
            *sum += found.count() as f64 / similar.len().max(1) as f64;
        }
    }
    sums.map(|sum| sum / rows.len() as f64)
}

/// Every movie finds its place, and is compared with every other.
mod slow {
    use super::*;

    #[test]
    fn what_is_similar_lies_near_on_the_map() -> Result<()> {
        let data = builtin::load();
        let trained = trained::checkpoint()?;
        let checkpoint = &trained::without_mlp(trained);
        let chosen = Chosen {
            users: Users::None.rows(checkpoint)?,
            movies: Movies::All.rows(checkpoint)?,
            seen: None,
            facets: None,
        };
        let image = build(checkpoint, &chosen, Precision::F16)?;
        let model = Model::open(image.as_ref())?;
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for &movie in &data.ratings.movies {
            let id = data.ratings.movie_ids[movie as usize];
            *counts.entry(id).or_default() += 1;
        }
        let of = |row| Some(counts.get(&model.movie_id(row)?.0).copied().unwrap_or(0));
        let ratings: Option<Vec<u32>> = (0..model.movies()).map(of).collect();
        let ratings = ratings.context("ids")?;
        let places = map::of(&model, |row| ratings[row as usize]);
        let [ten, twenty] = shares(&model, &places, &ratings, [10, 20]);
        println!(
            "of the {NAMED} most similar movies {:.1} % are among the 10 nearest on the map, {:.1} % among the 20 nearest",
            ten * 100.0,
            twenty * 100.0
        );
        // By the cosines of embeddings these are 4.4 % and 6.9 %.
        assert!(ten > 0.2 && twenty > 0.3, "{ten}, {twenty}");
        Ok(())
    }
}
