//! Where a person's own small files are: what is remembered from run to run, and what runs at the moment.
//!
//! On Linux and the like as the XDG specification says, elsewhere where the system's programs have theirs; a variable of
//! XDG that is set counts everywhere.

use std::path::PathBuf;

const NAME: &str = "pocketrec";

/// The folder for what is remembered, which may not be there yet; `None` where the system names no home.
pub fn config() -> Option<PathBuf> {
    of("XDG_CONFIG_HOME", &usual_config())
}

/// The folder for what runs at the moment, which may not be there yet: gone with the session where the system has such
/// a place, else within [`config`].
pub fn runtime() -> Option<PathBuf> {
    of("XDG_RUNTIME_DIR", &[]).or_else(|| Some(config()?.join("running")))
}

/// `pocketrec` within the folder that a variable names, or else within the first of `usual` that is one: a variable and
/// what stands behind it.
fn of(variable: &str, usual: &[(&str, &str)]) -> Option<PathBuf> {
    let named = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        // XDG: what isn't absolute is to be ignored.
        path.is_absolute().then_some(path)
    };
    let usual = || {
        usual
            .iter()
            .find_map(|(name, rest)| Some(named(name)?.join(rest)))
    };
    Some(named(variable).or_else(usual)?.join(NAME))
}

fn usual_config() -> Vec<(&'static str, &'static str)> {
    if cfg!(windows) {
        vec![("APPDATA", "")]
    } else if cfg!(target_os = "macos") {
        vec![("HOME", "Library/Application Support")]
    } else {
        vec![("HOME", ".config")]
    }
}
