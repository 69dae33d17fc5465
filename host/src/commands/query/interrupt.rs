//! Ctrl-C: a board that is being asked is told to stop before the program ends.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

use crate::error::INTERRUPTED;
use crate::files;

static PRESSED: AtomicBool = AtomicBool::new(false);

/// A flag that Ctrl-C sets from now on, instead of ending the program; a second one ends it at once. To be asked for
/// once.
///
/// # Errors
/// When the system doesn't let it.
pub fn watch() -> Result<&'static AtomicBool> {
    ctrlc::set_handler(|| {
        if PRESSED.swap(true, Ordering::Relaxed) {
            files::end(INTERRUPTED);
        }
    })
    .context("Ctrl-C can't be watched for")?;
    Ok(&PRESSED)
}
