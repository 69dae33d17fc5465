//! The host's end of a line: a request as JSON becomes a frame, and a board's frames become JSON, by core's own names.

use std::fmt::Write as _;

use pocketrec::model::Model;
use pocketrec::model::facets::BETWEEN;
use pocketrec::wire::{FrameReader, MAX_FRAME, PREAMBLE, Reply, Request, VERSION, encode_frame};
use serde::Serialize;

/// What a board sent, frame by frame.
#[derive(Default)]
pub struct Host {
    reader: FrameReader,
}

/// An answer.
#[derive(Serialize)]
struct Answer<'a> {
    /// The request's number.
    number: u32,
    /// The version of the board's frames, if it isn't this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u8>,
    /// The message's bytes, in hexadecimal.
    body: String,
    /// The message; none where it is another version's.
    reply: Option<&'a Reply<'a>>,
    /// A refusal in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// What scores count beside predicted stars, as `pocketrec_link::lists` has it.
#[derive(Serialize)]
struct Beside {
    popularity: bool,
    interest: bool,
}

/// The frame that asks `request`, JSON such as `{"Similar":{"movie":1,"count":5}}`, under `number`. `None` where it is no
/// request.
pub fn frame(request: &[u8], number: u32, again: bool) -> Option<Vec<u8>> {
    let request: Request = serde_json::from_slice(request).ok()?;
    let mut frame = [0; MAX_FRAME];
    let length = encode_frame(VERSION, number, &request, &mut frame)?;
    let ahead = if again { &PREAMBLE[..] } else { &[] };
    Some([ahead, frame.get(..length)?].concat())
}

/// The request of a message's bytes, as JSON; `None` where it is none.
pub fn request(body: &[u8]) -> Option<Vec<u8>> {
    let request: Request = postcard::from_bytes(body).ok()?;
    serde_json::to_vec(&request).ok()
}

impl Host {
    /// The answers in a board's bytes, as a JSON list. A frame that was damaged on the line isn't among them: the
    /// request is asked again.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut list = Vec::from(b"[");
        for byte in bytes {
            let Some(Ok(frame)) = self.reader.push(*byte) else {
                continue;
            };
            let reply = postcard::from_bytes(frame.body).ok();
            let refused = match &reply {
                Some(Reply::Refused(why)) => Some(why.to_string()),
                _ => None,
            };
            let answer = Answer {
                number: frame.number,
                version: (frame.version != VERSION).then_some(frame.version),
                body: hex(frame.body),
                reply: reply.as_ref(),
                refused,
            };
            if list.len() > 1 {
                list.push(b',');
            }
            // Writing numbers and text into memory can't fail.
            let _ = serde_json::to_writer(&mut list, &answer);
        }
        list.push(b']');
        list
    }
}

/// The names of an image's genres, as JSON; none where it doesn't say them, or is none.
pub fn genres(image: &[u8]) -> Vec<u8> {
    let model = Model::open(image).ok();
    let names = model.as_ref().and_then(Model::genre_names);
    let names: Vec<&str> = names.map_or_else(Vec::new, |names| names.split(BETWEEN).collect());
    // Text into memory can't fail.
    serde_json::to_vec(&names).unwrap_or_default()
}

/// What an image's scores count beside predicted stars, as JSON; nothing where it is none.
pub fn beside(image: &[u8]) -> Vec<u8> {
    let model = Model::open(image).ok();
    let beside = Beside {
        popularity: model.as_ref().is_some_and(Model::has_confidence),
        interest: model.as_ref().is_some_and(Model::has_interest),
    };
    // As above.
    serde_json::to_vec(&beside).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_request_is_asked_by_its_name_and_anything_else_is_none() {
        for request in [
            r#""Hello""#,
            r#""Limits""#,
            r#"{"TopN":{"who":{"Owner":0},"count":20,"include_rated":false,"include_below":false,"order":"Score","wanted":{"all_of":1,"none_of":0,"from":1990,"to":65535}}}"#,
            r#"{"Import":{"who":{"Owner":0},"count":1,"ratings":[[1,5],[0,0],[0,0],[0,0],[0,0],[0,0],[0,0],[0,0]]}}"#,
        ] {
            let once = frame(request.as_bytes(), 7, false).unwrap();
            let again = frame(request.as_bytes(), 7, true).unwrap();
            assert_eq!(again[..PREAMBLE.len()], PREAMBLE);
            assert_eq!(again[PREAMBLE.len()..], once);
        }
        let rate = r#"{"Rate":{"who":{"Owner":0},"movie":1,"stars":4.5}}"#;
        let body = [6, 0, 0, 1, 0, 0, 0x90, 0x40];
        assert_eq!(request(&body).unwrap(), rate.as_bytes());
        assert_eq!(request(&body[..7]), None);
        for nothing in ["", "Hello", r#"{"TopN":{}}"#, r#""Rate""#] {
            assert_eq!(frame(nothing.as_bytes(), 7, false), None, "{nothing}");
        }
    }

    #[test]
    fn answers_come_from_bytes_in_any_parts_and_damaged_frames_are_left_out() {
        let mut bytes = [0; MAX_FRAME];
        let length = encode_frame(VERSION, 9, &Reply::Stars(4.5), &mut bytes).unwrap();
        let bytes = &bytes[..length];
        let mut host = Host::default();
        let told: Vec<u8> = bytes
            .iter()
            .flat_map(|byte| host.receive(&[*byte]))
            .collect();
        let told = String::from_utf8(told).unwrap().replace("[]", "");
        assert_eq!(
            told,
            r#"[{"number":9,"body":"0500009040","reply":{"Stars":4.5}}]"#
        );
        let mut damaged = bytes.to_vec();
        damaged[3] ^= 1;
        let both = [&damaged[..], bytes].concat();
        assert_eq!(host.receive(&both), told.as_bytes());
    }
}
