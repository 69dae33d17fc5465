//! Why a prediction is what it is, and what a list counts beside it, line by line.

use pocketrec::rank::Order;
use pocketrec::wire::{Explained, Ranked};
use pocketrec_base::print::number::{fixed, signed};

use super::desk::Desk;
use super::verb::Other;

/// A prediction's parts, what a list counts beside them, which is `more`, and the ratings that moved the stars, line by line:
/// the last are what a small screen has no room for.
pub fn why(desk: &Desk, explained: &Explained, more: Option<String>) -> Vec<String> {
    let mut lines = parts(explained, None);
    lines.extend(more);
    lines.extend(because(desk, explained, "Your"));
    lines
}

/// What a list of the best movies in that `order` counts beside the stars that are explained; how much of a score that is, where the
/// movie is in the list, with a score above 0. Nothing where the image says nothing of it, and in another order than that of
/// scores.
pub fn beside(
    desk: &Desk,
    (movie, explained): (u32, &Explained),
    (order, top): (Order, &[Ranked]),
) -> Option<String> {
    let what = desk.beside.words("your latest ratings");
    let what = what.filter(|_| order == Order::Score)?;
    // The stars of a score aren't clamped to the scale.
    let parts = explained.user_bias + explained.movie_bias + explained.dot + explained.mlp;
    let stars = explained.mean + parts;
    let ranked = top.iter().find(|ranked| ranked.movie == movie);
    Some(match ranked.map(|ranked| ranked.score) {
        Some(score) if score > 0.0 && score >= stars => {
            let share = 100.0 * (score - stars) / score;
            format!("{share:.0} % of its score comes from {what}")
        }
        Some(score) if score > 0.0 => {
            let share = 100.0 * (stars - score) / stars;
            format!("Its score is {share:.0} % less than these stars, by {what}")
        }
        _ => format!("The list counts {what} too"),
    })
}

/// The parts of a prediction for another one and the ratings that moved it, line by line.
pub fn why_for(desk: &Desk, explained: &Explained, other: &Other) -> Vec<String> {
    let mut lines = parts(explained, Some(other));
    lines.extend(because(desk, explained, "Their"));
    lines
}

/// The parts, line by line.
fn parts(explained: &Explained, other: Option<&Other>) -> Vec<String> {
    let mut lines = vec![format!(
        "{} what all predictions start from",
        fixed(explained.mean, 2)
    )];
    let [general, taste] = match other {
        None => ["how you rate in general", "your taste and its kind"],
        Some(_) => ["how they rate in general", "their taste and its kind"],
    };
    for (value, part) in [
        (explained.user_bias, general),
        (explained.movie_bias, "how it is rated in general"),
        (explained.dot, taste),
        (explained.mlp, "the network"),
    ] {
        // A part that a model doesn't have adds this very number.
        if value != 0.0 {
            lines.push(format!("{} {part}", signed(value, 2)));
        }
    }
    lines
}

/// The ratings that moved it.
fn because(desk: &Desk, explained: &Explained, whose: &str) -> impl Iterator<Item = String> {
    explained.because.iter().map(move |because| {
        format!(
            "{whose} {} for {} moved the stars by {}",
            because.stars,
            desk.title(because.movie),
            signed(because.moved, 2)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_link::lists::Beside;

    #[test]
    fn a_reason_says_what_a_list_counts_beside_the_stars() {
        let explained = Explained {
            stars: 5.0,
            mean: 3.5,
            user_bias: 0.5,
            movie_bias: 0.75,
            dot: 0.5,
            mlp: 0.0,
            because: pocketrec::list::List::new(),
        };
        let told = |desk: &Desk, order, movie, score| {
            let ranked = Ranked {
                movie: 7,
                score,
                stars: 5.0,
            };
            beside(desk, (movie, &explained), (order, &[ranked]))
        };
        let desk = Desk::default();
        let of = |movie, score| told(&desk, Order::Score, movie, score);
        // The parts are 5.25, and stars end at 5.
        assert_eq!(
            of(7, 17.5).as_deref(),
            Some("70 % of its score comes from popularity and your latest ratings")
        );
        assert_eq!(
            of(7, 4.2).as_deref(),
            Some("Its score is 20 % less than these stars, by popularity and your latest ratings")
        );
        let too = Some("The list counts popularity and your latest ratings too");
        assert_eq!(of(7, -1.0).as_deref(), too);
        assert_eq!(of(8, 17.5).as_deref(), too);
        assert_eq!(told(&desk, Order::Taste, 7, 17.5), None);
        let bare = Desk {
            beside: Beside {
                popularity: false,
                interest: false,
            },
            ..desk.clone()
        };
        assert_eq!(told(&bare, Order::Score, 7, 17.5), None);
    }
}
