//! What a service remembers of requests, so that one that is asked again isn't carried out again.

use super::Port;
use crate::profile::Log;
use crate::store::{Asked, Change, Done, Record};
use crate::wire::{MAX_FRAME, PREAMBLE, Reply, VERSION, encode_frame};

/// A request that changed something, and what it has done.
#[derive(Clone, Copy)]
pub(super) struct Last {
    pub(super) asked: Asked,
    pub(super) done: Done,
}

/// The last reply, for a host that asks again.
pub(super) struct Kept {
    asked: Option<Asked>,
    frame: [u8; MAX_FRAME],
    length: usize,
}

impl Last {
    /// What is remembered behind `record`, which is about to change `log`.
    pub(super) fn after<const LOG: usize>(
        last: Option<Self>,
        record: &Record,
        log: &Log<LOG>,
    ) -> Option<Self> {
        let asked = record.asked;
        let done = match record.change {
            Change::Live(_) | Change::Undoable(_) => return last,
            #[cfg(feature = "grow")]
            Change::Part(_) | Change::Added { .. } => return last,
            Change::Did(done) => done,
            Change::Undone => log.last().map_or(Done::Changes(1), Done::Undone),
            Change::Rated(_) | Change::Forgot(_) | Change::ForgotAll => {
                let before = match last.filter(|last| last.asked == asked) {
                    Some(Self {
                        done: Done::Changes(count),
                        ..
                    }) => count,
                    _ => 0,
                };
                Done::Changes(before.saturating_add(1))
            }
            #[cfg(feature = "grow")]
            Change::Removed(_) => Done::Changes(1),
        };
        Some(Self { asked, done })
    }
}

impl Kept {
    pub(super) const fn new() -> Self {
        Self {
            asked: None,
            frame: [0; MAX_FRAME],
            length: 0,
        }
    }

    /// Whether this request was answered last.
    pub(super) fn is_of(&self, asked: Asked) -> bool {
        self.asked == Some(asked)
    }

    /// Sends the reply again, for a host that didn't hear it.
    pub(super) fn send_again(&self, port: &mut impl Port) {
        port.send(&PREAMBLE);
        port.send(self.frame.get(..self.length).unwrap_or_default());
    }

    /// Sends a reply and keeps it.
    pub(super) fn answer(&mut self, asked: Asked, reply: &Reply<'_>, port: &mut impl Port) {
        // Every reply fits the largest body; a test has each at its longest.
        let length = encode_frame(VERSION, asked.number, reply, &mut self.frame);
        self.length = length.unwrap_or_default();
        self.asked = Some(asked);
        port.send(self.frame.get(..self.length).unwrap_or_default());
    }
}
