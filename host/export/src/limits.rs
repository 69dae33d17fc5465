//! The sizes of a model that an image can hold: core's, told to `export` when it refuses and to `train` beforehand.

use pocketrec::{MAX_DIM, MAX_LAYERS, MAX_UNITS};

use pocketrec_train::{Options, Parameters};

/// The first size of a model with rows of `user_dim` and `movie_dim` numbers and dense layers of `units`, the last
/// layer's included, that is beyond an image; in words that follow "the model has".
fn beyond(user_dim: usize, movie_dim: usize, units: &[usize]) -> Option<String> {
    let hold = |what: &str, has: usize, most: usize, flag: &str| {
        (has > most).then(|| {
            format!("{has} {what}, and an image holds at most {most} (`train {flag}` sets it)")
        })
    };
    hold("numbers in a user's row", user_dim, MAX_DIM, "--user-dim")
        .or_else(|| {
            hold(
                "numbers in a movie's row",
                movie_dim,
                MAX_DIM,
                "--movie-dim",
            )
        })
        .or_else(|| {
            hold(
                "dense layers, the output's included",
                units.len(),
                MAX_LAYERS,
                "--hidden",
            )
        })
        .or_else(|| {
            (0..).zip(units).find_map(|(at, units)| {
                hold(
                    &format!("units in dense layer {at}"),
                    *units,
                    MAX_UNITS,
                    "--hidden",
                )
            })
        })
}

/// What no image can hold of a trained model; `None` where one can.
pub fn of_parameters(p: &Parameters) -> Option<String> {
    let units: Vec<usize> = p.layers.iter().map(|layer| layer.outputs).collect();
    beyond(p.user_dim, p.movie_dim, &units)
}

/// What no image could hold of the model that `options` would train; `None` where one could.
pub fn of_options(options: &Options) -> Option<String> {
    let mut units = Vec::new();
    if options.has_network() {
        units.clone_from(&options.hidden);
        units.push(1);
    }
    beyond(options.user_dim, options.movie_dim, &units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_train::{ModelKind, Solver};

    #[test]
    fn the_first_size_beyond_an_image_is_told_with_its_limit_and_flag_before_and_after_training() {
        let most = Options {
            user_dim: MAX_DIM,
            movie_dim: MAX_DIM,
            hidden: vec![MAX_UNITS; MAX_LAYERS - 1],
            ..Options::default()
        };
        assert_eq!(of_options(&most), None);
        let told = |change: &dyn Fn(&mut Options), parts: [&str; 3]| {
            let mut options = most.clone();
            change(&mut options);
            let before = of_options(&options).expect("it is beyond an image");
            for part in parts {
                assert!(before.contains(part), "{part:?} isn't in {before:?}");
            }
            let trained = Parameters::initial(&options, 1, 1, 3.0);
            assert_eq!(of_parameters(&trained), Some(before));
        };
        told(
            &|o| o.user_dim = 33,
            ["33 numbers in a user's", "at most 32", "--user-dim"],
        );
        told(
            &|o| o.movie_dim = 33,
            ["33 numbers in a movie's", "at most 32", "--movie-dim"],
        );
        told(
            &|o| o.hidden.push(8),
            ["5 dense layers", "at most 4", "--hidden"],
        );
        told(
            &|o| o.hidden = vec![8, 65],
            ["65 units in dense layer 1", "at most 64", "--hidden"],
        );
    }

    #[test]
    fn layers_that_a_model_does_not_have_are_not_counted() {
        let mut options = Options {
            model: ModelKind::Mf,
            hidden: vec![65; 9],
            ..Options::default()
        };
        assert_eq!(of_options(&options), None);
        options.model = ModelKind::Hybrid;
        options.solver = Solver::Gibbs;
        assert_eq!(of_options(&options), None);
    }
}
