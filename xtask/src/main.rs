//! The project's verbs: arguments and dispatch only, one file a verb beside it.
//!
//! `cargo xtask test` is the README's second command, `cargo xtask ci` what CI adds to it.

mod api;
mod bench;
mod boards;
#[path = "../../host/base/src/child.rs"]
mod child;
mod ci;
mod elf;
mod emulator;
mod firmware;
mod flash;
mod licences;
mod no_panic;
mod oldest;
mod package;
mod setup;
mod shell;
mod size;
mod test;
mod toolchain;

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
    /// Where Cortex-M code is compiled: by rustup's targets, by rustup's sources of core, or by Debian's compiler.
    #[arg(long, global = true, value_enum, default_value_t = Choice::Auto)]
    toolchain: Choice,
    /// Run the commands that install what is missing without asking.
    #[arg(long, global = true)]
    yes: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// List what the firmware and its emulated boards need and is missing here, and install it.
    Setup,
    /// Build a board's firmware; the last line printed is the path of its ELF file.
    Firmware {
        /// The board.
        #[arg(value_parser = boards::parse)]
        board: Board,
        /// Optimised for speed or for size.
        #[arg(long, value_enum, default_value_t = Profile::Firmware)]
        profile: Profile,
        /// Logs (defmt over RTT); without this, only the profile for speed has them.
        #[arg(long)]
        log: Option<bool>,
        /// Further features: models that it takes (`integers`, `shapes`, `wide`) or three owners (`owners`).
        #[arg(long, value_delimiter = ',', value_parser = firmware::FEATURES)]
        features: Vec<String>,
    },
    /// Run every test, those of the firmware in the emulator included.
    Test,
    /// Format, lints, docs, no_std builds and the no-panic check; failures are told together.
    Ci,
    /// Compare core's public API with core/public-api.txt.
    Api {
        /// Write the file anew instead of comparing with it.
        #[arg(long)]
        bless: bool,
    },
    /// Compile each package with the oldest Rust that it declares.
    Msrv,
    /// Package core as for a registry, and compile the package and its examples.
    Package,
    /// Prove that no path through core can panic, on Cortex-M0 and M4F, at opt-levels 3 and s.
    NoPanic,
    /// Flash a board through probe-rs, its firmware and optionally an image, and say hello to it.
    Flash {
        /// The board.
        #[arg(value_parser = boards::parse)]
        board: Board,
        /// The image that `cargo run -p host -- export` wrote.
        #[arg(long)]
        image: Option<std::path::PathBuf>,
        /// The serial port of the board, to say hello at the end.
        #[arg(long)]
        port: Option<String>,
        /// Optimised for speed or for size.
        #[arg(long, value_enum, default_value_t = Profile::Firmware)]
        profile: Profile,
    },
    /// Print the flash and RAM that each firmware takes, beside the table of bench/size.txt.
    Size {
        /// Write the table anew instead of comparing with it, with the stacks measured in the emulator.
        #[arg(long)]
        bless: bool,
    },
    /// Count what core's work costs, or time training.
    Bench {
        /// Where.
        #[command(subcommand)]
        on: BenchOn,
    },
}

#[derive(Subcommand)]
enum BenchOn {
    /// On emulated Cortex-M0, M4F, M7 and M55 cores: instructions, modelled cycles and stack, beside the snapshot.
    Device {
        /// Write the snapshot anew instead of comparing with it.
        #[arg(long)]
        bless: bool,
        /// Count and compare only this core's and build's lines, as the snapshot names them: `M4F/workspace`.
        #[arg(long, conflicts_with = "bless")]
        only: Option<String>,
    },
    /// On this machine: training's kernels and epochs, and others' (`--peers`), as `host bench train` times them.
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
        } => {
            let mut options = firmware::Options::usual(profile);
            options.log = log.unwrap_or(options.log);
            options.features = features;
            toolchain::find(arguments.toolchain)
                .and_then(|toolchain| firmware::build(&toolchain, board, &options))
                .map(|elf| println!("{}", elf.display()))
        }
        Verb::Test => test::run(setup),
        Verb::Ci => ci::run(setup),
        Verb::Api { bless } => api::run(setup, bless),
        Verb::Msrv => oldest::run(setup),
        Verb::Package => package::run(),
        Verb::NoPanic => {
            toolchain::find(arguments.toolchain).and_then(|toolchain| no_panic::run(&toolchain))
        }
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
        Verb::Size { bless } => {
            toolchain::find(arguments.toolchain).and_then(|toolchain| size::run(&toolchain, bless))
        }
        Verb::Bench {
            on: BenchOn::Device { bless, only },
        } => toolchain::find(arguments.toolchain)
            .and_then(|toolchain| bench::device(&toolchain, bless, only.as_deref())),
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
