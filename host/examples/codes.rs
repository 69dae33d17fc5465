//! Draws docs/codes.svg from the figures in docs/codes.csv, which `evaluate --lists --precision f32,f16,i8,codes,codes3,\
//! codes2,codes1` measured with `--dim 8` and `--dim 24`: means over folds.
#![allow(missing_docs, clippy::print_stdout)]

use pocketrec_evaluate::picture::codes;

fn main() -> anyhow::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/codes.svg");
    std::fs::write(path, codes::svg(codes::FIGURES)?)?;
    println!("wrote docs/codes.svg");
    Ok(())
}
