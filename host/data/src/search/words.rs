//! What people type behind a verb without options: `rate toy story 5`, `predict 42 alien`.
//!
//! Which of the words are the movie, which is the user and which the stars is told by their place. Where that can be read
//! in two ways nothing is picked: options say it.

use pocketrec_base::error::BadInput;

/// The movie of `words`, the last of which is its stars: `toy story 5`.
///
/// `is_movie` says whether a movie is called so. `toy story 2` is one: whether two stars of Toy Story are meant or no stars
/// of Toy Story 2, nobody knows, and `advice` makes of the movie and the stars what says it. Words that stand in one
/// argument, as a shell makes of `"toy story" 2`, are one movie.
///
/// # Errors
///
/// [`BadInput`] where there are no stars, no movie, or two ways to read it.
pub fn rated(
    words: &[String],
    is_movie: impl Fn(&str) -> bool,
    advice: impl Fn(&str, &str) -> String,
) -> Result<(String, f32), BadInput> {
    let form = "type the movie and then its stars, as in `rate alien 4.5`";
    let [movie @ .., last] = words else {
        return Err(BadInput::new(format!("there is nothing to rate: {form}")));
    };
    let stars = stars(last).map_err(|_| {
        BadInput::new(format!(
            "`{last}` at the end is not a number of stars: {form}"
        ))
    })?;
    if movie.is_empty() {
        return Err(BadInput::new(format!(
            "`{last}` is either a movie or its stars, and the other is missing: {form}"
        )));
    }
    let whole = words.join(" ");
    let quoted = movie.iter().any(|word| word.contains(' '));
    let movie = movie.join(" ").trim().to_owned();
    if !quoted && is_movie(&whole) {
        return Err(BadInput::new(format!(
            "`{whole}` may be {last} stars for `{movie}`, or the movie `{whole}` without its stars: {} says which",
            advice(&movie, last)
        )));
    }
    Ok((movie, stars))
}

/// The user and the movie of `words`, where the first is a user: `42 alien`. Without one, all of them are the movie.
///
/// `is_user` says whether somebody is called so, `is_movie` whether a movie is. `12 angry men` may be both.
///
/// # Errors
///
/// [`BadInput`] where there are two ways to read it.
pub fn predicted(
    words: &[String],
    is_user: impl Fn(&str) -> bool,
    is_movie: impl Fn(&str) -> bool,
) -> Result<(Option<String>, String), BadInput> {
    let whole = words.join(" ");
    match words {
        [user, movie @ ..] if !movie.is_empty() => {
            let movie = movie.join(" ");
            // A number ahead of a whole title is somebody's, even if nobody has it: that is then what is wrong.
            let is_number = || user.parse::<u32>().is_ok() && is_movie(&movie);
            if !is_user(user) && (is_movie(&whole) || !is_number()) {
                return Ok((None, whole));
            }
            if is_movie(&whole) {
                return Err(BadInput::new(format!(
                    "`{whole}` may be the movie `{whole}`, or `{movie}` for user {user}: \
                     `--movie \"{whole}\"`, or `--user {user} --movie \"{movie}\"`, says which"
                )));
            }
            Ok((Some(user.clone()), movie))
        }
        _ => Ok((None, whole)),
    }
}

/// Stars as a number; whether they are on the scale is for the model to say.
///
/// # Errors
///
/// What it should be, for what is no number.
pub fn stars(text: &str) -> Result<f32, String> {
    let stars = text.trim().parse().ok();
    let stars = stars.filter(|stars: &f32| stars.is_finite());
    stars.ok_or_else(|| "it should be a number of stars, for instance 4.5".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split('|').map(str::to_owned).collect()
    }

    fn is_movie(text: &str) -> bool {
        ["toy story", "toy story 2", "12 angry men", "alien"].contains(&text)
    }

    #[test]
    fn the_last_word_is_the_stars_unless_a_movie_is_called_all_of_them() {
        let read = |text: &str| {
            rated(&words(text), is_movie, |_, _| "this".into()).map_err(|error| error.to_string())
        };
        assert_eq!(read("alien|4.5"), Ok(("alien".into(), 4.5)));
        assert_eq!(read("toy|story|5"), Ok(("toy story".into(), 5.0)));
        assert_eq!(read("toy story|2"), Ok(("toy story".into(), 2.0)));
        assert_eq!(read("toy|story|2|3"), Ok(("toy story 2".into(), 3.0)));
        assert_eq!(read("alien|-1"), Ok(("alien".into(), -1.0)));
        for (text, said) in [
            ("toy|story|2", "may be 2 stars for `toy story`"),
            ("alien", "`alien` at the end is not a number of stars"),
            ("5", "the other is missing"),
            ("alien|nan", "not a number of stars"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        assert!(rated(&[], is_movie, |_, _| String::new()).is_err());
    }

    #[test]
    fn the_first_word_is_a_user_where_there_is_one_and_a_movie_behind() {
        let is_user = |text: &str| ["42", "12", "ann"].contains(&text);
        let read = |text: &str| predicted(&words(text), is_user, is_movie);
        assert_eq!(
            read("42|toy|story").unwrap(),
            (Some("42".into()), "toy story".into())
        );
        assert_eq!(
            read("ann|alien").unwrap(),
            (Some("ann".into()), "alien".into())
        );
        assert_eq!(read("7|samurai").unwrap(), (None, "7 samurai".into()));
        // Nobody has that number, and no movie is called so: that there is no such user is then said.
        assert_eq!(
            read("4200|toy|story").unwrap(),
            (Some("4200".into()), "toy story".into())
        );
        // Alone it is the movie.
        assert_eq!(read("42").unwrap(), (None, "42".into()));
        let error = read("12|angry|men").unwrap_err().to_string();
        assert!(error.contains("or `angry men` for user 12"), "{error}");
    }
}
