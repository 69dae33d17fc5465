//! Asks a board and waits for its answer: numbers, retries, progress, silence.
//!
//! A request that isn't answered is sent again under the same number, which a board doesn't carry out twice.
//! `Working` resets the clock, so a long ranking never times out while the board is alive.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pocketrec::wire::{
    FrameReader, HELLO_MAGIC, Hello, MAX_FRAME, Refusal, Reply, Request, VERSION, encode_frame,
};

use super::LinkError;

/// How long a connection waits and how often it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Silence after which a request is sent again.
    pub silence: Duration,
    /// How often a request is sent at most.
    pub tries: u32,
    /// How long to wait before a busy board is asked again.
    pub busy: Duration,
    /// How long to put up with a busy board.
    pub patience: Duration,
}

impl Timing {
    /// For boards: they say `Working` every 0.4 s.
    pub const BOARD: Self = Self {
        silence: Duration::from_secs(2),
        tries: 3,
        busy: Duration::from_millis(500),
        patience: Duration::from_secs(120),
    };

    /// For emulators, whose seconds take longer than a wall clock's, and which lose what is sent before the firmware
    /// has opened its line: asked often, since asking again does no harm.
    pub const EMULATOR: Self = Self {
        silence: Duration::from_millis(500),
        tries: 180,
        busy: Duration::from_secs(1),
        patience: Duration::from_secs(300),
    };

    /// For a board in this process: it answers at once or not at all.
    pub const MEMORY: Self = Self {
        silence: Duration::from_millis(50),
        tries: 3,
        busy: Duration::from_millis(5),
        patience: Duration::from_secs(5),
    };

    /// What is left to wait once a board says that a frame was damaged.
    fn after_damage(&self) -> Duration {
        self.silence / 4
    }
}

/// A body that answers a request, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(Vec<u8>);

impl Answer {
    /// The postcard message's bytes.
    pub fn body(&self) -> &[u8] {
        &self.0
    }

    /// The message.
    ///
    /// # Errors
    ///
    /// `None` where it isn't one of this version.
    pub fn reply(&self) -> Option<Reply<'_>> {
        postcard::from_bytes(&self.0).ok()
    }
}

/// A line with a board at its other end.
pub struct Connection<L> {
    line: L,
    name: String,
    reader: FrameReader,
    number: u32,
    timing: Timing,
    received: u64,
    frames: u64,
    stop: Option<&'static AtomicBool>,
}

/// What a round of listening ended with.
enum Heard {
    Answer(Answer),
    Busy,
    Silence,
    Stop,
}

impl<L: Read + Write> Connection<L> {
    /// A connection over `line`, which is called `name` in errors. Asks nothing yet. The first request's number is
    /// random, so that a board doesn't take it for the repetition of an earlier host's.
    pub fn new(line: L, name: impl Into<String>, timing: Timing) -> Self {
        Self {
            line,
            name: name.into(),
            reader: FrameReader::new(),
            number: RandomState::new().build_hasher().finish() as u32,
            timing,
            received: 0,
            frames: 0,
            stop: None,
        }
    }

    /// From now on a request ends soon after `stop` is set, with [`LinkError::Interrupted`]; the board is told to
    /// cancel it. Once: what is asked afterwards isn't ended.
    pub fn heed(&mut self, stop: &'static AtomicBool) {
        self.stop = Some(stop);
    }

    /// The line's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The line itself.
    pub fn line(&mut self) -> &mut L {
        &mut self.line
    }

    /// Asks who is there, and makes sure that both sides speak one version.
    ///
    /// # Errors
    ///
    /// [`LinkError::Stranger`] or [`LinkError::Version`], and all that [`ask`](Self::ask) has.
    pub fn hello(&mut self) -> Result<Hello, LinkError> {
        let answer = self.ask(&Request::Hello)?;
        let Some(Reply::Hello(hello)) = answer.reply() else {
            return Err(LinkError::Stranger {
                line: self.name.clone(),
            });
        };
        if hello.magic != HELLO_MAGIC {
            return Err(LinkError::Stranger {
                line: self.name.clone(),
            });
        }
        if !(hello.oldest..=hello.newest).contains(&VERSION) {
            return Err(LinkError::Version {
                firmware: hello.firmware,
                oldest: hello.oldest,
                newest: hello.newest,
            });
        }
        Ok(hello)
    }

    /// Asks and waits for the answer. A refusal is an answer like any other.
    ///
    /// # Errors
    ///
    /// [`LinkError`] for every way in which no answer came.
    pub fn ask(&mut self, request: &Request) -> Result<Answer, LinkError> {
        self.ask_with_progress(request, |_, _| ())
    }

    /// As [`ask`](Self::ask); `progress` is told how many movies of how many a long request has looked at.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn ask_with_progress(
        &mut self,
        request: &Request,
        mut progress: impl FnMut(u32, u32),
    ) -> Result<Answer, LinkError> {
        // 0 is what a board calls a frame that it couldn't read.
        self.number = self.number.checked_add(1).unwrap_or(1);
        let number = self.number;
        let mut frame = [0; MAX_FRAME];
        let length = encode_frame(VERSION, number, request, &mut frame).ok_or_else(|| {
            LinkError::Answer {
                request: format!("{request:?}, which no frame holds,"),
            }
        })?;
        let (received, frames) = (self.received, self.frames);
        let started = Instant::now();
        let mut tries = 0;
        while tries < self.timing.tries {
            // The zero ahead ends whatever noise the board is in the middle of.
            self.send(&[0])?;
            self.send(&frame[..length])?;
            match self.listen(number, &mut progress)? {
                Heard::Answer(answer) => return Ok(answer),
                Heard::Silence => tries += 1,
                Heard::Busy if started.elapsed() > self.timing.patience => {
                    return Err(LinkError::Refused(Refusal::Busy));
                }
                Heard::Busy => std::thread::sleep(self.timing.busy),
                Heard::Stop => {
                    self.stop = None;
                    return Err(LinkError::Interrupted {
                        line: self.name.clone(),
                        stopped: self.cancel(number),
                    });
                }
            }
        }
        let line = self.name.clone();
        Err(if self.received == received {
            LinkError::Silent {
                line,
                tries,
                waited: self.timing.silence,
            }
        } else if self.frames == frames {
            LinkError::Garbage {
                line,
                bytes: self.received - received,
            }
        } else {
            LinkError::NoAnswer { line, tries }
        })
    }

    /// Asks; a refusal is an error.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask), [`LinkError::Refused`], and [`LinkError::Answer`] for a message that can't be read.
    pub fn ask_for<T>(
        &mut self,
        request: &Request,
        progress: impl FnMut(u32, u32),
        take: impl FnOnce(Reply<'_>) -> Option<T>,
    ) -> Result<T, LinkError> {
        let answer = self.ask_with_progress(request, progress)?;
        let taken = match answer.reply() {
            Some(Reply::Refused(why)) => return Err(LinkError::Refused(why)),
            reply => reply.and_then(take),
        };
        taken.ok_or_else(|| LinkError::Answer {
            request: format!("{request:?}"),
        })
    }

    /// Tells the board to end request `ended`; whether it did, or `None` where it doesn't say.
    fn cancel(&mut self, ended: u32) -> Option<bool> {
        let number = ended.checked_add(1).unwrap_or(1);
        self.number = number;
        let mut frame = [0; MAX_FRAME];
        let request = Request::Cancel { number: ended };
        let length = encode_frame(VERSION, number, &request, &mut frame)?;
        self.send(&[0])
            .and_then(|()| self.send(&frame[..length]))
            .ok()?;
        match self.listen(number, &mut |_, _| ()).ok()? {
            Heard::Answer(answer) => match answer.reply()? {
                Reply::Cancelled(stopped) => Some(stopped),
                _ => None,
            },
            _ => None,
        }
    }

    /// Hands bytes to the line. A line that takes none for as long as a board may be silent is given up for now: the
    /// silence behind it says the same.
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let until = Instant::now() + self.timing.silence;
        let mut left = bytes;
        while !left.is_empty() && Instant::now() < until {
            match self.line.write(left) {
                Ok(0) => return Err(self.gone(ErrorKind::WriteZero.into())),
                Ok(count) => left = &left[count..],
                Err(error) if is_wait(&error) => {}
                Err(error) => return Err(self.gone(error)),
            }
        }
        match self.line.flush() {
            Err(error) if !is_wait(&error) => Err(self.gone(error)),
            _ => Ok(()),
        }
    }

    /// That the line broke. Ctrl-C on a terminal reaches an emulator too, which mostly ends before it can be told to
    /// stop.
    fn gone(&self, why: std::io::Error) -> LinkError {
        let line = self.name.clone();
        match self.is_to_stop() {
            true => LinkError::Interrupted {
                line,
                stopped: None,
            },
            false => LinkError::Gone { line, why },
        }
    }

    fn is_to_stop(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Takes bytes in until the answer, until the board was silent for too long, or until it is to stop.
    fn listen(
        &mut self,
        number: u32,
        progress: &mut impl FnMut(u32, u32),
    ) -> Result<Heard, LinkError> {
        let mut until = Instant::now() + self.timing.silence;
        let mut buffer = [0; 512];
        while Instant::now() < until {
            if self.is_to_stop() {
                return Ok(Heard::Stop);
            }
            let count = match self.line.read(&mut buffer) {
                Ok(0) => return Err(self.gone(ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(error) if is_wait(&error) => continue,
                Err(error) => return Err(self.gone(error)),
            };
            self.received += count as u64;
            let mut heard = None;
            for byte in &buffer[..count] {
                // A broken frame is noise: what matters comes again.
                let Some(Ok(frame)) = self.reader.push(*byte) else {
                    continue;
                };
                self.frames += 1;
                match postcard::from_bytes::<Reply<'_>>(frame.body) {
                    Ok(Reply::Refused(Refusal::BadFrame(_))) if frame.number == 0 => {
                        until = until.min(Instant::now() + self.timing.after_damage());
                    }
                    _ if frame.number != number => {}
                    Ok(Reply::Working { done, total }) => {
                        progress(done, total);
                        until = Instant::now() + self.timing.silence;
                    }
                    Ok(Reply::Refused(Refusal::Busy)) => heard = Some(Heard::Busy),
                    _ => heard = Some(Heard::Answer(Answer(frame.body.to_vec()))),
                }
            }
            if let Some(heard) = heard {
                return Ok(heard);
            }
        }
        Ok(Heard::Silence)
    }
}

/// Whether a line only has nothing to give, or no room, at this moment.
fn is_wait(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted
    )
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
