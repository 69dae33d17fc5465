//! Programs that signals end, whoever runs the tests.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Has a program take Ctrl-C and the like as usual. What ignores them, as `nohup` does and a shell for what it starts with
/// `&`, passes that on, and the program leaves ignored what is ignored.
pub fn as_usual(command: &mut Command) -> &mut Command {
    let usual = || {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            // SAFETY: the default action is set for signals that have one.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec only `signal` is called, which may be there.
    unsafe { command.pre_exec(usual) }
}
