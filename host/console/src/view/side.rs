//! What is known of the owner.

use pocketrec_base::print::number::{count, signed};
use pocketrec_base::print::width::shortened;
use pocketrec_base::print::worded;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph};

use super::{FAINT, title};
use crate::state::State;

/// Heights of a bar, from the lowest number to the highest.
const BARS: [char; 8] = [
    '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}',
];

/// Draws it, the latest ratings as far as there is room.
pub fn draw(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let block = Block::new().borders(Borders::LEFT).border_style(FAINT);
    let inner = block.inner(area);
    let room = usize::from(inner.width).saturating_sub(2);
    let mut lines = vec![title(" You")];
    if let Some(me) = &state.me {
        lines.push(Line::raw(format!(" {}", count(me.ratings, "rating"))));
        lines.push(Line::raw(format!(" {}", generous(me.bias))));
        lines.push(Line::raw(""));
        lines.push(title(" Where you stand"));
        lines.push(Line::raw(format!(" {}", bars(&me.row, room))));
        lines.push(Line::styled(
            format!(" {} of taste", count(me.row.len(), "number")),
            FAINT,
        ));
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

/// A row of numbers as bars: the middle is zero, and the largest reaches the end.
pub fn bars(row: &[f32], most: usize) -> String {
    let largest = row.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let bar = |x: &f32| {
        let share = match largest > 0.0 {
            true => x / largest,
            false => 0.0,
        };
        let height = (3.5 + share * 3.5).round() as usize;
        BARS[height.min(BARS.len() - 1)]
    };
    row.iter().take(most).map(bar).collect()
}
