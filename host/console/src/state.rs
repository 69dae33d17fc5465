//! What the full-screen program knows at a moment: all that is drawn follows from it.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use super::verb::Other;
use pocketrec::model::{Interval, Wanted};
use pocketrec::rank::Order;
use pocketrec::wire::{Explained, ProfileReply, Ranked, RatingEntry};
use pocketrec_link::lists;

use super::desk::{Brief, Desk, Moves, heading, heading_for_two};
use super::device::{About, Ask};

/// Which list is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// The best movies for the owner.
    Top,
    /// What to rate.
    Suggest,
    /// What is near a movie.
    Similar(u32),
    /// What the owner and another one would both like.
    Together(Other),
    /// What a search has found.
    Found,
    /// What the owner has rated.
    Ratings,
}

/// A movie of the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Its id.
    pub movie: u32,
    /// What the list is sorted by, where it has such a number.
    pub number: Option<f32>,
    /// The stars that are predicted, where that is something else.
    pub stars: Option<f32>,
    /// Those that are predicted for the other one, in a list for two.
    pub theirs: Option<f32>,
}

/// What lies over the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// Why a prediction is what it is.
    Why(u32, Explained, Option<Interval>),
    /// The same for another one.
    WhyFor(Other, u32, Explained),
    /// What may be pressed.
    Help,
}

/// What is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typing {
    /// A search.
    Search(String),
    /// Stars for a movie.
    Stars(u32, String),
    /// Genres and years of the list.
    Only(String),
    /// With whom a list is to be.
    Together(String),
}

/// How far a long answer has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// Movies looked at, and those there are; 0 where the board hasn't said.
    pub done: u32,
    /// Movies there are.
    pub total: u32,
}

/// What is shown in a line below the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// The text.
    pub text: String,
    /// The same in short, if it can be said so, in a line or more.
    pub brief: Vec<Brief>,
    /// Whether something went wrong.
    pub is_bad: bool,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct State {
    /// Titles and movies.
    pub desk: Desk,
    /// The board.
    pub about: About,
    /// The owner.
    pub owner: u8,
    /// Which list is looked at.
    pub view: View,
    /// Its movies.
    pub rows: Vec<Row>,
    /// The chosen one, from 0.
    pub chosen: usize,
    /// The first one on the screen.
    pub first: usize,
    /// Of what genres and years the best movies are, and that in a person's words.
    pub only: (Wanted, String),
    /// The best movies as they were told last.
    pub top: Vec<Ranked>,
    /// What they are sorted by.
    pub order: Order,
    /// Between which stars ratings of movies are likely to be: of those of which that was asked, and where it is known.
    pub likely: HashMap<u32, Option<Interval>>,
    /// The places of the list on the screen of whose movies that is shown.
    pub sight: Range<usize>,
    /// Whether it is being asked.
    pub is_filling: bool,
    /// What moved in them since the last rating.
    pub moves: Moves,
    /// Whether the owner and the other one of a list for two have rated nothing yet.
    pub have_none: [bool; 2],
    /// Whether the list that comes is told of by what moved.
    pub is_changed: bool,
    /// The owner's ratings, in order.
    pub ratings: Vec<RatingEntry>,
    /// What is known of the owner.
    pub me: Option<ProfileReply>,
    /// Predictions for movies of a search.
    pub stars: HashMap<u32, f32>,
    /// What is being typed.
    pub typing: Option<Typing>,
    /// What lies over the list.
    pub over: Option<Over>,
    /// What lies there when a key is pressed.
    pub next: Option<Over>,
    /// The lines below.
    pub news: Vec<News>,
    /// What is asked and not answered yet.
    pub waiting: usize,
    /// How far the board has got with it.
    pub course: Option<Course>,
    /// How long the last answer took.
    pub latency: Option<Duration>,
    /// Changes that are asked for and not answered yet: the program doesn't end before them.
    pub changing: usize,
    /// Whether the program ends.
    pub is_over: bool,
    /// Whether it ends whatever is still to be answered.
    pub is_forced: bool,
    /// Whether it does by Ctrl-C.
    pub is_interrupted: bool,
}

impl State {
    /// The state of the beginning.
    pub fn new(desk: Desk, about: About, owner: u8) -> Self {
        Self {
            desk,
            about,
            owner,
            view: View::Top,
            rows: Vec::new(),
            chosen: 0,
            first: 0,
            only: (Wanted::ANY, String::new()),
            top: Vec::new(),
            order: Order::Score,
            likely: HashMap::new(),
            sight: 0..0,
            is_filling: false,
            moves: Moves::default(),
            have_none: [false; 2],
            is_changed: false,
            ratings: Vec::new(),
            me: None,
            stars: HashMap::new(),
            typing: None,
            over: None,
            next: None,
            news: Vec::new(),
            waiting: 0,
            course: None,
            latency: None,
            changing: 0,
            is_over: false,
            is_forced: false,
            is_interrupted: false,
        }
    }

    /// Whether nothing is left to be waited for.
    pub fn has_ended(&self) -> bool {
        self.is_over && (self.changing == 0 || self.is_forced)
    }

    /// The movie that a key is about.
    pub fn chosen(&self) -> Option<u32> {
        self.rows.get(self.chosen).map(|row| row.movie)
    }

    /// What the owner gave a movie.
    pub fn given(&self, movie: u32) -> Option<f32> {
        let mut ratings = self.ratings.iter();
        let rating = ratings.find(|rating| rating.movie == movie)?;
        Some(rating.stars)
    }

    /// The list's heading.
    pub fn heading(&self) -> String {
        match &self.view {
            View::Top => heading(&self.only.1, self.order),
            View::Together(other) => heading_for_two(other, &self.only.1, self.order),
            View::Suggest => "Rate one: it learns most from these".into(),
            View::Similar(movie) => format!("Near {}", self.desk.title(*movie)),
            View::Found => "Found".into(),
            View::Ratings => "What you have rated".into(),
        }
    }

    /// What the numbers of the list are: what it is sorted by, and what stands beside it.
    pub fn columns(&self) -> [&'static str; 3] {
        match self.view {
            View::Top => match lists::names(self.order) {
                [number, stars] => [number, stars, ""],
                _ => ["", "Stars", ""],
            },
            View::Suggest => ["Worth", "Stars", ""],
            View::Similar(_) => ["Alike", "", ""],
            View::Together(_) => [lists::name_for_two(self.order), "Yours", "Other"],
            View::Found => ["", "Stars", ""],
            View::Ratings => ["Stars", "", ""],
        }
    }

    /// The list for two that is looked at, if one is.
    pub fn for_two(&self) -> Option<Ask> {
        match self.view {
            View::Together(other) => Some(Ask::Together(other, self.only.0, self.order)),
            _ => None,
        }
    }

    /// The best movies of those that are wanted, in the order that is.
    pub fn best(&self) -> Ask {
        Ask::Top(self.only.0, self.order)
    }

    /// Between which stars the owner's ratings of the best movies are likely to be, as far as that was told.
    pub fn intervals(&self) -> Vec<Interval> {
        let of = |ranked: &Ranked| self.likely.get(&ranked.movie).copied().flatten();
        self.top.iter().filter_map(of).collect()
    }

    /// Puts a list on the screen.
    pub fn show(&mut self, view: View, rows: Vec<Row>) {
        if self.view != view {
            self.chosen = 0;
            self.first = 0;
        }
        self.view = view;
        self.rows = rows;
        self.chosen = self.chosen.min(self.rows.len().saturating_sub(1));
    }

    /// Says something below the list, in place of what was said before; in short where there is no room for it.
    pub fn say(&mut self, text: impl Into<String>, brief: Vec<Brief>) {
        self.news.clear();
        self.add(text, brief);
    }

    /// Says something more.
    pub fn add(&mut self, text: impl Into<String>, brief: Vec<Brief>) {
        self.news.push(News {
            text: text.into(),
            brief,
            is_bad: false,
        });
    }

    /// Says what went wrong.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.news = vec![News {
            text: text.into(),
            brief: Vec::new(),
            is_bad: true,
        }];
    }
}
