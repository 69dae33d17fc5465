//! The movies' side of interests, and the vector of a person by it.

use super::found::{confidence_bytes, levels};
use super::histories::Histories;
use super::settings::DIM;
use super::solve::{self, Square, Vector};
use super::stop::Stop;
use super::{als, codebook};
use crate::options::Options;

/// The movies' side, as a device has it.
pub(super) struct Movies {
    pub codes: Vec<u8>,
    pub codebook: Vec<f32>,
    pub scale: f32,
    pub power: f32,
    /// Each movie's row: the codebook's times its level.
    pub rows: Vec<Vector>,
    /// Covariance before any rating.
    pub spread: Square,
}

impl Movies {
    /// Nothing once `stop` says so.
    pub(super) fn new(
        histories: &Histories,
        counts: &[u32],
        options: &Options,
        stop: Stop<'_>,
    ) -> Option<Self> {
        let vectors = als::movies(histories, counts.len(), options, stop)?;
        let found = codebook::quantise(&vectors, counts, options.seed, stop)?;
        let levels = levels(counts, found.power);
        let known = confidence_bytes(counts);
        let rows: Vec<Vector> = known
            .iter()
            .zip(&found.codes)
            .map(|(known, code)| {
                let level = f32::from(levels[usize::from(known >> 2)]) / 256.0;
                found.rows[usize::from(*code)].map(|x| x * level)
            })
            .collect();
        let spread = als::prior(&rows);
        Some(Self {
            codes: found.codes,
            codebook: found.rows.concat(),
            scale: found.scale,
            power: found.power,
            rows,
            spread,
        })
    }

    /// The vector of somebody who rated `movies`, the latest last, of which each counts `fade` times what the next
    /// one does: a ridge regression whose penalty is the inverse of the prior's covariance.
    pub(super) fn person(&self, precision: &Square, movies: &[u32], fade: f32) -> Vector {
        let mut normal = *precision;
        let mut sums = [0.0; DIM];
        let mut weight = 1.0;
        for &movie in movies.iter().rev().take(pocketrec::model::interest::LATEST) {
            let row = &self.rows[movie as usize];
            solve::add(&mut normal, row, weight);
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += weight * x;
            }
            weight *= fade;
        }
        solve::solve(normal, sums)
    }
}
