//! A board in memory behind a socket: what the program talks to where no emulator is needed.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use pocketrec::image::ImageError;
use pocketrec::model::Model;
use pocketrec_export::ImageBytes;
use pocketrec_link::memory::MemoryBoard;

/// A board with an image, or with none, at the returned port: it keeps its owners' ratings from one connection to the
/// next, and ends with the test. `damage` may change the bytes of its answers.
pub fn board(image: Option<Vec<u8>>, damage: impl Fn(&mut [u8]) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let bytes = image.map(|image| ImageBytes::copy(&image));
        let model = match &bytes {
            Some(bytes) => Model::open(bytes.as_ref()),
            None => Err(ImageError::Magic),
        };
        let mut board = MemoryBoard::new(model);
        for stream in listener.incoming() {
            serve(&mut board, stream.unwrap(), &damage);
        }
    });
    format!("tcp:{address}")
}

/// Carries bytes between the program and the board until the program goes.
fn serve(board: &mut MemoryBoard<'_>, mut line: TcpStream, damage: &impl Fn(&mut [u8])) {
    line.set_read_timeout(Some(Duration::from_millis(2)))
        .unwrap();
    let mut buffer = [0; 1024];
    loop {
        match line.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => board.write_all(&buffer[..count]).unwrap(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
        while let Ok(count) = board.read(&mut buffer) {
            damage(&mut buffer[..count]);
            if line.write_all(&buffer[..count]).is_err() {
                return;
            }
        }
    }
}
