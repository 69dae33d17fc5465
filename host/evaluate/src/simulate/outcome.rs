//! What comes of people who rate on a device: their errors after so many ratings.

use pocketrec_metrics::Errors;

/// Ratings after which predictions are measured.
pub const AFTER: [usize; 6] = [0, 1, 2, 5, 10, 20];

/// The most ratings that a person gives.
pub const GIVEN: usize = 20;

/// Ratings that a person must have, so that enough are left to measure on.
pub const AT_LEAST: usize = 30;

/// Errors of all people of one seed.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// One entry a person.
    pub people: Vec<PersonErrors>,
    /// Predictions of the device's own that were compared with core's on this PC, bit for bit.
    pub compared: usize,
}

/// One person's errors after each of [`AFTER`].
#[derive(Clone, Debug, Default)]
pub struct PersonErrors {
    /// N, at each k the same.
    pub nothing: Errors,
    /// B, for each pair of shrinkages ([`biases::shrinkages`](super::biases::shrinkages)), after each k.
    pub biases: Vec<[Errors; AFTER.len()]>,
    /// R, where it was asked for.
    pub retrained: Option<[Errors; AFTER.len()]>,
    /// D.
    pub device: [Errors; AFTER.len()],
}
