//! Programs that this one starts, none of which outlives it, however it ends: by itself, by a signal or by a crash.
//!
//! On Unix a guardian, a shell, leads a process group and reads a pipe whose other end only this process holds; then the
//! child is started in that group. Whatever ends this process closes the pipe, and the guardian kills its group: the
//! child, what the child has started, and itself. On Linux the kernel is asked to kill the child too. On Windows a child
//! ends with its [`Tied`], which somebody who ends this process in the task manager prevents.
//!
//! The task runner compiles this file as well: it depends on no crate of ours, and starts emulators too.

use std::io;
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, Output, Stdio};

/// A child that ends with this value, and with this process. It reads nothing: a group of its own has no terminal.
#[derive(Debug)]
pub struct Tied {
    child: Child,
    #[cfg(unix)]
    guardian: Guardian,
}

impl Tied {
    /// Starts a program.
    ///
    /// # Errors
    ///
    /// Those of [`Command::spawn`], of the program or of the guardian.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        let guardian = Guardian::start()?;
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, guardian.0.id() as i32);
        end_with_this_process(command);
        Ok(Self {
            child: command.stdin(Stdio::null()).spawn()?,
            #[cfg(unix)]
            guardian,
        })
    }

    /// Kills the program and what it has started.
    ///
    /// # Errors
    ///
    /// Those of [`Child::kill`].
    pub fn kill(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        self.guardian.kill_all();
        self.child.kill()
    }

    /// Runs a program to its end, as [`Command::output`] does. What the caller sends elsewhere isn't captured.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn), and those of reading what it prints.
    pub fn output(command: &mut Command) -> io::Result<Output> {
        use std::io::Read;
        let mut tied = Self::spawn(command)?;
        let errors = tied.stderr.take().map(|mut pipe| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                pipe.read_to_end(&mut bytes).map(|_| bytes)
            })
        });
        let mut stdout = Vec::new();
        if let Some(mut pipe) = tied.stdout.take() {
            pipe.read_to_end(&mut stdout)?;
        }
        let stderr = errors.map(std::thread::JoinHandle::join);
        Ok(Output {
            status: tied.wait()?,
            stdout,
            // Reading doesn't panic.
            stderr: stderr.and_then(Result::ok).transpose()?.unwrap_or_default(),
        })
    }
}

impl Deref for Tied {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Tied {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        // What a program that has ended leaves behind, such as a server of caches, is its own business.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            // Ended meanwhile is as good.
            let _ = self.kill();
        }
        let _ = self.child.wait();
    }
}

/// A shell that leads the group of a child.
#[cfg(unix)]
#[derive(Debug)]
struct Guardian(Child);

#[cfg(unix)]
impl Guardian {
    fn start() -> io::Result<Self> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new("sh");
        command
            .args(["-c", "read -r _; kill -9 0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Ctrl-C is for this process: the group sees what comes of it.
        command.process_group(0).spawn().map(Self)
    }

    /// Ends the group, as the end of this process would.
    fn kill_all(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
impl Drop for Guardian {
    fn drop(&mut self) {
        // Its pipe would close with it, and the group end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// On Linux, has the kernel kill the program when this process ends, without a group of its own: for what asks on the
/// terminal. Elsewhere such a program ends by itself.
#[cfg_attr(
    target_os = "linux",
    allow(unsafe_code, reason = "what runs between fork and exec")
)]
pub fn end_with_this_process(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        let parent = std::process::id();
        // SAFETY: between fork and exec, prctl, getppid and gettid may be called.
        unsafe {
            // The kernel kills when the thread that forked ends, and only the first one lasts as long as the process.
            if libc::gettid() as u32 != parent {
                return;
            }
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // It may have ended before the kernel was asked.
                match libc::getppid() as u32 == parent {
                    true => Ok(()),
                    false => Err(io::ErrorKind::NotFound.into()),
                }
            });
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read};
    use std::os::unix::process::ExitStatusExt;

    /// A shell that has started another program, and the pipe that both hold.
    fn family() -> (Tied, BufReader<std::process::ChildStdout>) {
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 600 & echo started; wait"])
            .stdout(Stdio::piped());
        let mut tied = Tied::spawn(&mut command).unwrap();
        let mut pipe = BufReader::new(tied.stdout.take().unwrap());
        let mut line = String::new();
        pipe.read_line(&mut line).unwrap();
        assert_eq!(line, "started\n");
        (tied, pipe)
    }

    #[test]
    fn a_child_and_its_own_children_end_when_the_guardians_pipe_does() {
        let (mut tied, mut pipe) = family();
        // As the end of this process would.
        drop(tied.guardian.0.stdin.take());
        assert_eq!(tied.wait().unwrap().signal(), Some(9));
        // The pipe ends when nobody holds it any more.
        assert_eq!(pipe.read_to_end(&mut Vec::new()).unwrap(), 0);
    }

    #[test]
    fn a_child_and_its_own_children_end_with_their_value() {
        let (tied, mut pipe) = family();
        drop(tied);
        assert_eq!(pipe.read_to_end(&mut Vec::new()).unwrap(), 0);
    }

    #[test]
    fn what_a_child_prints_and_its_exit_code_are_told() {
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo out; echo err >&2; exit 3"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = Tied::output(&mut command).unwrap();
        assert_eq!(
            (&*output.stdout, &*output.stderr),
            (&b"out\n"[..], &b"err\n"[..])
        );
        assert_eq!(output.status.code(), Some(3));
    }
}
