//! What the boards' firmware takes, as `cargo xtask size --bless` wrote it down.

use boards::Board;

const SIZES: &str = include_str!("../../../../bench/size.txt");

/// The firmware that `cargo xtask firmware` builds unless told otherwise: for speed, with learning and logs.
const USUAL: (&str, &str) = ("firmware", "learn,log");

/// Bytes that a firmware takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// Of flash.
    pub flash: usize,
    /// Of RAM, for variables.
    pub variables: usize,
    /// Of RAM, for the stack at the deepest that was seen in an emulator, where there is one.
    pub stack: Option<usize>,
}

impl Firmware {
    /// The usual firmware of a board, where the table has it: a board of one's own isn't measured before
    /// `cargo xtask size --bless`.
    pub fn of(board: Board) -> Option<Self> {
        find(SIZES, board.name)
    }
}

fn find(sizes: &str, board: &str) -> Option<Firmware> {
    sizes.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [of, profile, features, flash, variables, stack]
                if of == board && (profile, features) == USUAL =>
            {
                Some(Firmware {
                    flash: flash.parse().ok()?,
                    variables: variables.parse().ok()?,
                    stack: stack.parse().ok(),
                })
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use boards::BOARDS;

    #[test]
    fn every_usual_firmware_of_the_table_is_within_its_board() {
        assert!(Firmware::of(boards::DEFAULT).is_some());
        for board in BOARDS {
            // One that was just added isn't measured yet.
            let Some(firmware) = Firmware::of(*board) else {
                continue;
            };
            assert!(firmware.flash <= board.firmware_flash, "{firmware:?}");
            assert!(
                firmware.variables + firmware.stack.unwrap_or(0) <= board.ram,
                "{firmware:?}"
            );
        }
        assert_eq!(find(SIZES, "toaster"), None);
    }
}
