//! QEMU: where it is on this machine, and a copy of the project's own where the system can't have one.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

use crate::boards::{self, Emulator};
use crate::shell;

/// One of QEMU's programs.
#[derive(Debug)]
pub struct Qemu {
    /// Its name.
    pub name: &'static str,
    /// Its package in Debian and in Fedora.
    pub packages: [&'static str; 2],
}

/// The emulator of Cortex-M.
pub const ARM: Qemu = Qemu {
    name: ::boards::QEMU_ARM,
    packages: ["qemu-system-arm", "qemu-system-arm"],
};

/// The emulator of RISC-V.
pub const RISCV: Qemu = Qemu {
    name: ::boards::QEMU_RISCV,
    packages: ["qemu-system-misc", "qemu-system-riscv"],
};

/// What starts the emulator of Cortex-M: the system's, or else the copy that [`Qemu::unpack`] made. `host` looks in the same
/// places.
pub fn program() -> PathBuf {
    ARM.program()
}

impl Qemu {
    /// What starts it.
    fn program(&self) -> PathBuf {
        let own = folder().join("bin").join(self.name);
        match !shell::on_path(self.name) && own.is_file() {
            true => own,
            false => self.name.into(),
        }
    }

    /// Its version line, when it knows the machines.
    ///
    /// # Errors
    /// When there is no emulator, or one too old.
    pub fn version(&self) -> Result<String> {
        let version = shell::output(Command::new(self.program()).arg("--version"))?;
        let known = shell::output(Command::new(self.program()).args(["-machine", "help"]))?;
        let machines = boards::emulated().into_iter();
        let machines = machines.filter_map(|board| match board.emulator {
            Some(Emulator::Qemu { machine }) if board.qemu() == self.name => Some(machine),
            _ => None,
        });
        for machine in machines {
            if !known
                .lines()
                .any(|line| line.split_whitespace().next() == Some(machine))
            {
                let name = self.name;
                bail!("{name} is too old: it has no machine `{machine}` (5.2 and later do)");
            }
        }
        Ok(version
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
            .to_string())
    }

    /// The commands that bring Debian's packages of the emulator, with those that it needs and the system lacks, to
    /// [`folder`]: nothing is installed, and nobody has to be root.
    pub fn download(&self) -> Vec<Vec<String>> {
        let archives = folder().join("archives");
        let words = |line: &str| line.split_whitespace().map(String::from).collect();
        let mut make: Vec<String> = words("mkdir -p");
        make.push(archives.join("partial").display().to_string());
        let mut fetch: Vec<String> = words(
            "apt-get install --download-only -y --no-install-recommends -o Debug::NoLocking=1",
        );
        fetch.push("-o".into());
        fetch.push(format!("Dir::Cache::archives={}", archives.display()));
        fetch.push(self.packages[0].into());
        vec![make, fetch]
    }

    /// Unpacks what [`download`](Self::download) brought, and writes the program that starts it.
    ///
    /// # Errors
    /// When the packages aren't there or can't be unpacked.
    pub fn unpack(&self) -> Result<()> {
        let folder = folder();
        let archives = folder.join("archives");
        let root = folder.join("root");
        let entries = std::fs::read_dir(&archives)
            .with_context(|| format!("can't read {}", archives.display()))?;
        let packages: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .collect();
        if packages.is_empty() {
            bail!("no package came to {}", archives.display());
        }
        for package in &packages {
            shell::output(Command::new("dpkg-deb").arg("-x").args([package, &root]))?;
        }
        let program = folder.join("bin").join(self.name);
        std::fs::create_dir_all(folder.join("bin"))?;
        std::fs::write(&program, SCRIPT.replace(ARM.name, self.name))
            .with_context(|| format!("can't write {}", program.display()))?;
        shell::output(Command::new("chmod").arg("+x").arg(&program))?;
        std::fs::remove_dir_all(&archives)
            .with_context(|| format!("can't remove {}", archives.display()))
    }
}

/// Where the project's own copy lies.
fn folder() -> PathBuf {
    shell::target_directory().join("emulator")
}

/// The shell script that becomes the emulator, beside whose folder its packages are unpacked.
const SCRIPT: &str = r#"#!/bin/sh
root=$(CDPATH= cd -- "$(dirname -- "$0")/../root" && pwd) || exit
for folder in "$root"/lib/*-linux-* "$root"/usr/lib/*-linux-*; do
    LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH
exec "$root/usr/bin/qemu-system-arm" -L "$root/usr/share/qemu" "$@"
"#;
