//! Asking for rows before they are wanted.

use super::super::Sample;
use super::super::simd::prefetch;
use super::block::{Network, RawTable};

/// The samples whose rows are soon to come. They are asked for a few at a time, between tiles of
/// arithmetic: a core waits for a dozen lines at once, and stands still when it is asked for more.
#[derive(Debug)]
pub struct Ahead<'a> {
    samples: std::slice::Iter<'a, Sample>,
    users: RawTable,
    movies: RawTable,
    biases: bool,
    /// Whether the users' moments will be wanted too.
    moments: bool,
}

impl<'a> Ahead<'a> {
    /// The rows of these samples.
    #[inline(always)]
    pub fn new(network: &Network<'_>, samples: &'a [Sample], moments: bool) -> Self {
        Self {
            samples: samples.iter(),
            users: network.users,
            movies: network.movies,
            biases: network.shape.biases,
            moments,
        }
    }

    /// Asks for the rows of the next samples.
    ///
    /// # Safety
    /// The samples must name rows of the tables.
    #[inline(always)]
    pub unsafe fn ask(&mut self, count: usize) {
        unsafe {
            let (users, movies) = (self.users, self.movies);
            for sample in self.samples.by_ref().take(count) {
                let user = users.row(sample.user);
                let movie = movies.row(sample.movie);
                prefetch(user);
                prefetch(movie);
                if self.moments {
                    for line in (16..users.stride).step_by(16) {
                        prefetch(user.add(line));
                    }
                } else if self.biases {
                    prefetch(user.add(3 * users.width));
                }
                if self.biases {
                    prefetch(movie.add(3 * movies.width));
                }
            }
        }
    }

    /// Asks for all that are left.
    ///
    /// # Safety
    /// As for [`Ahead::ask`].
    #[inline(always)]
    pub unsafe fn ask_all(&mut self) {
        // SAFETY: by the caller's promise.
        unsafe { self.ask(usize::MAX) }
    }
}
