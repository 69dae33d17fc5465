//! Answers of a board as text.

use std::io::{Read, Write};

use anyhow::Result;
use pocketrec::rank::Order;
use pocketrec::wire::{
    Capabilities, Explained, Hello, ModelInfo, Ranked, Refusal, Reply, Request, Shared, Status,
};
use serde::{Serialize, Serializer};

use super::{Asked, Question, at_hand, facts, json, refused};
use crate::print::number::{self, fixed};
use crate::print::{self, Answer, Movie, Movies, count, grouped, signed};
use crate::{note, say};
use pocketrec_link::likely::clause;
use pocketrec_link::{Connection, LinkError};

/// How many movies of a list for two are explained.
const EXPLAINED: usize = 3;

/// A board's answer and what was asked.
struct Told<'a> {
    asked: &'a Asked<'a>,
    reply: &'a Reply<'a>,
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.asked.json(self.reply).serialize(to)
    }
}

impl Answer for Told<'_> {
    fn tell(&self) {
        self.asked.tell(self.reply);
    }
}

/// Who is there, and the model where there is one.
struct Greeting<'a> {
    hello: Hello,
    line: &'a str,
    model: Result<ModelInfo<'a>, Refusal>,
}

impl Serialize for Greeting<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        json::of_hello(&self.hello, self.line, self.model.as_ref().ok()).serialize(to)
    }
}

impl Answer for Greeting<'_> {
    fn tell(&self) {
        say!("{}", greeting(&self.hello, self.line));
        match &self.model {
            Ok(info) => print::block(&facts::of(&Reply::ModelInfo(*info)).unwrap_or_default()),
            Err(why) => say!("{}", LinkError::Refused(*why)),
        }
    }
}

impl Asked<'_> {
    /// Who is there and, where there is one, its model.
    pub(super) fn hello<L: Read + Write>(&self, board: &mut Connection<L>) -> Result<()> {
        let hello = board.hello()?;
        let line = board.name().to_owned();
        let info = board.ask_checked(&Request::ModelInfo, |_, _| ())?;
        let model = match info.reply() {
            Some(Reply::Refused(why @ Refusal::NoModel(_)))
                if hello.status == Status::NoModel as u8 =>
            {
                Err(why)
            }
            Some(Reply::Refused(why)) => return Err(refused(why)),
            Some(Reply::ModelInfo(info)) => Ok(info),
            _ => return Ok(()),
        };
        if let Ok(info) = &model {
            at_hand::warn_of(info);
        }
        print::answer(&Greeting {
            hello,
            line: &line,
            model,
        })
    }

    pub(super) fn show(&self, reply: &Reply<'_>) -> Result<()> {
        print::answer(&Told { asked: self, reply })
    }

    /// The movies of a list, with what they are ranked by and, where that is something else, their stars.
    pub(super) fn listed(&self, reply: &Reply<'_>) -> Movies {
        let ranked = match reply {
            Reply::Movies(ranked) => ranked,
            Reply::Together(shared) => {
                let by = match &self.args.question {
                    Question::Top { by, .. } => (*by).into(),
                    _ => Order::Score,
                };
                let mut list = Movies::with(&[print::name_for_two(by), "Stars 1", "Stars 2"]);
                for Shared {
                    movie,
                    score,
                    stars: [one, other],
                } in shared
                {
                    let movie = Movie::of(&self.titles, *movie);
                    list.push(movie, &[*score, *one, *other]);
                }
                return list;
            }
            _ => return Movies::with(&[]),
        };
        let names: &[_] = match &self.args.question {
            Question::Similar { .. } => &["Likeness"],
            Question::Suggest { .. } => &["Worth", "Stars"],
            Question::Top { by, .. } => print::names((*by).into()),
            _ => &["Score", "Stars"],
        };
        let mut list = Movies::with(names);
        for (
            at,
            Ranked {
                movie,
                score,
                stars,
            },
        ) in ranked.iter().enumerate()
        {
            let movie = Movie::of(&self.titles, *movie);
            let numbers = match names.len() {
                1 => &[*stars][..],
                _ => &[*score, *stars],
            };
            list.push_likely(movie, numbers, self.likely_of(at));
        }
        list
    }

    /// Why the first movies of a list for two are there, for each of them: the rating that did most, or else their taste.
    pub(super) fn reasons<L: Read + Write>(
        &self,
        board: &mut Connection<L>,
        request: &Request,
        list: &[Shared],
    ) -> Result<Vec<String>> {
        let Request::Together { who, with, .. } = *request else {
            return Ok(Vec::new());
        };
        let mut sentences = Vec::new();
        for shared in list.iter().take(EXPLAINED) {
            let mut of = |who| -> Result<String> {
                let movie = shared.movie;
                let request = Request::Explain { who, movie };
                let told = board.ask_for(
                    &request,
                    |_, _| (),
                    |reply| match reply {
                        Reply::Explained(explained) => Some(explained),
                        _ => None,
                    },
                )?;
                Ok(match told.because.first() {
                    Some(because) => format!(
                        "{} by {} for {}",
                        signed(because.moved, 2),
                        number::stars(because.stars),
                        self.titles.title(because.movie)
                    ),
                    None => format!("{} by taste", signed(told.dot + told.mlp, 2)),
                })
            };
            let (one, other) = (of(who)?, of(with)?);
            let title = self.titles.title(shared.movie);
            sentences.push(format!("{title}: (1) {one}; (2) {other}"));
        }
        Ok(sentences)
    }

    fn tell(&self, reply: &Reply<'_>) {
        match reply {
            Reply::Together(_) => {
                if let (Some(who), Question::Top { together, .. }) =
                    (&self.who, &self.args.question)
                {
                    note!(
                        "The best movies for {} (1) and {} (2) together",
                        who.name(self.usual),
                        together.name()
                    );
                }
                let list = self.listed(reply);
                print::block(&list.text());
                if let Question::Top { together, by, .. } = &self.args.question
                    && !list.is_empty()
                {
                    note!(
                        "{}",
                        print::for_two(
                            together.agree().into(),
                            (*by).into(),
                            self.at_hand.beside()
                        )
                    );
                }
                self.tell_below(list.len(), "the mean of either");
                for reason in &self.reasons {
                    say!("{reason}");
                }
            }
            Reply::Stars(stars) => {
                if let Some(who) = &self.who {
                    let (stars, title) = (fixed(*stars, 2), self.title());
                    let likely = clause(self.likely_of(0));
                    say!("{stars} stars{likely}: {} on {title}", who.name(self.usual));
                }
            }
            Reply::Movies(_) => {
                match &self.args.question {
                    Question::Similar { .. } => {
                        note!("Nearest to {}, the most alike first", self.title());
                    }
                    Question::Suggest { .. } => {
                        note!(
                            "Rating one of these would teach the device most; Stars are its guesses"
                        );
                    }
                    _ => {
                        if let Some(who) = &self.who {
                            note!("The best movies for {}", who.name(self.usual));
                        }
                    }
                }
                let list = self.listed(reply);
                print::block(&list.text());
                if let Question::Top { by, .. } = &self.args.question
                    && !list.is_empty()
                {
                    note!("{}", print::sorted_by((*by).into(), self.at_hand.beside()));
                }
                if let Some(who) = &self.who {
                    let whose = format!("the mean of {}", who.name(self.usual));
                    self.tell_below(list.len(), &whose);
                }
                // What an owner of the device has rated is never among them.
                if let (Some(who), Some(rated)) = (&self.who, self.rated)
                    && who.user.is_some()
                    && let Some(line) = rated.line(&who.name(self.usual))
                {
                    note!("{line}");
                }
            }
            Reply::Rated {
                before,
                after,
                ratings,
            } => {
                if let Some(stars) = self.stars {
                    let title = self.title();
                    say!(
                        "{} for {title}: taken in, {} in all",
                        number::stars(stars),
                        count(*ratings, "rating")
                    );
                }
                say!(
                    "The device predicted {} before, and predicts {} now{}",
                    fixed(*before, 2),
                    fixed(*after, 2),
                    clause(self.likely_of(0))
                );
            }
            Reply::Profile(profile) => {
                say!("Ratings: {}", grouped(profile.ratings.into()));
                say!("Bias: {}", fixed(profile.bias, 6));
                let row: Vec<String> = profile.row.iter().map(|x| fixed(*x, 6)).collect();
                say!("Row: {}", row.join(" "));
            }
            Reply::Undone {
                movie,
                stars,
                ratings,
            } => {
                let (title, ratings) = (self.titles.title(*movie), count(*ratings, "rating"));
                match stars {
                    Some(stars) => {
                        say!("{title} has {} again; {ratings}", number::stars(*stars));
                    }
                    None => say!("{title} is not rated any more; {ratings}"),
                }
            }
            Reply::Forgotten { ratings } => {
                let ratings = count(*ratings, "rating");
                if self.movie.is_none() {
                    say!("Forgotten; {ratings}");
                } else {
                    say!("{} is forgotten; {ratings}", self.title());
                    if self.is_in_flash {
                        note!(
                            "It is gone from use, and from flash at the next compaction, which `query compact` does now"
                        );
                    }
                }
            }
            Reply::Explained(explained) => self.explained(explained),
            // What is about the board itself is a table.
            other => {
                if let Question::Format { .. } = &self.args.question {
                    say!("Erased: no owner has a rating now");
                }
                print::block(&facts::of(other).unwrap_or_default());
            }
        }
    }

    /// Says what else isn't in a list of the best movies that is shorter than was asked for.
    fn tell_below(&self, listed: usize, whose: &str) {
        if let Question::Top {
            count,
            include_below: false,
            together,
            ..
        } = &self.args.question
            && let Some(line) = print::below(listed, (*count).into(), whose)
        {
            // A list for two has none of them.
            match together.is_open() {
                true => note!("{line} (`--include-below` lists them too)"),
                false => note!("{line}"),
            }
        }
    }

    /// The parts of a prediction, and the ratings that moved it.
    fn explained(&self, explained: &Explained) {
        if let Some(who) = &self.who {
            let (stars, title) = (fixed(explained.stars, 2), self.title());
            let likely = clause(self.likely_of(0));
            say!("{stars} stars{likely}: {} on {title}", who.name(self.usual));
        }
        let mut sum = format!("{} mean", fixed(explained.mean, 2));
        for (value, part) in [
            (explained.user_bias, "user"),
            (explained.movie_bias, "movie"),
            (explained.dot, "dot product"),
            (explained.mlp, "network"),
        ] {
            // A part that a model doesn't have adds this very number.
            if value != 0.0 {
                sum += &format!(" {} {part}", signed(value, 2));
            }
        }
        say!("{sum}");
        for because in &explained.because {
            let title = self.titles.title(because.movie);
            let stars = number::stars(because.stars);
            say!("{} by {stars} for {title}", signed(because.moved, 2));
        }
        if let Some(words) = self.at_hand.beside().words("the latest ratings") {
            note!(
                "A list of the best counts {words} beside these stars; `query top --by stars` lists by stars alone"
            );
        }
    }
}

fn greeting(hello: &Hello, line: &str) -> String {
    let [major, minor, patch] = hello.firmware;
    let mut can = Vec::new();
    for (bit, name) in [
        (Capabilities::LEARN, "learns"),
        (Capabilities::STORAGE, "remembers"),
        (Capabilities::LOG, "logs"),
    ] {
        if Capabilities(hello.capabilities).has(bit) {
            can.push(name);
        }
    }
    let can = if can.is_empty() {
        String::new()
    } else {
        format!(", {}", can.join(", "))
    };
    format!("{line}: pocketrec firmware {major}.{minor}.{patch}{can}")
}
