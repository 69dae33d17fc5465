//! Asks a board and waits for its answer: numbers, retries, progress, silence.
//!
//! A request that isn't answered is sent again under the same number, which a board doesn't carry out twice.
//! `Working` resets the clock, so a long ranking never times out while the board is alive and gets on.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use pocketrec::wire::{
    FrameReader, HELLO_MAGIC, Hello, MAX_FRAME, PREAMBLE, Refusal, Reply, Request, VERSION,
    encode_frame,
};

use super::LinkError;
use super::sense::{self, Known};
use super::timing::{Course, Timing};

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
    /// `None` where it isn't one of this version, or more stands behind it.
    pub fn reply(&self) -> Option<Reply<'_>> {
        let (reply, rest) = postcard::take_from_bytes(&self.0).ok()?;
        rest.is_empty().then_some(reply)
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
    /// Of the bytes received, those of text in ASCII.
    text: u64,
    /// Frames that were whole, from the first request on.
    frames: u64,
    stop: Option<&'static AtomicBool>,
    known: Option<Known>,
    way_back: Option<WayBack<L>>,
    greeted: Option<Hello>,
}

/// How a line that broke is opened again, and the CRC-32 of the image that the board behind it must have.
struct WayBack<L> {
    open: Box<dyn FnMut() -> Result<L, LinkError> + Send>,
    crc: u32,
}

/// What a round of listening ended with.
enum Heard {
    Answer(Answer),
    Busy,
    Silence,
    /// As silence, but the board said that it couldn't read a frame.
    Damage,
    Stop,
    /// It works without getting on.
    Stall {
        done: u32,
        total: u32,
    },
}

impl<L: Read + Write> Connection<L> {
    /// A connection over `line`, which is called `name` in errors. Asks nothing yet.
    ///
    /// The first request's number is 32 random bits of the system's, and each further one is one more: a board, which
    /// remembers the last request that changed ratings, takes another run's for a repetition of it only where the numbers
    /// meet and the request is the same.
    pub fn new(line: L, name: impl Into<String>, timing: Timing) -> Self {
        Self {
            line,
            name: name.into(),
            reader: FrameReader::new(),
            number: RandomState::new().build_hasher().finish() as u32,
            timing,
            received: 0,
            text: 0,
            frames: 0,
            stop: None,
            known: None,
            way_back: None,
            greeted: None,
        }
    }

    /// From now on a request ends soon after `stop` is set, with [`LinkError::Interrupted`]; the board is told to
    /// cancel it. Once: what is asked afterwards isn't ended.
    pub fn heed(&mut self, stop: &'static AtomicBool) {
        self.stop = Some(stop);
    }

    /// From now on answers are held to what the board's image says.
    pub fn hold_to(&mut self, known: Known) {
        self.known = Some(known);
    }

    /// From now on a line that breaks while ratings are changed is opened again, since only the board can tell whether
    /// they were; not where another image is behind it than that of `crc`.
    pub fn reopen_with(
        &mut self,
        crc: u32,
        open: impl FnMut() -> Result<L, LinkError> + Send + 'static,
    ) {
        let open = Box::new(open);
        self.way_back = Some(WayBack { open, crc });
    }

    /// The line's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The line without the connection over it.
    pub fn into_line(self) -> L {
        self.line
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
        self.greeted = Some(hello);
        Ok(hello)
    }

    /// Who was there when it was last asked.
    pub fn greeted(&self) -> Option<&Hello> {
        self.greeted.as_ref()
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
                request: format!("{request:?}, which no frame holds"),
            }
        })?;
        let changes = sense::change(request).is_some();
        let answer = self.exchange(number, &frame[..length], changes, &mut progress);
        answer.map_err(|why| why.of(request))
    }

    /// Sends a frame until it is answered.
    fn exchange(
        &mut self,
        number: u32,
        frame: &[u8],
        changes: bool,
        progress: &mut impl FnMut(u32, u32),
    ) -> Result<Answer, LinkError> {
        let most = match changes {
            true => self.timing.tries_of_change,
            false => self.timing.tries,
        };
        let (received, text) = (self.received, self.text);
        let mut course = Course::new();
        let mut tries = 0;
        let mut asked = 0;
        while tries < most {
            let before = match asked {
                0 => &[][..],
                _ => &PREAMBLE,
            };
            asked += 1;
            let sent = self.send(before).and_then(|()| self.send(frame));
            match sent.and_then(|()| self.listen(number, &mut course, progress)) {
                Ok(Heard::Answer(answer)) => return Ok(answer),
                // A noisy line is asked more often, but given up no earlier than a silent one.
                Ok(Heard::Damage) if course.began.elapsed() < self.timing.silence * most => {}
                // Silence behind work that got on is the first one.
                Ok(Heard::Silence | Heard::Damage) => {
                    tries = match std::mem::take(&mut course.got_on) {
                        true => 1,
                        false => tries + 1,
                    }
                }
                Ok(Heard::Busy) if course.began.elapsed() > self.timing.patience => {
                    return Err(LinkError::Refused(Refusal::Busy));
                }
                Ok(Heard::Busy) => std::thread::sleep(self.timing.busy),
                Ok(Heard::Stop) => {
                    self.stop = None;
                    return Err(LinkError::Interrupted {
                        line: self.name.clone(),
                        stopped: self.cancel(number),
                    });
                }
                Ok(Heard::Stall { done, total }) => {
                    let waited = course.began.elapsed();
                    self.cancel(number);
                    return Err(LinkError::Stalled {
                        line: self.name.clone(),
                        done,
                        total,
                        waited,
                    });
                }
                Err(gone @ LinkError::Gone { .. }) if changes => {
                    tries += 1;
                    self.go_back(gone)?;
                }
                Err(why) => return Err(why),
            }
        }
        let line = self.name.clone();
        let tries = asked;
        let bytes = self.received - received;
        Err(if bytes == 0 {
            LinkError::Silent {
                line,
                tries,
                waited: self.timing.silence,
            }
        } else if self.frames == 0 {
            // At another baud rate nine bytes in ten don't happen to be text.
            let text = (self.text - text) * 10 >= bytes * 9;
            LinkError::Garbage { line, bytes, text }
        } else {
            LinkError::NoAnswer { line, tries }
        })
    }

    /// Opens a line that broke again, for as long as a board may be silent in all, and makes sure that the same image is
    /// behind it.
    fn go_back(&mut self, gone: LinkError) -> Result<(), LinkError> {
        let Some(mut way) = self.way_back.take() else {
            return Err(gone);
        };
        let until = Instant::now() + self.timing.silence * self.timing.tries_of_change;
        while Instant::now() < until && !self.is_to_stop() {
            std::thread::sleep(self.timing.busy);
            let Ok(line) = (way.open)() else {
                continue;
            };
            self.line = line;
            self.reader = FrameReader::new();
            let found = match self.ask(&Request::ModelInfo) {
                Ok(answer) => match answer.reply() {
                    Some(Reply::ModelInfo(info)) => Some(info.crc),
                    _ => None,
                },
                Err(LinkError::Gone { .. }) => continue,
                Err(why) => return Err(why),
            };
            if found != Some(way.crc) {
                return Err(LinkError::OtherBoard {
                    line: self.name.clone(),
                });
            }
            self.way_back = Some(way);
            return Ok(());
        }
        self.way_back = Some(way);
        match self.is_to_stop() {
            true => Err(LinkError::Interrupted {
                line: self.name.clone(),
                stopped: None,
            }),
            false => Err(gone),
        }
    }

    /// As [`ask_with_progress`](Self::ask_with_progress), for an answer that [can be one](sense::check). A refusal is.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask), [`LinkError::Answer`] for a message that can't be read, and [`LinkError::Nonsense`].
    pub fn ask_checked(
        &mut self,
        request: &Request,
        progress: impl FnMut(u32, u32),
    ) -> Result<Answer, LinkError> {
        let answer = self.ask_with_progress(request, progress)?;
        let checked = match answer.reply() {
            Some(reply) => sense::check(request, &reply, self.known.as_ref()),
            None => {
                let request = sense::words(request).to_owned();
                return Err(LinkError::Answer { request });
            }
        };
        match checked {
            Ok(()) => Ok(answer),
            Err(what) => Err(self.nonsense(request, what)),
        }
    }

    /// That what the board answers to `request` can't be right.
    pub fn nonsense(&self, request: &Request, what: String) -> LinkError {
        let nonsense = LinkError::Nonsense {
            line: self.name.clone(),
            request: sense::words(request),
            what,
        };
        nonsense.of(request)
    }

    /// Asks; a refusal is an error.
    ///
    /// # Errors
    ///
    /// As [`ask_checked`](Self::ask_checked), and [`LinkError::Refused`].
    pub fn ask_for<T>(
        &mut self,
        request: &Request,
        progress: impl FnMut(u32, u32),
        take: impl FnOnce(Reply<'_>) -> Option<T>,
    ) -> Result<T, LinkError> {
        let answer = self.ask_checked(request, progress)?;
        let taken = match answer.reply() {
            Some(Reply::Refused(why)) => return Err(LinkError::refused(request, why)),
            reply => reply.and_then(take),
        };
        taken.ok_or_else(|| self.nonsense(request, "it is an answer to something else".into()))
    }

    /// Asks for the CRC-32 of the board's image.
    ///
    /// # Errors
    ///
    /// As [`ask_for`](Self::ask_for): a board without a model refuses.
    pub fn image(&mut self) -> Result<u32, LinkError> {
        let crc = |reply: Reply<'_>| match reply {
            Reply::ModelInfo(info) => Some(info.crc),
            _ => None,
        };
        self.ask_for(&Request::ModelInfo, |_, _| (), crc)
    }

    /// Tells the board to end request `ended`; whether it did, or `None` where it doesn't say.
    fn cancel(&mut self, ended: u32) -> Option<bool> {
        let number = ended.checked_add(1).unwrap_or(1);
        self.number = number;
        let mut frame = [0; MAX_FRAME];
        let request = Request::Cancel { number: ended };
        let length = encode_frame(VERSION, number, &request, &mut frame)?;
        self.send(&frame[..length]).ok()?;
        match self
            .listen(number, &mut Course::new(), &mut |_, _| ())
            .ok()?
        {
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
        course: &mut Course,
        progress: &mut impl FnMut(u32, u32),
    ) -> Result<Heard, LinkError> {
        let mut until = Instant::now() + self.timing.silence;
        let mut damaged = false;
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
                self.text += u64::from(matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'));
                // What is no frame is a log's line or noise: what matters comes again.
                let Some(Ok(frame)) = self.reader.push(*byte) else {
                    continue;
                };
                self.frames += 1;
                match postcard::from_bytes::<Reply<'_>>(frame.body) {
                    Ok(Reply::Refused(Refusal::BadFrame(_))) if frame.number == 0 => {
                        damaged = true;
                        until = until.min(Instant::now() + self.timing.after_damage());
                    }
                    _ if frame.number != number => {}
                    Ok(Reply::Working { done, total }) => {
                        progress(done, total);
                        until = Instant::now() + self.timing.silence;
                        if !course.goes_on(done, &self.timing) {
                            heard = Some(Heard::Stall { done, total });
                        }
                    }
                    Ok(Reply::Refused(Refusal::Busy)) => heard = Some(Heard::Busy),
                    _ => heard = Some(Heard::Answer(Answer(frame.body.to_vec()))),
                }
            }
            if let Some(heard) = heard {
                return Ok(heard);
            }
        }
        Ok(match damaged {
            true => Heard::Damage,
            false => Heard::Silence,
        })
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
#[cfg(test)]
#[path = "connection_waiting_tests.rs"]
mod waiting_tests;

#[cfg(test)]
#[path = "noisy_tests.rs"]
mod noisy_tests;
