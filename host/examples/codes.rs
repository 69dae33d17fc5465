//! Draws docs/codes.svg from docs/codes.csv: means over the folds of what `evaluate --lists`, with `--precision
//! f32,f16,i8,codes,codes3,codes2,codes1` and `--dim 8` or `--dim 24`, writes by `--csv`.
#![allow(missing_docs, clippy::print_stdout)]

use pocketrec_evaluate::picture::codes;

fn main() -> anyhow::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/codes.svg");
    std::fs::write(path, codes::svg(codes::FIGURES)?)?;
    println!("wrote docs/codes.svg");
    Ok(())
}
