//! Who has rated which movies.

use pocketrec_data::Ratings;

/// Who has rated which movies, by their rows: 4 bytes a rating.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rated {
    /// Where each user's movies start; one more, where the last one's end.
    starts: Vec<usize>,
    movies: Vec<u32>,
}

impl Rated {
    /// Of all ratings. O(ratings).
    pub fn new(ratings: &Ratings) -> Self {
        let mut starts = vec![0; ratings.user_count() + 1];
        for user in &ratings.users {
            starts[*user as usize + 1] += 1;
        }
        for user in 1..starts.len() {
            starts[user] += starts[user - 1];
        }
        let mut next = starts.clone();
        let mut movies = vec![0; ratings.len()];
        for (user, movie) in ratings.users.iter().zip(&ratings.movies) {
            let place = &mut next[*user as usize];
            movies[*place] = *movie;
            *place += 1;
        }
        Self { starts, movies }
    }

    /// The rows of the movies that the user of `row` has rated, in no order; none for a row that there isn't.
    pub fn of(&self, row: usize) -> &[u32] {
        match self.starts.get(row..row + 2) {
            Some(&[start, end]) => &self.movies[start..end],
            _ => &[],
        }
    }
}
