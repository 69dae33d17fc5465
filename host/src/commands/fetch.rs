//! `host fetch`.

use anyhow::Result;

/// Options of `host fetch`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Fetches.
pub fn run(_: &Args) -> Result<()> {
    Ok(())
}
