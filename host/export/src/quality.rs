//! What rounding costs: the errors of an image's own predictions on the ratings that training held out.

use pocketrec::model::Model;

/// A rating that was held out: user id, movie id, stars.
pub type Held = (u32, u32, f32);

/// Errors of predictions, in stars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Ratings measured on.
    pub ratings: usize,
}

/// The errors of `model` on the ratings of `held` whose user and movie it has, or `None` where it has none of them.
/// Core computes the predictions, as a device would. Sorted by user, `held` is measured fastest.
pub fn measure(model: &Model<'_>, held: &[Held]) -> Option<Quality> {
    let (mut squared, mut absolute, mut ratings) = (0.0, 0.0, 0_usize);
    for of_user in held.chunk_by(|a, b| a.0 == b.0) {
        let Ok(user) = model.user(of_user[0].0) else {
            continue;
        };
        for (_, movie, stars) in of_user {
            if let Ok(predicted) = model.predict_for(&user, *movie) {
                let error = f64::from(predicted) - f64::from(*stars);
                squared += error * error;
                absolute += error.abs();
                ratings += 1;
            }
        }
    }
    let count = ratings as f64;
    (ratings > 0).then(|| Quality {
        rmse: (squared / count).sqrt(),
        mae: absolute / count,
        ratings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_of_cores_predictions_and_strangers_are_left_out() {
        let image = pocketrec::image::example();
        let model = Model::open(image.bytes()).unwrap();
        let [a, b] = [(1, 10), (2, 4000)].map(|(u, m)| model.predict(u, m).unwrap());
        let held = [
            (1, 10, a + 0.5),
            (1, 11, 5.0),
            (2, 4000, b - 1.0),
            (77, 10, 1.0),
        ];
        let quality = measure(&model, &held).unwrap();
        assert_eq!(quality.ratings, 2);
        assert!((quality.mae - 0.75).abs() < 1e-6);
        assert!((quality.rmse - (1.25_f64 / 2.0).sqrt()).abs() < 1e-6);
        assert_eq!(measure(&model, &[(77, 10, 1.0)]), None);
    }
}
