//! How long a board that works is waited for.

use super::tests::frame;
use super::*;
use pocketrec::image::example;
use pocketrec::model::{Model, Wanted};
use pocketrec::rank::Order;
use pocketrec::wire::Who;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

#[test]
fn working_keeps_a_long_request_alive_and_is_told() {
    let (sender, receiver) = std::sync::mpsc::channel();
    // 8 x 20 ms is three times the silence that would end the request.
    let talk = std::thread::spawn(move || {
        for done in 1..=8 {
            std::thread::sleep(Duration::from_millis(20));
            sender
                .send(frame(42, &Reply::Working { done, total: 9 }))
                .unwrap();
        }
        sender.send(frame(42, &Reply::Stars(4.0))).unwrap();
    });
    struct Channel(std::sync::mpsc::Receiver<Vec<u8>>, VecDeque<u8>, usize);
    impl Write for Channel {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.2 += 1;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Read for Channel {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.1.is_empty() {
                match self.0.recv_timeout(Duration::from_millis(5)) {
                    Ok(bytes) => self.1.extend(bytes),
                    Err(_) => return Err(ErrorKind::TimedOut.into()),
                }
            }
            self.1.read(buffer)
        }
    }
    let timing = Timing {
        silence: Duration::from_millis(1000),
        ..Timing::MEMORY
    };
    let channel = Channel(receiver, VecDeque::new(), 0);
    let mut connection = Connection::new(channel, "a channel", timing);
    connection.number = 41;
    let mut told = Vec::new();
    let request = Request::TopN {
        who: Who::Owner(0),
        count: 1,
        include_rated: false,
        include_below: false,
        order: Order::Score,
        wanted: Wanted::ANY,
    };
    let answer = connection
        .ask_with_progress(&request, |done, total| told.push((done, total)))
        .unwrap();
    assert_eq!(answer.reply(), Some(Reply::Stars(4.0)));
    assert_eq!(told, (1..=8).map(|done| (done, 9)).collect::<Vec<_>>());
    assert_eq!(connection.line.2, 1, "asked once");
    talk.join().unwrap();
}

#[test]
fn work_that_gets_on_is_waited_for_however_seldom_it_is_told_and_other_work_is_given_up() {
    /// Says once that it works each time that it is asked, and answers the last time.
    struct Seldom {
        asked: u32,
        gets_on: bool,
        says: VecDeque<u8>,
    }
    impl Write for Seldom {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes != PREAMBLE {
                self.asked += 1;
                let done = if self.gets_on { self.asked } else { 1 };
                self.says.extend(match self.asked {
                    20 => frame(42, &Reply::Stars(4.0)),
                    _ => frame(42, &Reply::Working { done, total: 20 }),
                });
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Read for Seldom {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.says.is_empty() {
                true => Err(ErrorKind::TimedOut.into()),
                false => self.says.read(buffer),
            }
        }
    }
    for gets_on in [true, false] {
        let timing = Timing {
            silence: Duration::from_millis(1),
            stall: Duration::from_secs(3600),
            longest: Duration::from_secs(3600),
            ..Timing::MEMORY
        };
        let line = Seldom {
            asked: 0,
            gets_on,
            says: VecDeque::new(),
        };
        let mut connection = Connection::new(line, "a slow board", timing);
        connection.number = 41;
        let answer = connection.ask(&Request::ModelInfo);
        if gets_on {
            assert_eq!(answer.unwrap().reply(), Some(Reply::Stars(4.0)));
        } else {
            // The first word of work got on.
            assert!(
                matches!(answer, Err(LinkError::NoAnswer { tries, .. }) if tries == timing.tries)
            );
        }
    }
}

#[test]
fn a_board_whose_clock_stands_still_is_waited_for_while_it_works_and_given_up_when_it_is_silent() {
    use pocketrec::service::{Board, Port, Service};
    use pocketrec::wire::{Capabilities, LinkCounters, Reset};

    /// What the board sent, and a clock by which it never is time for a `Working`.
    #[derive(Default)]
    struct Still(VecDeque<u8>);
    impl Port for Still {
        fn send(&mut self, bytes: &[u8]) {
            self.0.extend(bytes);
        }
        fn now(&self) -> u32 {
            0
        }
        fn counters(&self) -> LinkCounters {
            LinkCounters::default()
        }
        fn working(&mut self, _: bool) {}
    }
    /// Looks at one movie between two times that it is asked, or at none.
    struct Slow<'m> {
        service: Service<'m, 1>,
        port: Still,
        asked: u32,
        works: bool,
    }
    impl Write for Slow<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.asked += u32::from(bytes != PREAMBLE);
            for byte in bytes {
                self.service.receive(*byte, &mut self.port);
            }
            if self.works && bytes != PREAMBLE {
                self.service.poll(&mut self.port);
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.port.0.is_empty() {
                true => Err(ErrorKind::TimedOut.into()),
                false => self.port.0.read(buffer),
            }
        }
    }
    let image = example();
    let board = Board {
        name: "slow",
        firmware: [0, 1, 0],
        capabilities: Capabilities::default(),
        image_region: 1024,
        reset: Reset::Power,
        at: 0,
        crashes: 0,
        poll_cycles: 1,
    };
    let timing = Timing {
        silence: Duration::from_millis(1),
        tries: 3,
        stall: Duration::from_secs(3600),
        longest: Duration::from_secs(3600),
        ..Timing::MEMORY
    };
    for works in [true, false] {
        let line = Slow {
            service: Service::new(Model::open(image.bytes()), board),
            port: Still::default(),
            asked: 0,
            works,
        };
        let mut connection = Connection::new(line, "a slow board", timing);
        let request = Request::Similar {
            movie: 20,
            count: 3,
        };
        let mut told = Vec::new();
        let answer = connection.ask_with_progress(&request, |done, total| told.push((done, total)));
        if works {
            assert!(matches!(answer.unwrap().reply(), Some(Reply::Movies(_))));
            assert_eq!(told, [(2, 4), (3, 4)]);
            assert!(connection.line.asked > timing.tries);
        } else {
            assert!(
                matches!(answer, Err(LinkError::Silent { tries, .. }) if tries == timing.tries)
            );
        }
    }
}
