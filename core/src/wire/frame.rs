//! Frames: from bytes on the line to a number and a body, and back.

use super::cobs::{Encoder, decode_in_place};
use super::error::FrameError;
use super::{MAX_BODY, MAX_FRAME, OVERHEAD};
use crate::numeric::crc32::{Crc32, crc32};
use serde::Serialize;

/// A complete frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The sender's frame version.
    pub version: u8,
    /// The request's number.
    pub number: u32,
    /// The low half of the frame's CRC: with the same number, another body has most likely another one.
    pub check: u16,
    /// The body, a postcard message.
    pub body: &'a [u8],
}

impl<'a> Frame<'a> {
    fn parse(plain: &'a [u8]) -> Result<Self, FrameError> {
        let (rest, crc) = plain.split_last_chunk::<4>().ok_or(FrameError::TooShort)?;
        let ([version, number @ ..], body) =
            rest.split_first_chunk::<5>().ok_or(FrameError::TooShort)?;
        let crc = u32::from_le_bytes(*crc);
        if crc32(rest) != crc {
            return Err(FrameError::Crc);
        }
        if body.len() > MAX_BODY {
            return Err(FrameError::TooLong);
        }
        Ok(Self {
            version: *version,
            number: u32::from_le_bytes(*number),
            check: crc as u16,
            body,
        })
    }
}

/// The longest frame between its zeros.
const LONGEST: usize = MAX_FRAME - 2;

/// Assembles bytes into frames. RAM: one frame of the largest size.
#[derive(Clone, Debug)]
pub struct FrameReader {
    buffer: [u8; LONGEST],
    length: usize,
    /// Whether the bytes since the last zero are too many.
    overflow: bool,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameReader {
    /// A reader at the start of a frame.
    pub const fn new() -> Self {
        Self {
            buffer: [0; LONGEST],
            length: 0,
            overflow: false,
        }
    }

    /// Takes in a byte. `None` inside a frame and between frames; at the zero that ends one, the frame or what
    /// is wrong with it. The next byte starts anew, whatever came before: text, noise, or half a frame cost the frame
    /// behind them nothing, since it begins with a zero too.
    pub fn push(&mut self, byte: u8) -> Option<Result<Frame<'_>, FrameError>> {
        if byte != 0 {
            match self.buffer.get_mut(self.length) {
                Some(place) => {
                    *place = byte;
                    self.length = self.length.wrapping_add(1);
                }
                None => self.overflow = true,
            }
            return None;
        }
        let (length, overflow) = (self.length, self.overflow);
        self.length = 0;
        self.overflow = false;
        if overflow {
            return Some(Err(FrameError::TooLong));
        }
        if length == 0 {
            return None;
        }
        let bytes = self.buffer.get_mut(..length).unwrap_or_default();
        let plain = decode_in_place(bytes);
        Some(match plain.and_then(|length| self.buffer.get(..length)) {
            Some(plain) => Frame::parse(plain),
            None => Err(FrameError::Cobs),
        })
    }
}

/// Writes a frame of `version`, `number` and `message` into `out`, with a zero before and behind it; returns its length,
/// or `None` where the body is longer than [`MAX_BODY`]. Uses a body's worth of stack.
pub fn encode_frame(
    version: u8,
    number: u32,
    message: &impl Serialize,
    out: &mut [u8; MAX_FRAME],
) -> Option<usize> {
    let mut body = [0; MAX_BODY];
    let body = crate::codec::write(message, &mut body)?;
    encode_raw_frame(version, number, body, out)
}

fn encode_raw_frame(
    version: u8,
    number: u32,
    body: &[u8],
    out: &mut [u8; MAX_FRAME],
) -> Option<usize> {
    const { assert!(MAX_FRAME > MAX_BODY + OVERHEAD) };
    let mut crc = Crc32::new();
    let [before, out @ ..] = out;
    *before = 0;
    let mut encoder = Encoder::new(out);
    for part in [&[version][..], &number.to_le_bytes(), body] {
        crc.update(part);
        encoder.extend(part)?;
    }
    encoder.extend(&crc.finish().to_le_bytes())?;
    Some(encoder.finish()?.wrapping_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Request, VERSION, Who};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn frame(number: u32, body: &[u8]) -> Vec<u8> {
        let mut out = [0; MAX_FRAME];
        let length = encode_raw_frame(VERSION, number, body, &mut out).unwrap();
        out[..length].to_vec()
    }

    fn read(reader: &mut FrameReader, bytes: &[u8]) -> Vec<Result<(u32, Vec<u8>), FrameError>> {
        let mut found = Vec::new();
        for &byte in bytes {
            if let Some(frame) = reader.push(byte) {
                found.push(frame.map(|f| (f.number, f.body.to_vec())));
            }
        }
        found
    }

    proptest! {
        #[test]
        fn frames_between_noise_all_arrive(
            bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..MAX_BODY + 1), 1..6),
            noise in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..700), 6)
        ) {
            let mut reader = FrameReader::new();
            for (number, (body, noise)) in bodies.iter().zip(&noise).enumerate() {
                // Noise is over where the frame begins.
                for found in read(&mut reader, noise) {
                    prop_assert!(found.is_err(), "noise became a frame");
                }
                let mut found = read(&mut reader, &frame(number as u32, body));
                prop_assert_eq!(found.pop(), Some(Ok((number as u32, body.clone()))));
                prop_assert!(found.iter().all(Result::is_err), "noise became a frame");
            }
        }
    }

    #[test]
    fn every_single_bit_flip_of_a_frame_is_refused() {
        let mut out = [0; MAX_FRAME];
        let request = Request::Predict {
            who: Who::ImageUser(42),
            movie: 300,
        };
        let length = encode_frame(VERSION, 7, &request, &mut out).unwrap();
        for bit in 0..length * 8 {
            let mut bytes = out[..length].to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes.push(0);
            let found = read(&mut FrameReader::new(), &bytes);
            assert!(found.iter().all(Result::is_err), "bit {bit}: {found:?}");
        }
    }

    #[test]
    fn the_longest_body_fits_and_a_longer_one_does_not() {
        let full = frame(u32::MAX, &[0xff; MAX_BODY]);
        assert_eq!(full.len(), MAX_FRAME);
        assert_eq!(
            read(&mut FrameReader::new(), &full),
            [Ok((u32::MAX, [0xff; MAX_BODY].to_vec()))]
        );
        let mut out = [0; MAX_FRAME];
        assert_eq!(
            encode_raw_frame(VERSION, 1, &[1; MAX_BODY + 1], &mut out),
            None
        );
        let mut long = std::vec![1_u8; MAX_FRAME + 50];
        long.push(0);
        assert_eq!(
            read(&mut FrameReader::new(), &long),
            [Err(FrameError::TooLong)]
        );
    }
}
