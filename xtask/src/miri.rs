//! The `miri` verb: unsafe code run by an interpreter that looks at every access, on the paths without special
//! instructions (it has no vectors).

use anyhow::{Result, bail};

use crate::setup::{self, Manner};
use crate::{oldest, shell};

/// What is run: a package, its features, and words in the names of its tests. Those that are there for Miri are small:
/// it takes some thousand times as long as the machine.
const TESTS: [(&str, &str, &[&str]); 3] = [
    (
        "pocketrec-base",
        "",
        &[
            "every_place_is_filled",
            "memory_keeps_its_content",
            "every_task_is_done_once",
        ],
    ),
    (
        "pocketrec-train",
        "",
        &[
            "simd::",
            "a_few_batches_of_every_kernel",
            "a_shuffle_of_few_ratings",
        ],
    ),
    (
        "pocketrec",
        "write",
        &["image::", "record::", "rating::", "crc32::"],
    ),
];

/// Runs them.
///
/// # Errors
/// When Miri finds something, and when it is missing and may not or can't be installed.
pub fn run(manner: Manner) -> Result<()> {
    setup::miri(manner)?;
    let mut failures = Vec::new();
    for (package, features, words) in TESTS {
        let mut command = oldest::cargo("nightly");
        command
            .args([
                "miri",
                "test",
                "-p",
                package,
                "--lib",
                "--features",
                features,
            ])
            // A folder of its own: the usual one would be compiled anew each time.
            .arg("--target-dir")
            .arg(shell::target_directory().join("miri"))
            .args(["--", "--test-threads", "1"])
            .args(words)
            // The pages of large tables are asked of the system, and how many threads there are.
            .env("MIRIFLAGS", "-Zmiri-disable-isolation");
        if let Err(error) = shell::run(&mut command) {
            failures.push(format!("{error:#}"));
        }
    }
    match failures.is_empty() {
        true => Ok(()),
        false => bail!("{}", failures.join("; ")),
    }
}
