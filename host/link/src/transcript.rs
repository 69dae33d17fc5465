//! A conversation as a file: what a board was asked and what core answered on a PC, to be compared bit for bit.
//!
//! ```text
//! pocketrec transcript 1
//! image 5ac3101f 184320            CRC-32 and bytes of the image that answered
//! > 03012a0a                       a request, its postcard message in hexadecimal
//! < 0561a66b40                     the answer to it
//! ```
//!
//! What stands behind two spaces is a comment.

use std::fmt::{self, Write as _};
use std::io::{Read, Write};

use pocketrec::model::Model;
use pocketrec::wire::{Reply, Request};

use super::memory::MemoryBoard;
use super::{Connection, LinkError, Timing};
use pocketrec_base::print::count;

const FIRST_LINE: &str = "pocketrec transcript 1";

/// A request and the answer that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// What is asked.
    pub request: Request,
    /// The answer's body.
    pub reply: Vec<u8>,
}

/// A conversation with a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// CRC-32 of the image.
    pub crc: u32,
    /// Bytes of the image.
    pub length: u32,
    /// In order: later answers depend on earlier ratings.
    pub exchanges: Vec<Exchange>,
}

/// The first answer that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Which exchange, from 0.
    pub at: usize,
    /// What was asked.
    pub request: Request,
    /// The body that was due.
    pub due: Vec<u8>,
    /// The body that came.
    pub came: Vec<u8>,
}

impl Transcript {
    /// What core answers to `requests`, in order, from `model` and a fresh owner.
    ///
    /// # Errors
    ///
    /// [`LinkError`] for a request that no frame holds.
    pub fn record(
        model: Model<'_>,
        requests: impl IntoIterator<Item = Request>,
    ) -> Result<Self, LinkError> {
        let header = model.header();
        let (crc, length) = (header.crc, header.length);
        let mut twin = Connection::new(MemoryBoard::new(Ok(model)), "the twin", Timing::MEMORY);
        let mut exchanges = Vec::new();
        for request in requests {
            let reply = twin.ask(&request)?.body().to_vec();
            exchanges.push(Exchange { request, reply });
        }
        Ok(Self {
            crc,
            length,
            exchanges,
        })
    }

    /// Asks a board all of it and compares; `progress` is told how many answers of how many are in. Returns the
    /// first difference, if there is one.
    ///
    /// # Errors
    ///
    /// [`LinkError`] where the board doesn't answer.
    pub fn replay<L: Read + Write>(
        &self,
        board: &mut Connection<L>,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Option<Difference>, LinkError> {
        for (at, exchange) in self.exchanges.iter().enumerate() {
            let answer = board.ask(&exchange.request)?;
            if answer.body() != exchange.reply {
                return Ok(Some(Difference {
                    at,
                    request: exchange.request,
                    due: exchange.reply.clone(),
                    came: answer.body().to_vec(),
                }));
            }
            progress(at + 1, self.exchanges.len());
        }
        Ok(None)
    }

    /// The file's text; each line says behind two spaces what it means.
    pub fn to_text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nimage {:08x} {}\n", self.crc, self.length);
        for Exchange { request, reply } in &self.exchanges {
            let asked = postcard::to_stdvec(request).unwrap_or_default();
            // Writing into a string can't fail.
            let _ = writeln!(text, "> {}  {request:?}", hex(&asked));
            let _ = writeln!(text, "< {}  {}", hex(reply), describe(reply));
        }
        text
    }

    /// Reads [`to_text`](Self::to_text)'s form.
    ///
    /// # Errors
    ///
    /// A sentence that names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = (1..).zip(text.lines()).map(|(number, line)| {
            let plain = line.split_once("  ").map_or(line, |(plain, _)| plain);
            (number, plain.trim_end())
        });
        let wrong = |number: usize, due: &str| format!("line {number} is not {due}");
        if lines.next().is_none_or(|(_, line)| line != FIRST_LINE) {
            return Err(wrong(1, &format!("`{FIRST_LINE}`")));
        }
        let image = lines.next().and_then(|(_, line)| {
            let (crc, length) = line.strip_prefix("image ")?.split_once(' ')?;
            Some((u32::from_str_radix(crc, 16).ok()?, length.parse().ok()?))
        });
        let (crc, length) = image
            .ok_or_else(|| wrong(2, "`image`, a CRC-32 of 8 hexadecimal digits and a length"))?;
        let mut exchanges = Vec::new();
        while let Some((number, line)) = lines.next() {
            let request = line
                .strip_prefix("> ")
                .and_then(unhex)
                .and_then(|bytes| postcard::from_bytes(&bytes).ok())
                .ok_or_else(|| wrong(number, "`>` and a request in hexadecimal"))?;
            let reply = lines
                .next()
                .and_then(|(_, line)| unhex(line.strip_prefix("< ")?))
                .ok_or_else(|| wrong(number + 1, "`<` and a reply in hexadecimal"))?;
            exchanges.push(Exchange { request, reply });
        }
        Ok(Self {
            crc,
            length,
            exchanges,
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "answer {} differs, to {:?}: {}; due is {}, came {}",
            self.at + 1,
            self.request,
            first_difference(&self.due, &self.came).unwrap_or_else(|| "no bit".into()),
            describe(&self.due),
            describe(&self.came)
        )
    }
}

/// Which bit of two bodies differs first, if one does.
pub fn first_difference(due: &[u8], came: &[u8]) -> Option<String> {
    let both = due.iter().zip(came);
    match both.enumerate().find(|(_, (a, b))| a != b) {
        Some((at, (a, b))) => Some(format!(
            "byte {at} is {b:02x} and not {a:02x}, bit {} is the first",
            (a ^ b).trailing_zeros()
        )),
        None if due.len() != came.len() => Some(format!(
            "{} came and {} are due",
            count(came.len(), "byte"),
            due.len()
        )),
        None => None,
    }
}

/// A body in words.
pub fn describe(body: &[u8]) -> String {
    match postcard::from_bytes::<Reply<'_>>(body) {
        Ok(reply) => format!("{reply:?}"),
        Err(_) => format!("{}, no reply", count(body.len(), "byte")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec::image::example;
    use pocketrec::rank::Order;
    use pocketrec::wire::Who;

    fn recorded() -> Transcript {
        let image = example();
        let model = Model::open(image.bytes()).unwrap();
        let owner = Who::Owner(0);
        let requests = [
            Request::ModelInfo,
            Request::Predict {
                who: Who::ImageUser(2),
                movie: 300,
            },
            Request::Predict {
                who: Who::ImageUser(9),
                movie: 300,
            },
            Request::Rate {
                who: owner,
                movie: 10,
                stars: 4.5,
            },
            Request::TopN {
                who: owner,
                count: 3,
                include_rated: false,
                include_below: false,
                order: Order::Score,
                wanted: pocketrec::model::Wanted::ANY,
            },
            Request::Profile { who: owner },
        ];
        Transcript::record(model, requests).unwrap()
    }

    #[test]
    fn a_transcript_comes_back_from_its_text() {
        let transcript = recorded();
        assert_eq!(Transcript::parse(&transcript.to_text()), Ok(transcript));
    }

    #[test]
    fn each_broken_line_is_named() {
        let text = recorded().to_text();
        for at in 0..text.lines().count() {
            let broken: Vec<&str> = text
                .lines()
                .enumerate()
                .map(|(i, line)| if i == at { "< zz" } else { line })
                .collect();
            let why = Transcript::parse(&broken.join("\n")).unwrap_err();
            assert!(why.contains(&format!("line {} ", at + 1)), "{why}");
        }
    }

    #[test]
    fn a_replay_on_the_same_model_differs_nowhere_and_on_another_at_the_first_changed_bit() {
        let mut transcript = recorded();
        let image = example();
        let board = || {
            let model = Model::open(image.bytes()).unwrap();
            Connection::new(MemoryBoard::new(Ok(model)), "memory", Timing::MEMORY)
        };
        let same = transcript.replay(&mut board(), |_, _| ()).unwrap();
        assert_eq!(same, None);
        let last = transcript.exchanges[1].reply.last_mut().unwrap();
        *last ^= 1 << 6;
        let difference = transcript.replay(&mut board(), |_, _| ()).unwrap().unwrap();
        assert_eq!(difference.at, 1);
        let text = difference.to_string();
        assert!(text.contains("bit 6 is the first"), "{text}");
        assert!(text.contains("Predict"), "{text}");
    }
}
