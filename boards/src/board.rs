//! What the project knows of a board.

/// Programs of QEMU, by the processors that their machines have.
pub const QEMU_ARM: &str = "qemu-system-arm";
/// As [`QEMU_ARM`].
pub const QEMU_RISCV: &str = "qemu-system-riscv32";

/// A board: what it computes with, how its memory is shared out, and how it is emulated, flashed and found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// Its name, as `cargo xtask firmware` and `--board` take it: that of its folder.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Its chip and core.
    pub chip: &'static str,
    /// The compiler's name for its core.
    pub target: &'static str,
    /// The core that its bill is reckoned with, as `bench/snapshot.txt` names it.
    pub core: &'static str,
    /// Its core's clock.
    pub clock_hz: u32,
    /// Features of core that its usual firmware has beside learning, of those that decide which models it takes.
    pub features: &'static [&'static str],
    /// People whose taste its firmware keeps apart.
    pub owners: usize,
    /// As `owners`, with the firmware's feature of that name.
    pub more_owners: usize,
    /// Features of the firmware, none of its usual ones, without which alone it has `grow`.
    pub no_grow_with: &'static [&'static str],
    /// Ratings that it remembers of each.
    pub ratings: usize,
    /// Address of the first byte of the image's region.
    pub image_address: u32,
    /// Bytes of the image's region.
    pub image_region: usize,
    /// Address of the first byte of the firmware's region.
    pub firmware_address: u32,
    /// Bytes of that region, a profile amid it included.
    pub firmware_region: usize,
    /// Bytes at its start that are the chip's own boot loader's, before the vector table.
    pub firmware_head: u32,
    /// Bytes of flash that the firmware may take.
    pub firmware_flash: usize,
    /// Address of the first byte of the region that keeps ratings.
    pub profile_address: u32,
    /// Bytes of that region.
    pub profile_region: usize,
    /// Bytes of a page there, the least that can be erased.
    pub page: usize,
    /// Bytes that are programmed at once there.
    pub word: usize,
    /// Address of the first byte of flash.
    pub flash_address: u32,
    /// Bytes of flash.
    pub flash: usize,
    /// Address of the first byte of RAM.
    pub ram_address: u32,
    /// Bytes of RAM.
    pub ram: usize,
    /// What runs its firmware without it.
    pub emulator: Option<Emulator>,
    /// The chip's name in probe-rs, where a debug probe flashes it.
    pub probe: Option<&'static str>,
    /// The chip's name in espflash, where that flashes it over its serial line.
    pub espflash: Option<&'static str>,
    /// What its USB drive takes, where dropping a file there flashes it.
    pub drive: Option<Drive>,
    /// Vendor and product of the USB port that it talks over, where that is its own.
    pub usb: &'static [(u16, u16)],
    /// The folder with its data file.
    pub folder: &'static str,
}

impl Board {
    /// The program of QEMU that has machines with its core.
    pub fn qemu(&self) -> &'static str {
        match self.target.starts_with("riscv32") {
            true => QEMU_RISCV,
            false => QEMU_ARM,
        }
    }

    /// Makes sure that a file whose name ends so flashes it as a whole: what its USB drive takes, an ELF file for a debug
    /// probe, or, for espflash, the bytes of flash from the first on.
    ///
    /// # Errors
    ///
    /// That it doesn't, and which files do.
    pub fn check_one_file(&self, extension: &str) -> Result<(), String> {
        let takes = [
            self.drive.map(|drive| drive.extension()),
            self.probe.map(|_| "elf"),
            self.espflash.map(|_| "bin"),
        ];
        let takes: Vec<&str> = takes.into_iter().flatten().collect();
        let name = self.name;
        if takes.contains(&extension) {
            Ok(())
        } else if takes.is_empty() {
            Err(format!("{name} is not flashed by --{extension}"))
        } else {
            let takes = takes.join(" or --");
            Err(format!(
                "{name} is flashed by --{takes}, not by --{extension}"
            ))
        }
    }

    /// The addresses of its RAM.
    pub fn ram_addresses(&self) -> std::ops::Range<u64> {
        let start = u64::from(self.ram_address);
        start..start + self.ram as u64
    }
}

/// An emulator of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emulator {
    /// QEMU, as this machine.
    Qemu {
        /// Its name there.
        machine: &'static str,
    },
    /// Node.js, with this script from the board's folder.
    Node {
        /// The file.
        script: &'static str,
    },
}

/// A file that a board's USB drive takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// Intel HEX.
    Hex,
    /// UF2.
    Uf2 {
        /// The number of the chip's family, which the boot loader looks at.
        family: u32,
    },
}

impl Drive {
    /// How names of such files end.
    pub fn extension(&self) -> &'static str {
        match self {
            Drive::Hex => "hex",
            Drive::Uf2 { .. } => "uf2",
        }
    }
}
