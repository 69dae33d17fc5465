//! `host bench search`: how long it takes to find a movie among many titles.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;

use super::report::{Report, best, median};
use crate::note;
use crate::print::{self, Column, Table, count};
use pocketrec_data::search::{self, Found};
use pocketrec_data::{Movie, Titles, builtin};

/// Searches of each kind: as a title has it, in part, with mistakes, run together, and for nothing.
const SEARCHES: [&str; 7] = [
    "Toy Story (1995)",
    "toy story",
    "lord of the rings",
    "shawshank redemtion",
    "starwars",
    "2012",
    "no film of that name",
];

/// Options of `host bench search`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Number of titles: the built-in ones and others made of their words
    #[arg(long, value_name = "N", default_value_t = 90_660, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    titles: u32,

    /// Repetitions of each search
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
}

/// Times and prints.
///
/// # Errors
/// None that are expected.
pub fn run(args: &Args) -> Result<()> {
    let titles = titles(args.titles as usize);
    let mut table = Table::new([
        Column::text("Search"),
        Column::number("ms, median"),
        Column::number("ms, best"),
        Column::text("Found"),
    ]);
    for text in SEARCHES {
        let mut times = Vec::new();
        let mut found = Found::Nothing(Vec::new());
        for _ in 0..args.times {
            let start = Instant::now();
            found = black_box(search::find(&titles, |_| true, black_box(text)));
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        table.row(vec![
            text.into(),
            format!("{:.1}", median(&times)),
            format!("{:.1}", best(&times)),
            match found {
                Found::One(hit) => titles.title(hit.id),
                Found::Several(ids) => format!("one of {}", ids.len()),
                Found::Nothing(_) => "nothing".into(),
            },
        ]);
    }
    let mut report = Report::default();
    note!(
        "Each search folds {} anew, as a command does that is asked once",
        count(titles.movies().len(), "title")
    );
    note!("");
    report.add("search", &table);
    print::answer(&report)
}

/// So many titles, of words as frequent as those of real ones: further ones are the first half of one and the second half
/// of another.
fn titles(number: usize) -> Titles {
    let real = builtin::load().titles;
    let real = real.movies();
    let movie = |at: usize| {
        let (round, one) = (at / real.len(), &real[at % real.len()]);
        let other = &real[(at * 7 + round * 13) % real.len()];
        let half = |movie: &Movie, first: bool| {
            let words: Vec<&str> = movie.title.split(' ').collect();
            let (start, end) = words.split_at(words.len() / 2);
            if first {
                start.join(" ")
            } else {
                end.join(" ")
            }
        };
        Movie {
            id: at as u32 + 1,
            title: match round {
                0 => one.title.clone(),
                _ => format!("{} {}", half(one, true), half(other, false)),
            },
            genres: Vec::new(),
            ratings: if round == 0 { one.ratings } else { 0 },
        }
    };
    Titles::new((0..number).map(movie).collect())
}
