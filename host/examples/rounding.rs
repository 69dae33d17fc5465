//! What a precision costs in stars: every user and every movie of a checkpoint, scored by core from its image and from
//! the one in single precision.
//!
//! `cargo run -p host --example rounding -- [CHECKPOINT]`

use pocketrec::ids::UserId;
use pocketrec::model::Model;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_export::{Chosen, Movies, Precision, Storage, Users, build};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let from = std::env::args().nth(1);
    let from = from.unwrap_or_else(|| "target/pocketrec/model.safetensors".into());
    let checkpoint = Checkpoint::read(std::path::Path::new(&from))?;
    let chosen = Chosen {
        users: Users::All.rows(&checkpoint)?,
        movies: Movies::All.rows(&checkpoint)?,
        seen: None,
        facets: None,
    };
    let reference = build(&checkpoint, &chosen, Precision::F32)?;
    let reference = Model::open(reference.as_ref()).map_err(|why| why.to_string())?;
    let count = reference.movies() as usize;
    let (mut due, mut found) = (vec![0.0; count], vec![0.0; count]);
    let stored = [false, true];
    let precisions = [Precision::F16, Precision::I16, Precision::I8];
    for (precision, precompute) in precisions
        .into_iter()
        .flat_map(|precision| stored.map(|stored| (precision, stored)))
    {
        let storage = Storage {
            precision,
            precompute,
            ..Storage::from(precision)
        };
        let start = std::time::Instant::now();
        // Nothing to precompute: no line.
        let Ok(image) = build(&checkpoint, &chosen, storage) else {
            continue;
        };
        let seconds = start.elapsed().as_secs_f64();
        let model = Model::open(image.as_ref()).map_err(|why| why.to_string())?;
        let (mut sum, mut squares, mut largest) = (0.0, 0.0, 0.0_f64);
        for id in &checkpoint.user_ids {
            let users = [&reference, &model].map(|model| model.user(UserId(*id)));
            let [Ok(a), Ok(b)] = users else { continue };
            reference.score_rows(&a, 0, &mut due);
            model.score_rows(&b, 0, &mut found);
            for (due, found) in due.iter().zip(&found) {
                let error = f64::from(due - found).abs();
                sum += error;
                squares += error * error;
                largest = largest.max(error);
            }
        }
        let pairs = (count * checkpoint.user_ids.len()) as f64;
        println!(
            "{:>4}{}: {} bytes, mean {:.5}, root mean square {:.5}, largest {:.5}, built in {seconds:.2} s",
            precision.name(),
            if precompute {
                " with stored halves"
            } else {
                ""
            },
            image.as_ref().len(),
            sum / pairs,
            (squares / pairs).sqrt(),
            largest
        );
    }
    Ok(())
}
