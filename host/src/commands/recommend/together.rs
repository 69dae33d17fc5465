//! `host recommend --with`: the best movies for two, and what speaks for each with each of them.

use anyhow::Result;
use pocketrec::model::UserState;
use pocketrec::rank::TopForTwo;
use serde::Serialize;

use super::super::image::{Loaded, Rated, User};
use super::{Args, Known, LONGEST, interest_of};
use crate::note;
use crate::print::{self, Answer, Movie, Movies, count};
use pocketrec_base::error::BadInput;

/// Ranks for `both` what `may` be listed for the first, and tells.
///
/// # Errors
/// [`BadInput`] where the two are one, and for ratings that aren't those of the image's training.
pub(super) fn tell(
    args: &Args,
    loaded: &Loaded,
    both: [User; 2],
    may: impl Fn(u32) -> bool,
) -> Result<()> {
    let model = loaded.model()?;
    let [one, other] = &both;
    if one.id == other.id {
        let sentence = format!("--with names {}, whose list it is already", other.name);
        return Err(BadInput::new(sentence).into());
    }
    let others = match other.id {
        Some(id) if !args.include_rated => Known::of(args, &model, id)?,
        _ => Known::Nothing,
    };
    let interests = [one, other].map(|user| interest_of(&model, user.id));
    let limit = args.count.into();
    let mut top = TopForTwo::<LONGEST>::with_limit(limit, args.agree.into(), interests)
        .with_order(args.by.into());
    if args.include_below {
        top = top.with_below_mean();
    }
    let unseen = |movie: u32| may(movie) && !others.contains(movie);
    let states = [&one.state, &other.state];
    top.advance(&model, states, |movie| unseen(movie.0), u32::MAX);
    let mut movies = Movies::with(&[
        print::name_for_two(args.by.into()),
        "Stars 1",
        "Taste 1",
        "Stars 2",
        "Taste 2",
    ]);
    for hit in top.hits() {
        let row = model.movie_row(hit.movie)?;
        let of = |state: &UserState| -> Result<[f32; 2]> {
            let parts = model.explain(state, row);
            Ok([model.predict_for(state, hit.movie)?, parts.dot + parts.mlp])
        };
        let ([stars, taste], [others, their]) = (of(&one.state)?, of(&other.state)?);
        let numbers = [hit.score, stars, taste, others, their];
        movies.push(Movie::of(&loaded.titles, hit.movie.0), &numbers);
    }
    let what = match args.wanted.is_open() {
        true => count(model.movies(), "movie"),
        false => "those movies".into(),
    };
    print::answer(&ForTwo {
        user: one.id,
        with: other.id,
        movies,
        sorted_by: print::for_two(args.agree.into(), args.by.into(), print::Beside::of(&model)),
        may_name_rated: args.include_rated || others.rated().may_be_named(),
        heading: format!(
            "The best of {what} for {} (1) and {} (2), who give {:.2} and {:.2} stars on average",
            one.name,
            other.name,
            one.state.mean(),
            other.state.mean()
        ),
        below: args.below(top.hits().len(), "the mean of either"),
        footing: match others.rated() {
            Rated::Listed => None,
            rated => rated.line("either"),
        },
    })
}

/// The best movies for two.
#[derive(Debug, Serialize)]
struct ForTwo {
    /// MovieLens ids.
    user: Option<u32>,
    with: Option<u32>,
    movies: Movies,
    may_name_rated: bool,
    #[serde(skip)]
    heading: String,
    #[serde(skip)]
    below: Option<String>,
    #[serde(skip)]
    footing: Option<String>,
    #[serde(skip)]
    sorted_by: String,
}

impl Answer for ForTwo {
    fn tell(&self) {
        note!("{}", self.heading);
        print::block(&self.movies.text());
        if !self.movies.is_empty() {
            note!(
                "{}; Taste 1 and 2 are what of the stars is that person's taste, beyond how good everybody finds it",
                self.sorted_by
            );
        }
        for line in self.below.iter().chain(&self.footing) {
            note!("{line}");
        }
    }
}
