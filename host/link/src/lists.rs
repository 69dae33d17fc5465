//! Lists of movies as a person reads them: their table, and what they are sorted by in words.

use pocketrec::model::Interval;
use pocketrec::rank::Agreement;
use pocketrec_base::print::{Column, Table};

use super::likely::ends;

/// A movie of a list: its numbers, between which stars a rating is likely to be where that is known, and title, genres and id.
pub type Line = (Vec<String>, Option<Interval>, [String; 3]);

/// The table of a list, whose `numbers` have these names.
pub fn table(numbers: &[&str], lines: &[Line]) -> Table {
    let is_likely = lines.iter().any(|(_, likely, _)| likely.is_some());
    let columns = std::iter::once(Column::number(""))
        .chain(numbers.iter().map(|name| Column::number(*name)))
        .chain(is_likely.then(|| Column::text("Likely")))
        .chain([
            Column::text("Movie"),
            Column::extra("Genres"),
            Column::number("Id"),
        ]);
    let mut table = Table::new(columns.collect::<Vec<_>>());
    for (place, (numbers, likely, movie)) in (1..).zip(lines) {
        let likely = is_likely.then(|| likely.map_or_else(String::new, ends));
        let cells = std::iter::once(format!("{place}")).chain(numbers.iter().cloned());
        table.row(cells.chain(likely).chain(movie.iter().cloned()));
    }
    table
}

/// What a list's column `Score` is.
pub const SCORE: &str =
    "Score is predicted stars, plus what a movie's popularity and the user's latest ratings add";

/// What a list for two is sorted by.
pub fn for_two(agreement: Agreement) -> String {
    let which = match agreement {
        Agreement::Least => "the lower of both scores",
        Agreement::Mean => "the mean of both scores",
    };
    format!(
        "{which}, each counted from that person's own mean: predicted stars, plus what popularity and the latest ratings add"
    )
}
