//! Lists of movies as a person reads them: their table, and what they are sorted by in words.

use std::borrow::Cow;

use pocketrec::model::{Interval, Model};
use pocketrec::rank::{Agreement, Order};
use pocketrec_base::print::{Column, Table, number};

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

/// What the column of scores is called.
const SCORE: &str = "Score";

/// A score in percent of the first one's in its list. As numbers scores stand beside stars and are no stars: what popularity
/// and interest add may be many times as much.
pub fn percent(score: f32, first: f32) -> String {
    let (score, first) = (f64::from(score), f64::from(first));
    // Of a first one below 0 too, what is further behind has less.
    let behind = (first - score) / first.abs().max(1e-3);
    format!("{} %", number::fixed(100.0 - 100.0 * behind, 0))
}

/// A number of the column of this name, in a list whose `first` is this one.
pub fn cell(name: &str, value: f32, first: f32) -> String {
    match name {
        SCORE => percent(value, first),
        _ => number::fixed(value, 2),
    }
}

/// What the columns of a list are called: what it is sorted by and, where that is something else, predicted stars.
pub fn names(order: Order) -> &'static [&'static str] {
    match order {
        Order::Score => &[SCORE, "Stars"],
        Order::Stars => &["Stars"],
        Order::Taste => &["Taste", "Stars"],
        Order::Fame => &["Fame", "Stars"],
        Order::Surprise => &["Above", "Stars"],
    }
}

/// What a score counts beside predicted stars, by what an image says; both where none is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// How well known movies are.
    pub popularity: bool,
    /// What people look for, which their latest ratings tell.
    pub interest: bool,
}

impl Default for Beside {
    fn default() -> Self {
        Self {
            popularity: true,
            interest: true,
        }
    }
}

impl Beside {
    /// What the image of `model` says.
    pub fn of(model: &Model<'_>) -> Self {
        Self {
            popularity: model.has_confidence(),
            interest: model.has_interest(),
        }
    }

    /// That in words, with those for somebody's latest ratings; none where there is nothing.
    pub fn words(self, ratings: &str) -> Option<String> {
        match (self.popularity, self.interest) {
            (true, true) => Some(format!("popularity and {ratings}")),
            (true, false) => Some("popularity".to_owned()),
            (false, true) => Some(ratings.to_owned()),
            (false, false) => None,
        }
    }

    /// What a score is, with predicted stars.
    fn score(self, ratings: &str) -> String {
        match (self.words(ratings), self.popularity && self.interest) {
            (None, _) => "predicted stars alone, as the image says nothing else".to_owned(),
            (Some(words), true) => format!("predicted stars, {words} together"),
            (Some(words), false) => format!("predicted stars and {words} together"),
        }
    }
}

/// What the first of them is, in a sentence.
pub fn sorted_by(order: Order, beside: Beside) -> Cow<'static, str> {
    Cow::Borrowed(match order {
        Order::Score => {
            let score = beside.score("the user's latest ratings");
            return format!("Score is {score}; the first has 100 %").into();
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
    })
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

/// What the first column of a list for two is called; stars count from each person's own mean.
pub fn name_for_two(order: Order) -> &'static str {
    match order {
        Order::Stars => "Above",
        order => names(order)[0],
    }
}

/// What a list for two is sorted by.
pub fn for_two(agreement: Agreement, order: Order, beside: Beside) -> String {
    let which = match agreement {
        Agreement::Least => "the lower of",
        Agreement::Mean => "the mean of",
    };
    match order {
        Order::Score => format!(
            "Score is {which} both scores, each counted from that person's own mean: {}; the first has 100 %",
            beside.score("latest ratings")
        ),
        Order::Stars => {
            format!("Above is {which} both: how many stars it is above each one's own mean")
        }
        Order::Taste => format!(
            "Taste is {which} both: what of the stars is each one's own taste, however good a movie is in general"
        ),
        Order::Fame => sorted_by(order, beside).into_owned(),
        Order::Surprise => format!(
            "Above is {which} both: how far each one's stars are above what would be predicted for somebody unknown"
        ),
    }
}

/// What else isn't in a list of the best movies that is shorter than was asked for; nothing of a full one. `whose` mean it is.
pub fn below(listed: usize, asked: usize, whose: &str) -> Option<String> {
    (listed < asked).then(|| format!("Without the movies that are predicted below {whose}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_said_to_count_what_the_image_says_and_no_more() {
        let of = |popularity, interest| {
            let beside = Beside {
                popularity,
                interest,
            };
            sorted_by(Order::Score, beside).into_owned()
        };
        for (said, parts) in [
            (
                of(true, true),
                "stars, popularity and the user's latest ratings together",
            ),
            (of(true, false), "stars and popularity together"),
            (
                of(false, true),
                "stars and the user's latest ratings together",
            ),
            (
                of(false, false),
                "stars alone, as the image says nothing else",
            ),
        ] {
            assert_eq!(
                said,
                format!("Score is predicted {parts}; the first has 100 %")
            );
        }
    }

    #[test]
    fn only_a_short_list_says_that_movies_below_the_mean_are_left_out() {
        assert_eq!(below(10, 10, "your own mean"), None);
        assert_eq!(
            below(0, 10, "your own mean").as_deref(),
            Some("Without the movies that are predicted below your own mean")
        );
    }

    #[test]
    fn a_score_is_shown_in_percent_of_the_first_and_what_is_behind_has_less_below_0_too() {
        for (first, shown) in [
            (32.0, [("32", "100 %"), ("24", "75 %"), ("-8", "-25 %")]),
            (-2.0, [("-2", "100 %"), ("-3", "50 %"), ("-4", "0 %")]),
        ] {
            for (score, percent) in shown {
                assert_eq!(cell("Score", score.parse().unwrap(), first), percent);
            }
        }
        assert_eq!(percent(0.0, 0.0), "100 %");
        assert_eq!(cell("Taste", 0.5, 1.0), "0.50");
    }
}
