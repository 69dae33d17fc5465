//! The thread that asks: who draws never waits for a line.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use anyhow::Result;

use super::device::{Ask, Device, Told};

/// What comes from the thread.
#[derive(Debug)]
pub enum Heard {
    /// A long answer has got so far: movies looked at, and those there are.
    Progress(u32, u32),
    /// An answer, or why there is none, and how long it took.
    Answer(Ask, Result<Told>, Duration),
}

/// Asks one thing after the other, until nobody asks any more or hears.
pub fn serve<L: Read + Write>(mut device: Device<L>, asks: Receiver<Ask>, heard: &Sender<Heard>) {
    for ask in asks {
        let (told, took) = device.timed(ask, |done, total| {
            // Who doesn't hear any more is told so below.
            let _ = heard.send(Heard::Progress(done, total));
        });
        if heard.send(Heard::Answer(ask, told, took)).is_err() {
            return;
        }
    }
}
