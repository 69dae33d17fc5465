//! An owner's ratings folded in, a slice at a time, and what that was for.

use super::list;
use crate::learn::{FoldIn, suggest::Suggest, why::Influence};
use crate::list::List;
use crate::model::Model;
use crate::profile::{Log, Profile, Rating, Undo};
use crate::rank::Progress;
use crate::store::Change;
use crate::wire::{Because, Explained, MAX_BECAUSE, MAX_LIST, Refusal, Reply};

/// A fold-in under way, and what it is for.
pub(super) struct Learning {
    owner: u8,
    fold: FoldIn,
    then: Then,
}

/// What a fold-in is for.
pub(super) enum Then {
    /// What was predicted before a rating that was taken out for it.
    RatedBefore {
        row: u32,
        rating: Rating,
    },
    Rated {
        row: u32,
        before: f32,
    },
    Imported {
        taken: u8,
        refused: Option<Refusal>,
    },
    Undone(Undo),
    Forgotten,
    /// A movie that came or went, which others may have rated too.
    #[cfg(feature = "grow")]
    Grown(crate::ids::MovieId),
    Suggested {
        search: Suggest<MAX_LIST>,
    },
    Explained {
        explained: Explained,
        row: u32,
        influence: Option<Influence>,
        at: u32,
    },
    #[cfg(feature = "odds")]
    Likely {
        row: u32,
    },
}

impl Learning {
    pub(super) fn new(model: &Model<'_>, owner: u8, then: Then) -> Self {
        Self {
            owner,
            fold: FoldIn::new(model),
            then,
        }
    }

    /// The movie that came or went, where that is why.
    #[cfg(feature = "grow")]
    pub(super) fn grown(&self) -> Option<crate::ids::MovieId> {
        match self.then {
            Then::Grown(movie) => Some(movie),
            _ => None,
        }
    }

    pub(super) fn owner(&self) -> u8 {
        self.owner
    }

    /// Whether the row has to follow ratings that have changed.
    pub(super) fn must_end(&self) -> bool {
        match self.then {
            Then::Suggested { .. } | Then::Explained { .. } => false,
            #[cfg(feature = "odds")]
            Then::Likely { .. } => false,
            _ => true,
        }
    }

    /// One slice of work, of the time that `slice` ratings take to be folded in.
    pub(super) fn advance<const LOG: usize>(
        &mut self,
        model: &Model<'_>,
        profile: &mut Profile<LOG>,
        slice: u32,
    ) -> Progress {
        let log = profile.log().ratings();
        let mut total = self.fold.total(model, log);
        let behind = match &self.then {
            Then::Suggested { .. } => model.movies(),
            Then::Explained { .. } => log.len() as u32,
            _ => 0,
        };
        total = total.saturating_add(behind);
        let progress = self.fold.advance(model, log, slice);
        if let Then::RatedBefore { row, rating } = self.then
            && progress.is_done()
        {
            return self.put_back(model, profile, row, rating);
        }
        if !progress.is_done() || behind == 0 {
            return Progress { total, ..progress };
        }
        let further = match &mut self.then {
            Then::Suggested { search } => {
                let unseen = |movie| profile.log().get(movie).is_none();
                search.advance(model, &self.fold, unseen, slice).done
            }
            Then::Explained {
                explained,
                row,
                influence,
                at,
            } => {
                let influence =
                    *influence.get_or_insert_with(|| Influence::on(model, &self.fold, *row));
                for rating in log.iter().skip(*at as usize).take(slice.max(1) as usize) {
                    let because = Because {
                        movie: rating.movie().0,
                        stars: rating.stars(),
                        moved: influence.of(model, &self.fold, *rating),
                    };
                    keep_strongest(&mut explained.because, because);
                    *at = at.wrapping_add(1);
                }
                *at
            }
            _ => 0,
        };
        Progress {
            done: progress.done.saturating_add(further),
            total,
        }
    }

    /// Predicts without a rating that was taken out, puts it back in, and begins to fold that in.
    #[inline(never)]
    fn put_back<const LOG: usize>(
        &mut self,
        model: &Model<'_>,
        profile: &mut Profile<LOG>,
        row: u32,
        rating: Rating,
    ) -> Progress {
        let user = self.fold.private().state(model);
        let before = model.scale().clamp(model.score(&user, row));
        profile.log_mut().apply(Change::Rated(rating));
        self.fold = FoldIn::new(model);
        self.then = Then::Rated { row, before };
        Progress { done: 0, total: 1 }
    }

    /// Hands the row over and says what there is to say.
    pub(super) fn finish<'m, const LOG: usize>(
        &self,
        model: &Model<'_>,
        profile: &mut Profile<LOG>,
    ) -> Reply<'m> {
        if self.must_end() {
            profile.set_private(self.fold.private());
        }
        let ratings = profile.log().ratings().len() as u32;
        let scale = model.scale();
        match &self.then {
            Then::Rated { row, before } => Reply::Rated {
                before: *before,
                after: scale.clamp(model.score(&profile.private().state(model), *row)),
                ratings,
            },
            Then::Imported { taken, refused } => Reply::Imported {
                taken: *taken,
                refused: *refused,
                ratings,
            },
            Then::Undone(undo) => undone(*undo, profile.log()),
            // Others may have to learn too, and what the answer is isn't known here.
            #[cfg(feature = "grow")]
            Then::Grown(_) => Reply::Forgotten { ratings },
            // It goes on to what follows before it ends.
            Then::Forgotten | Then::RatedBefore { .. } => Reply::Forgotten { ratings },
            Then::Suggested { search } => {
                list(search.hits(), model, Some(&profile.private().state(model)))
            }
            Then::Explained { explained, .. } => Reply::Explained(explained.clone()),
            #[cfg(feature = "odds")]
            Then::Likely { row } => {
                let user = profile.private().state(model);
                let deviation = self.fold.deviation(model, *row);
                let interval =
                    deviation.and_then(|deviation| model.interval(&user, *row, deviation));
                Reply::Likely(interval)
            }
        }
    }
}

/// Keeps the ratings that moved a prediction most, most first; of equals those that came first.
fn keep_strongest(kept: &mut List<Because, MAX_BECAUSE>, new: Because) {
    use crate::numeric::magnitude;
    if magnitude(new.moved) <= 0.0 {
        return;
    }
    if kept.is_full() {
        let last = kept.last().map_or(0.0, |last| magnitude(last.moved));
        if magnitude(new.moved) <= last {
            return;
        }
        kept.pop();
    }
    // Room was made above, so this can't fail.
    let _ = kept.push(new);
    for at in (1..kept.len()).rev() {
        match kept.get_mut(at.wrapping_sub(1)..=at) {
            Some([a, b]) if magnitude(b.moved) > magnitude(a.moved) => core::mem::swap(a, b),
            _ => return,
        }
    }
}

/// The answer to an `Undo` that led to `log`.
pub(super) fn undone<'m, const LOG: usize>(undo: Undo, log: &Log<LOG>) -> Reply<'m> {
    let tag = undo.before;
    Reply::Undone {
        movie: undo.movie.0,
        stars: tag.map(|tag| Rating::from_words(undo.movie.0, tag).stars()),
        ratings: log.ratings().len() as u32,
    }
}
