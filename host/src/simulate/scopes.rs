//! Whether it helps to learn more of the network than the private row: the same people, by core on this PC.

use anyhow::{Context, Result};
use pocketrec::learn::scope::{Learner, Network, OutputLayer, Row, Scope, ScopeOptions, weights};
use pocketrec::model::Model;
use pocketrec::profile::Rating;

use super::AFTER;
use super::figures::Errors;
use super::people::Person;
use crate::report::text::{Align, table};

/// The lesson's network, which is the largest that is measured.
const LESSON: usize = weights(8, 8, &[32, 4, 1]);

/// Names of the scopes, in the order of [`measure`]'s errors.
pub const SCOPES: [&str; 3] = ["row", "output layer", "whole MLP"];

/// Errors of all people for each of [`SCOPES`], after each of [`AFTER`].
pub type Table = [[Errors; AFTER.len()]; SCOPES.len()];

/// Lets everybody's ratings teach each scope, and adds the errors on their others to `sums`.
///
/// # Errors
/// A model without an MLP, or with a larger one than the lesson's.
pub fn measure(
    model: &Model<'_>,
    people: &[Person],
    options: &ScopeOptions,
    sums: &mut Table,
) -> Result<()> {
    let [row, output, network] = sums;
    for person in people {
        learn::<Row>(model, person, options, row)?;
        learn::<OutputLayer>(model, person, options, output)?;
        learn::<Network<LESSON>>(model, person, options, network)?;
    }
    Ok(())
}

fn learn<S: Scope>(
    model: &Model<'_>,
    person: &Person,
    options: &ScopeOptions,
    sums: &mut [Errors; AFTER.len()],
) -> Result<()> {
    let log: Vec<Rating> = (0..)
        .zip(&person.given)
        .map(|(sequence, given)| Rating::new(given.movie, given.stars, sequence))
        .collect::<Option<_>>()
        .context("stars that are no multiple of a quarter")?;
    let mut learner = Learner::<S>::new(model)?;
    for (k, errors) in AFTER.into_iter().zip(sums) {
        learner.learn(model, &log[..k], options)?;
        for rating in &person.rest {
            errors.add(learner.predict(model, rating.movie)?, rating.stars);
        }
    }
    Ok(())
}

/// The errors as a table.
pub fn text(sums: &Table) -> String {
    let header = ["Ratings"].iter().chain(&SCOPES).map(|name| (*name).into());
    let mut rows: Vec<Vec<String>> = vec![header.collect()];
    for (at, k) in AFTER.iter().enumerate() {
        let cells = sums.iter().map(|scope| format!("{:.4}", scope[at].rmse()));
        rows.push([k.to_string()].into_iter().chain(cells).collect());
    }
    table(&[Align::Right; SCOPES.len() + 1], &rows)
}
