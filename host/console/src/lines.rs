//! The same verbs as plain lines: for scripts, and where there is no terminal to draw on.

use std::io::{BufRead, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use pocketrec::model::{Interval, Wanted};
use pocketrec::rank::Order;
use pocketrec::wire::{Ranked, RatingEntry};
use pocketrec_base::error::BadInput;
use pocketrec_base::print::number::{count, fixed, stars as with_word};
use pocketrec_base::print::{self, Column, Table, worded};
use pocketrec_base::{note, say};
use pocketrec_data::search::is_name;
use pocketrec_link::likely::clause;
use pocketrec_link::lists::{below, cell, for_two, name_for_two, names, sorted_by, table};

use super::desk::{Desk, Moves, heading, heading_for_two, taste, unknown};
use super::device::{About, Ask, Device, LIST, Told};
use super::verb::{self, HELP, Named, Other, Verb};
use super::view::side::generous;
use super::why::{beside, why, why_for};

/// How a movie is found by words: its id, or why none is meant; for a change nothing is guessed.
pub type Choose<'a> = dyn Fn(&str, bool) -> Result<u32> + 'a;

/// Who reads lines and tells answers.
pub struct Teller<'a, L> {
    device: Device<L>,
    desk: Desk,
    about: About,
    choose: &'a Choose<'a>,
    /// The best movies, as they were told last.
    top: Option<Vec<Ranked>>,
    /// What they are sorted by.
    order: Order,
    /// The owner's ratings, where what is known of them was asked for.
    ratings: Vec<RatingEntry>,
    /// The movies of the list that was shown last: `why 3` is about its third.
    listed: Vec<u32>,
    /// Of what genres and years the best movies are, and that in a person's words.
    only: (Wanted, String),
    /// Whom the list that was shown last is for beside the owner.
    with: Option<Other>,
}

impl<'a, L: Read + Write> Teller<'a, L> {
    /// Who tells of a board that was met.
    pub fn new(device: Device<L>, desk: Desk, about: About, choose: &'a Choose<'a>) -> Self {
        Self {
            device,
            desk,
            about,
            choose,
            top: None,
            order: Order::Score,
            ratings: Vec::new(),
            listed: Vec::new(),
            only: (Wanted::ANY, String::new()),
            with: None,
        }
    }

    /// Does what each line of `input` says until it ends, says `quit`, or `stop` is set.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for the first line that can't be meant, by its number: nothing behind it is done. [`Device::ended`] behind
    /// a signal; else what went wrong on the line to the board.
    pub fn run(&mut self, input: impl BufRead + Send + 'static, stop: &AtomicBool) -> Result<()> {
        let (tell, lines) = channel();
        // Reading waits as long as nobody types; it ends with the program.
        std::thread::spawn(move || {
            for line in input.lines() {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        for number in 1.. {
            let line = loop {
                if stop.load(Ordering::Relaxed) {
                    return Err(self.device.ended().into());
                }
                match lines.recv_timeout(Duration::from_millis(20)) {
                    Ok(Err(why)) if why.kind() == std::io::ErrorKind::InvalidData => {
                        return Err(BadInput::new(format!("line {number}: not UTF-8")).into());
                    }
                    Ok(line) => break line.context("standard input can't be read")?,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
            };
            let done = self.line(&line);
            if !done.with_context(|| format!("line {number}"))? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Does what a line says; whether there may be another.
    fn line(&mut self, line: &str) -> Result<bool> {
        let desk = &self.desk;
        let is_movie = |text: &str| is_name(&desk.titles, |id| desk.has(id), text);
        let ask = match verb::parse(line, is_movie)? {
            None => return Ok(true),
            Some(Verb::Quit) => return Ok(false),
            Some(Verb::Help) => {
                help();
                return Ok(true);
            }
            Some(Verb::Only(line)) => {
                self.only = (desk.wanted(&line)?, line);
                self.top = None;
                Ask::Top(self.only.0, self.order)
            }
            Some(Verb::By(order)) => {
                self.order = order;
                self.top = None;
                Ask::Top(self.only.0, order)
            }
            Some(Verb::Top) => Ask::Top(self.only.0, self.order),
            Some(Verb::Together(other)) => Ask::Together(other, self.only.0, self.order),
            Some(Verb::Suggest) => Ask::Suggest,
            Some(Verb::Ratings) => Ask::Ratings,
            Some(Verb::Me) => Ask::Me,
            Some(Verb::Board) => Ask::Board,
            Some(Verb::Undo) => Ask::Undo,
            Some(Verb::Similar(movie)) => Ask::Similar(self.movie(&movie, false)?),
            Some(Verb::Why(movie)) => Ask::Why(self.movie(&movie, false)?),
            Some(Verb::Forget(movie)) => Ask::Forget(self.movie(&movie, true)?),
            Some(Verb::Rate(movie, stars)) => Ask::Rate(self.movie(&movie, true)?, stars),
        };
        if (ask.changes() || ask == Ask::Me) && self.top.is_none() {
            self.top = Some(self.best()?);
        }
        if ask == Ask::Me
            && let Told::Ratings(ratings) = self.device.ask(Ask::Ratings, |_, _| ())?
        {
            self.ratings = ratings;
        }
        let told = self.device.ask(ask, |_, _| ()).map_err(|why| match ask {
            Ask::Rate(..) if why.is::<BadInput>() => {
                let (lowest, highest, step) = self.about.scale;
                BadInput::new(format!(
                    "{why}; stars are {lowest} to {highest} in steps of {step}"
                ))
                .into()
            }
            _ => self.desk.not_rated(ask, why),
        })?;
        let likely = match &told {
            Told::Movies(Ask::Top(..), list) => self.likely(list)?,
            Told::Me(_) => {
                let top = self.top.take().unwrap_or_default();
                let likely = self.likely(&top)?;
                self.top = Some(top);
                likely
            }
            _ => Vec::new(),
        };
        self.tell(&told, &likely);
        if let (Ask::Why(movie), Some(other)) = (ask, self.with)
            && self.listed.contains(&movie)
        {
            let told = self.device.ask(Ask::WhyFor(other, movie), |_, _| ())?;
            self.tell(&told, &[]);
        }
        if ask.changes() {
            let now = self.best()?;
            let before = self.top.replace(now).unwrap_or_default();
            let now = self.top.as_deref().unwrap_or_default();
            say!("{}", Moves::between(&before, now).sentence(&self.desk, now));
        }
        Ok(true)
    }

    fn best(&mut self) -> Result<Vec<Ranked>> {
        let ask = Ask::Top(self.only.0, self.order);
        match self.device.ask(ask, |_, _| ())? {
            Told::Movies(_, list) => Ok(list),
            _ => Ok(Vec::new()),
        }
    }

    /// Between which stars ratings of the movies of a list are likely to be, where that is known.
    fn likely(&mut self, list: &[Ranked]) -> Result<Vec<Option<Interval>>> {
        let mut of = |ranked: &Ranked| {
            let told = self.device.ask(Ask::Likely(ranked.movie), |_, _| ())?;
            Ok(match told {
                Told::Likely(_, interval) => interval,
                _ => None,
            })
        };
        list.iter().map(&mut of).collect()
    }

    fn movie(&self, named: &Named, is_change: bool) -> Result<u32> {
        match named {
            Named::Words(text) => (self.choose)(text, is_change),
            Named::Place(place) => {
                let listed = self.listed.get(place - 1).copied();
                listed.ok_or_else(|| {
                    BadInput::new(match self.listed.len() {
                        0 => format!(
                            "{place} is a place in a list, and none was shown yet: `top` shows one, and `id:{place}` is a movie's id"
                        ),
                        most => format!(
                            "the list has places from 1 to {most}, and not {place}; `id:{place}` is a movie's id"
                        ),
                    })
                    .into()
                })
            }
        }
    }

    /// Tells an answer; `likely` is of each movie of a list, or of the best ones.
    fn tell(&mut self, told: &Told, likely: &[Option<Interval>]) {
        match told {
            // Asked for beside what is told.
            Told::Likely(..) => {}
            Told::Movies(ask, list) => {
                let names: &[&str] = match ask {
                    Ask::Similar(movie) => {
                        note!("Near {}", self.desk.title(*movie));
                        &["Likeness"]
                    }
                    Ask::Suggest => {
                        note!("Rate one: it learns most from these");
                        &["Worth", "Stars"]
                    }
                    _ => {
                        note!("{}", heading(&self.only.1, self.order));
                        self.top = Some(list.clone());
                        names(self.order)
                    }
                };
                let is_by_stars = names == ["Stars"];
                let rows = list.iter().map(|ranked| match is_by_stars {
                    true => (ranked.movie, vec![ranked.stars]),
                    false => (ranked.movie, vec![ranked.score, ranked.stars]),
                });
                self.list(names, rows.collect(), likely);
                if matches!(ask, Ask::Top(..)) {
                    if !list.is_empty() {
                        note!("{}", sorted_by(self.order, self.desk.beside));
                    }
                    if let Some(line) = below(list.len(), LIST, "your own mean") {
                        note!("{line}");
                    }
                }
            }
            Told::Shared(other, list, have_none) => {
                note!("{}", heading_for_two(other, &self.only.1, self.order));
                let rows = list.iter().map(|shared| {
                    let [own, theirs] = shared.stars;
                    (shared.movie, vec![shared.score, own, theirs])
                });
                self.list(
                    &[name_for_two(self.order), "Yours", "Other"],
                    rows.collect(),
                    &[],
                );
                if !list.is_empty() {
                    note!("{}", for_two(other.agreement, self.order, self.desk.beside));
                }
                if let Some(line) = below(list.len(), LIST, "the mean of either") {
                    note!("{line}");
                }
                if let Some(sentence) = unknown(*have_none, other) {
                    note!("{sentence}");
                }
                self.with = Some(*other);
            }
            Told::WhyFor(other, movie, explained) => {
                let stars = fixed(explained.stars, 2);
                let title = self.desk.title(*movie);
                say!("{stars} stars for {title} from {}, which are", other.name());
                for line in why_for(&self.desk, explained, other) {
                    say!("    {line}");
                }
            }
            Told::Ratings(ratings) if ratings.is_empty() => {
                say!("You have rated nothing yet");
                self.listed.clear();
            }
            Told::Ratings(ratings) => {
                note!("Your ratings, the latest last");
                let rows = ratings.iter();
                let rows = rows.map(|rating| (rating.movie, vec![rating.stars]));
                self.list(&["Stars"], rows.collect(), &[]);
            }
            Told::Why(movie, explained, interval) => {
                let stars = fixed(explained.stars, 2);
                let likely = clause(*interval);
                let title = self.desk.title(*movie);
                say!("{stars} stars for {title}{likely}, which are");
                for line in why(&self.desk, explained, None) {
                    say!("    {line}");
                }
                let top = self.top.as_deref().unwrap_or_default();
                let list = (self.order, top);
                if let Some(line) = beside(&self.desk, (*movie, explained), list) {
                    note!("{line}");
                }
            }
            Told::Stars(movie, stars) => {
                say!("{} stars for {}", fixed(*stars, 2), self.desk.title(*movie));
            }
            Told::Rated {
                movie,
                stars,
                before,
                after,
                ratings,
            } => say!(
                "{} for {}: predicted {} before, and {} now; {}",
                with_word(*stars),
                self.desk.title(*movie),
                fixed(*before, 2),
                fixed(*after, 2),
                count(*ratings, "rating")
            ),
            Told::Undone {
                movie,
                stars,
                ratings,
            } => {
                let title = self.desk.title(*movie);
                let ratings = count(*ratings, "rating");
                match stars {
                    Some(stars) => say!("{title} has {} again; {ratings}", with_word(*stars)),
                    None => say!("{title} is not rated any more; {ratings}"),
                }
            }
            Told::Forgotten { movie, ratings } => say!(
                "{} is forgotten; {}",
                self.desk.title(*movie),
                count(*ratings, "rating")
            ),
            Told::Me(me) => {
                say!("{}, {}", count(me.ratings, "rating"), generous(me.bias));
                let top = self.top.as_deref().unwrap_or_default();
                let likely: Vec<Interval> = likely.iter().copied().flatten().collect();
                for line in taste(&self.desk, top, &likely, &self.ratings) {
                    say!("{}", worded(&line));
                }
            }
            Told::Board(board) => {
                let (owners, storage) = &**board;
                let about = &self.about;
                say!("{}, {}", about.line, about.firmware);
                say!("{}, {}", about.model, count(about.movies, "movie"));
                say!("Licence of the data: {}", about.licence);
                let each = owners.ratings.iter().take(owners.owners.into());
                let each: Vec<String> = each.map(u16::to_string).collect();
                say!(
                    "Ratings of its owners: {}; {}",
                    each.join(", "),
                    self.device.kept(storage)
                );
            }
        }
    }

    /// Shows movies with as many of their numbers as have names, and between which stars ratings are `likely` to be where
    /// that is known.
    fn list(&mut self, names: &[&str], rows: Vec<(u32, Vec<f32>)>, likely: &[Option<Interval>]) {
        let first = rows.first().map_or(&[][..], |(_, numbers)| numbers);
        let lines = rows.iter().enumerate().map(|(at, (movie, numbers))| {
            let named = names.iter().zip(numbers).zip(first);
            let numbers = named.map(|((name, value), first)| cell(name, *value, *first));
            let shown = [
                self.desk.title(*movie),
                self.desk.genres(*movie),
                movie.to_string(),
            ];
            (numbers.collect(), likely.get(at).copied().flatten(), shown)
        });
        let table = table(names, &lines.collect::<Vec<_>>());
        match rows.is_empty() {
            true => say!("No movie is left"),
            false => print::block(&table.text()),
        }
        self.with = None;
        self.listed = rows.into_iter().map(|(movie, _)| movie).collect();
    }
}

fn help() {
    let mut table = Table::new([Column::text("Say"), Column::text("What it does")]);
    for (form, what) in HELP {
        table.row([*form, *what]);
    }
    print::block(&table.text());
    note!(
        "A movie is words of its title, its number in the list that was shown last, or its id as in `why id:1`"
    );
}
