//! Asking for rows before they are wanted.

use super::super::sample::Sample;
use super::super::simd::{prefetch, prefetch_to_write};
use super::layout::RawTable;
use super::shard::Network;

/// The samples whose rows are soon to come. They are asked for a few at a time, between tiles of
/// arithmetic: a core waits for a dozen lines at once, and stands still when it is asked for more.
///
/// `LINE` is for tables whose rows keep to one line of values and one of moments, see
/// [`RawTable::keeps_to_lines`]: the loops over a row's lines took some 2 % of the network's time.
#[derive(Debug)]
pub struct Ahead<'a, const LINE: bool = false> {
    samples: std::slice::Iter<'a, Sample>,
    users: RawTable,
    movies: RawTable,
    /// Whether the users' moments will be wanted too.
    moments: bool,
}

impl<'a, const LINE: bool> Ahead<'a, LINE> {
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
    #[inline(always)]
    pub fn ask(&mut self, count: usize) {
        let (users, movies) = (self.users, self.movies);
        for sample in self.samples.by_ref().take(count) {
            if LINE {
                prefetch(users.row(sample.user).address());
                prefetch(movies.row(sample.movie).address());
                if self.moments {
                    prefetch_to_write(users.moments(sample.user).address());
                }
                continue;
            }
            users.ask_values(sample.user);
            movies.ask_values(sample.movie);
            if self.moments {
                users.ask_moments(sample.user);
            }
        }
    }

    /// Asks for all that are left.
    #[inline(always)]
    pub fn ask_all(&mut self) {
        self.ask(usize::MAX)
    }
}

/// Asks for all rows of these samples, and the users' moments.
#[inline(always)]
pub fn ask_for(network: &Network<'_>, samples: &[Sample]) {
    if network.users.keeps_to_lines() && network.movies.keeps_to_lines() {
        Ahead::<true>::new(network, samples, true).ask_all();
    } else {
        Ahead::<false>::new(network, samples, true).ask_all();
    }
}
