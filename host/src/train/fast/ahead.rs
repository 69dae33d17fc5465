//! Asking for rows before they are wanted.

use super::super::Sample;
use super::block::Network;
use super::layout::RawTable;

/// The samples whose rows are soon to come. They are asked for a few at a time, between tiles of
/// arithmetic: a core waits for a dozen lines at once, and stands still when it is asked for more.
#[derive(Debug)]
pub struct Ahead<'a> {
    samples: std::slice::Iter<'a, Sample>,
    users: RawTable,
    movies: RawTable,
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
                users.ask_values(sample.user);
                movies.ask_values(sample.movie);
                if self.moments {
                    users.ask_moments(sample.user);
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
