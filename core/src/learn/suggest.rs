//! Which movies to ask a person to rate: well-known ones whose rating would teach most.
//!
//! A rating of a movie whose score has the variance v, in units of a rating's noise, takes the share v / (1 + v) of
//! it away ([`Belief`](super::Belief)). That, times how well known the movie is, is what a movie is worth asking.

use super::{FoldIn, gradient};
use crate::ids::MovieId;
use crate::model::Model;
use crate::rank::{Best, Hit, Progress};

/// A search of the catalogue for the `N` movies that are most worth asking about.
///
/// RAM: 8 bytes a movie kept, and 24. Time: a gradient and P g a movie.
#[derive(Clone, Debug)]
pub struct Suggest<const N: usize> {
    best: Best<N>,
    next: u32,
}

impl<const N: usize> Suggest<N> {
    /// An empty list that keeps `limit`, at most `N`.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            best: Best::new(limit),
            next: 0,
        }
    }

    /// Looks at `movies` further movies, those of which `filter` doesn't let the id through left out, after a whole
    /// `fold`. Call it again until it is done.
    pub fn advance(
        &mut self,
        model: &Model<'_>,
        fold: &FoldIn,
        mut filter: impl FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        let total = model.movies();
        let end = self.next.saturating_add(movies.max(1)).min(total);
        for row in self.next..end {
            let known = model.confidence(row).map_or(1.0, |c| f32::from(c) / 255.0);
            // No movie is worth more than how well it is known.
            if known <= self.best.bar() {
                continue;
            }
            let g = gradient(model, fold.state(), row);
            let variance = fold.belief().variance(&g.by);
            let score = known * (variance / (1.0 + variance));
            if score > self.best.bar()
                && let Some(movie) = model.movie_id(row)
                && filter(movie)
            {
                self.best.offer(Hit { movie, score });
            }
        }
        self.next = end;
        Progress { done: end, total }
    }

    /// The movies found so far, most worth first; the score is from 0 to 1.
    pub fn hits(&self) -> &[Hit] {
        self.best.hits()
    }
}
