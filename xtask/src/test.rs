//! The `test` verb, the README's second command: every test of the workspace, the emulated boards included.

use anyhow::{Result, bail};

use crate::boards::Board;
use crate::firmware::{self, Options, Profile};
use crate::setup::{self, Manner};
use crate::shell;
use crate::toolchain;

/// Installs what is missing and allowed, builds the firmware, and runs the tests.
///
/// # Errors
/// When a test fails, and when the emulator's could not run: a test that was left out is not a test passed.
pub fn run(manner: Manner) -> Result<()> {
    let emulated = prepare(manner);
    let mut tests = shell::cargo();
    tests.args(["test", "--workspace"]);
    match emulated {
        Ok(()) => {
            tests.args(["--features", "tests/emulator"]);
            shell::run(&mut tests)
        }
        Err(reason) => {
            eprintln!("the emulator's tests are left out: {reason:#}");
            let rest = shell::run(&mut tests);
            eprintln!("emulator tests did not run: {reason:#}");
            match rest {
                Ok(()) => bail!("all other tests passed, the emulator's did not run"),
                Err(error) => Err(error),
            }
        }
    }
}

/// The compiler, the emulator, and every board's firmware in every profile that the tests boot.
fn prepare(manner: Manner) -> Result<()> {
    setup::run(manner)?;
    let toolchain = toolchain::find(manner.choice)?;
    for board in Board::ALL {
        for profile in Profile::ALL {
            firmware::build(&toolchain, board, &Options::usual(profile))?;
        }
    }
    Ok(())
}
