//! The list of movies.

use std::borrow::Cow;

use pocketrec_base::print::number::{fixed, signed};
use pocketrec_base::print::width::{folded, shortened, width};
use pocketrec_base::print::worded;
use pocketrec_link::likely::ends;
use pocketrec_link::lists::cell;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::FAINT;
use crate::desk::Move;
use crate::state::{Row, State, Typing, View};

/// Columns of a list from which genres have room beside titles.
const WITH_GENRES: usize = 84;
/// Columns of a movie's genres.
const GENRES: usize = 28;

/// Columns from which predicted stars have room beside what the list is sorted by.
const WITH_STARS: usize = 48;

/// Columns from which there is room for what ratings are likely to be.
const WITH_LIKELY: usize = 68;

/// Whether it is shown what ratings are likely to be.
fn has_likely(state: &State, columns: usize) -> bool {
    columns >= WITH_LIKELY && state.view == View::Top && state.about.is_sure
}

/// Draws the part of the list around the chosen movie, and above it what its numbers are.
/// How sure the board is of what stands there `is_sure` to be of use beside it too, or not.
pub fn draw(frame: &mut Frame<'_>, state: &mut State, area: Rect, is_sure: bool) {
    let [names, area] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(area);
    if !state.rows.is_empty() {
        let [first, second, third] = state.columns();
        let numbers = match usize::from(area.width) >= WITH_STARS {
            true if third.is_empty() => format!("{first:>5}{second:>6}"),
            true => format!("{first:>5}{second:>6}{third:>6}"),
            false if first.is_empty() => format!("{second:>5}"),
            false => format!("{first:>5}"),
        };
        let likely = match has_likely(state, area.width.into()) {
            true => "  Likely",
            false => "",
        };
        let text = format!(" {:>2} {:<4} {numbers}{likely}", "", "");
        frame.render_widget(Line::styled(text, FAINT), names);
    }
    let height = usize::from(area.height).max(1);
    if state.chosen < state.first {
        state.first = state.chosen;
    }
    state.first = state.first.max((state.chosen + 1).saturating_sub(height));
    state.first = state.first.min(state.rows.len().saturating_sub(height));
    let columns = usize::from(area.width);
    state.sight = match is_sure || has_likely(state, columns) {
        true => state.first..(state.first + height).min(state.rows.len()),
        false => 0..0,
    };
    let rows = state.rows.iter().enumerate().skip(state.first).take(height);
    let lines: Vec<Line<'_>> = match state.rows.is_empty() {
        true => folded(&nothing(state), columns.saturating_sub(1))
            .lines()
            .map(|line| Line::styled(format!(" {line}"), FAINT))
            .collect(),
        false => rows
            .map(|(at, row)| line(state, at, *row, columns))
            .collect(),
    };
    frame.render_widget(Paragraph::new(lines), area);
}

/// Why there is no movie.
fn nothing(state: &State) -> Cow<'static, str> {
    worded(match (&state.view, &state.typing) {
        _ if state.waiting > 0 => "",
        (View::Found, Some(Typing::Search(text))) if text.trim().is_empty() => {
            "Words of a title, in any order"
        }
        (View::Found, _) => "No movie has that title",
        (View::Ratings, _) => "Nothing yet: `/` searches for a movie that you know",
        (View::Top, _) => "None is predicted above your own mean",
        (View::Together(_), _) => "None is predicted above both means",
        _ => "No movie",
    })
}

fn line(state: &State, at: usize, row: Row, columns: usize) -> Line<'static> {
    let [name, beside, _] = state.columns();
    let stars = row.stars.or_else(|| state.stars.get(&row.movie).copied());
    // Stars that are known all the same have no column in some lists.
    let stars = stars.filter(|_| !beside.is_empty());
    let text = |number: Option<f32>| number.map_or_else(String::new, |x| fixed(x, 2));
    let first = state.rows.first().and_then(|row| row.number);
    let number = row.number.zip(first);
    let number = number.map(|(number, first)| cell(name, number, first));
    let sorted = number.clone().unwrap_or_default();
    let numbers = match columns >= WITH_STARS {
        true if row.theirs.is_some() => {
            let theirs = text(row.theirs);
            format!("{sorted:>5}{:>6}{theirs:>6}", text(stars))
        }
        true => format!("{sorted:>5}{:>6}", text(stars)),
        // What the list is sorted by comes first.
        false => format!("{:>5}", number.unwrap_or_else(|| text(stars))),
    };
    let numbers = match has_likely(state, columns) {
        true => format!(
            "{numbers}  {:<10}",
            state
                .likely
                .get(&row.movie)
                .copied()
                .flatten()
                .map_or_else(String::new, ends)
        ),
        false => numbers,
    };
    let (mark, style) = mark(state, row.movie);
    let given = state
        .given(row.movie)
        .filter(|_| state.view != View::Ratings);
    let given = given.map_or_else(String::new, |stars| format!(" you: {stars} "));
    // Rank and mark take 9, and 3 stand around the title.
    let room = columns.saturating_sub(12 + width(&numbers) + width(&given));
    let title = state.desk.title(row.movie);
    let text = match columns >= WITH_GENRES {
        true => {
            let genres = shortened(&state.desk.genres(row.movie), GENRES);
            let room = room.saturating_sub(GENRES + 2);
            let title = shortened(&title, room);
            let gap = room.saturating_sub(width(&title));
            format!("{title}{}  {genres}", " ".repeat(gap))
        }
        false => shortened(&title, room),
    };
    let gap = room.saturating_sub(width(&text));
    let mut line = Line::from(vec![
        Span::raw(format!(" {:>2} ", at + 1)),
        Span::styled(format!("{mark:<4} "), style),
        Span::raw(format!("{numbers}  ")),
        Span::raw(format!("{text}{}", " ".repeat(gap))),
        Span::styled(given, FAINT),
    ]);
    if at == state.chosen {
        line = line.patch_style(Style::new().add_modifier(Modifier::REVERSED));
    }
    line
}

/// What the movie did in the list of the best.
fn mark(state: &State, movie: u32) -> (String, Style) {
    let moved = match state.view {
        View::Top => state.moves.of(movie),
        _ => None,
    };
    let colour = |colour| Style::new().fg(colour);
    match moved {
        Some(Move::By(places, _)) if places > 0 => {
            (format!("\u{25b2}{places}"), colour(Color::Green))
        }
        Some(Move::By(places, _)) => (format!("\u{25bc}{}", -places), colour(Color::Red)),
        Some(Move::New) => ("new".into(), colour(Color::Magenta)),
        Some(Move::Stays) | None => (String::new(), Style::new()),
    }
}

/// A change of stars that a movie of the list made.
pub fn change(state: &State, movie: u32) -> Option<String> {
    match state.moves.of(movie)? {
        Move::By(_, stars) => Some(signed(stars, 2)),
        Move::Stays | Move::New => None,
    }
}
