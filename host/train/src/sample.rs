//! A rating as trainers take it.

/// One rating as a trainer wants it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Dense row of the user.
    pub user: u32,
    /// Dense row of the movie.
    pub movie: u32,
    /// The rating, in stars.
    pub stars: f32,
}
