//! What timing comes to: tables as they are ready, or one document.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::note;
use crate::print::{self, Answer, Table};

/// Tables that are shown as soon as they are there, and all of which are one document as JSON.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Report(Map<String, Value>);

impl Report {
    /// Shows a table, or keeps it for the document.
    pub(super) fn add(&mut self, name: &str, table: &Table) {
        match print::is_json() {
            true => {
                // A table of texts and numbers is always JSON.
                let value = serde_json::to_value(table).unwrap_or_default();
                self.0.insert(name.to_owned(), value);
            }
            false => {
                print::block(&table.text());
                note!("");
            }
        }
    }
}

impl Answer for Report {
    fn tell(&self) {}
}

/// Of an odd number the one in the middle, of an even number the slower of the two.
pub(super) fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The shortest.
pub(super) fn best(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}
