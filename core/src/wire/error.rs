//! Why a frame is not understood.

use core::fmt;
use serde::{Deserialize, Serialize};

/// Why a frame is not understood. Travels on the wire: variants are appended, never moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than the largest frame.
    TooLong,
    /// Shorter than version, request number and CRC.
    TooShort,
    /// The COBS code is broken.
    Cobs,
    /// The CRC doesn't fit the bytes.
    Crc,
    /// A frame version that isn't spoken here; the request number can be read all the same.
    Version {
        /// The version found.
        found: u8,
    },
    /// The body isn't a message of this version.
    Body,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooLong => f.write_str("the frame is longer than the largest one"),
            Self::TooShort => f.write_str("the frame is shorter than a header and a CRC"),
            Self::Cobs => f.write_str("the frame's COBS code is broken"),
            Self::Crc => f.write_str("the frame's CRC is wrong"),
            Self::Version { found } => write!(f, "frame version {found} is not spoken here"),
            Self::Body => f.write_str("the frame's body is not a known message"),
        }
    }
}

impl core::error::Error for FrameError {}
