//! Activations of dense layers.

/// The activation of a dense layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Activation {
    /// f(x) = x.
    Linear,
    /// f(x) = x where x > 0, else +0.
    Relu,
}

impl Activation {
    /// The activation of a number in an image, or `None` for one that isn't known.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Linear),
            1 => Some(Self::Relu),
            _ => None,
        }
    }

    /// Its number in an image.
    pub const fn code(self) -> u8 {
        match self {
            Self::Linear => 0,
            Self::Relu => 1,
        }
    }

    /// f(x).
    #[inline]
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::Linear => x,
            Self::Relu => relu(x),
        }
    }
}

/// x where x > 0, else +0: a comparison and a choice, since `f32::max` treats -0.0 differently on different
/// machines.
#[inline]
pub fn relu(x: f32) -> f32 {
    if x > 0.0 { x } else { 0.0 }
}
