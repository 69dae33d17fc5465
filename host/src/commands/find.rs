//! Which board is meant where no option names one: the one that `emulate` holds, the one that is plugged in, the last one.

use anyhow::Result;

use super::remembered::Remembered;
use crate::print::hint;
use boards::BOARDS;
use pocketrec_base::error::BadInput;
use pocketrec_link::plugged::{self, Plugged};
use pocketrec_link::port;
use pocketrec_link::running::{self, Running};

/// A port that overrides what would be found.
const VARIABLE: &str = "POCKETREC_PORT";

/// A board's port, and what is known of what is behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where the line to it is opened.
    pub port: String,
    /// As `--port` takes it, and as it is remembered: a board that `emulate` holds has another port each time.
    pub name: String,
    /// Of an emulated board, what its file says.
    pub running: Option<Running>,
    /// What was asked with at this port last time.
    pub last: Option<Remembered>,
}

/// A board that may be meant.
struct Candidate {
    port: String,
    name: String,
    /// What it is.
    what: String,
}

/// How `--port` names a board that `emulate` holds: by the board's name, unless several have it.
pub fn name(of: &Running, running: &[Running]) -> String {
    let same = running.iter().filter(|other| other.board == of.board);
    match same.count() {
        0 | 1 => of.board.clone(),
        _ => of.port(),
    }
}

/// What a command says to ask this board: nothing where `emulate` holds no other.
pub fn option(of: &Running, running: &[Running]) -> Vec<String> {
    match running.iter().any(|other| other.address != of.address) {
        true => vec!["--port".into(), name(of, running)],
        false => Vec::new(),
    }
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
        (Some(named), _) => port_of(named, &running)?,
        (None, Some(port)) => {
            hint(&format!("asking {port}, which {VARIABLE} names"));
            port_of(&port, &running)?
        }
        (None, None) => {
            let last = last.as_ref().map(|last| last.name.as_str());
            let Some((port, said)) = choose(&running, &plugged::all(), last)? else {
                return Ok(None);
            };
            // A socket is chosen only where nothing else is found.
            if Some(port.as_str()) == last && is_socket(&port) && !answers(&port) {
                return Ok(None);
            }
            hint(&said);
            port
        }
    };
    let held = running.iter().find(|running| running.port() == port);
    let name = held.map_or_else(|| port.clone(), |held| name(held, &running));
    Ok(Some(Found {
        running: held.cloned(),
        last: last.filter(|last| last.name == name),
        name,
        port,
    }))
}

/// Whether a port is a socket, which is as dead as the program behind it.
fn is_socket(port: &str) -> bool {
    port.starts_with("tcp:") || port.starts_with("unix:")
}

/// Whether a program listens at the socket that was asked last; a line on stderr says so where none does.
fn answers(last: &str) -> bool {
    let is_there = port::open(last, port::BAUD).is_ok();
    if !is_there {
        hint(&format!(
            "nothing listens at {last} any more, which was asked last time"
        ));
    }
    is_there
}

/// The port that a person names, by itself or by the board that `emulate` holds there.
fn port_of(named: &str, running: &[Running]) -> Result<String, BadInput> {
    let held: Vec<&Running> = running
        .iter()
        .filter(|running| running.board == named)
        .collect();
    match held[..] {
        [one] => Ok(one.port()),
        [] if BOARDS.iter().any(|board| board.name == named) => Err(BadInput::new(format!(
            "`emulate` holds no {named}: `emulate {named}` in another terminal boots one, and `query ports` lists what there is"
        ))),
        [] => Ok(named.to_owned()),
        _ => {
            let ports: Vec<String> = held.iter().map(|running| running.port()).collect();
            Err(BadInput::new(format!(
                "which {named}? `emulate` holds them at {}: --port names one",
                ports.join(", ")
            )))
        }
    }
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
    let emulated = running.iter().map(|held| Candidate {
        port: held.port(),
        name: name(held, running),
        what: format!("the emulated {}", held.board),
    });
    let known = plugged.iter().filter_map(|port| {
        Some(Candidate {
            port: port.name.clone(),
            name: port.name.clone(),
            what: port.known?.to_owned(),
        })
    });
    let mut all: Vec<Candidate> = emulated.chain(known).collect();
    let said = |one: Candidate| {
        let said = match one.name == one.port {
            true => format!("asking {}, {}", one.port, one.what),
            false => format!("asking {} at {}, which `emulate` holds", one.what, one.port),
        };
        Some((one.port, said))
    };
    if let Some(last) = last {
        let there = plugged.iter().any(|port| port.name == last);
        if let Some(at) = all.iter().position(|one| one.name == last) {
            return Ok(said(all.swap_remove(at)));
        }
        // A port of no known kind, or a socket, was named once; it is not preferred to a board that is found.
        if all.is_empty() && (there || is_socket(last)) {
            let said = format!("asking {last}, as last time");
            return Ok(Some((last.to_owned(), said)));
        }
    }
    match all.len() {
        0 => Ok(None),
        1 => Ok(said(all.swap_remove(0))),
        _ => {
            let all = all.iter();
            let all: Vec<String> = all
                .map(|one| format!("{} (`--port {}`)", one.what, one.name))
                .collect();
            Err(BadInput::new(format!(
                "which board? There are {}",
                all.join(", ")
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
            keeps: true,
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
    fn a_board_that_emulate_holds_is_named_by_its_name_where_only_one_has_it() {
        let two = [running("microbit", 4000), running("stm32f405", 4001)];
        assert_eq!(port_of("stm32f405", &two).unwrap(), "tcp:127.0.0.1:4001");
        assert_eq!(port_of("/dev/ttyACM0", &two).unwrap(), "/dev/ttyACM0");
        let alike = [running("microbit", 4000), running("microbit", 4001)];
        // What `emulate` says to ask the board that it holds.
        assert_eq!(option(&two[1], &two), ["--port", "stm32f405"]);
        assert_eq!(option(&two[1], &two[1..]), [""; 0]);
        assert_eq!(option(&alike[1], &alike), ["--port", "tcp:127.0.0.1:4001"]);
        for (held, said) in [
            (&alike[..], "tcp:127.0.0.1:4000, tcp:127.0.0.1:4001"),
            (&[], "`emulate microbit` in another terminal"),
        ] {
            let error = port_of("microbit", held).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
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
        let all =
            "the emulated microbit (`--port microbit`), an ST-Link probe (`--port /dev/ttyACM0`)";
        assert!(error.contains(all), "{error}");
        // One that `emulate` holds is remembered by its name: its port is another one each time.
        let two = [running("microbit", 4000), running("stm32f405", 4001)];
        assert_eq!(
            port(&two, &known, Some("stm32f405")).unwrap().unwrap(),
            "tcp:127.0.0.1:4001"
        );
        let alike = [running("microbit", 4000), running("microbit", 4001)];
        let error = port(&alike, &[], Some("microbit")).unwrap_err().to_string();
        assert!(error.contains("`--port tcp:127.0.0.1:4001`"), "{error}");
        for (plugged, last) in [(&strange[..], None), (&[], Some("/dev/ttyUSB7"))] {
            assert_eq!(port(&[], plugged, last), Ok(None));
        }
    }
}
