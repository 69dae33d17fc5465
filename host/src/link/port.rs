//! Opens the line to a board: a serial port, or a socket that carries its bytes.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::Path;
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
/// [`LinkError::NoPort`] for what isn't there or is no serial port, which lists those that are; else
/// [`LinkError::Open`].
pub fn open(name: &str, baud: u32) -> Result<Box<dyn Line>, LinkError> {
    let refused = |why: String| LinkError::Open {
        line: name.to_owned(),
        why,
    };
    let absent = |why: String| LinkError::NoPort {
        line: name.to_owned(),
        why,
    };
    if let Some(address) = name.strip_prefix("tcp:") {
        let stream = TcpStream::connect(address).map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => absent(format!(
                "{error}; it should be tcp:HOST:PORT, such as tcp:127.0.0.1:4000"
            )),
            _ => refused(error.to_string()),
        })?;
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
        Err(error) if is_absent(name, &error) => Err(absent(format!("{error}; {}", ports()))),
        Err(error) if is_no_port(name, &error) => {
            Err(absent(format!("it is no serial port; {}", ports())))
        }
        Err(error) => Err(refused(advice(&error))),
    }
}

/// Whether no port has the name. A port that another program holds has no kind of its own.
fn is_absent(name: &str, error: &serialport::Error) -> bool {
    use serialport::ErrorKind as Kind;
    match error.kind() {
        Kind::NoDevice => !Path::new(name).exists(),
        kind => kind == Kind::Io(ErrorKind::NotFound),
    }
}

/// Whether what has the name is a file, a folder or a device without settings for a line: on Unix, ENOTTY.
fn is_no_port(name: &str, error: &serialport::Error) -> bool {
    let path = Path::new(name);
    path.is_file() || path.is_dir() || error.description == "Not a typewriter"
}

/// Which serial ports there are, and what to do.
fn ports() -> String {
    let mut ports: Vec<String> = serialport::available_ports()
        .unwrap_or_default()
        .into_iter()
        .map(|port| port.port_name)
        .collect();
    ports.sort();
    if ports.is_empty() {
        "no serial port is there: plug the board in, then `--port` takes a name such as /dev/ttyACM0 or COM3"
            .to_owned()
    } else {
        format!("`--port` takes one of {}", ports.join(", "))
    }
}

/// What the system says of a port that is there and can't be opened, and what to do.
fn advice(error: &serialport::Error) -> String {
    use serialport::ErrorKind as Kind;
    match error.kind() {
        Kind::Io(ErrorKind::PermissionDenied) => format!(
            "{error}: on Linux `sudo usermod -aG dialout $USER` and a new login let you use serial ports"
        ),
        _ => format!("{error}: does another program use it?"),
    }
}
