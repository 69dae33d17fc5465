//! The arithmetic of the device: every kernel beside its plain oracle, all of it in IEEE single precision and in
//! one written order, so that a PC, an emulator and a board give the same bits.

pub mod activation;
pub(crate) mod arch;
pub mod crc32;
pub mod dot;
pub mod f16;
pub(crate) mod integer;
pub(crate) mod lanes;

/// The square root of `x` by libm's correctly rounded routine: the same bits on every machine.
/// Negative numbers give 0, so that no NaN can arise.
pub fn square_root(x: f32) -> f32 {
    if x > 0.0 { libm::sqrtf(x) } else { 0.0 }
}

/// `x` held between `low` and `high` by comparison, without the signed-zero and NaN cases in which
/// `f32::clamp` differs between machines. A NaN becomes `low`.
pub fn hold(x: f32, low: f32, high: f32) -> f32 {
    if x > high {
        high
    } else if x >= low {
        x
    } else {
        low
    }
}

/// The magnitude of `x`: its bits without the sign.
pub fn magnitude(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & 0x7fff_ffff)
}
