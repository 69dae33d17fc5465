//! The project's verbs: arguments and dispatch only, one file a verb beside it.
//!
//! `cargo xtask test` is the README's second command, `cargo xtask ci` what CI adds to it.

mod api;
mod bench;
mod boards;
mod browser;
#[path = "../../host/base/src/child.rs"]
mod child;
mod ci;
mod drive;
mod elf;
mod emulator;
mod engines;
mod everywhere;
mod examples;
mod firmware;
mod flash;
mod grown;
mod licences;
mod loom;
mod miri;
mod no_panic;
mod npm;
mod oldest;
mod package;
mod picture;
mod setup;
mod shell;
mod size;
mod test;
mod toolchain;
mod web;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

use boards::Board;
use firmware::Profile;
use toolchain::Choice;

/// The project's task runner: the same verbs for people and for CI.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// How to compile for boards: with rustup's targets, with rustup's sources of core, or with Debian's compiler.
    #[arg(long, global = true, value_enum, default_value_t = Choice::Auto)]
    toolchain: Choice,
    /// Install what is missing without asking.
    #[arg(long, global = true)]
    yes: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// List what is missing to build and emulate the firmware, and install it.
    Setup,
    /// Build a board's firmware and print the path of its ELF file.
    Firmware {
        /// The board.
        #[arg(value_parser = boards::parse)]
        board: Board,
        /// Optimise for speed or for size.
        #[arg(long, value_enum, default_value_t = Profile::Firmware)]
        profile: Profile,
        /// Whether the firmware logs (defmt over RTT); by default only the profile for speed does.
        #[arg(long)]
        log: Option<bool>,
        /// Additional features: models that it takes (`codes`, `integers`, `shapes`, `wide`) or three owners (`owners`).
        #[arg(long, value_delimiter = ',', value_parser = ::boards::BESIDE)]
        features: Vec<String>,
        #[command(flatten)]
        drive: DriveArguments,
    },
    /// Run the tests, including those of the firmware in an emulator, and name those that are left to `ci`.
    Test {
        /// Run those that are left to `ci` instead: sweeps, and builds of firmware that nothing else boots.
        #[arg(long)]
        slow: bool,
    },
    /// Run every other check that CI runs: format, licences, lints, docs, public API, minimum Rust, no_std builds,
    /// panics, sizes, and the tests that take long.
    Ci,
    /// Compare core's public API with core/public-api.txt.
    Api {
        /// Write the file instead of comparing with it.
        #[arg(long)]
        bless: bool,
    },
    /// Compile each package with the minimum Rust version that it declares.
    Msrv,
    /// Build the firmware of `examples`, and ask those in an emulator that one has.
    Examples,
    /// Train on other engines as the READMEs of their examples say, and import what they made: fetches gigabytes.
    Engines {
        /// These alone.
        #[arg(value_parser = engines::names())]
        only: Vec<String>,
    },
    /// Package core as for a registry, and compile the package and its examples.
    Package,
    /// Run unsafe code's tests under Miri, which needs a nightly toolchain.
    Miri,
    /// Run what depends on the order of threads in every order, with loom.
    Loom,
    /// Check that no path through core can panic, on every board's processor, at every opt-level, with and without LTO,
    /// and with overflow checks.
    NoPanic,
    /// Build core for every processor that it is for, with no feature, each alone and all: `ci` has them alone for two targets,
    /// one for each kind of code that is compiled.
    Everywhere,
    /// Flash a board's firmware, and optionally an image, with probe-rs or espflash, and query it.
    Flash {
        /// The board.
        #[arg(value_parser = boards::parse)]
        board: Board,
        /// The image that `cargo run -p host -- export` wrote.
        #[arg(long)]
        image: Option<std::path::PathBuf>,
        /// The board's serial port, to query it at the end.
        #[arg(long)]
        port: Option<String>,
        /// Optimise for speed or for size.
        #[arg(long, value_enum, default_value_t = Profile::Firmware)]
        profile: Profile,
    },
    /// Compare the flash and RAM that each firmware takes with bench/size.txt.
    Size {
        /// Write the table instead of comparing with it, including stacks measured in the emulator, and the figures of
        /// firmware/README.md.
        #[arg(long)]
        bless: bool,
        /// Only this board's firmware; what the table has of others stays.
        #[arg(long, value_name = "BOARD", value_parser = boards::parse)]
        only: Option<Board>,
    },
    /// Make the page: one HTML file with core as WebAssembly, an image and its movies, which opens from disk.
    Web(web::Arguments),
    /// Draw the README's picture of `host console` anew, from the program itself.
    Picture,
    /// Benchmark core on emulated devices, or training on this machine.
    Bench {
        /// What to benchmark.
        #[command(subcommand)]
        on: BenchOn,
    },
}

/// One file that flashes the board.
#[derive(clap::Args)]
struct DriveArguments {
    /// Write a .uf2 for the board's USB drive, beside the ELF file; the last line printed is its path.
    #[arg(long, conflicts_with_all = ["hex", "bin", "elf"])]
    uf2: bool,
    /// As --uf2, for boards whose drive takes Intel HEX.
    #[arg(long, conflicts_with_all = ["bin", "elf"])]
    hex: bool,
    /// As --uf2, for boards that espflash writes to over their serial line: the bytes of flash from its first on.
    #[arg(long, conflicts_with = "elf")]
    bin: bool,
    /// As --uf2, for boards that a debug probe flashes: the firmware's ELF file with the image as a section more.
    #[arg(long, requires = "image")]
    elf: bool,
    /// An image that goes into the same file.
    #[arg(long)]
    image: Option<std::path::PathBuf>,
    /// Leave the firmware out of it: the image alone.
    #[arg(long, requires = "image", conflicts_with_all = ["bin", "elf"])]
    image_only: bool,
}

impl DriveArguments {
    /// The ending of the file that is wanted, if one is.
    fn extension(&self) -> Option<&'static str> {
        let endings = [
            (self.uf2, "uf2"),
            (self.hex, "hex"),
            (self.bin, "bin"),
            (self.elf, "elf"),
        ];
        let wanted = endings.into_iter().find(|(wanted, _)| *wanted);
        wanted.map(|(_, ending)| ending)
    }

    /// Writes the file where one is wanted, and returns its path; else that of the ELF file, which is built by `build`.
    fn write(
        &self,
        board: Board,
        build: impl FnOnce() -> anyhow::Result<std::path::PathBuf>,
    ) -> anyhow::Result<std::path::PathBuf> {
        let Some(wanted) = self.extension() else {
            if let Some(image) = &self.image {
                anyhow::bail!(
                    "--image {} goes into --uf2, --hex, --bin or --elf; add one",
                    image.display()
                );
            }
            return build();
        };
        board.check_one_file(wanted).map_err(anyhow::Error::msg)?;
        let image = self.image.as_deref();
        if self.image_only {
            let name = format!("{}-image.{wanted}", board.name);
            let to = shell::target_directory().join("boards").join(name);
            std::fs::create_dir_all(shell::target_directory().join("boards"))?;
            return drive::write(board, wanted, None, image, &to);
        }
        let firmware = build()?;
        // The firmware's own file stays as it is.
        let mut name = firmware.file_stem().unwrap_or_default().to_owned();
        if self.elf {
            name.push("-image");
        }
        let to = firmware.with_file_name(name);
        drive::write(board, wanted, Some(&firmware), image, &to)
    }
}

#[derive(Subcommand)]
enum BenchOn {
    /// Count core's instructions, modelled cycles and stack on emulated Cortex-M0, M4F, M7, M33 and M55, and compare
    /// with the snapshot.
    Device {
        /// Write the snapshot instead of comparing with it.
        #[arg(long)]
        bless: bool,
        /// Count only this core and build, as the snapshot names them, for example `M4F/workspace`; its other lines stay.
        #[arg(long)]
        only: Option<String>,
    },
    /// Time training on this machine, optionally against other libraries (`--peers`), as `host bench train` does.
    Train {
        /// Options of `host bench train`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let setup = setup::Manner {
        yes: arguments.yes,
        choice: arguments.toolchain,
    };
    let result = match arguments.verb {
        Verb::Setup => setup::run(setup),
        Verb::Firmware {
            board,
            profile,
            log,
            features,
            drive,
        } => {
            let mut options = firmware::Options::usual(profile);
            options.log = log.unwrap_or(options.log);
            options.features = features;
            let build = || {
                toolchain::find(arguments.toolchain)
                    .and_then(|toolchain| firmware::build(&toolchain, board, &options))
            };
            drive
                .write(board, build)
                .map(|path| println!("{}", path.display()))
        }
        Verb::Test { slow } => {
            let extent = match slow {
                true => test::Extent::Slow,
                false => test::Extent::Usual,
            };
            test::run(setup, extent)
        }
        Verb::Ci => ci::run(setup),
        Verb::Api { bless } => api::run(setup, bless),
        Verb::Msrv => oldest::run(setup),
        Verb::Examples => examples::run(setup),
        Verb::Engines { only } => engines::run(setup, &only),
        Verb::Package => package::run(),
        Verb::Miri => miri::run(setup),
        Verb::Loom => loom::run(),
        Verb::Web(arguments) => web::run(setup, &arguments),
        Verb::Picture => picture::run(),
        Verb::NoPanic => {
            toolchain::find(arguments.toolchain).and_then(|toolchain| no_panic::run(&toolchain))
        }
        Verb::Everywhere => toolchain::find(arguments.toolchain).and_then(|toolchain| {
            setup::targets(setup, &toolchain, &everywhere::TARGETS)?;
            everywhere::run(&toolchain, everywhere::Extent::All)
        }),
        Verb::Flash {
            board,
            image,
            port,
            profile,
        } => toolchain::find(arguments.toolchain).and_then(|toolchain| {
            flash::run(
                &toolchain,
                board,
                profile,
                image.as_deref(),
                port.as_deref(),
            )
        }),
        Verb::Size { bless, only } => toolchain::find(arguments.toolchain)
            .and_then(|toolchain| size::run(&toolchain, bless, only)),
        Verb::Bench {
            on: BenchOn::Device { bless, only },
        } => toolchain::find(arguments.toolchain)
            .and_then(|toolchain| bench::device(&toolchain, setup, bless, only.as_deref())),
        Verb::Bench {
            on: BenchOn::Train { options },
        } => bench::train(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
