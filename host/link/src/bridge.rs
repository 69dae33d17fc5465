//! One board's line for several programs at once: what `emulate` holds open.
//!
//! Frames of the programs go to the board whole, one after the other; what the board says goes to all of them, and each
//! takes the answers to its own requests by their numbers, which begin at random.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pocketrec::wire::MAX_FRAME;

use super::port::READ_WAIT;

/// How long a program may leave its answers unread before it is taken for gone.
const UNREAD: Duration = Duration::from_secs(2);

/// A socket of this machine at which programs find a board's line.
#[derive(Debug)]
pub struct Bridge {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Those who hear what the board says.
    programs: Mutex<Vec<TcpStream>>,
    /// Bytes that programs have sent so far.
    sent: AtomicU64,
    is_over: AtomicBool,
}

impl Bridge {
    /// A bridge at `port` of this machine, or at a free one for 0. Nobody beyond the machine reaches it.
    ///
    /// # Errors
    ///
    /// Those of the system, such as a port in use.
    pub fn open(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            shared: Arc::new(Shared {
                programs: Mutex::new(Vec::new()),
                sent: AtomicU64::new(0),
                is_over: AtomicBool::new(false),
            }),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many bytes programs have sent to the board so far.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Carries bytes until the board's line breaks or [`close`](Self::close) is called; takes the calling thread, and
    /// one more for each program. `ear` reads what the board says and `mouth` is what it hears.
    ///
    /// # Errors
    ///
    /// Why the board's line broke.
    pub fn carry(
        &self,
        mut ear: impl Read,
        mouth: impl Write + Send + 'static,
    ) -> std::io::Result<()> {
        let mouth = Arc::new(Mutex::new(mouth));
        let mut buffer = [0; 1024];
        while !self.shared.is_over.load(Ordering::Relaxed) {
            while let Ok((program, _)) = self.listener.accept() {
                // One that is gone already is no loss.
                let _ = self.take(program, &mouth);
            }
            match ear.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.shared.tell(&buffer[..count]),
                Err(error) if is_wait(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn take(
        &self,
        program: TcpStream,
        mouth: &Arc<Mutex<impl Write + Send + 'static>>,
    ) -> std::io::Result<()> {
        program.set_nonblocking(false)?;
        program.set_nodelay(true)?;
        program.set_read_timeout(Some(READ_WAIT))?;
        program.set_write_timeout(Some(UNREAD))?;
        self.shared.programs().push(program.try_clone()?);
        let (shared, mouth) = (Arc::clone(&self.shared), Arc::clone(mouth));
        std::thread::Builder::new()
            .name("program".into())
            .spawn(move || shared.listen(program, &mouth))?;
        Ok(())
    }

    /// Ends [`carry`](Self::carry), and every program's line.
    pub fn close(&self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn programs(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands what the board says to every program; who doesn't take it is not told any more.
    fn tell(&self, bytes: &[u8]) {
        self.programs()
            .retain_mut(|program| program.write_all(bytes).is_ok());
    }

    /// Hands a program's frames to the board, each as a whole, until it is gone.
    fn listen(&self, mut program: TcpStream, mouth: &Mutex<impl Write>) {
        let mut whole: Vec<u8> = Vec::new();
        let mut buffer = [0; 1024];
        while !self.is_over.load(Ordering::Relaxed) {
            let count = match program.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if is_wait(&error) => continue,
                Err(_) => break,
            };
            whole.extend_from_slice(&buffer[..count]);
            // A zero ends a frame. What is longer than any frame is none, and the board says so.
            let end = match whole.iter().rposition(|byte| *byte == 0) {
                Some(last) => last + 1,
                None if whole.len() > MAX_FRAME => whole.len(),
                None => continue,
            };
            let mut mouth = mouth.lock().unwrap_or_else(PoisonError::into_inner);
            if send(&mut *mouth, &whole[..end]).is_err() {
                break;
            }
            self.sent.fetch_add(end as u64, Ordering::Relaxed);
            whole.drain(..end);
        }
        // Both ends of it, so that the other clone is dropped when the board speaks next.
        let _ = program.shutdown(std::net::Shutdown::Both);
    }
}

/// All of `bytes`, to a line whose `write` may find no room for a while.
fn send(mouth: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    let mut left = bytes;
    while !left.is_empty() {
        match mouth.write(left) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => left = &left[count..],
            Err(error) if is_wait(&error) => {}
            Err(error) => return Err(error),
        }
    }
    mouth.flush()
}

fn is_wait(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use pocketrec::ids::MovieId;

    use super::*;
    use crate::memory::MemoryBoard;
    use crate::{Connection, Timing, port};
    use pocketrec::image::example;
    use pocketrec::model::Model;
    use pocketrec::wire::{Reply, Request, Who};

    /// A line to a board in this process, of which both halves may be held at once.
    #[derive(Clone)]
    struct Halves(Arc<Mutex<MemoryBoard<'static>>>);

    impl Read for Halves {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().read(buffer)
        }
    }

    impl Write for Halves {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn several_programs_ask_one_board_at_once_and_each_gets_its_own_answers() {
        let bytes: &'static _ = Box::leak(Box::new(example()));
        let model = Model::open(bytes.bytes()).unwrap();
        let movies: Vec<u32> = (0..model.movies())
            .filter_map(|row| model.movie_ids().id(row))
            .collect();
        let who = Who::Owner(0);
        let stars = |movie| model.predict_for(&model.mean_user(), movie).unwrap();
        let due: Vec<f32> = movies.iter().map(|movie| stars(MovieId(*movie))).collect();
        let board = Halves(Arc::new(Mutex::new(MemoryBoard::new(Ok(Model::open(
            bytes.bytes(),
        )
        .unwrap())))));
        let bridge = Bridge::open(0).unwrap();
        let name = format!("tcp:{}", bridge.address());
        std::thread::scope(|scope| {
            let carried = scope.spawn(|| bridge.carry(board.clone(), board.clone()));
            let programs: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let line = port::open(&name, port::BAUD).unwrap();
                        let mut program = Connection::new(line, name.as_str(), Timing::BOARD);
                        for (movie, due) in movies.iter().zip(&due).cycle().take(60) {
                            let movie = *movie;
                            let answer = program.ask(&Request::Predict { who, movie }).unwrap();
                            assert_eq!(answer.reply(), Some(Reply::Stars(*due)));
                        }
                    })
                })
                .collect();
            for program in programs {
                program.join().unwrap();
            }
            assert!(bridge.sent() > 0);
            bridge.close();
            carried.join().unwrap().unwrap();
        });
    }
}
