//! With what people's interests are found. None of these is set for a data set; how fast ratings fade and what an
//! interest is worth is chosen on validation ratings.

/// Numbers in a vector.
pub const DIM: usize = 16;
/// How much more a rating counts than none.
pub const ALPHA: f32 = 5.0;
/// Penalty of a vector's square.
pub const LAMBDA: f32 = 5.0;
/// Sweeps over both sides.
pub const SWEEPS: usize = 12;
/// The most ratings that movies' vectors are found from.
pub const RATINGS: usize = 4_000_000;
/// Rows of the codebook: 1.5 KB of an image.
pub const CODES: usize = 96;
/// Rounds in which the codebook is found.
pub const ROUNDS: usize = 20;
/// Movies belong together by who rated both, and more so the nearer to each other: by this factor less for each rating in
/// between.
pub const KIN_FADE: f32 = 0.95;
/// What two ratings of one person count however far apart, times the root of how many they gave.
pub const KIN_SHARE: f32 = 20.0;
/// How much less is kept of weak directions: of the weakest, one part in 1 + this.
pub const KIN_DAMPING: f64 = 1.0;
/// Passes in which directions are found.
pub const KIN_PASSES: usize = 10;
/// What a rating counts for when one more has been given: by half after 2, 3, 5, 10 and 30 ratings.
pub const FADES: [f32; 5] = [
    std::f32::consts::FRAC_1_SQRT_2,
    0.7937,
    0.8706,
    0.9330,
    0.9772,
];
/// Stars for an interest of 1 that are tried.
pub const WEIGHTS: [f32; 6] = [4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// The weight at which fades are tried.
pub const FIRST_WEIGHT: f32 = 32.0;
/// How many times as many movies as the list of the most rated ones lists should name.
pub const VARIETY: f64 = 5.0;
/// People whose lists are judged, at most.
pub const PEOPLE: usize = 1_000;
/// Movies that are scored for all of them together, about at most.
pub const SCORES: usize = 6_100_000;
