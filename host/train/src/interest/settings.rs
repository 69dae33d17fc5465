//! With what people's interests are found. None of these is set for a data set; how fast ratings fade and what an
//! interest is worth is chosen on validation ratings.

/// The most ratings that directions are found from.
pub const RATINGS: usize = 4_000_000;
/// The most movies that codewords are learned from, those with the most ratings; the others are put into codes by them.
pub const LEARNED: usize = 8_192;
/// Codes kept from book to book while codewords are found.
pub const BEAM: usize = 4;
/// The same in the last search.
pub const LAST_BEAM: usize = 16;
/// Movies belong together by who rated both, and more so the nearer to each other: by this factor less for each rating in
/// between.
pub const KIN_FADE: f32 = 0.95;
/// What two ratings of one person count however far apart, times the root of how many they gave.
pub const KIN_SHARE: f32 = 5.0;
/// How much of what a rating counts for with itself is left out, which says nothing of other movies. EASE leaves out all of
/// it (Steck 2019). Chosen with [`KIN_DAMPING`] by lists of ratings held out of the training ratings, and by how many of a
/// series `similar` names, which the whole costs too much (docs/RESULTS.md).
pub const KIN_OWN: f32 = 0.75;
/// How much less is kept of weak directions: of the weakest, one part in 1 + this.
pub const KIN_DAMPING: f64 = 2.0;
/// Passes that estimate where the wanted eigenvalues begin.
pub const FIRST_PASSES: usize = 3;
/// Passes in which directions are found after these: the degree of the polynomial.
pub const KIN_PASSES: usize = 7;
/// What a rating counts for when one more has been given: by half after 1, 2, 3, 5, 10 and 30 ratings.
pub const FADES: [f32; 6] = [
    0.5,
    std::f32::consts::FRAC_1_SQRT_2,
    0.7937,
    0.8706,
    0.9330,
    0.9772,
];
/// Stars for a likeness of 1 that are tried, on a scale of [`RANGE`].
pub const WEIGHTS: [f32; 4] = [4.0, 8.0, 16.0, 32.0];
/// Stars for the logarithm of one more than a movie's ratings that are tried beside them.
pub const FAMES: [f32; 5] = [0.2, 0.5, 0.8, 1.2, 2.0];
/// From the lowest to the highest rating of MovieLens.
pub const RANGE: f32 = 4.5;
/// The largest weight is taken whose lists find this share of what the best ones do. Validation ratings lie anywhere among a
/// person's, and what was rated last says more at the end.
pub const ENOUGH: f64 = 0.95;
/// Fade, weight and fame where there are no ratings to choose by.
pub const UNCHOSEN: (f32, f32, f32) = (0.7937, 16.0, 0.5);
/// How many times as many movies as the list of the most rated ones lists should name.
pub const VARIETY: f64 = 5.0;
/// People whose lists are judged, at most.
pub const PEOPLE: usize = 1_000;
/// Movies that are scored for all of them together, about at most.
pub const SCORES: usize = 6_100_000;
