//! Which board is meant where no option names one: the one that `emulate` holds, the one that is plugged in, the last one.

use anyhow::Result;

use super::remembered::Remembered;
use crate::print::hint;
use pocketrec_base::error::BadInput;
use pocketrec_link::plugged::{self, Plugged};
use pocketrec_link::running::{self, Running};

/// A port that overrides what would be found.
const VARIABLE: &str = "POCKETREC_PORT";

/// A board's port, and what is known of what is behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// As `--port` takes it.
    pub port: String,
    /// Of an emulated board, what its file says.
    pub running: Option<Running>,
    /// What was asked with at this port last time.
    pub last: Option<Remembered>,
}

/// The board at the port that an option names, or else the one that is found; a line on stderr says which that is.
///
/// # Errors
///
/// [`BadInput`] where there is more than one.
pub fn board(named: Option<&str>) -> Result<Option<Found>> {
    let last = Remembered::read();
    let running = running::all();
    let variable = std::env::var(VARIABLE).ok();
    let variable = variable.filter(|port| !port.trim().is_empty());
    let port = match (named, variable) {
        (Some(named), _) => named.to_owned(),
        (None, Some(port)) => {
            hint(&format!("asking {port}, which {VARIABLE} names"));
            port
        }
        (None, None) => {
            let last = last.as_ref().map(|last| last.port.as_str());
            let Some((port, said)) = choose(&running, &plugged::all(), last)? else {
                return Ok(None);
            };
            hint(&said);
            port
        }
    };
    Ok(Some(Found {
        running: running.into_iter().find(|running| running.port() == port),
        last: last.filter(|last| last.port == port),
        port,
    }))
}

/// That no board is found.
pub fn none() -> BadInput {
    BadInput::new(
        "which board? None was found: `--port /dev/ttyACM0` names one, `emulate` in another terminal boots one without \
         hardware and keeps it, `--emulator` boots one for this question alone; `query ports` lists serial ports",
    )
}

/// The port that is meant, and the line that says why.
fn choose(
    running: &[Running],
    plugged: &[Plugged],
    last: Option<&str>,
) -> Result<Option<(String, String)>, BadInput> {
    let emulated = running.iter().map(|running| {
        let (board, port) = (&running.board, running.port());
        let said = format!("asking the emulated {board} at {port}, which `emulate` holds");
        (port, said)
    });
    let known = plugged.iter().filter_map(|port| {
        let said = format!("asking {}, {}", port.name, port.known?);
        Some((port.name.clone(), said))
    });
    let mut all: Vec<(String, String)> = emulated.chain(known).collect();
    if let Some(last) = last {
        let there = plugged.iter().any(|port| port.name == last);
        if let Some(at) = all.iter().position(|(port, _)| port == last) {
            return Ok(Some(all.swap_remove(at)));
        }
        // A port of no known kind, or a socket, was named once; it is not preferred to a board that is found.
        if all.is_empty() && (there || last.contains(':')) {
            let said = format!("asking {last}, as last time");
            return Ok(Some((last.to_owned(), said)));
        }
    }
    match all.len() {
        0 => Ok(None),
        1 => Ok(Some(all.swap_remove(0))),
        _ => {
            let ports: Vec<&str> = all.iter().map(|(port, _)| port.as_str()).collect();
            Err(BadInput::new(format!(
                "which board? There are {}: `--port` names one",
                ports.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(board: &str, port: u16) -> Running {
        Running {
            board: board.into(),
            address: ([127, 0, 0, 1], port).into(),
            pid: 1,
            image: "/model.img".into(),
            crc: 7,
        }
    }

    fn plugged(name: &str, known: Option<&'static str>) -> Plugged {
        Plugged {
            name: name.into(),
            usb: None,
            says: None,
            known,
        }
    }

    #[test]
    fn one_board_is_found_and_of_several_the_last_one_or_none() {
        let emulated = [running("microbit", 4000)];
        let known = [plugged("/dev/ttyACM0", Some("an ST-Link probe"))];
        let strange = [plugged("/dev/ttyS0", None)];
        let port = |running: &[Running], plugged: &[Plugged], last: Option<&str>| {
            choose(running, plugged, last).map(|found| found.map(|(port, _)| port))
        };
        assert_eq!(
            port(&emulated, &strange, None).unwrap().unwrap(),
            "tcp:127.0.0.1:4000"
        );
        assert_eq!(port(&[], &known, None).unwrap().unwrap(), "/dev/ttyACM0");
        assert_eq!(
            port(&emulated, &known, Some("/dev/ttyACM0"))
                .unwrap()
                .unwrap(),
            "/dev/ttyACM0"
        );
        // The last one isn't there any more, and another is.
        assert_eq!(
            port(&[], &known, Some("/dev/ttyUSB7")).unwrap().unwrap(),
            "/dev/ttyACM0"
        );
        assert_eq!(
            port(&[], &strange, Some("/dev/ttyS0")).unwrap().unwrap(),
            "/dev/ttyS0"
        );
        let error = port(&emulated, &known, None).unwrap_err().to_string();
        assert!(
            error.contains("tcp:127.0.0.1:4000, /dev/ttyACM0"),
            "{error}"
        );
        for (plugged, last) in [(&strange[..], None), (&[], Some("/dev/ttyUSB7"))] {
            assert_eq!(port(&[], plugged, last), Ok(None));
        }
    }
}
