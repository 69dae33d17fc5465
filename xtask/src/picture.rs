//! The README's picture of `host console`: the real program in a pseudo-terminal, drawn by a test of the host's.

use anyhow::{Result, bail};

use crate::shell;

/// Trains and exports the built-in ratings where no image is there yet, and draws `docs/console.svg` anew.
///
/// # Errors
/// When one of the commands fails.
pub fn run() -> Result<()> {
    let root = shell::root();
    let image = root.join("target/pocketrec/model.img");
    if !image.exists() {
        for verb in ["train", "export"] {
            shell::run(shell::cargo().args(["run", "-p", "host", "--", verb]))?;
        }
    }
    let picture = root.join("docs/console.svg");
    let name = "console::picture::a_picture_has_each_step_as_the_program_showed_it";
    shell::run(
        shell::cargo()
            .args(["test", "-p", "host", "--test", "query", "--"])
            .args(["--exact", name])
            .env("POCKETREC_IMAGE", &image)
            .env("POCKETREC_PICTURE", &picture),
    )?;
    if !picture.exists() {
        bail!("{} was not drawn", picture.display());
    }
    println!("{}", picture.display());
    Ok(())
}
