//! Lists of movies as a person reads them: their table, and what they are sorted by in words.

use pocketrec::model::Interval;
use pocketrec::rank::{Agreement, Order};
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

/// What the columns of a list are called: what it is sorted by and, where that is something else, predicted stars.
pub fn names(order: Order) -> &'static [&'static str] {
    match order {
        Order::Score => &["Score", "Stars"],
        Order::Stars => &["Stars"],
        Order::Taste => &["Taste", "Stars"],
        Order::Fame => &["Fame", "Stars"],
        Order::Surprise => &["Above", "Stars"],
    }
}

/// What the first of them is, in a sentence.
pub fn sorted_by(order: Order) -> &'static str {
    match order {
        Order::Score => {
            "Score is predicted stars, plus what a movie's popularity and the user's latest ratings add"
        }
        Order::Stars => "Sorted by predicted stars alone",
        Order::Taste => {
            "Taste is what of the stars is this person's own taste, however good a movie is in general"
        }
        Order::Fame => {
            "Fame is how well known a movie is, from 0 to 1, by the logarithm of how many people rated it"
        }
        Order::Surprise => {
            "Above is by how much the stars are above what would be predicted for somebody unknown"
        }
    }
}

/// The orders by the words that name them.
pub const ORDERS: [(&str, Order); 5] = [
    ("score", Order::Score),
    ("stars", Order::Stars),
    ("taste", Order::Taste),
    ("fame", Order::Fame),
    ("surprise", Order::Surprise),
];

/// The word that names an order.
pub fn word(order: Order) -> &'static str {
    let named = ORDERS.iter().find(|(_, one)| *one == order);
    named.map_or("score", |(word, _)| word)
}

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
