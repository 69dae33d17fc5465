//! Answers of a board as text.

use std::io::{Read, Write};

use anyhow::Result;
use pocketrec::wire::{Capabilities, Explained, Hello, Refusal, Reply, Request, Status};

use super::super::image::{list, order};
use super::{Asked, Question, facts, refused};
use crate::link::{Connection, LinkError};

impl Asked<'_> {
    /// Who is there and, where there is one, its model.
    pub(super) fn hello<L: Read + Write>(&self, board: &mut Connection<L>) -> Result<()> {
        let hello = board.hello()?;
        println!("{}", greeting(&hello, board.name()));
        let info = board.ask_checked(&Request::ModelInfo, |_, _| ())?;
        match info.reply() {
            Some(Reply::Refused(why @ Refusal::NoModel(_)))
                if hello.status == Status::NoModel as u8 =>
            {
                println!("{}", LinkError::Refused(why));
                Ok(())
            }
            Some(Reply::Refused(why)) => Err(refused(why)),
            Some(reply) => self.show(&reply),
            None => Ok(()),
        }
    }

    pub(super) fn show(&self, reply: &Reply<'_>) -> Result<()> {
        match reply {
            Reply::Stars(stars) => {
                if let Question::Predict { who, .. } = &self.args.question {
                    let title = self.title();
                    println!("{stars:.2} stars: {} on {title}", who.name());
                }
            }
            Reply::Movies(movies) => {
                let name = match &self.args.question {
                    Question::Similar { .. } => {
                        let title = self.title();
                        println!("Nearest to {title}, by the cosine of embeddings");
                        "Cosine"
                    }
                    Question::Suggest { .. } => {
                        println!(
                            "Rating one of these would teach the device most; Stars are its guesses"
                        );
                        "Stars"
                    }
                    Question::Top { who, .. } => {
                        println!("The best movies for {}", who.name());
                        "Stars"
                    }
                    _ => "Stars",
                };
                let stars = movies.iter().map(|ranked| ranked.stars);
                let note = match &self.args.question {
                    Question::Top { .. } => order(stars),
                    _ => "",
                };
                let movies = movies.iter().map(|ranked| (ranked.movie, ranked.stars));
                print!("{}{note}", list(&self.titles, name, movies));
            }
            Reply::Rated {
                before,
                after,
                ratings,
            } => {
                if let Question::Rate { stars, .. } = &self.args.question {
                    let title = self.title();
                    println!("{stars} stars for {title}: taken in, {ratings} in all");
                }
                println!("The device predicted {before:.2} before, and predicts {after:.2} now");
            }
            Reply::Profile(profile) => {
                println!("Ratings: {}", profile.ratings);
                println!("Bias: {:.6}", profile.bias);
                let row: Vec<String> = profile.row.iter().map(|x| format!("{x:.6}")).collect();
                println!("Row: {}", row.join(" "));
            }
            Reply::Undone {
                movie,
                stars,
                ratings,
            } => {
                let title = self.titles.title(*movie);
                match stars {
                    Some(stars) => println!("{title} has {stars} stars again; {ratings} ratings"),
                    None => println!("{title} is not rated any more; {ratings} ratings"),
                }
            }
            Reply::Forgotten { ratings } => {
                if self.movie.is_none() {
                    println!("Forgotten; {ratings} ratings");
                } else {
                    println!("{} is forgotten; {ratings} ratings", self.title());
                    println!(
                        "It is gone from use, and from flash at the next compaction, which `query compact` does now"
                    );
                }
            }
            Reply::Explained(explained) => self.explained(explained)?,
            // What is about the board itself is a table.
            other => {
                if let Question::Format { .. } = &self.args.question {
                    println!("Erased: no owner has a rating now");
                }
                print!("{}", facts::of(other).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// The parts of a prediction, and the ratings that moved it.
    fn explained(&self, explained: &Explained) -> Result<()> {
        if let Question::Explain { who, .. } = &self.args.question {
            let title = self.title();
            println!("{:.2} stars: {} on {title}", explained.stars, who.name());
        }
        println!(
            "{:.2} mean {:+.2} user {:+.2} movie {:+.2} dot product {:+.2} network",
            explained.mean, explained.user_bias, explained.movie_bias, explained.dot, explained.mlp
        );
        for because in &explained.because {
            let title = self.titles.title(because.movie);
            println!(
                "{:+.2} by {} stars for {title}",
                because.moved, because.stars
            );
        }
        Ok(())
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
