//! Rounding tables to integers: 8 bits with a multiplier a row, or 16 bits, times a power of two.

/// A table of 8-bit integers: number = integer x multiplier of its row x scale.
pub(super) struct Bytes {
    /// The integers.
    pub values: Vec<i8>,
    /// A multiplier a row.
    pub multipliers: Vec<u8>,
    /// A power of two.
    pub scale: f32,
}

/// The smallest power of two of which `most` steps reach `largest`, between the two exponents; `None` where even the
/// last doesn't.
fn scale(largest: f32, most: f32, exponents: std::ops::RangeInclusive<i32>) -> Option<f32> {
    exponents
        .map(|exponent| (exponent as f32).exp2())
        .find(|scale| largest <= most * scale)
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most, value| most.max(value.abs()))
}

/// Rounds rows of `columns` numbers. A row's multiplier is the one with the least squared error of all: a coarser
/// grid reaches the largest number, a finer one cuts it and rounds the others better. `None` for numbers beyond 8
/// million.
pub(super) fn bytes(values: &[f32], columns: usize) -> Option<Bytes> {
    let scale = scale(largest(values), 127.0 * 255.0, -24..=8)?;
    let mut out = Bytes {
        values: Vec::with_capacity(values.len()),
        multipliers: Vec::with_capacity(values.len() / columns.max(1)),
        scale,
    };
    for row in values.chunks_exact(columns) {
        let reach = (largest(row) / (127.0 * scale)).ceil().clamp(1.0, 255.0) as u16;
        let round = |step: f32, value: f32| (value / step).round().clamp(-127.0, 127.0);
        let error = |multiplier: u16| -> f32 {
            let step = f32::from(multiplier) * scale;
            row.iter()
                .map(|&value| (round(step, value) * step - value).powi(2))
                .sum()
        };
        // Beyond 3 % cut, what the largest number loses outweighs what the others gain.
        let finest = (reach * 31 / 32).max(1);
        let mut best = (reach, error(reach));
        for multiplier in finest..reach {
            let found = error(multiplier);
            if found < best.1 {
                best = (multiplier, found);
            }
        }
        let step = f32::from(best.0) * scale;
        out.multipliers.push(best.0 as u8);
        out.values
            .extend(row.iter().map(|&value| round(step, value) as i8));
    }
    Some(out)
}

/// Rounds numbers to 16 bits times the power of two that is returned, the finest of the exponents that reaches them
/// all; `None` where none does.
pub(super) fn words(
    values: &[f32],
    exponents: std::ops::RangeInclusive<i32>,
) -> Option<(Vec<i16>, f32)> {
    let scale = scale(largest(values), 32767.0, exponents)?;
    let round = |&value: &f32| (value / scale).round() as i16;
    Some((values.iter().map(round).collect(), scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> Vec<f32> {
        let random =
            pocketrec_train::random::Random::new(3, pocketrec_train::random::Stream::Order, 0);
        (0..800)
            .map(|i| random.symmetric(i, if i < 400 { 2.0 } else { 0.02 }))
            .collect()
    }

    #[test]
    fn eight_bits_err_by_little_more_than_half_a_step_of_their_row() {
        let values = numbers();
        let found = bytes(&values, 8).unwrap();
        for (row, (integers, &by)) in values
            .chunks(8)
            .zip(found.values.chunks(8).zip(&found.multipliers))
        {
            let step = f32::from(by) * found.scale;
            // A row's own step: its largest number takes most of the 127.
            assert!(largest(row) > 60.0 * step || by == 1);
            for (value, &integer) in row.iter().zip(integers) {
                let error = (f32::from(integer) * step - value).abs();
                assert!(
                    error <= 0.5 * step + 0.04 * largest(row),
                    "{value} {error} {step}"
                );
            }
        }
    }

    #[test]
    fn a_fitted_multiplier_is_never_worse_than_the_one_that_reaches() {
        let values = numbers();
        let found = bytes(&values, 8).unwrap();
        let mut sums = [0.0f64; 2];
        for (row, (integers, &by)) in values
            .chunks(8)
            .zip(found.values.chunks(8).zip(&found.multipliers))
        {
            let step = f32::from(by) * found.scale;
            let plain = (largest(row) / (127.0 * found.scale)).ceil() * found.scale;
            for (&value, &integer) in row.iter().zip(integers) {
                sums[0] += f64::from(f32::from(integer) * step - value).powi(2);
                sums[1] += f64::from((value / plain).round() * plain - value).powi(2);
            }
        }
        assert!(sums[0] <= sums[1], "{sums:?}");
    }

    #[test]
    fn sixteen_bits_take_the_finest_scale_that_reaches() {
        let (integers, scale) = words(&[1.0, -0.25, 0.9], -18..=-6).unwrap();
        assert_eq!(
            (scale, integers[0], integers[1]),
            (1.0 / 16384.0, 16384, -4096)
        );
        assert!(words(&[4000.0], -18..=-6).is_none());
        assert_eq!(words(&[0.0], -18..=-6).unwrap().0, [0]);
    }
}
