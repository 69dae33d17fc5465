//! A request in, a reply out: the application of a board, without its transport.
//!
//! A board's main loop hands received bytes to [`Service::receive`] and calls [`Service::poll`] as long as there is
//! work; both send through the board's [`Port`]. Long work is cut into slices of some milliseconds, so the loop can take
//! bytes from its receive queue in between: one request waits while another runs, `Cancel` is obeyed at once, and
//! any further request is answered `Busy`. Requests are carried out in the order in which they came.
//!
//! # A request that is asked again
//!
//! A host that hears no answer sends the same frame again. Two requests of the same number and the same body are one,
//! and it is carried out once:
//!
//! - While it runs or waits, its repetition starts nothing, and the answer comes once. Where it runs, the next
//!   [`poll`](Service::poll) says how far it is: a host waits for a board whose clock is far slower than its own, such as an
//!   emulated one, as long as that gets on.
//! - The reply to the last request is kept, and sent again as it was. `Busy`, and that a request was cancelled, aren't:
//!   that request was not carried out, and is when it is asked again.
//! - The last request that changed ratings is remembered beyond that: its number and 16 bits of its frame's CRC are part
//!   of the change's record in flash, so one can't be there without the other. Its repetition is answered as the first
//!   one was, or would have been, from the current ratings, also after power was lost before the answer, and after other
//!   requests. An `Import` of which some ratings were taken continues after them.
//! - `ForgetMe`, `Compact` and `Format` do nothing more when they are repeated, and their answer is the same; so does
//!   `AddMovie`, whoever asks: a movie that is there with these bytes was added.
//!
//! A number says nothing of order, and 0 is one like any other. The device remembers one change, so this holds for one
//! host at a time that waits for its answer, or gives up, before it asks for another change. A host's first number must
//! be random: of two hosts, or two runs of one, the second one's request is taken for a repetition only if it has the
//! same body and its 32 bits are those of the last one's number.

/// Makes of an image's model the one with the movies that were added to it, where there may be any.
macro_rules! joined {
    ($model:ident, $added:expr) => {
        #[cfg(feature = "grow")]
        let (tables, part, joined);
        #[cfg(feature = "grow")]
        let $model = if $added.is_empty() {
            $model
        } else {
            tables = $added.tables($model);
            part = tables.part($model);
            joined = $model.with_more(part.as_ref());
            &joined
        };
    };
}

mod about;
mod again;
mod deferred;
#[cfg(feature = "grow")]
mod grow;
mod keep;
#[cfg(feature = "learn")]
mod learning;
mod lists;
mod owner;
#[cfg(feature = "queue")]
mod queue;
mod refusal;

use core::mem::MaybeUninit;

use crate::grow::AddedMovies;
use crate::ids::MovieId;
use crate::image::ImageError;
use crate::kernels::{Costs, Lookup};
use crate::model::{Model, UserState};
use crate::profile::{Profile, UNDO_DEPTH};
use crate::rank::{Nearest, Progress, Ranking};
use crate::store::flash::RECORD;
use crate::store::{Asked, InRam, Store};
use crate::wire::FrameError;
use crate::wire::{
    Capabilities, FrameReader, LinkCounters, MAX_FRAME, MAX_LIST, MAX_OWNERS, Refusal, Reply,
    Request, Reset, VERSION, Who, encode_frame,
};
use about::model_info;
use again::{Kept, Last};
#[cfg(feature = "learn")]
pub use keep::Recall;
use lists::{list, list_length};
#[cfg(feature = "queue")]
pub use queue::QueuedPort;
use refusal::Why;

/// Milliseconds between two `Working` replies: a host hears something at least once a second of the board's clock.
const WORKING_EVERY: u32 = 400;

/// The most ratings that an owner's log may hold: with the way back, 20 bytes each, it is less than 64 KB.
pub const MAX_LOG: usize = u16::MAX as usize / RECORD as usize - UNDO_DEPTH;

/// Polls a second during work that suit a line of 115,200 bits a second and a receive queue of some hundred bytes: 180 bytes
/// come between two. A board's [`poll_cycles`](Board::poll_cycles) are its clock's over these.
pub const POLLS_A_SECOND: u32 = 64;

/// What a board provides to a service.
pub trait Port {
    /// Sends the bytes of a whole frame, or zeros ahead of one. Waits for the line, but for a bounded time: a board drops
    /// what it can't send.
    fn send(&mut self, bytes: &[u8]);

    /// Milliseconds since the start; wraps around.
    fn now(&self) -> u32;

    /// Bytes received, received during work, and lost; `bad_frames` is the service's own.
    fn counters(&self) -> LinkCounters;

    /// Told when a long request starts and ends, for the counter of bytes received meanwhile.
    fn working(&mut self, working: bool);
}

/// What a service reports about its board.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    /// The board's name.
    pub name: &'static str,
    /// Version of the firmware.
    pub firmware: [u8; 3],
    /// Bits of [`Capabilities`] that are the board's; the service adds its own.
    pub capabilities: Capabilities,
    /// Bytes of the image's region.
    pub image_region: u32,
    /// Why the board started, and where it was if it crashed.
    pub reset: Reset,
    /// A line number or an address, of the crash.
    pub at: u32,
    /// Crashes since the power came on.
    pub crashes: u32,
    /// Clock cycles that one [`Service::poll`] may take, about: few enough that the receive queue can't fill meanwhile, such
    /// as the clock's over [`POLLS_A_SECOND`]. What a model's movies and ratings cost ([`Model::costs`]) is reckoned within
    /// three times of what they take.
    pub poll_cycles: u32,
}

/// A request that takes long.
#[allow(
    clippy::large_enum_variant,
    reason = "one job at a time, in static memory, and no heap to box it on"
)]
enum Work {
    Top {
        rated: Rated,
        user: UserState,
        ranking: Ranking<MAX_LIST>,
    },
    Similar {
        ranking: Nearest<MAX_LIST>,
    },
    #[cfg(feature = "together")]
    Together(lists::ForTwo),
    #[cfg(feature = "learn")]
    Learn(learning::Learning),
}

/// Whose rated movies a list leaves out.
#[derive(Clone, Copy)]
enum Rated {
    Nobodys,
    /// An owner's.
    Owners(u8),
    /// Those of the image's user of a row, where the image has them.
    Users(u32),
}

impl Rated {
    /// Whether they have rated a movie, as far as is known.
    fn has<const LOG: usize>(
        self,
        model: &Model<'_>,
        profiles: &[Profile<LOG>],
        movie: MovieId,
    ) -> bool {
        match self {
            Self::Nobodys => false,
            Self::Owners(owner) => {
                let profile = profiles.get(usize::from(owner));
                profile.is_some_and(|profile| profile.log().get(movie).is_some())
            }
            Self::Users(row) => model.has_rated(row, movie),
        }
    }
}

struct Job {
    asked: Asked,
    work: Work,
    /// Movies or ratings that a poll takes.
    slice: u32,
    /// When the host last heard of it.
    heard: u32,
}

/// The application: one model, `OWNERS` profiles of up to `LOG` ratings each, kept by `S`; one request at a time
/// and one waiting.
///
/// RAM: two frames of 301 bytes, a job whose working memory the features decide, and a [`Profile`] an owner: in all
/// 5,992 bytes in the STM32F405's usual firmware, with one owner of 256 ratings. With the feature `codes` 4.3 KB more, for
/// what a user would give each codeword and what is sought, and 5.2 KB on a core with the DSP extension.
///
/// At most [`MAX_OWNERS`] owners of [`MAX_LOG`] ratings; a service of more doesn't compile:
///
/// ```compile_fail,E0080
/// use pocketrec::image::ImageError;
/// use pocketrec::service::{Board, Service};
///
/// fn service(board: Board) -> Service<'static, 9> {
///     Service::new(Err(ImageError::Magic), board)
/// }
/// # fn main() {
/// #     use pocketrec::wire::{Capabilities, Reset};
/// #     service(Board {
/// #         name: "",
/// #         firmware: [0; 3],
/// #         capabilities: Capabilities(0),
/// #         image_region: 0,
/// #         reset: Reset::Power,
/// #         at: 0,
/// #         crashes: 0,
/// #         poll_cycles: 1,
/// #     });
/// # }
/// ```
pub struct Service<'m, const OWNERS: usize, const LOG: usize = 64, S = InRam> {
    model: Result<Model<'m>, ImageError>,
    added: AddedMovies,
    profiles: [Profile<LOG>; OWNERS],
    store: S,
    board: Board,
    reader: FrameReader,
    job: Option<Job>,
    /// Of a list that is being made.
    lookup: Lookup,
    waiting: Option<(Asked, Request)>,
    /// The request that is being carried out.
    asked: Asked,
    /// The last request that changed something.
    last: Option<Last>,
    kept: Kept,
    bad_frames: u32,
}

impl<'m, const OWNERS: usize> Service<'m, OWNERS> {
    /// A service over `model`, or over the reason why there is none, whose profiles of up to 64 ratings live in RAM.
    pub fn new(model: Result<Model<'m>, ImageError>, board: Board) -> Self {
        Self::with_store(model, board, InRam)
    }
}

impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    /// As [`new`](Service::new), with profiles that `store` keeps: its changes are replayed, and the ratings of each
    /// owner are folded in. That takes as long as a fold-in of every rating, and 3 KB of stack.
    pub fn with_store(model: Result<Model<'m>, ImageError>, board: Board, store: S) -> Self {
        let mut service = Self::before_recall(model, board, store);
        service.recall();
        service
    }

    /// As [`with_store`](Self::with_store), in `place` and without the replay: [`recall`](Self::recall) comes next. For
    /// a board that has no stack for a service on its way to where it stays.
    #[inline(never)]
    pub fn before_recall_in<'p>(
        place: &'p mut MaybeUninit<Self>,
        model: Result<Model<'m>, ImageError>,
        board: Board,
        store: S,
    ) -> &'p mut Self {
        place.write(Self::before_recall(model, board, store))
    }

    #[inline(always)] // So that it is made where it goes.
    fn before_recall(model: Result<Model<'m>, ImageError>, board: Board, store: S) -> Self {
        const {
            assert!(
                OWNERS >= 1 && OWNERS <= MAX_OWNERS,
                "the wire has places for 1 to 8 owners"
            );
            assert!(
                LOG >= 1 && LOG <= MAX_LOG,
                "the wire counts an owner's bytes of flash in 16 bits"
            );
        };
        Self {
            profiles: core::array::from_fn(|_| Profile::new(model.as_ref().ok())),
            added: AddedMovies::of(model.as_ref().ok()),
            model,
            store,
            board,
            reader: FrameReader::new(),
            job: None,
            lookup: Lookup::NONE,
            waiting: None,
            asked: Asked::default(),
            last: None,
            kept: Kept::new(),
            bad_frames: 0,
        }
    }

    /// The model, or why there is none.
    pub fn model(&self) -> &Result<Model<'m>, ImageError> {
        &self.model
    }

    /// The movies that were added to the model's.
    #[cfg(feature = "grow")]
    pub fn added(&self) -> &AddedMovies {
        &self.added
    }

    /// The profile of an owner, if there is a model.
    pub fn profile(&self, owner: u8) -> Option<&Profile<LOG>> {
        self.model.is_ok().then_some(())?;
        self.profiles.get(usize::from(owner))
    }

    /// The store of the profiles.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Does some work ahead of need, such as erasing flash, if no request is under way; `false` if there is nothing to
    /// do.
    #[inline(never)]
    pub fn idle(&mut self) -> bool {
        if self.is_working() {
            return false;
        }
        if self.store.is_pending() {
            return self.go_on_compacting();
        }
        self.store.work_ahead()
    }

    /// Whether [`poll`](Self::poll) has work to do.
    pub fn is_working(&self) -> bool {
        self.job.is_some() || self.waiting.is_some()
    }

    /// Takes in a byte from the line. At the end of a frame, answers it, starts it, keeps it waiting, or refuses
    /// it.
    #[inline(never)] // Each of these has its own stack, which a small board must not hold for all of them at once.
    pub fn receive(&mut self, byte: u8, port: &mut impl Port) {
        let frame = match self.reader.push(byte) {
            None => return,
            Some(Err(why)) => {
                self.bad_frames = self.bad_frames.saturating_add(1);
                return send(port, 0, &Reply::Refused(Refusal::BadFrame(why)));
            }
            Some(Ok(frame)) => frame,
        };
        let asked = Asked {
            number: frame.number,
            check: frame.check,
        };
        let why = match crate::codec::request(frame.body) {
            // Hello is answered whatever the version.
            Some(request) if frame.version == VERSION || request == Request::Hello => {
                return self.take(asked, request, port);
            }
            _ if frame.version != VERSION => FrameError::Version {
                found: frame.version,
            },
            _ => FrameError::Body,
        };
        self.bad_frames = self.bad_frames.saturating_add(1);
        send(port, asked.number, &Reply::Refused(Refusal::BadFrame(why)));
    }

    fn take(&mut self, asked: Asked, request: Request, port: &mut impl Port) {
        if self.kept.is_of(asked) {
            return self.kept.send_again(port);
        }
        // Asked again before it was answered: the answer will come once.
        if let Some(job) = self.job.as_mut().filter(|job| job.asked == asked) {
            job.heard = job.heard.wrapping_sub(WORKING_EVERY);
            return;
        }
        if self.waiting.is_some_and(|(waiting, _)| waiting == asked) {
            return;
        }
        if let Request::Cancel { number: ended } = request {
            let found = self.cancel(ended, port);
            return self.kept.answer(asked, &Reply::Cancelled(found), port);
        }
        // Who waits comes before who comes.
        self.start_waiting(port);
        // A request whose change isn't stored yet has begun, and waits all the same.
        let begun = self.waiting.is_some() && self.store.is_pending();
        if self.job.is_none() && !begun {
            self.start(asked, &request, port);
        } else if self.waiting.is_none() {
            self.waiting = Some((asked, request));
        } else {
            send(port, asked.number, &Reply::Refused(Refusal::Busy));
        }
    }

    /// Starts the request that waits, where there is one and nothing runs.
    fn start_waiting(&mut self, port: &mut impl Port) {
        if self.job.is_none()
            && let Some((asked, request)) = self.waiting.take()
        {
            self.start(asked, &request, port);
        }
    }

    fn cancel(&mut self, ended: u32, port: &mut impl Port) -> bool {
        let is = |asked: Asked| asked.number == ended;
        if self.job.as_ref().is_some_and(|job| is(job.asked)) {
            #[cfg(feature = "learn")]
            if let Some(Job {
                work: Work::Learn(learning),
                ..
            }) = &self.job
                && learning.must_end()
            {
                // The ratings have changed already, and the row must follow them.
                return false;
            }
            self.job = None;
            port.working(false);
        } else if self.waiting.is_some_and(|(waiting, _)| is(waiting)) {
            if self.store.is_pending() && self.asked.number == ended {
                // Its change may be stored already.
                return false;
            }
            self.waiting = None;
        } else {
            return false;
        }
        send(port, ended, &Reply::Refused(Refusal::Cancelled));
        true
    }

    /// One slice of work: a few movies of a ranking, or the start of the request that waited.
    #[inline(never)]
    pub fn poll(&mut self, port: &mut impl Port) {
        let Some(job) = &mut self.job else {
            return self.start_waiting(port);
        };
        let Ok(model) = &self.model else {
            // A job is only started where there is a model.
            self.job = None;
            return;
        };
        joined!(model, self.added);
        let Progress { done, total } = match &mut job.work {
            Work::Top {
                rated,
                user,
                ranking,
            } => {
                let unseen = |movie| !rated.has(model, &self.profiles, movie);
                ranking.advance((model, user), &mut self.lookup, unseen, job.slice)
            }
            Work::Similar { ranking } => ranking.advance(model, job.slice),
            #[cfg(feature = "together")]
            Work::Together(work) => work.advance(model, &self.profiles, job.slice),
            #[cfg(feature = "learn")]
            Work::Learn(learning) => {
                match self.profiles.get_mut(usize::from(learning.owner())) {
                    Some(profile) => learning.advance(model, profile, job.slice),
                    // A job is only started for an owner that there is.
                    None => Progress { done: 0, total: 0 },
                }
            }
        };
        if done >= total {
            return self.finish(port);
        }
        let now = port.now();
        if now.wrapping_sub(job.heard) >= WORKING_EVERY {
            job.heard = now;
            say_working(port, job.asked.number, done, total);
        }
    }

    /// Answers the request whose work is done.
    #[inline(never)] // So that what answers takes no time, and no stack, of all slices before.
    fn finish(&mut self, port: &mut impl Port) {
        let (Some(job), Ok(model)) = (&self.job, &self.model) else {
            return;
        };
        #[cfg(all(feature = "grow", feature = "learn"))]
        if let Work::Learn(learning) = &job.work
            && let Some(movie) = learning.grown()
        {
            return self.finish_growing(movie, port);
        }
        joined!(model, self.added);
        let asked = job.asked;
        let reply = match &job.work {
            Work::Top { user, ranking, .. } => list(ranking.hits(), model, Some(user)),
            Work::Similar { ranking } => list(ranking.hits(), model, None),
            #[cfg(feature = "together")]
            Work::Together(work) => work.list(model),
            #[cfg(feature = "learn")]
            Work::Learn(learning) => match self.profiles.get_mut(usize::from(learning.owner())) {
                Some(profile) => learning.finish(model, profile),
                None => Reply::Refused(Refusal::UnknownOwner(learning.owner())),
            },
        };
        self.job = None;
        port.working(false);
        self.kept.answer(asked, &reply, port);
    }

    fn start(&mut self, asked: Asked, request: &Request, port: &mut impl Port) {
        self.asked = asked;
        let reply = match self.answer(request, port) {
            Ok(Some(reply)) => reply,
            Ok(None) => {
                if let Some(job) = &mut self.job {
                    job.heard = port.now();
                }
                return port.working(true);
            }
            Err(why) if self.is_deferred(why) => {
                self.waiting = Some((asked, *request));
                return;
            }
            Err(why) => Reply::Refused(self.refusal(why)),
        };
        self.kept.answer(asked, &reply, port);
    }

    // What takes more than a few words is a function of its own, here and for an owner: it writes its answer where the
    // caller wants it, and its stack isn't the others'.
    #[inline(never)]
    fn answer(&mut self, request: &Request, port: &impl Port) -> Answer<'m> {
        let reply = match *request {
            Request::Hello => Reply::Hello(self.hello()),
            Request::Limits => Reply::Limits(self.limits()),
            Request::LinkCounters => Reply::LinkCounters(LinkCounters {
                bad_frames: self.bad_frames,
                ..port.counters()
            }),
            Request::Health => Reply::Health(self.health(port.now())),
            // Cancel is obeyed where it comes in.
            Request::Cancel { .. } => Reply::Cancelled(false),
            Request::Owners => Reply::Owners(self.owners()),
            Request::Storage => Reply::Storage(self.store.report()),
            Request::Compact => return self.compact(),
            Request::Format => return self.format(),
            Request::Ratings { ref who, first } => return self.ratings(who, first),
            Request::ForgetMe { ref who } => return self.forget_me(who),
            #[cfg(feature = "grow")]
            Request::AddMovie { image, ref entry } => return self.add_movie(image, entry),
            #[cfg(feature = "grow")]
            Request::RemoveMovie { movie } => return self.remove_movie(movie),
            #[cfg(feature = "grow")]
            Request::Added { at } => Reply::Added(self.added_at(at)),
            _ => return self.answer_of_model(request),
        };
        Ok(Some(reply))
    }

    #[inline(never)]
    fn answer_of_model(&mut self, request: &Request) -> Answer<'m> {
        let image = self.model.map_err(|_| Why::NoModel)?;
        let model = &image;
        joined!(model, self.added);
        match *request {
            Request::Predict { ref who, movie } => self.predict(model, who, movie),
            Request::TopN {
                ref who,
                count,
                include_rated,
                include_below,
                order,
                ref wanted,
            } => self.top(
                model,
                who,
                (count, include_rated, include_below),
                (order, wanted),
            ),
            Request::Together {
                ref who,
                count,
                ref with,
                agreement,
                order,
                ref wanted,
            } => self.together(model, [who, with], (count, agreement), (order, wanted)),
            Request::Similar { movie, count } => self.similar(model, movie, count),
            Request::Rate {
                ref who,
                movie,
                stars,
            } => self.rate(model, who, movie, stars),
            Request::Import {
                ref who,
                count,
                ref ratings,
            } => self.import(model, who, ratings.get(..usize::from(count))),
            Request::Undo { ref who } => self.undo(model, who),
            Request::Forget { ref who, movie } => self.forget(model, who, movie),
            Request::Suggest { ref who, count } => self.suggest(model, who, count),
            Request::Explain { ref who, movie } => self.explain(model, who, movie),
            Request::Likely { ref who, movie } => self.likely(model, who, movie),
            Request::Profile { ref who } => self.profile_reply(model, who),
            _ => model_info(&image),
        }
    }

    #[inline(never)]
    fn predict(&self, model: &Model<'_>, who: &Who, movie: u32) -> Answer<'m> {
        let mut user = UserState::EMPTY;
        self.user(model, who, &mut user)?;
        let row = movie_row(model, movie)?;
        let stars = model.scale().clamp(model.score(&user, row));
        Ok(Some(Reply::Stars(stars)))
    }

    /// Begins long work; [`start`](Self::start) fills in since when.
    fn begin(&mut self, model: &Model<'_>, work: Work) -> Answer<'m> {
        let costs = model.costs();
        let cost = match work {
            #[cfg(feature = "orders")]
            Work::Top { ref ranking, .. } => ranking.cost(&costs),
            #[cfg(not(feature = "orders"))]
            Work::Top { .. } => costs.ranked,
            Work::Similar { .. } => costs.compared,
            #[cfg(feature = "together")]
            Work::Together(ref work) => work.cost(&costs),
            #[cfg(feature = "learn")]
            Work::Learn(_) => costs.rating,
        };
        self.job = Some(Job {
            asked: self.asked,
            work,
            slice: Costs::slice(self.board.poll_cycles, cost),
            heard: 0,
        });
        Ok(None)
    }
}

/// The reply to a request, or `None` where it will come from the work that has begun.
type Answer<'m> = Result<Option<Reply<'m>>, Why>;

/// The row of the movie `id`.
fn movie_row(model: &Model<'_>, id: u32) -> Result<u32, Why> {
    model
        .movie_row(MovieId(id))
        .map_err(|_| Why::UnknownMovie(id))
}

/// Says how far work is.
#[inline(never)]
fn say_working(port: &mut impl Port, number: u32, done: u32, total: u32) {
    send(port, number, &Reply::Working { done, total });
}

/// Sends a reply that isn't kept: progress, or a refusal that asking again may lift.
fn send(port: &mut impl Port, number: u32, reply: &Reply<'_>) {
    let mut frame = [0; MAX_FRAME];
    let length = encode_frame(VERSION, number, reply, &mut frame).unwrap_or_default();
    port.send(frame.get(..length).unwrap_or_default());
}
