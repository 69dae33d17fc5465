//! How long a board is waited for, and by what a request that takes long is seen to get on.

use std::time::{Duration, Instant};

/// How long a connection waits and how often it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Silence after which a request is sent again.
    pub silence: Duration,
    /// How often a request is sent at most.
    pub tries: u32,
    /// How often one is that changes ratings: not to know is worse than to wait.
    pub tries_of_change: u32,
    /// How long a board may say `Working` without getting any further.
    pub stall: Duration,
    /// How long a request may take, however far it gets.
    pub longest: Duration,
    /// How long to wait before a busy board is asked again.
    pub busy: Duration,
    /// How long to put up with a busy board.
    pub patience: Duration,
}

impl Timing {
    /// For boards: they say `Working` every 0.4 s of their clock, and at once when they are asked again. So one that is far
    /// slower than its clock says is asked every `silence`, and waited for while it gets on.
    pub const BOARD: Self = Self {
        silence: Duration::from_secs(2),
        tries: 3,
        tries_of_change: 12,
        stall: Duration::from_secs(30),
        longest: Duration::from_secs(3600),
        busy: Duration::from_millis(500),
        patience: Duration::from_secs(120),
    };

    /// For emulators, whose seconds take longer than a wall clock's, and which lose what is sent before the firmware
    /// has opened its line: asked often, since asking again does no harm.
    pub const EMULATOR: Self = Self {
        silence: Duration::from_millis(500),
        tries: 180,
        tries_of_change: 180,
        stall: Duration::from_secs(300),
        longest: Duration::from_secs(4 * 3600),
        busy: Duration::from_secs(1),
        patience: Duration::from_secs(300),
    };

    /// For a board in this process: it answers at once or not at all.
    pub const MEMORY: Self = Self {
        silence: Duration::from_millis(50),
        tries: 3,
        tries_of_change: 6,
        stall: Duration::from_secs(1),
        longest: Duration::from_secs(60),
        busy: Duration::from_millis(5),
        patience: Duration::from_secs(5),
    };

    /// The same for a board that is given up after so much silence, whatever was asked of it.
    pub fn within(self, limit: Duration) -> Self {
        let silence = self.silence.min(limit);
        let tries = (limit.as_secs_f64() / silence.as_secs_f64()).ceil() as u32;
        Self {
            silence,
            tries,
            tries_of_change: tries,
            ..self
        }
    }

    /// What is left to wait once a board says that a frame was damaged.
    pub(super) fn after_damage(&self) -> Duration {
        self.silence / 4
    }
}

/// How far a request has got, by what the board says.
pub(super) struct Course {
    pub(super) began: Instant,
    /// The most that was done, and since when.
    most: (u32, Instant),
    /// Whether that was since the request was sent last.
    pub(super) got_on: bool,
}

impl Course {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            most: (0, now),
            got_on: false,
        }
    }

    /// Whether it gets on.
    pub(super) fn goes_on(&mut self, done: u32, timing: &Timing) -> bool {
        let (most, since) = &mut self.most;
        if done > *most {
            (*most, *since) = (done, Instant::now());
            self.got_on = true;
        }
        since.elapsed() <= timing.stall && self.began.elapsed() <= timing.longest
    }
}
