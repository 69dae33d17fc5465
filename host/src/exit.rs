//! Which exit code an error asks for, those of the link to a board among them.

use pocketrec_base::{error, signals};
use pocketrec_link::LinkError;

/// The signal's after Ctrl-C and the like ([`signals::exit_code`]), 2 for a serial port that isn't there and for bad input, else 1.
pub fn code(error: &anyhow::Error) -> u8 {
    let of_link = error.chain().find_map(|cause| {
        let cause: &LinkError = cause.downcast_ref()?;
        match cause.why() {
            LinkError::Interrupted { .. } => Some(signals::exit_code()),
            LinkError::NoPort { .. } => Some(2),
            _ => None,
        }
    });
    of_link.unwrap_or_else(|| error::exit_code(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use pocketrec_base::error::BadInput;

    #[test]
    fn what_was_interrupted_is_130_a_missing_port_and_bad_input_2_and_all_else_1() {
        let line = || "x".to_owned();
        let of = |error: LinkError| code(&anyhow::Error::new(error).context("y"));
        assert_eq!(
            of(LinkError::Interrupted {
                line: line(),
                stopped: None
            }),
            130
        );
        assert_eq!(
            of(LinkError::NoPort {
                line: line(),
                why: line()
            }),
            2
        );
        let bad = Err::<(), _>(BadInput::new("x")).context("y").unwrap_err();
        assert_eq!(code(&bad), 2);
        assert_eq!(code(&anyhow::anyhow!("disk full")), 1);
    }
}
