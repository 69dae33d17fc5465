//! Opens the line to a board: a serial port, or a socket that carries its bytes.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use super::{Line, LinkError};

/// How long a `read` of an opened line waits for a byte, and a `write` for room.
pub const READ_WAIT: Duration = Duration::from_millis(50);

/// The speed of the boards' serial lines, in bits a second.
pub const BAUD: u32 = 115_200;

/// Opens `name`: `tcp:HOST:PORT`, `unix:PATH`, or else a serial port at `baud`.
///
/// # Errors
///
/// [`LinkError::Open`], which for a serial port lists those that are there.
pub fn open(name: &str, baud: u32) -> Result<Box<dyn Line>, LinkError> {
    let refused = |why: String| LinkError::Open {
        line: name.to_owned(),
        why,
    };
    if let Some(address) = name.strip_prefix("tcp:") {
        let stream = TcpStream::connect(address).map_err(|error| refused(error.to_string()))?;
        let set = stream
            .set_read_timeout(Some(READ_WAIT))
            .and_then(|()| stream.set_write_timeout(Some(READ_WAIT)))
            .and_then(|()| stream.set_nodelay(true));
        set.map_err(|error| refused(error.to_string()))?;
        return Ok(Box::new(stream));
    }
    #[cfg(unix)]
    if let Some(path) = name.strip_prefix("unix:") {
        use std::os::unix::net::UnixStream;
        let stream = UnixStream::connect(path).map_err(|error| refused(error.to_string()))?;
        let set = stream
            .set_read_timeout(Some(READ_WAIT))
            .and_then(|()| stream.set_write_timeout(Some(READ_WAIT)));
        set.map_err(|error| refused(error.to_string()))?;
        return Ok(Box::new(stream));
    }
    match serialport::new(name, baud).timeout(READ_WAIT).open() {
        Ok(port) => Ok(Box::new(port)),
        Err(error) => Err(refused(advice(&error))),
    }
}

/// What the system says of a port that can't be opened, and what to do.
fn advice(error: &serialport::Error) -> String {
    use serialport::ErrorKind as Kind;
    let mut ports: Vec<String> = serialport::available_ports()
        .unwrap_or_default()
        .into_iter()
        .map(|port| port.port_name)
        .collect();
    ports.sort();
    let there = if ports.is_empty() {
        "no serial port is there".to_owned()
    } else {
        format!("there are {}", ports.join(", "))
    };
    match error.kind() {
        Kind::Io(ErrorKind::PermissionDenied) => format!(
            "{error}: on Linux `sudo usermod -aG dialout $USER` and a new login let you use serial ports"
        ),
        Kind::NoDevice | Kind::Io(ErrorKind::NotFound) => format!("{error}; {there}"),
        _ => format!("{error}: does another program use it?"),
    }
}
