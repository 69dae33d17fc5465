//! Adam, one number at a time: the oracle that the fast row update is compared with.
//!
//! Kingma and Ba 2015, in the form of the paper's section 2 that Keras uses: the bias
//! corrections are folded into the step size, and epsilon is added to the root of the
//! uncorrected second moment.

/// Decay of the first moment, as f64 so that its powers are exact enough.
pub const BETA_1: f64 = 0.9;
/// Decay of the second moment.
pub const BETA_2: f64 = 0.999;
/// Keras's epsilon.
pub const EPSILON: f32 = 1e-7;

/// The step size at the `step`-th step (1 is the first): `rate * sqrt(1 - b2^t) / (1 - b1^t)`.
pub fn step_size(rate: f32, step: u64) -> f32 {
    let correction_1 = 1.0 - power(BETA_1, step);
    let correction_2 = 1.0 - power(BETA_2, step);
    (f64::from(rate) * correction_2.sqrt() / correction_1) as f32
}

/// `base` to an integer power by squaring: multiplications only, so that every machine agrees.
pub fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut result = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    result
}

/// One number's step: decays both moments towards the gradient and moves the value.
#[inline]
pub fn update(value: &mut f32, m: &mut f32, v: &mut f32, gradient: f32, step_size: f32) {
    *m += (gradient - *m) * (1.0 - BETA_1) as f32;
    *v += (gradient * gradient - *v) * (1.0 - BETA_2) as f32;
    *value -= step_size * *m / (v.sqrt() + EPSILON);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_is_the_rate_against_the_gradients_sign() {
        for gradient in [3.0f32, -0.02] {
            let (mut value, mut m, mut v) = (1.0f32, 0.0, 0.0);
            update(&mut value, &mut m, &mut v, gradient, step_size(0.005, 1));
            assert!((1.0 - value - 0.005 * gradient.signum()).abs() < 1e-6);
        }
    }

    #[test]
    fn the_folded_corrections_equal_the_papers_algorithm_1() {
        let gradients = [0.5f64, -0.25, 0.125, 0.75, -1.5];
        let (mut value, mut m, mut v) = (0.0f32, 0.0f32, 0.0f32);
        let (mut exact, mut m64, mut v64) = (0.0f64, 0.0f64, 0.0f64);
        for (index, gradient) in gradients.into_iter().enumerate() {
            let step = index as u64 + 1;
            update(
                &mut value,
                &mut m,
                &mut v,
                gradient as f32,
                step_size(0.01, step),
            );
            m64 = 0.9 * m64 + 0.1 * gradient;
            v64 = 0.999 * v64 + 0.001 * gradient * gradient;
            let m_hat = m64 / (1.0 - 0.9f64.powi(step as i32));
            let v_hat = v64 / (1.0 - 0.999f64.powi(step as i32));
            exact -= 0.01 * m_hat / (v_hat.sqrt() + 1e-7);
        }
        assert!((f64::from(value) - exact).abs() < 1e-6, "{value} {exact}");
    }
}
