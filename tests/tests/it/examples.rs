//! The firmware of a stranger: each example that an emulator has answers as core on a PC does.

use anyhow::{Context, Result, bail};
use host::commands::emulate::Held;
use pocketrec::model::Model;
use pocketrec::wire::{Reply, Request};
use pocketrec_link::emulator::Emulator;
use pocketrec_link::questions::{self, Counts};
use pocketrec_link::transcript::Transcript;
use pocketrec_link::{Connection, Timing, port};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tests::firmware::known;
use tests::image::made_up;

const COUNTS: Counts = Counts {
    predictions: 50,
    tops: 2,
    similar: 2,
    ratings: 8,
};

/// An example's ELF file, which `cargo xtask examples` has built.
fn elf(name: &str) -> Result<PathBuf> {
    let folder = std::env::var_os("POCKETREC_EXAMPLES")
        .context("`cargo xtask examples` builds the examples and says where they are")?;
    Ok(Path::new(&folder).join(format!("{name}.elf")))
}

/// Asks a firmware everything and compares every byte of its answers.
fn compare(name: &str, boot: impl FnOnce(&Path, &Path) -> Result<Emulator>) -> Result<()> {
    let bytes = made_up(20, 300)?;
    let image = tempfile::NamedTempFile::new()?;
    std::fs::write(image.path(), &bytes)?;
    let model = Model::open(bytes.as_ref())?;
    let transcript = Transcript::record(model, questions::of(&model, COUNTS, 1))?;
    let emulator = boot(&elf(name)?, image.path())?;
    let mut connection = Connection::new(emulator, name, Timing::EMULATOR);
    connection.hello()?;
    match transcript.replay(&mut connection, |_, _| ())? {
        None => Ok(()),
        Some(difference) => bail!("{name}: {difference}"),
    }
}

/// Boots one of QEMU's machines with the image at `address`.
fn qemu(
    (program, machine): (&str, &[&str]),
    (elf, image, address): (&Path, &Path, u32),
) -> Result<Emulator> {
    Emulator::start(program, |command, line| {
        command
            .arg("-machine")
            .args(machine)
            .args(["-display", "none", "-monitor", "none"])
            .args(["-serial", &format!("tcp:{line},nodelay=on")])
            .arg("-kernel")
            .arg(elf)
            .args(Emulator::with_bytes(image, address));
    })
}

#[test]
fn embassys_firmware_on_an_rp2040_answers_with_the_bits_of_a_pc() -> Result<()> {
    let board = known("pico")?;
    compare("rp2040", |elf, image| {
        Emulator::boot(board, elf, Some(image))
    })
}

#[test]
fn a_bare_cortex_m4f_answers_with_the_bits_of_a_pc() -> Result<()> {
    let machine = ("qemu-system-arm", &["mps2-an386"][..]);
    compare("m4f", |elf, image| qemu(machine, (elf, image, 0x0004_0000)))
}

#[test]
fn a_bare_cortex_m33_answers_with_the_bits_of_a_pc() -> Result<()> {
    let machine = ("qemu-system-arm", &["mps2-an505"][..]);
    compare("m33", |elf, image| qemu(machine, (elf, image, 0x1004_0000)))
}

#[test]
fn a_bare_risc_v_answers_with_the_bits_of_a_pc() -> Result<()> {
    let machine = ("qemu-system-riscv32", &["virt", "-bios", "none"][..]);
    compare("riscv", |elf, image| {
        qemu(machine, (elf, image, 0x8040_0000))
    })
}

#[test]
fn emulate_holds_a_firmware_of_ones_own() -> Result<()> {
    let place = tempfile::tempdir()?;
    let (image, profile) = (place.path().join("model.img"), place.path().join("kept"));
    std::fs::write(&image, made_up(3, 100)?)?;
    let stop: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    let own = elf("rp2040")?;
    let held = Held::boot(
        (known("pico")?, Some(&own)),
        &image,
        Some(&profile),
        0,
        stop,
    )?;
    let name = held.running.port();
    std::thread::scope(|scope| {
        let staying = scope.spawn(|| held.stay(stop));
        let asked = (|| {
            let line = port::open(&name, port::BAUD)?;
            let mut connection = Connection::new(line, &*name, Timing::EMULATOR);
            let answer = connection.ask(&Request::Health)?;
            let Some(Reply::Health(health)) = answer.reply() else {
                bail!("not health: {:?}", answer.reply());
            };
            assert_eq!(health.board, "my pico");
            Ok(())
        })();
        stop.store(true, Ordering::Relaxed);
        match staying.join() {
            Ok(end) => end.and(asked),
            Err(_) => bail!("it panicked"),
        }
    })
}
