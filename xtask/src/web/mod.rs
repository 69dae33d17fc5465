//! The `web` verb: the page, its tests in a real browser, and its pictures.

mod pack;

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::setup::{self, Manner};
use crate::{browser, emulator, shell, toolchain};

/// What the page is made of, and what is done with it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The image that the page's board has [default: the built-in ratings, trained and exported in 8 bits]
    #[arg(long, value_name = "FILE", requires = "titles")]
    image: Option<PathBuf>,
    /// The titles of the image's movies, as `host export` writes them beside it.
    #[arg(long, value_name = "FILE", requires = "image")]
    titles: Option<PathBuf>,
    /// The page [default: target/web/pocketrec.html]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Test the page in Chromium, with an emulated board behind its serial port.
    #[arg(long)]
    test: bool,
    /// Draw the pictures of it in docs/ anew.
    #[arg(long)]
    pictures: bool,
}

/// The most bytes of a page with the built-in model.
const MOST: usize = 1024 * 1024;

/// Makes the page, and tests or draws it where that is asked.
///
/// # Errors
/// When a file can't be read, something doesn't build, the page is too large, or a test fails.
pub fn run(manner: Manner, arguments: &Arguments) -> Result<()> {
    let page = arguments
        .out
        .clone()
        .unwrap_or_else(|| folder().join("pocketrec.html"));
    let image = match (&arguments.image, &arguments.titles) {
        (Some(image), Some(titles)) => {
            for (option, file) in [("--image", image), ("--titles", titles)] {
                if !file.is_file() {
                    bail!("{option} {} is no file", file.display());
                }
            }
            (
                std::path::absolute(image)?,
                Some(std::path::absolute(titles)?),
            )
        }
        _ => (built_in()?, None),
    };
    make(manner, &image.0, image.1.as_deref(), &page)?;
    let bytes = std::fs::metadata(&page)?.len();
    println!("{} ({} KB)", page.display(), bytes / 1024);
    if arguments.image.is_none() && bytes > MOST as u64 {
        bail!("the page has {bytes} bytes, and may have {MOST}");
    }
    if arguments.test {
        let scripts = ["page", "board"].map(|name| format!("web/tests/{name}.test.mjs"));
        let arguments = ["--test", &scripts[0], &scripts[1]];
        in_browser(manner, &page, &image.0, &arguments)?;
    }
    if arguments.pictures {
        in_browser(manner, &page, &image.0, &["web/tests/pictures.mjs"])?;
    }
    Ok(())
}

/// Makes and tests the page of the built-in ratings.
///
/// # Errors
/// As [`run`].
pub fn check(manner: Manner) -> Result<()> {
    let arguments = Arguments {
        image: None,
        titles: None,
        out: None,
        test: true,
        pictures: false,
    };
    run(manner, &arguments)
}

/// Where what is made goes.
fn folder() -> PathBuf {
    shell::target_directory().join(browser::FOLDER)
}

/// `host` with arguments.
fn host(arguments: &[&str]) -> Command {
    let mut command = shell::cargo();
    command
        .args(["run", "-q", "-p", "host", "--", "-q"])
        .args(arguments);
    // What it made is told by the page's own line.
    command.stdout(std::process::Stdio::null());
    command
}

/// The image of the built-in ratings, without anybody of them. They are trained on once: what was found is kept as long as
/// `host` can read it.
fn built_in() -> Result<PathBuf> {
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    let checkpoint = folder.join("model.safetensors");
    let image = folder.join("model.img");
    let export = || {
        let (from, to) = (
            checkpoint.display().to_string(),
            image.display().to_string(),
        );
        let paths = ["export", "--checkpoint", &from, "--out", &to];
        let what = ["--precision", "i8", "--users", "none", "--seen", "none"];
        shell::run(&mut host(&[&paths[..], &what].concat()))
    };
    if checkpoint.is_file() {
        match export() {
            Ok(()) => return Ok(image),
            Err(why) => eprintln!("training anew: {why:#}"),
        }
    }
    shell::run(&mut host(&[
        "train",
        "--out",
        &folder.display().to_string(),
    ]))?;
    export()?;
    Ok(image)
}

fn make(manner: Manner, image: &Path, titles: Option<&Path>, page: &Path) -> Result<()> {
    setup::wasm(manner)?;
    let map = folder().join("movies.tsv");
    std::fs::create_dir_all(folder())?;
    let (from, to) = (image.display().to_string(), map.display().to_string());
    let mut arguments = vec!["map", "--image", &from, "--out", &to];
    let titles = titles.map(|titles| titles.display().to_string());
    arguments.extend(titles.iter().flat_map(|titles| ["--titles", titles]));
    shell::run(&mut host(&arguments))?;
    let mut build = shell::cargo();
    build.args(["build", "-q", "-p", "web", "--lib", "--profile", "page"]);
    shell::run(build.args(["--target", toolchain::WASM]))?;
    let core = shell::target_directory()
        .join(toolchain::WASM)
        .join("page/web.wasm");
    let read =
        |path: &Path| std::fs::read(path).with_context(|| format!("can't read {}", path.display()));
    let text = pack::page(&pack::Parts {
        core: read(&core)?,
        image: read(image)?,
        movies: read(&map)?,
    })?;
    if let Some(folder) = page.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let new = page.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&new, text)
        .and_then(|()| std::fs::rename(&new, page))
        .with_context(|| format!("{} could not be written", page.display()))
}

/// Runs Node.js on scripts that open the page in Chromium, and ask an emulated board.
fn in_browser(manner: Manner, page: &Path, image: &Path, scripts: &[&str]) -> Result<()> {
    setup::browser(manner)?;
    setup::compiler(manner)?;
    setup::emulator(manner, &emulator::ARM)?;
    // Built ahead, so that nothing waits for a compiler.
    shell::run(shell::cargo().args(["build", "-q", "-p", "host"]))?;
    let toolchain = toolchain::find(manner.choice)?;
    let board = crate::boards::parse("stm32f405").map_err(anyhow::Error::msg)?;
    let options = crate::firmware::Options::usual(crate::firmware::Profile::Firmware);
    crate::firmware::build(&toolchain, board, &options)?;
    let mut node = Command::new("node");
    node.args(scripts)
        .current_dir(shell::root())
        .env("POCKETREC_PACKAGES", browser::packages())
        .env("POCKETREC_CHROMIUM", browser::chromium()?)
        .env(
            "POCKETREC_HOST",
            shell::target_directory().join("debug/host"),
        )
        .env("POCKETREC_IMAGE", image)
        .env("POCKETREC_PAGE", std::path::absolute(page)?);
    shell::run(&mut node)
}
