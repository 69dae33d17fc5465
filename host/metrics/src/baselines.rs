//! What a model must beat: always the mean, and the mean of each movie.

use super::errors::{Errors, Score};
use pocketrec_data::{Ratings, Split};

/// Means of the training ratings.
#[derive(Debug, Clone, PartialEq)]
pub struct Baselines {
    /// Mean of all of them.
    pub mean: f64,
    /// Mean of each movie row; of a movie that has none in training, the mean of all.
    pub movies: Vec<f64>,
}

impl Baselines {
    /// Works out the means of the split's training part. O(ratings).
    pub fn of(ratings: &Ratings, split: &Split) -> Baselines {
        let mut sums = vec![(0.0f64, 0u32); ratings.movie_count()];
        for &i in &split.train {
            let (sum, count) = &mut sums[ratings.movies[i as usize] as usize];
            *sum += f64::from(ratings.stars[i as usize]);
            *count += 1;
        }
        let total: f64 = sums.iter().map(|(sum, _)| sum).sum();
        let mean = if split.train.is_empty() {
            0.0
        } else {
            total / split.train.len() as f64
        };
        let movies = sums
            .iter()
            .map(|&(sum, count)| {
                if count == 0 {
                    mean
                } else {
                    sum / f64::from(count)
                }
            })
            .collect();
        Baselines { mean, movies }
    }

    /// Validation score of always the mean.
    pub fn score_mean(&self, ratings: &Ratings, split: &Split) -> Score {
        score(ratings, split, |_| self.mean)
    }

    /// Validation score of each movie's mean.
    pub fn score_movies(&self, ratings: &Ratings, split: &Split) -> Score {
        score(ratings, split, |movie| self.movies[movie as usize])
    }
}

fn score(ratings: &Ratings, split: &Split, predict: impl Fn(u32) -> f64) -> Score {
    let validation = split.validation.iter().map(|&rating| rating as usize);
    let pairs = validation.map(|i| (predict(ratings.movies[i]), ratings.stars[i]));
    pairs.collect::<Errors>().score()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_training_alone_and_an_unseen_movie_gets_the_mean_of_all() {
        let ratings = Ratings {
            user_ids: vec![1],
            movie_ids: vec![10, 20, 30],
            users: vec![0; 5],
            movies: vec![0, 0, 1, 2, 0],
            stars: vec![1.0, 2.0, 4.5, 5.0, 3.0],
            times: vec![0; 5],
        };
        let split = Split {
            train: vec![0, 1, 2],
            validation: vec![3, 4],
        };
        let baselines = Baselines::of(&ratings, &split);
        assert_eq!(baselines.mean, 2.5);
        assert_eq!(baselines.movies, [1.5, 4.5, 2.5]);
        assert_eq!(baselines.score_mean(&ratings, &split).mae, 1.5);
        let score = baselines.score_movies(&ratings, &split);
        assert_eq!(
            (score.mae, score.rmse),
            (2.0, ((2.5f64 * 2.5 + 1.5 * 1.5) / 2.0).sqrt())
        );
    }
}
