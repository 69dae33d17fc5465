//! What lists are sorted by, in words.

use pocketrec::rank::Agreement;

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
