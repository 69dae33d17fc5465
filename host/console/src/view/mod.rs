//! How the state looks on a screen of any size from 40 columns and 12 lines.
//!
//! Colours are the terminal's own, and never the only sign: both themes and none show the same.

mod list;
mod over;
pub mod side;

use std::time::Duration;

use pocketrec_base::print::number::{count, grouped, seconds};
use pocketrec_base::print::width::{shortened, width, wrapped};
use pocketrec_base::print::worded;
use pocketrec_link::lists::{for_two, sorted_by};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::desk::{Brief, unknown};
use super::state::{News, State, Typing, View};

/// Columns from which there is room for what is known of the owner.
const WITH_SIDE: u16 = 76;
/// Columns of that.
const SIDE: u16 = 28;

/// What isn't the point.
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

/// Draws all of it. The list is moved so that the chosen movie is in sight.
pub fn draw(frame: &mut Frame<'_>, state: &mut State) {
    let area = frame.area();
    let usual = if area.height < 16 { 2 } else { 3 };
    let news = news(state, area.width, usize::from(area.height / 6).max(3));
    let [head, body, said, status, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        // The list gives way to what is to be said.
        Constraint::Length(usual.max(news.len() as u16)),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(header(state, head.width), head);
    let list = match body.width >= WITH_SIDE {
        true => {
            let columns = [Constraint::Min(1), Constraint::Length(SIDE)];
            let [list, side] = Layout::horizontal(columns).areas(body);
            side::draw(frame, state, side);
            list
        }
        false => body,
    };
    list::draw(frame, state, list, body.width >= WITH_SIDE);
    frame.render_widget(Paragraph::new(news), said);
    frame.render_widget(status_line(state, status.width), status);
    frame.render_widget(Line::styled(keys_line(state, keys.width), FAINT), keys);
    if let Some(over) = &state.over {
        over::draw(frame, state, over, area);
    }
}

/// Two texts at both ends of a line; the first gives way.
fn between(left: &str, right: &str, columns: u16) -> String {
    let columns = usize::from(columns);
    let room = columns.saturating_sub(width(right));
    let left = shortened(left, room.saturating_sub(1));
    let gap = room.saturating_sub(width(&left));
    format!("{left}{}{right}", " ".repeat(gap))
}

fn header(state: &State, columns: u16) -> Line<'static> {
    let ratings = count(state.ratings.len(), "rating");
    let owner = match state.owner {
        0 => format!("{ratings} "),
        owner => format!("owner {owner}, {ratings} "),
    };
    let left = match &state.typing {
        Some(Typing::Search(text)) => format!(" Search: {text}\u{2588}"),
        Some(Typing::Stars(movie, text)) => {
            format!(" Stars: {text}\u{2588} for {}", state.desk.title(*movie))
        }
        Some(Typing::Only(text)) => format!(" Only: {text}\u{2588}"),
        Some(Typing::Together(text)) => format!(" Together with: {text}\u{2588}"),
        None => format!(" {}", worded(&state.heading())),
    };
    let style = BOLD.add_modifier(Modifier::REVERSED);
    Line::styled(between(&left, &owner, columns), style)
}

/// What the list is sorted by, where nothing newer is to be said.
fn explanation(state: &State) -> Vec<News> {
    let news = |text: String, brief| News {
        text,
        brief,
        is_bad: false,
    };
    match state.view {
        _ if state.rows.is_empty() => Vec::new(),
        View::Top => vec![news(
            sorted_by(state.order, state.desk.beside).into(),
            Vec::new(),
        )],
        View::Together(other) => {
            let sentence = for_two(other.agreement, state.order, state.desk.beside);
            let before = sentence.split(',').next().unwrap_or_default().to_owned();
            let brief = Brief {
                before,
                ..Brief::default()
            };
            let mut all = vec![news(sentence, vec![brief])];
            all.extend(unknown(state.have_none, &other).map(|text| news(text, Vec::new())));
            all
        }
        _ => Vec::new(),
    }
}

/// What is said below the list, in at most so many lines: in short, one text after the other, as far as it must be, and
/// what is cut even so ends with an ellipsis.
fn news(state: &State, columns: u16, most: usize) -> Vec<Line<'static>> {
    let room = usize::from(columns).saturating_sub(2);
    let is_new = !state.news.is_empty();
    let all = match is_new {
        true => state.news.clone(),
        false => explanation(state),
    };
    let whole = |news: &News| wrapped(&worded(&news.text), room);
    let brief = |news: &News| {
        let parts: Vec<String> = news.brief.iter().map(Brief::whole).collect();
        let line = parts.join(": ");
        match (news.brief.is_empty(), width(&line) <= room) {
            (true, _) => whole(news),
            (false, true) => vec![line],
            (false, false) => news.brief.iter().map(|brief| brief.within(room)).collect(),
        }
    };
    let lines = |shorter: usize| -> Vec<(String, bool)> {
        let all = all.iter().enumerate().flat_map(|(at, news)| {
            let lines = match at < shorter {
                true => brief(news),
                false => whole(news),
            };
            lines.into_iter().map(|line| (line, news.is_bad))
        });
        all.collect()
    };
    let mut lines = (0..=all.len())
        .map(lines)
        .find(|lines| lines.len() <= most)
        .unwrap_or_else(|| lines(all.len()));
    if lines.len() > most {
        lines.truncate(most);
        if let Some((last, _)) = lines.last_mut() {
            *last = format!("{}\u{2026}", shortened(last, room.saturating_sub(1)));
        }
    }
    let line = |(text, is_bad): (String, bool)| {
        let style = match is_bad {
            true => Style::new().fg(Color::Red),
            false if is_new => Style::new(),
            false => FAINT,
        };
        Line::styled(format!(" {}", shortened(&text, room)), style)
    };
    lines.into_iter().map(line).collect()
}

/// Who answers, how fast, and what becomes of what is learned.
fn status_line(state: &State, columns: u16) -> Line<'static> {
    let about = &state.about;
    let answered = match (state.course, state.waiting, state.latency) {
        (Some(course), ..) if course.total > 0 => format!(
            "{} of {}",
            grouped(course.done.into()),
            worded(&count(course.total as usize, "movie"))
        ),
        (_, 1.., _) => "asking".into(),
        (_, _, Some(took)) => format!("answers in {}", latency(took)),
        _ => String::new(),
    };
    let left = format!(" {} \u{b7} {answered}", about.line);
    let right = format!("{} ", about.kept);
    match width(&left) + width(&right) + 2 <= columns.into() {
        true => Line::raw(between(&left, &right, columns)),
        // Who answers is known; where there is no room for both, what it keeps is told by `?`.
        false => Line::raw(shortened(&left, columns.into())),
    }
}

/// A time as a person feels it.
fn latency(took: Duration) -> String {
    match took.as_secs_f64() {
        ..0.01 => "under 10 ms".into(),
        took => seconds(took),
    }
}

/// Digits that are stars of the scale.
fn digits(state: &State) -> String {
    let (lowest, highest, _) = state.about.scale;
    let last = match highest as u32 {
        10.. => "9, 0".to_owned(),
        last => last.to_string(),
    };
    format!("{}-{last}", (lowest.ceil() as u32).max(1))
}

fn keys_line(state: &State, columns: u16) -> String {
    if let Some(typing) = &state.typing {
        let text = match typing {
            Typing::Search(_) => " type words of a title   Enter takes the list   Esc leaves it",
            Typing::Stars(..) => " type the stars, such as 4.5   Enter rates   Esc leaves it",
            Typing::Only(_) => {
                " such as: comedy -horror 1990..1999   nothing lists all   Enter lists"
            }
            Typing::Together(_) => {
                " such as: 1, an owner, or: user 42 mean   Enter lists   Esc leaves it"
            }
        };
        return shortened(text, columns.into());
    }
    let digits = digits(state);
    // Whoever looks at another list wants to know the way back.
    let back = (state.view != View::Top).then(|| "t top".to_owned());
    let rest = [
        "/ search".to_owned(),
        format!("{digits} rate"),
        "w why".into(),
        "u undo".into(),
        "s similar".into(),
        "g suggest".into(),
        "m yours".into(),
        "o only".into(),
        "b both".into(),
        "y by".into(),
    ];
    let end = "? help  q end";
    let mut line = String::new();
    for key in back.into_iter().chain(rest) {
        let longer = format!("{line} {key} ");
        if width(&longer) + width(end) + 1 > columns.into() {
            break;
        }
        line = longer;
    }
    format!("{line} {end}")
}

/// A heading of a part.
fn title(text: &str) -> Line<'static> {
    Line::from(Span::styled(text.to_owned(), BOLD))
}

#[cfg(test)]
mod tests;
