//! What a key and an answer change, and what is asked then.

use std::time::Duration;

use anyhow::Result;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use pocketrec::rank::Order;
use pocketrec_base::print::number::{count, fixed, stars as with_word};
use pocketrec_data::search::{self, words};

use super::desk::{Brief, Moves, rated};
use super::device::{Ask, LIST, Told};
use super::state::{Course, Over, Row, State, Typing, View};
use super::verb::Other;

/// What is asked at the beginning, and after a change of the list that is looked at.
pub fn at_first(state: &State) -> Vec<Ask> {
    vec![state.best(), Ask::Ratings, Ask::Me]
}

/// What is asked where nothing else is to be: how sure a prediction on the screen is.
pub fn at_leisure(state: &mut State) -> Option<Ask> {
    let is_idle = state.waiting == 0 && !state.is_filling && state.about.is_sure;
    if !is_idle || state.view != View::Top {
        return None;
    }
    let rows = state.rows.get(state.sight.clone())?;
    let open = |row: &&Row| !state.likely.contains_key(&row.movie);
    let movie = rows.iter().find(open)?.movie;
    state.is_filling = true;
    Some(Ask::Likely(movie))
}

/// What a key does.
pub fn key(state: &mut State, key: KeyEvent) -> Vec<Ask> {
    if state.is_over {
        // Once more: now.
        state.is_forced = matches!(key.code, KeyCode::Char('q' | 'c' | 'd'));
        return Vec::new();
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        state.is_interrupted |= key.code == KeyCode::Char('c');
        state.is_over |= state.is_interrupted || key.code == KeyCode::Char('d');
        return Vec::new();
    }
    if state.over.take().is_some() {
        // Any key goes on; `q` isn't the end here.
        state.over = state.next.take();
        return Vec::new();
    }
    match state.typing.take() {
        Some(Typing::Search(text)) => return search_key(state, text, key.code),
        Some(Typing::Stars(movie, text)) => return stars_key(state, movie, text, key.code),
        Some(Typing::Only(text)) => return only_key(state, text, key.code),
        Some(Typing::Together(text)) => return together_key(state, text, key.code),
        None => {}
    }
    match key.code {
        KeyCode::Char('q') => {
            state.is_over = true;
            Vec::new()
        }
        KeyCode::Char('?' | 'h') | KeyCode::F(1) => {
            state.over = Some(Over::Help);
            Vec::new()
        }
        KeyCode::Char('/') => {
            state.typing = Some(Typing::Search(String::new()));
            Vec::new()
        }
        KeyCode::Esc | KeyCode::Char('t') => {
            show_top(state);
            Vec::new()
        }
        KeyCode::Char('g') => vec![Ask::Suggest],
        KeyCode::Char('m') => {
            show_ratings(state);
            Vec::new()
        }
        KeyCode::Char('u') => change(state, Ask::Undo),
        KeyCode::Char('w') | KeyCode::Enter => match (&state.view, state.chosen()) {
            (View::Together(other), Some(movie)) => {
                vec![Ask::Why(movie), Ask::WhyFor(*other, movie)]
            }
            _ => about(state, Ask::Why),
        },
        KeyCode::Char('o') => {
            state.typing = Some(Typing::Only(state.only.1.clone()));
            Vec::new()
        }
        KeyCode::Char('y') => {
            let at = Order::ALL.iter().position(|one| *one == state.order);
            let next = at.map_or(0, |at| (at + 1) % Order::ALL.len());
            state.order = Order::ALL[next];
            state.news.clear();
            list_anew(state)
        }
        KeyCode::Char('b') => {
            state.typing = Some(Typing::Together(String::new()));
            Vec::new()
        }
        KeyCode::Char('s') => about(state, Ask::Similar),
        KeyCode::Char('f') => match state.chosen() {
            Some(movie) => change(state, Ask::Forget(movie)),
            None => Vec::new(),
        },
        KeyCode::Char('r') => {
            state.typing = state.chosen().map(|id| Typing::Stars(id, String::new()));
            Vec::new()
        }
        KeyCode::Char(digit @ '0'..='9') => match (state.chosen(), digit.to_digit(10)) {
            (Some(movie), Some(0)) => change(state, Ask::Rate(movie, 10.0)),
            (Some(movie), Some(stars)) => change(state, Ask::Rate(movie, stars as f32)),
            _ => Vec::new(),
        },
        code => {
            walk(state, code);
            Vec::new()
        }
    }
}

/// Moves the choice.
fn walk(state: &mut State, code: KeyCode) {
    let last = state.rows.len().saturating_sub(1);
    state.chosen = match code {
        KeyCode::Down | KeyCode::Char('j') => (state.chosen + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => state.chosen.saturating_sub(1),
        KeyCode::PageDown => (state.chosen + 10).min(last),
        KeyCode::PageUp => state.chosen.saturating_sub(10),
        KeyCode::Home => 0,
        KeyCode::End => last,
        _ => state.chosen,
    };
}

fn about(state: &State, ask: fn(u32) -> Ask) -> Vec<Ask> {
    state.chosen().map(ask).into_iter().collect()
}

/// A change, and all that follows from it.
fn change(state: &State, ask: Ask) -> Vec<Ask> {
    let mut asks = vec![ask, state.best(), Ask::Ratings, Ask::Me];
    asks.extend(state.for_two());
    asks
}

/// The list that is looked at, by what is wanted now: the one for two, or else the best.
fn list_anew(state: &mut State) -> Vec<Ask> {
    state.top.clear();
    let mut asks = vec![state.best()];
    match state.for_two() {
        Some(both) => {
            asks.push(both);
            state.rows.clear();
        }
        None => show_top(state),
    }
    asks
}

/// A key while a search is typed: the list follows each letter.
fn search_key(state: &mut State, mut text: String, code: KeyCode) -> Vec<Ask> {
    match code {
        KeyCode::Esc => {
            show_top(state);
            return Vec::new();
        }
        KeyCode::Enter => {
            // What they would get is asked once the letters have settled.
            let found = state.rows.iter().filter(|_| state.view == View::Found);
            return found.map(|row| Ask::Predict(row.movie)).collect();
        }
        KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => {
            state.typing = Some(Typing::Search(text));
            walk(state, code);
            return Vec::new();
        }
        KeyCode::Backspace => {
            text.pop();
        }
        KeyCode::Char(letter) => text.push(letter),
        _ => {}
    }
    let found = match text.trim().is_empty() {
        true => Vec::new(),
        false => search::listed(&state.desk.titles, |id| state.desk.has(id), &text, LIST),
    };
    state.stars.clear();
    let rows = found.into_iter().map(|movie| Row {
        movie,
        number: None,
        stars: None,
        theirs: None,
    });
    state.show(View::Found, rows.collect());
    state.chosen = 0;
    state.typing = Some(Typing::Search(text));
    Vec::new()
}

/// A key while stars are typed.
fn stars_key(state: &mut State, movie: u32, mut text: String, code: KeyCode) -> Vec<Ask> {
    match code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter => {
            return match words::stars(&text) {
                Ok(stars) => change(state, Ask::Rate(movie, stars)),
                Err(why) => {
                    state.complain(format!("`{text}`: {why}"));
                    Vec::new()
                }
            };
        }
        KeyCode::Backspace => {
            text.pop();
        }
        KeyCode::Char(letter @ ('0'..='9' | '.')) if text.len() < 5 => text.push(letter),
        _ => {}
    }
    state.typing = Some(Typing::Stars(movie, text));
    Vec::new()
}

/// A key while genres and years are typed.
fn only_key(state: &mut State, mut text: String, code: KeyCode) -> Vec<Ask> {
    match code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter => {
            return match state.desk.wanted(&text) {
                Ok(wanted) => {
                    state.only = (wanted, text.trim().to_owned());
                    list_anew(state)
                }
                Err(why) => {
                    state.complain(why.to_string());
                    Vec::new()
                }
            };
        }
        code => edit(&mut text, code),
    }
    state.typing = Some(Typing::Only(text));
    Vec::new()
}

/// A key while it is typed with whom a list is to be.
fn together_key(state: &mut State, mut text: String, code: KeyCode) -> Vec<Ask> {
    match code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter => {
            return match Other::read(&text) {
                Ok(other) => {
                    state.news.clear();
                    vec![Ask::Together(other, state.only.0, state.order)]
                }
                Err(why) => {
                    state.complain(why.to_string());
                    Vec::new()
                }
            };
        }
        code => edit(&mut text, code),
    }
    state.typing = Some(Typing::Together(text));
    Vec::new()
}

fn edit(text: &mut String, code: KeyCode) {
    match code {
        KeyCode::Backspace => {
            text.pop();
        }
        KeyCode::Char(letter) if text.len() < 60 => text.push(letter),
        _ => {}
    }
}

fn show_top(state: &mut State) {
    let rows = state.top.iter().map(|ranked| Row {
        movie: ranked.movie,
        // Stars that a list is sorted by are shown once.
        number: (state.order != Order::Stars).then_some(ranked.score),
        stars: Some(ranked.stars),
        theirs: None,
    });
    let rows = rows.collect();
    state.show(View::Top, rows);
}

fn show_ratings(state: &mut State) {
    let rows = state.ratings.iter().rev().map(|rating| Row {
        movie: rating.movie,
        number: Some(rating.stars),
        stars: None,
        theirs: None,
    });
    let rows = rows.collect();
    state.show(View::Ratings, rows);
}

/// What the board has got to.
pub fn progress(state: &mut State, done: u32, total: u32) {
    state.course = Some(Course { done, total });
}

/// What an answer changes.
pub fn heard(state: &mut State, ask: Ask, told: Result<Told>, took: Duration) {
    if let Ask::Likely(_) = ask {
        // Nobody waits for it.
        state.is_filling = false;
    } else {
        state.waiting = state.waiting.saturating_sub(1);
        state.latency = Some(took);
    }
    state.changing -= usize::from(ask.changes()).min(state.changing);
    state.course = None;
    let told = match told {
        Ok(told) => told,
        Err(why) => {
            if let Ask::Likely(movie) = ask {
                // Not again and again.
                state.likely.insert(movie, None);
            }
            let why = format!("{:#}", state.desk.not_rated(ask, why));
            let why = match (&ask, why.contains("scale")) {
                (Ask::Rate(..), true) => {
                    let (lowest, highest, step) = state.about.scale;
                    format!("{why}: {lowest} to {highest} in steps of {step}")
                }
                _ => why,
            };
            return state.complain(why);
        }
    };
    match told {
        Told::Movies(Ask::Top(..), list) => {
            state.moves = match state.is_changed {
                true => Moves::between(&state.top, &list),
                false => Moves::default(),
            };
            if state.is_changed {
                let (moves, desk) = (&state.moves, &state.desk);
                let (sentence, brief) = (moves.sentence(desk, &list), moves.brief(desk, &list));
                state.add(sentence, brief);
            }
            state.is_changed = false;
            state.top = list;
            state.likely.clear();
            if state.view == View::Top {
                show_top(state);
            }
        }
        Told::Likely(movie, interval) => {
            state.likely.insert(movie, interval);
        }
        Told::Movies(ask, list) => {
            let view = match ask {
                Ask::Similar(movie) => View::Similar(movie),
                _ => View::Suggest,
            };
            let rows = list.iter().map(|ranked| Row {
                movie: ranked.movie,
                number: Some(ranked.score),
                stars: (ask == Ask::Suggest).then_some(ranked.stars),
                theirs: None,
            });
            state.show(view, rows.collect());
        }
        Told::Shared(other, list, have_none) => {
            let rows = list.iter().map(|shared| {
                let [own, theirs] = shared.stars;
                Row {
                    movie: shared.movie,
                    number: Some(shared.score),
                    stars: Some(own),
                    theirs: Some(theirs),
                }
            });
            let rows = rows.collect();
            state.have_none = have_none;
            state.show(View::Together(other), rows);
        }
        Told::WhyFor(other, movie, explained) => {
            let why = Some(Over::WhyFor(other, movie, explained));
            // Behind the owner's, which is read first.
            match state.over {
                Some(_) => state.next = why,
                None => state.over = why,
            }
        }
        Told::Ratings(ratings) => {
            state.ratings = ratings;
            if state.view == View::Ratings {
                show_ratings(state);
            }
        }
        Told::Why(movie, explained, likely) => {
            state.over = Some(Over::Why(movie, explained, likely));
        }
        Told::Stars(movie, stars) => {
            state.stars.insert(movie, stars);
        }
        Told::Rated {
            movie,
            stars,
            before,
            after,
            ..
        } => {
            let title = state.desk.title(movie);
            state.is_changed = true;
            state.stars.insert(movie, after);
            let brief = rated(&state.desk, movie, stars, [before, after]);
            let sentence = format!(
                "{} for {title}: predicted {} before, and {} now",
                with_word(stars),
                fixed(before, 2),
                fixed(after, 2)
            );
            state.say(sentence, vec![brief]);
        }
        Told::Undone {
            movie,
            stars,
            ratings,
        } => {
            let title = state.desk.title(movie);
            state.is_changed = true;
            let now = match stars {
                Some(stars) => format!(" has {} again", with_word(stars)),
                None => " is not rated any more".into(),
            };
            say_of(state, title, format!("{now}; {}", count(ratings, "rating")));
        }
        Told::Forgotten { movie, ratings } => {
            let title = state.desk.title(movie);
            state.is_changed = true;
            say_of(
                state,
                title,
                format!(" is forgotten; {}", count(ratings, "rating")),
            );
        }
        Told::Me(profile) => state.me = Some(profile),
        Told::Board(_) => {}
    }
}

/// Says something of a movie, whose title gives way.
fn say_of(state: &mut State, title: String, after: String) {
    let brief = Brief {
        before: String::new(),
        title,
        after,
    };
    state.say(brief.whole(), vec![brief]);
}
