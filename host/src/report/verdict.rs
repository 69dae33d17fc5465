//! Whether a model is worth anything: its errors beside those of each movie's mean, and whether its lists depend on the
//! person.

use crate::print::count;
use pocketrec_train::Validation;

/// What is wrong with a model, and what to try: a sentence; nothing of one that is worth having.
pub fn warning(validation: Validation) -> Option<String> {
    let Validation {
        ratings,
        rmse,
        movie_means,
        personal,
    } = validation;
    let held = match ratings {
        1 => "the 1 rating that was held out".to_owned(),
        _ => format!("the {} that were held out", count(ratings, "rating")),
    };
    faults(&held, rmse, movie_means, personal)
}

/// As [`warning`], of what an image tells.
pub fn warning_of_image(validation: pocketrec::model::Validation) -> Option<String> {
    faults(
        "the ratings that were held out",
        validation.rmse.into(),
        validation.movie_means.into(),
        validation.personal,
    )
}

fn faults(held: &str, rmse: f64, movie_means: f64, personal: bool) -> Option<String> {
    let mut faults = Vec::new();
    if rmse.is_nan() || rmse >= movie_means {
        faults.push(format!(
            "predicts {held} no better than each movie's mean does (RMSE {rmse:.4}, the means {movie_means:.4})"
        ));
    }
    if !personal {
        faults.push("gives everybody the same list".to_owned());
    }
    (!faults.is_empty()).then(|| {
        format!(
            "this model {}; train again on more ratings or with another --model (Adam: also a lower --lr or more --epochs; Gibbs: more --sweeps)",
            faults.join(" and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Validation = Validation {
        ratings: 100,
        rmse: 0.9,
        movie_means: 1.0,
        personal: true,
    };

    #[test]
    fn no_better_than_the_movie_means_is_a_warning_and_so_is_no_number() {
        assert_eq!(warning(GOOD), None);
        for rmse in [1.0, 3.23, f64::NAN, f64::INFINITY] {
            let told = warning(Validation { rmse, ..GOOD }).unwrap();
            assert!(told.contains("no better than each movie's mean"), "{told}");
            assert!(told.contains("a lower --lr or more --epochs"), "{told}");
        }
        let told = warning(Validation {
            personal: false,
            ..GOOD
        });
        assert!(told.unwrap().contains("gives everybody the same list"));
    }
}
