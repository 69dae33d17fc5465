//! What lies over the list until a key is pressed.

use pocketrec_base::print::number::fixed;
use pocketrec_base::print::width::{folded, shortened};
use pocketrec_link::likely::clause;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use super::list::change;
use super::{BOLD, digits};
use crate::state::{Over, State};
use crate::why::{beside, why, why_for};

/// Draws it in the middle, as large as it must be.
pub fn draw(frame: &mut Frame<'_>, state: &State, over: &Over, area: Rect) {
    let (title, lines) = match over {
        Over::Help => (" Keys ".to_owned(), help(state)),
        Over::WhyFor(other, movie, explained) => {
            let title = format!(" Why {}, for {} ", state.desk.title(*movie), other.name());
            let mut lines = vec![format!("{} stars, which are", fixed(explained.stars, 2))];
            lines.extend(why_for(&state.desk, explained, other));
            (title, lines)
        }
        Over::Why(movie, explained, interval) => {
            let title = format!(" Why {} ", state.desk.title(*movie));
            let stars = fixed(explained.stars, 2);
            let mut lines = vec![format!("{stars} stars{}, which are", clause(*interval))];
            let list = (state.order, &state.top[..]);
            let more = beside(&state.desk, (*movie, explained), list);
            lines.extend(why(&state.desk, explained, more));
            if let Some(change) = change(state, *movie) {
                lines.push(format!("{change} by what was learned last"));
            }
            (title, lines)
        }
    };
    let room = usize::from(area.width.saturating_sub(4));
    // What is said goes on in the next line; what is cut would be the number at the end.
    let mut lines: Vec<String> = lines
        .iter()
        .flat_map(|line| {
            folded(line, room)
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    let height = usize::from(area.height.saturating_sub(2)).max(1);
    if lines.len() > height {
        lines.truncate(height);
        if let Some(last) = lines.last_mut() {
            // More is told than there is room for.
            *last = "\u{2026}".into();
        }
    }
    let wide = lines.iter().chain([&title]);
    let wide = wide
        .map(|line| pocketrec_base::print::width::width(line))
        .max();
    let columns = (wide.unwrap_or(0).min(room) + 4) as u16;
    let height = (lines.len() + 2) as u16;
    let [_, middle, _] = Layout::horizontal([
        Constraint::Fill(1),
        Constraint::Length(columns.min(area.width)),
        Constraint::Fill(1),
    ])
    .areas(area);
    let [_, place, _] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(height.min(area.height)),
        Constraint::Fill(1),
    ])
    .areas(middle);
    let title = shortened(&title, room);
    let block = Block::bordered().title(Line::styled(title, BOLD));
    let inner = block.inner(place);
    let lines = lines
        .iter()
        .map(|line| Line::raw(format!(" {}", shortened(line, room))));
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
}

/// The keys in two columns, and who answers below.
fn help(state: &State) -> Vec<String> {
    let rate = format!("{:<4}rate", digits(state));
    let keys = [
        ("/   search", "t   the best"),
        (rate.as_str(), "g   suggestions"),
        ("r   half stars", "s   similar"),
        ("u   undo", "w   why"),
        ("f   forget", "m   your ratings"),
        ("o   genres, years", "b   for two (mean)"),
        ("y   sort by", "q   end"),
        ("\u{2191}\u{2193}  choose", "?   these keys"),
    ];
    let mut lines: Vec<String> = keys
        .iter()
        .map(|(left, right)| format!("{left:<18}{right}"))
        .collect();
    let about = &state.about;
    lines.extend([
        String::new(),
        format!("{}, {}", about.line, about.firmware),
        format!("{}; {}", about.kept, about.model),
        about.licence.clone(),
    ]);
    lines
}
