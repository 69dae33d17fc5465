//! The twin of one answer: the same request to core on this PC, and the first bit that differs.

use std::io::{Read, Write};

use pocketrec::model::Model;
use pocketrec::wire::{Entry, Request, Who};

use super::memory::MemoryBoard;
use super::transcript::{describe, first_difference};
use super::{Connection, LinkError, Timing, added, ratings};

/// What the twin must know from before the board answered.
#[derive(Clone, Debug)]
pub struct Before {
    /// CRC-32 of the board's image.
    pub crc: u32,
    /// The ratings of the owners that the request is about, in their order: movie and stars. `None` where one of
    /// them isn't for this model.
    ratings: Option<Ratings>,
    /// The movies that were added to the image.
    added: Vec<Entry>,
}

/// Ratings of owners, each one's in their order.
type Ratings = Vec<(Who, Vec<(u32, f32)>)>;

/// What a comparison ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of so many bytes are the same.
    Same(usize),
    /// The first difference, in words.
    Differs(String),
    /// The answer is about the board itself, or follows from ratings that this model can't use.
    NotComparable,
}

/// The owners that a request is about.
fn owners(request: &Request) -> Vec<Who> {
    let mut all = Vec::from_iter(owner(request));
    if let Request::Together {
        with: with @ Who::Owner(_),
        ..
    } = *request
        && !all.contains(&with)
    {
        all.push(with);
    }
    all
}

/// The owner that a request is about first.
fn owner(request: &Request) -> Option<Who> {
    match *request {
        Request::Predict { who, .. }
        | Request::TopN { who, .. }
        | Request::Together { who, .. }
        | Request::Rate { who, .. }
        | Request::Forget { who, .. }
        | Request::Suggest { who, .. }
        | Request::Explain { who, .. }
        | Request::Likely { who, .. }
        | Request::Profile { who } => matches!(who, Who::Owner(_)).then_some(who),
        _ => None,
    }
}

/// All ratings of an owner, or `None` where the model can't use one of them.
fn usable<L: Read + Write>(
    board: &mut Connection<L>,
    who: Who,
) -> Result<Option<Vec<(u32, f32)>>, LinkError> {
    let all = ratings::all(board, who)?;
    let usable = all.iter().all(|rating| rating.used);
    Ok(usable.then(|| {
        let each = all.iter().map(|rating| (rating.movie, rating.stars));
        each.collect()
    }))
}

impl Before {
    /// Asks the board for it.
    ///
    /// # Errors
    ///
    /// [`LinkError`] where the board doesn't answer or has no model.
    pub fn take<L: Read + Write>(
        board: &mut Connection<L>,
        request: &Request,
    ) -> Result<Self, LinkError> {
        let crc = board.image()?;
        let mut all = Some(Vec::new());
        for who in owners(request) {
            let of_one = usable(board, who)?;
            all = all.zip(of_one).map(|(mut all, of_one)| {
                all.push((who, of_one));
                all
            });
        }
        let added = added::all(board)?;
        Ok(Self {
            crc,
            ratings: all,
            added: added.map_or_else(Vec::new, |added| added.entries),
        })
    }

    /// Compares the board's answer `body` with core's from `model`; behind a change, the owner's whole row and bias
    /// too.
    ///
    /// # Errors
    ///
    /// [`LinkError`] where the board doesn't answer.
    pub fn compare<L: Read + Write>(
        &self,
        model: Model<'_>,
        request: &Request,
        body: &[u8],
        board: &mut Connection<L>,
    ) -> Result<Verdict, LinkError> {
        let comparable = matches!(
            request,
            Request::ModelInfo
                | Request::Predict { .. }
                | Request::TopN { .. }
                | Request::Together { .. }
                | Request::Similar { .. }
                | Request::Rate { .. }
                | Request::Forget { .. }
                | Request::Suggest { .. }
                | Request::Explain { .. }
                | Request::Likely { .. }
                | Request::Profile { .. }
        );
        let (true, Some(ratings)) = (comparable, &self.ratings) else {
            return Ok(Verdict::NotComparable);
        };
        let mut twin = Connection::new(MemoryBoard::new(Ok(model)), "the twin", Timing::MEMORY);
        for entry in &self.added {
            let (image, entry) = (self.crc, *entry);
            twin.ask(&Request::AddMovie { image, entry })?;
        }
        // What an owner learned is a function of the ratings in their order.
        for (who, ratings) in ratings {
            let who = *who;
            for (movie, stars) in ratings.iter().copied() {
                twin.ask(&Request::Rate { who, movie, stars })?;
            }
        }
        let mut same = 0;
        let mut pairs = vec![(body.to_vec(), twin.ask(request)?)];
        let learns = matches!(request, Request::Rate { .. } | Request::Forget { .. });
        if let (true, Some(who)) = (learns, owner(request)) {
            let profile = Request::Profile { who };
            let came = board.ask_checked(&profile, |_, _| ())?;
            pairs.push((came.body().to_vec(), twin.ask(&profile)?));
        }
        for (came, due) in pairs {
            if let Some(how) = first_difference(due.body(), &came) {
                return Ok(Verdict::Differs(format!(
                    "{how}; due is {}, came {}",
                    describe(due.body()),
                    describe(&came)
                )));
            }
            same += came.len();
        }
        Ok(Verdict::Same(same))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec::image::example;
    use pocketrec::rank::Order;

    #[test]
    fn an_equal_answer_and_a_wrong_bit_are_told_apart() {
        let image = example();
        let model = || Model::open(image.bytes()).unwrap();
        let board = || Connection::new(MemoryBoard::new(Ok(model())), "board", Timing::MEMORY);
        let who = Who::Owner(0);
        let requests = [
            Request::Predict { who, movie: 10 },
            Request::TopN {
                who,
                count: 3,
                include_rated: false,
                include_below: false,
                order: Order::Score,
                wanted: pocketrec::model::Wanted::ANY,
            },
            Request::Rate {
                who,
                movie: 20,
                stars: 5.0,
            },
            Request::Profile {
                who: Who::ImageUser(2),
            },
        ];
        for (request, rated) in requests.into_iter().zip([0, 4, 3, 0]) {
            let mut board = board();
            for movie in [10, 20, 300, 10].into_iter().take(rated) {
                let stars = 4.5;
                board.ask(&Request::Rate { who, movie, stars }).unwrap();
            }
            let before = Before::take(&mut board, &request).unwrap();
            assert_eq!(before.crc, model().header().crc);
            let mut body = board.ask(&request).unwrap().body().to_vec();
            let verdict = before
                .compare(model(), &request, &body, &mut board)
                .unwrap();
            assert!(
                matches!(verdict, Verdict::Same(_)),
                "{request:?}: {verdict:?}"
            );
            body[1] ^= 4;
            let verdict = before
                .compare(model(), &request, &body, &mut board)
                .unwrap();
            let Verdict::Differs(how) = verdict else {
                panic!("{verdict:?}");
            };
            assert!(how.contains("bit 2 is the first"), "{how}");
        }
    }

    #[test]
    fn a_boards_own_facts_are_not_compared() {
        let image = example();
        let model = Model::open(image.bytes()).unwrap();
        let mut board = Connection::new(MemoryBoard::new(Ok(model)), "board", Timing::MEMORY);
        let before = Before::take(&mut board, &Request::Health).unwrap();
        let body = board.ask(&Request::Health).unwrap();
        let verdict = before.compare(model, &Request::Health, body.body(), &mut board);
        assert_eq!(verdict.unwrap(), Verdict::NotComparable);
    }
}
