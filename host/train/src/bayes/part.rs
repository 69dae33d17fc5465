//! One part of the rows' prior means: what their mean is, or what a tag or a rating of a movie adds to it.

use super::draw::Draw;
use super::kernel::{LANES, Row};
use super::table::{AHEAD, fetch};
use crate::dense::solve_upper;

/// The rows that a part of the prior means is added to.
#[derive(Clone, Copy)]
pub(super) struct Members<'a> {
    /// Numbers of rows.
    pub list: &'a [u32],
    /// The list, and behind it what is read next.
    pub on: &'a [u32],
    /// What each row of the side takes the part times; 1 where there are none.
    pub weights: &'a [f32],
}

impl Members<'_> {
    fn weight(&self, member: u32) -> f32 {
        self.weights.get(member as usize).copied().unwrap_or(1.0)
    }

    /// The sum of the members' weights times their rows, and of the squares of the weights.
    fn sum<const T: usize>(&self, rest: &[Row<T>]) -> (Row<T>, f64) {
        let mut sum = [[0.0f32; LANES]; T];
        let mut squares = 0.0f64;
        for (at, &member) in self.list.iter().enumerate() {
            if let Some(&next) = self.on.get(at + AHEAD) {
                fetch(rest, next);
            }
            let w = self.weight(member);
            squares += f64::from(w * w);
            for (sum, rest) in sum.iter_mut().zip(&rest[member as usize]) {
                for c in 0..LANES {
                    sum[c] += w * rest[c];
                }
            }
        }
        (sum, squares)
    }

    /// Takes a change, times their weights, from the members' rows.
    fn take<const T: usize>(&self, change: &Row<T>, rest: &mut [Row<T>]) {
        for (at, &member) in self.list.iter().enumerate() {
            if let Some(&next) = self.list.get(at + AHEAD) {
                fetch(rest, next);
            }
            let w = self.weight(member);
            for (rest, change) in rest[member as usize].iter_mut().zip(change) {
                for c in 0..LANES {
                    rest[c] -= w * change[c];
                }
            }
        }
    }
}

/// Draws one part of the prior means: a row that is added, times the weight, to the prior mean of each member. Its own
/// prior is normal about zero with `strength` times the rows' precision matrix, whose Cholesky factor is `factor`.
pub(super) fn draw_part<const T: usize>(
    members: Members<'_>,
    strength: f64,
    value: &mut Row<T>,
    rest: &mut [Row<T>],
    factor: &[f64],
    draw: &mut Draw,
) {
    if members.list.is_empty() {
        return;
    }
    let n = T * LANES;
    let (sum, squares) = members.sum(rest);
    let mut noise = [0.0f64; 5 * LANES];
    let noise = &mut noise[..n];
    for z in noise.iter_mut() {
        *z = draw.normal();
    }
    solve_upper(factor, n, noise);
    // The posterior of the part given everything else. With w the members' weights, r what is left of their rows, y the
    // part as it was and A the rows' precision, which all of it shares:
    //   mean = (sum of w r + sum of w^2 y) / (sum of w^2 + strength),   precision = (sum of w^2 + strength) A
    // so one factor of A serves every part: L^-T z / root is a draw about the mean.
    let total = squares + strength;
    let root = total.sqrt();
    let mut change = [[0.0f32; LANES]; T];
    let changes = change.as_flattened_mut().iter_mut();
    let values = value.as_flattened_mut().iter_mut();
    for (((change, value), sum), z) in changes.zip(values).zip(sum.as_flattened()).zip(noise) {
        let old = f64::from(*value);
        let new = ((f64::from(*sum) + squares * old) / total + *z / root) as f32;
        *change = new - *value;
        *value = new;
    }
    members.take(&change, rest);
}
