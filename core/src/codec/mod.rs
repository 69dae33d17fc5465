//! Messages to bytes and back: postcard's format, in little code.
//!
//! postcard itself checks bounds, makes a varint and hands an error up at each field of each message: kilobytes of a
//! firmware, and compiled for size a panic. Here a byte that doesn't fit, or isn't there, is remembered until the end
//! of the message, so that it is a call that can't fail. What a board reads, requests and images, is read field by field;
//! what it writes goes through serde. Tests hold both against postcard.

mod image;
mod reader;
mod request;
mod text;
mod writer;

pub(crate) use image::{header, table};
pub(crate) use request::request;
use serde::Serialize;
#[cfg(feature = "facets")]
pub(crate) use text::text;
use writer::Writer;

/// Writes `message` to the front of `out`; returns the bytes written, or `None` where they don't fit.
pub(crate) fn write<'b>(message: &impl Serialize, out: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut writer = Writer { out, at: 0 };
    message.serialize(&mut writer).ok()?;
    let Writer { out, at } = writer;
    out.get(..at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Header, Table};
    use crate::wire::FrameError;
    use crate::wire::{Health, ModelInfo, Ranked, Refusal, Reply, Request, Reset, Who};
    use proptest::prelude::*;

    #[test]
    fn what_does_not_fit_is_not_written_and_what_does_is_postcards() {
        let mut movies = crate::list::List::new();
        for movie in [0, 127, 128, 70_000, u32::MAX] {
            let (score, stars) = (movie as f32, -0.5);
            movies
                .push(Ranked {
                    movie,
                    score,
                    stars,
                })
                .unwrap();
        }
        for reply in [
            Reply::Movies(movies),
            Reply::Cancelled(true),
            Reply::Refused(Refusal::UnknownMovie(300)),
            Reply::Imported {
                taken: 3,
                refused: Some(Refusal::BadFrame(FrameError::Version { found: 9 })),
                ratings: 16_384,
            },
            Reply::Undone {
                movie: 1 << 21,
                stars: None,
                ratings: (1 << 28) - 1,
            },
            Reply::Health(Health {
                board: "a board",
                reset: Reset::Fault,
                at: u32::MAX,
                crashes: 0,
                uptime: 1 << 28,
            }),
            Reply::ModelInfo(ModelInfo {
                name: "é",
                license: "",
                fingerprint: 0x0123_4567_89ab_cdef,
                length: 0x0102_0304,
                crc: 0xdead_beef,
                movies: 1,
                users: 0,
                user_dim: 8,
                movie_dim: 8,
                parts: 7,
                mean: 3.5,
                lowest: -0.0,
                highest: 5.0,
                step: f32::MIN_POSITIVE,
                seen: true,
                facets: true,
                validation: None,
            }),
        ] {
            let (mut theirs, mut ours) = ([0; 100], [0; 100]);
            let theirs = postcard::to_slice(&reply, &mut theirs).unwrap();
            assert_eq!(write(&reply, &mut ours), Some(&*theirs));
            for room in 0..theirs.len() {
                assert_eq!(write(&reply, &mut ours[..room]), None);
            }
            assert_eq!(write(&reply, &mut ours[..theirs.len()]), Some(&*theirs));
        }
    }

    #[test]
    fn a_message_is_read_whole_or_not_at_all() {
        let request = Request::Rate {
            who: Who::ImageUser(u32::MAX),
            movie: 300,
            stars: 4.5,
        };
        let mut bytes = [0; 20];
        let length = postcard::to_slice(&request, &mut bytes).unwrap().len();
        for end in 0..bytes.len() {
            let whole = (end == length).then_some(request);
            assert_eq!(super::request(&bytes[..end]), whole);
        }
    }

    proptest! {
        // As text: a NaN is not equal to itself.
        #[test]
        fn noise_is_read_as_postcard_reads_it(
            kind in 0_u8..30,
            mut noise in proptest::collection::vec(prop_oneof![any::<u8>(), 0_u8..3, Just(0x80)], 1..60),
        ) {
            let theirs = postcard::take_from_bytes::<Table<'_>>(&noise).ok();
            prop_assert_eq!(std::format!("{:?}", table(&noise)), std::format!("{theirs:?}"));
            let theirs = postcard::take_from_bytes::<Header<'_>>(&noise).ok();
            prop_assert_eq!(std::format!("{:?}", header(&noise)), std::format!("{theirs:?}"));
            noise[0] = kind;
            for end in 0..=noise.len() {
                let bytes = &noise[..end];
                let theirs = match postcard::take_from_bytes::<Request>(bytes) {
                    Ok((request, [])) => Some(request),
                    _ => None,
                };
                prop_assert_eq!(std::format!("{:?}", request(bytes)), std::format!("{theirs:?}"));
            }
        }
    }
}
