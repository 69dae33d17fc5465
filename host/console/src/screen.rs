//! The full-screen program: keys and answers in, pictures out.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use crossterm::event::{self, Event, KeyEventKind};
use pocketrec_base::signals;
use ratatui::DefaultTerminal;

use super::device::{Ask, Device};
use super::state::State;
use super::worker::{Heard, serve};
use super::{update, view};

/// How long a key is waited for before answers are looked at.
const TICK: Duration = Duration::from_millis(20);

/// Runs until somebody ends it, or `stop` is set by a signal; `stop` is set at the end, so that a line on which the
/// answer is slow is left at once.
///
/// # Errors
///
/// [`Device::ended`] behind a signal; what the terminal says where it can't be drawn to.
pub fn run<L: Read + Write + Send>(
    device: Device<L>,
    mut state: State,
    stop: &AtomicBool,
) -> Result<()> {
    let (ask, asks) = channel();
    let (tell, heard) = channel();
    let stopped = device.ended();
    std::thread::scope(move |scope| {
        scope.spawn(move || serve(device, asks, &tell));
        let ended = ratatui::try_init()
            .context("the terminal can't be drawn to")
            .and_then(|mut terminal| {
                let ended = evening(&mut terminal, &mut state, &ask, &heard, stop);
                if ratatui::try_restore().is_err() {
                    // The terminal was closed. What is dropped with this would print that, which panics.
                    std::mem::forget(terminal);
                }
                ended
            });
        // Who asks ends when nobody wants anything any more.
        drop(ask);
        // Drawing may be the first that fails of a terminal that was closed.
        let ended = ended.or_else(|why| match signals::wait_for_keys(Duration::ZERO) {
            true => Err(why),
            false => Ok(()),
        });
        let by_signal = stop.swap(true, Ordering::Relaxed) || state.is_interrupted;
        ended?;
        match by_signal {
            true => Err(stopped.into()),
            false => Ok(()),
        }
    })
}

fn evening(
    terminal: &mut DefaultTerminal,
    state: &mut State,
    ask: &Sender<Ask>,
    heard: &Receiver<Heard>,
    stop: &AtomicBool,
) -> Result<()> {
    let first = update::at_first(state);
    send(state, ask, first)?;
    let mut is_fresh = true;
    while !state.has_ended() && !stop.load(Ordering::Relaxed) {
        if is_fresh {
            terminal.draw(|frame| view::draw(frame, state))?;
            is_fresh = false;
            let asks = update::at_leisure(state).into_iter().collect();
            send(state, ask, asks)?;
        }
        let began = Instant::now();
        if !signals::wait_for_keys(TICK) {
            break;
        }
        if event::poll(TICK.saturating_sub(began.elapsed()))? {
            is_fresh = true;
            let asks = match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => update::key(state, key),
                _ => Vec::new(),
            };
            send(state, ask, asks)?;
        }
        while let Ok(heard) = heard.try_recv() {
            is_fresh = true;
            match heard {
                Heard::Progress(done, total) => update::progress(state, done, total),
                Heard::Answer(ask, told, took) => update::heard(state, ask, told, took),
            }
        }
    }
    Ok(())
}

fn send(state: &mut State, to: &Sender<Ask>, asks: Vec<Ask>) -> Result<()> {
    for ask in asks {
        if to.send(ask).is_err() {
            bail!("nobody asks the board any more");
        }
        state.waiting += usize::from(!matches!(ask, Ask::Likely(_)));
        state.changing += usize::from(ask.changes());
    }
    Ok(())
}
