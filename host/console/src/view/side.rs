//! What is known of the owner.

use pocketrec_base::print::number::{count, signed};
use pocketrec_base::print::width::{shortened, wrapped};
use pocketrec_base::print::worded;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph};

use super::{FAINT, title};
use crate::desk::taste;
use crate::state::State;

/// Draws it, the latest ratings as far as there is room.
pub fn draw(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let block = Block::new().borders(Borders::LEFT).border_style(FAINT);
    let inner = block.inner(area);
    let room = usize::from(inner.width).saturating_sub(2);
    let mut lines = vec![title(" You")];
    if let Some(me) = &state.me {
        lines.push(Line::raw(format!(" {}", count(me.ratings, "rating"))));
        lines.push(Line::raw(format!(" {}", generous(me.bias))));
    }
    let told = taste(&state.desk, &state.top, &state.intervals(), &state.ratings);
    if !told.is_empty() {
        lines.push(Line::raw(""));
        lines.push(title(" What it makes of you"));
        for sentence in told {
            let text = wrapped(&worded(&sentence), room);
            lines.extend(text.iter().map(|line| Line::raw(format!(" {line}"))));
        }
    }
    if !state.ratings.is_empty() {
        lines.push(Line::raw(""));
        lines.push(title(" Your last ratings"));
    }
    let left = usize::from(inner.height).saturating_sub(lines.len());
    for rating in state.ratings.iter().rev().take(left) {
        let text = shortened(&state.desk.title(rating.movie), room.saturating_sub(4));
        let line = format!(" {:<3} {text}", rating.stars);
        lines.push(match rating.used {
            true => Line::raw(line),
            false => Line::styled(line, FAINT),
        });
    }
    frame.render_widget(block, area);
    frame.render_widget(Paragraph::new(lines), inner);
}

/// How somebody rates in general, by their bias. What other people's are, a board doesn't say: a new owner's isn't zero.
pub fn generous(bias: f32) -> String {
    worded(&format!("{} stars on each movie", signed(bias, 2))).into_owned()
}
