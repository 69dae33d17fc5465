//! How sure the predictions of an answer are: asked of a board that knows it, beside the answer.

use std::io::{Read, Write};

use anyhow::{Result, bail};
use pocketrec::model::Interval;
use pocketrec::wire::{Reply, Request, Who};

use super::Asked;
use pocketrec_link::likely::is_known;
use pocketrec_link::{Connection, twin};

/// The movies that an answer predicts stars for, and for whom.
fn predicted(request: &Request, reply: &Reply<'_>) -> Option<(Who, Vec<u32>)> {
    match (*request, reply) {
        (Request::Predict { who, movie }, Reply::Stars(_))
        | (Request::Explain { who, movie }, Reply::Explained(_))
        | (Request::Rate { who, movie, .. }, Reply::Rated { .. }) => Some((who, vec![movie])),
        (Request::TopN { who, .. }, Reply::Movies(list)) => {
            Some((who, list.iter().map(|ranked| ranked.movie).collect()))
        }
        _ => None,
    }
}

impl Asked<'_> {
    /// What is known of the movie at a place of the answer.
    pub(super) fn likely_of(&self, at: usize) -> Option<Interval> {
        self.likely.get(at).copied().flatten()
    }

    /// Between which stars ratings of the movies that `reply` predicts are likely to be, in their order; nothing where the
    /// board doesn't know it.
    ///
    /// # Errors
    /// What went wrong on the line, or how the twin differs where one is asked for.
    pub(super) fn likely<L: Read + Write>(
        &self,
        board: &mut Connection<L>,
        request: &Request,
        reply: &Reply<'_>,
    ) -> Result<Vec<Option<Interval>>> {
        let (true, Some((who, movies))) = (is_known(board), predicted(request, reply)) else {
            return Ok(Vec::new());
        };
        let one = |movie: u32| {
            let request = Request::Likely { who, movie };
            let before = match self.args.twin {
                true => Some(twin::Before::take(board, &request)?),
                false => None,
            };
            let answer = board.ask_checked(&request, |_, _| ())?;
            if let Some(before) = before {
                let model = self.at_hand.needed("--twin")?.model()?;
                let verdict = before.compare(model, &request, answer.body(), board)?;
                if let twin::Verdict::Differs(how) = verdict {
                    bail!("the twin on this PC answers otherwise: {how}");
                }
            }
            Ok(match answer.reply() {
                Some(Reply::Likely(likely)) => likely,
                _ => None,
            })
        };
        movies.into_iter().map(one).collect()
    }
}
