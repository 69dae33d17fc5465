//! Opens the line to a board: a serial port, or a socket that carries its bytes.

use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use super::{Line, LinkError, running};

/// How long a `read` of an opened line waits for a byte, and a `write` for room.
pub const READ_WAIT: Duration = Duration::from_millis(50);

/// The speed of the boards' serial lines, in bits a second.
pub const BAUD: u32 = 115_200;

/// How long a machine may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Opens `name`: `tcp:HOST:PORT`, `unix:PATH`, or else a serial port at `baud`.
///
/// # Errors
///
/// [`LinkError::NoPort`] where nothing is there: no such port or no serial port, a name or an address that nothing
/// answers at, a socket that nothing listens at; else [`LinkError::Open`].
pub fn open(name: &str, baud: u32) -> Result<Box<dyn Line>, LinkError> {
    if let Some(address) = name.strip_prefix("tcp:") {
        return tcp(name, address);
    }
    if let Some(path) = name.strip_prefix("unix:") {
        return unix(name, path);
    }
    match serialport::new(name, baud).timeout(READ_WAIT).open() {
        Ok(port) => Ok(Box::new(port)),
        Err(error) if is_absent(name, &error) => Err(absent(name, format!("{error}; {}", ports()))),
        Err(error) if is_no_port(name, &error) => Err(absent(
            name,
            format!("it is not a serial port; {}", ports()),
        )),
        Err(error) => Err(refused(name, advice(&error))),
    }
}

fn absent(name: &str, why: String) -> LinkError {
    LinkError::NoPort {
        line: name.to_owned(),
        why,
    }
}

fn refused(name: &str, why: String) -> LinkError {
    LinkError::Open {
        line: name.to_owned(),
        why,
    }
}

/// What is to be done where a socket is named and nothing listens.
const LISTEN: &str =
    "start the program that carries the board's serial line there, and ask again once it listens";

fn tcp(name: &str, address: &str) -> Result<Box<dyn Line>, LinkError> {
    let form = "it should be tcp:HOST:PORT, such as tcp:127.0.0.1:4000";
    let addresses = address
        .to_socket_addrs()
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => absent(name, format!("{error}; {form}")),
            _ => absent(
                name,
                format!("{error}: is the machine's name right? {form}"),
            ),
        })?;
    let mut failed = absent(name, format!("the machine has no address; {form}"));
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                let set = stream
                    .set_read_timeout(Some(READ_WAIT))
                    .and_then(|()| stream.set_write_timeout(Some(READ_WAIT)))
                    .and_then(|()| stream.set_nodelay(true));
                set.map_err(|error| refused(name, error.to_string()))?;
                return Ok(Box::new(stream));
            }
            Err(error) => failed = unreached(name, &error),
        }
    }
    Err(failed)
}

#[cfg(unix)]
fn unix(name: &str, path: &str) -> Result<Box<dyn Line>, LinkError> {
    use std::os::unix::net::UnixStream;
    let stream = UnixStream::connect(path).map_err(|error| unreached(name, &error))?;
    let set = stream
        .set_read_timeout(Some(READ_WAIT))
        .and_then(|()| stream.set_write_timeout(Some(READ_WAIT)));
    set.map_err(|error| refused(name, error.to_string()))?;
    Ok(Box::new(stream))
}

#[cfg(not(unix))]
fn unix(name: &str, _: &str) -> Result<Box<dyn Line>, LinkError> {
    let why = "this system has no sockets with a path; tcp:HOST:PORT is one with a number";
    Err(absent(name, why.to_owned()))
}

/// Why a socket can't be connected to.
fn unreached(name: &str, error: &std::io::Error) -> LinkError {
    match error.kind() {
        ErrorKind::NotFound => absent(name, format!("there is no such socket; {LISTEN}")),
        ErrorKind::ConnectionRefused => absent(name, format!("nothing listens there; {LISTEN}")),
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => absent(
            name,
            format!("{error}: is the address right, and the machine on?"),
        ),
        ErrorKind::InvalidInput | ErrorKind::NotADirectory => absent(
            name,
            format!("{error}; it should be unix:PATH or tcp:HOST:PORT"),
        ),
        _ => refused(name, error.to_string()),
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

/// Which ports there are, and what to do.
fn ports() -> String {
    let mut boards: Vec<String> = running::all().into_iter().map(|held| held.board).collect();
    boards.sort();
    boards.dedup();
    match boards.is_empty() {
        true => serial_ports(),
        false => format!(
            "{}, or names a board that `emulate` holds: {}",
            serial_ports(),
            boards.join(", ")
        ),
    }
}

fn serial_ports() -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_bad_input_in_every_form_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("file"), "no socket").unwrap();
        // Nobody listens where somebody has just stopped.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut cases = vec![
            (format!("tcp:{address}"), "nothing listens there; start"),
            ("tcp:127.0.0.1".into(), "it should be tcp:HOST:PORT"),
            ("tcp:127.0.0.1:70000".into(), "it should be tcp:HOST:PORT"),
            ("tcp:".into(), "it should be tcp:HOST:PORT"),
            (path("none"), "`--port` takes"),
            (path("file"), "it is not a serial port"),
            (String::new(), "`--port` takes"),
        ];
        #[cfg(unix)]
        {
            let socket = std::os::unix::net::UnixListener::bind(path("stale")).unwrap();
            drop(socket);
            cases.extend([
                (format!("unix:{}", path("none")), "there is no such socket"),
                (format!("unix:{}", path("stale")), "nothing listens there"),
                (format!("unix:{}", path("file")), "nothing listens there"),
                (format!("unix:{}", path("file/x")), "unix:PATH"),
                (format!("unix:{}", "x".repeat(500)), "unix:PATH"),
            ]);
        }
        for (name, said) in cases {
            let error = open(&name, BAUD).err().unwrap();
            let text = error.to_string();
            // The command line makes exit code 2 of it.
            assert!(matches!(error, LinkError::NoPort { .. }), "{name}: {text}");
            // Without a port on this machine there is another sentence.
            let plugged = text.contains(said)
                || said.starts_with("`--port`") && text.contains("plug the board in");
            assert!(plugged, "{name}: {text}");
        }
    }
}
