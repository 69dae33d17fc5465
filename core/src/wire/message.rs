//! Requests and replies. Variants are appended, never moved; the fields of a released one never change.

use super::refusal::Refusal;
use super::{Entry, MAX_BECAUSE, MAX_IMPORT, MAX_LIST, MAX_OWNERS, MAX_SHARED};
use crate::MAX_DIM;
use crate::list::List;
use crate::model::{Interval, Validation, Wanted};
use crate::rank::{Agreement, Order};
use serde::{Deserialize, Serialize};

/// The user or owner that a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Who {
    /// A person whose profile the device holds, from 0.
    Owner(u8),
    /// A user of the image, by MovieLens id.
    ImageUser(u32),
}

/// What a host asks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Request {
    /// Which device is this? Never changes.
    Hello,
    /// The device's limits: [`Limits`].
    Limits,
    /// The model: [`ModelInfo`].
    ModelInfo,
    /// The rating that a user or owner would give a movie.
    Predict {
        /// The user or owner.
        who: Who,
        /// MovieLens id.
        movie: u32,
    },
    /// The best movies for a user or owner, without those that they have rated, as far as the device knows
    /// ([`ModelInfo::seen`]), and without those that are predicted below their own mean. A long request: `Working` comes
    /// meanwhile.
    TopN {
        /// The user or owner.
        who: Who,
        /// Length of the list, at most [`MAX_LIST`].
        count: u8,
        /// Whether rated movies may be in the list.
        include_rated: bool,
        /// Whether movies may be in the list that are predicted below their mean.
        include_below: bool,
        /// What the list is sorted by; by anything but scores, as far as the firmware can ([`Capabilities::ORDERS`]).
        order: Order,
        /// Which movies the list may have; all, where the image says nothing of them ([`ModelInfo::facets`]).
        wanted: Wanted,
    },
    /// The movies most similar to one. A long request: `Working` comes meanwhile.
    Similar {
        /// MovieLens id.
        movie: u32,
        /// Length of the list, at most [`MAX_LIST`].
        count: u8,
    },
    /// An owner rates a movie, and the device learns.
    Rate {
        /// The owner who rates.
        who: Who,
        /// MovieLens id.
        movie: u32,
        /// Stars, on the model's scale.
        stars: f32,
    },
    /// The row and bias of a user or owner: [`ProfileReply`].
    Profile {
        /// The user or owner.
        who: Who,
    },
    /// Cancels the long request of this number, which is then refused as `Cancelled`.
    Cancel {
        /// The long request's number.
        number: u32,
    },
    /// Counters of the serial line: [`LinkCounters`].
    LinkCounters,
    /// How the board is: [`Health`].
    Health,
    /// Undoes an owner's last rating: the movie has its earlier rating again, or none.
    Undo {
        /// The owner.
        who: Who,
    },
    /// Deletes an owner's rating of a movie for good: out of use at once, out of flash at the next compaction.
    Forget {
        /// The owner.
        who: Who,
        /// MovieLens id.
        movie: u32,
    },
    /// Deletes all ratings of an owner. They are erased from flash, and that is verified, before the answer. Movies that were
    /// added stay: they say nothing of anybody.
    ForgetMe {
        /// The owner.
        who: Who,
    },
    /// An owner's ratings, in the order in which they count: [`RatingsReply`].
    Ratings {
        /// The owner.
        who: Who,
        /// The first one wanted, from 0.
        first: u16,
    },
    /// Rates several movies, in this order, with one fold-in at the end: how a saved profile is loaded.
    Import {
        /// The owner who rates.
        who: Who,
        /// How many of `ratings` count.
        count: u8,
        /// MovieLens ids and stars.
        ratings: [(u32, f32); MAX_IMPORT],
    },
    /// The movies whose rating by an owner would teach most. A long request: `Working` comes meanwhile.
    Suggest {
        /// The owner.
        who: Who,
        /// Length of the list, at most [`MAX_LIST`].
        count: u8,
    },
    /// A prediction with its parts and its reasons: [`Explained`].
    Explain {
        /// The user or owner.
        who: Who,
        /// MovieLens id.
        movie: u32,
    },
    /// The device's owners: [`Owners`].
    Owners,
    /// How the owners' ratings are stored: [`Storage`].
    Storage,
    /// Copies the live records and erases the rest, so that deleted ratings are gone from flash.
    Compact,
    /// Erases the ratings of all owners and the movies that were added, in RAM and in flash, whatever flash holds: the way
    /// out if what it holds can't be opened or has no room left. Answered by [`Storage`].
    Format,
    /// The best movies for two together, as [`TopN`](Self::TopN) has them for one: [`Reply::Together`]. A long request:
    /// `Working` comes meanwhile.
    Together {
        /// A user or owner.
        who: Who,
        /// Length of the list, at most [`MAX_LIST`].
        count: u8,
        /// The other user or owner.
        with: Who,
        /// What a movie is worth to two.
        agreement: Agreement,
        /// What the list is sorted by.
        order: Order,
        /// Which movies the list may have.
        wanted: Wanted,
    },
    /// Between which stars a user's or owner's rating of a movie is likely to be: [`Reply::Likely`]. Asked of a device that
    /// has [`Capabilities::ODDS`].
    Likely {
        /// The user or owner.
        who: Who,
        /// MovieLens id.
        movie: u32,
    },
    /// Adds a movie to the image: it is kept like a rating, and ranked like the image's own. Answered by [`Reply::Added`];
    /// where somebody has rated it, a long request. Asked of a device that has [`Capabilities::GROW`]; so with those that follow.
    // Whoever doesn't grow needs no code to read it.
    #[cfg_attr(not(feature = "grow"), serde(skip_deserializing))]
    AddMovie {
        /// CRC-32 of the image that it is for ([`ModelInfo::crc`]).
        #[serde(with = "postcard::fixint::le")]
        image: u32,
        /// What the image's tables would have of it.
        entry: Entry,
    },
    /// Takes a movie out that was added. Ratings of it stay, and are of no use without it.
    #[cfg_attr(not(feature = "grow"), serde(skip_deserializing))]
    RemoveMovie {
        /// MovieLens id.
        movie: u32,
    },
    /// One of the movies that were added: [`Reply::Added`].
    #[cfg_attr(not(feature = "grow"), serde(skip_deserializing))]
    Added {
        /// Which, from 0.
        at: u8,
    },
}

/// What a device answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(
    clippy::large_enum_variant,
    reason = "one reply at a time, on the stack, and no heap to box it on"
)]
pub enum Reply<'a> {
    /// To `Hello`. Never changes.
    Hello(Hello),
    /// The request is not carried out.
    Refused(Refusal),
    /// A long request is under way; its answer will come.
    Working {
        /// Movies looked at so far.
        done: u32,
        /// Movies in the model.
        total: u32,
    },
    /// To `Limits`.
    Limits(Limits),
    /// To `ModelInfo`.
    #[serde(borrow)]
    ModelInfo(ModelInfo<'a>),
    /// To `Predict`: stars, clamped to the scale.
    Stars(f32),
    /// To `TopN` and `Similar`.
    Movies(List<Ranked, MAX_LIST>),
    /// To `Rate`.
    Rated {
        /// What the device would have predicted before it learned, clamped to the scale.
        before: f32,
        /// What it predicts now.
        after: f32,
        /// Ratings that formed the profile.
        ratings: u32,
    },
    /// To `Profile`.
    Profile(ProfileReply),
    /// To `Cancel`: whether there was such a request.
    Cancelled(bool),
    /// To `LinkCounters`.
    LinkCounters(LinkCounters),
    /// To `Health`.
    Health(Health<'a>),
    /// To `Undo`.
    Undone {
        /// The movie whose rating was undone.
        movie: u32,
        /// Its earlier stars, which count again, if it had any.
        stars: Option<f32>,
        /// Ratings that form the profile.
        ratings: u32,
    },
    /// To `Forget` and `ForgetMe`.
    Forgotten {
        /// Ratings that form the profile.
        ratings: u32,
    },
    /// To `Ratings`.
    Ratings(RatingsReply),
    /// To `Import`: how many were taken, from the first, and why no more.
    Imported {
        /// Ratings taken.
        taken: u8,
        /// Why the next one wasn't.
        refused: Option<Refusal>,
        /// Ratings that form the profile.
        ratings: u32,
    },
    /// To `Explain`.
    Explained(Explained),
    /// To `Owners`.
    Owners(Owners),
    /// To `Storage` and `Compact`.
    Storage(Storage),
    /// To `Together`, the best first.
    // Whoever can't answer it needs no code to write it; so with what follows.
    #[cfg_attr(not(feature = "together"), serde(skip_serializing))]
    Together(List<Shared, MAX_SHARED>),
    /// To `Likely`; nothing where the image doesn't say how sure predictions are.
    #[cfg_attr(not(feature = "odds"), serde(skip_serializing))]
    Likely(Option<Interval>),
    /// To `AddMovie`, `RemoveMovie` and `Added`.
    #[cfg_attr(not(feature = "grow"), serde(skip_serializing))]
    Added(Added),
}

/// What a device says of itself first. Never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Hello {
    /// [`HELLO_MAGIC`](super::HELLO_MAGIC).
    pub magic: [u8; 4],
    /// Oldest frame version spoken.
    pub oldest: u8,
    /// Newest frame version spoken.
    pub newest: u8,
    /// Version of the firmware: major, minor, patch.
    pub firmware: [u8; 3],
    /// A [`Status`] code.
    pub status: u8,
    /// Bits of [`Capabilities`].
    #[serde(with = "postcard::fixint::le")]
    pub capabilities: u32,
    /// Bytes of the largest frame it takes in, the zeros around it included.
    #[serde(with = "postcard::fixint::le")]
    pub largest_frame: u16,
}

/// A device's state, in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// It has a model and answers requests.
    Ready = 0,
    /// It has no model, or a bad one; every request that needs one is refused with the reason.
    NoModel = 1,
}

/// What a firmware can do, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Capabilities(pub u32);

impl Capabilities {
    /// It learns from ratings.
    pub const LEARN: u32 = 1;
    /// What it learned outlives a restart.
    pub const STORAGE: u32 = 1 << 1;
    /// It logs by defmt over RTT.
    pub const LOG: u32 = 1 << 2;
    /// It says how sure predictions are, by what its image says of that.
    pub const ODDS: u32 = 1 << 3;
    /// It takes movies that are added to its image.
    pub const GROW: u32 = 1 << 4;
    /// It sorts lists by other orders than that of scores.
    pub const ORDERS: u32 = 1 << 5;
    /// It makes lists for two.
    pub const TOGETHER: u32 = 1 << 6;

    /// Whether all of `bits` are set.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

/// A device's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// Number of profiles.
    pub owners: u8,
    /// The most movies in a list.
    pub list: u8,
    /// The most dimensions of a row.
    pub dimensions: u8,
    /// The most units of a hidden layer.
    pub units: u8,
    /// The longest body of a frame, in bytes.
    pub body: u16,
    /// The longest image its region takes, in bytes.
    pub image: u32,
    /// Ratings that each profile holds at most; a full one refuses and drops nothing.
    pub ratings: u16,
    /// Ratings that can be undone.
    pub undo: u8,
    /// Bytes of the region that keeps ratings, 0 where there is none.
    pub storage: u32,
}

/// The model on a device.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ModelInfo<'a> {
    /// The model's name.
    pub name: &'a str,
    /// The licence line of the data it was trained on.
    pub license: &'a str,
    /// Fingerprint of that data.
    #[serde(with = "postcard::fixint::le")]
    pub fingerprint: u64,
    /// Bytes of the image.
    pub length: u32,
    /// CRC-32 of the image: a twin on the PC must have the same.
    #[serde(with = "postcard::fixint::le")]
    pub crc: u32,
    /// Movies.
    pub movies: u32,
    /// Users.
    pub users: u32,
    /// Dimensions of a user's row.
    pub user_dim: u8,
    /// Dimensions of a movie's row.
    pub movie_dim: u8,
    /// Bits of [`Parts`](crate::model::Parts).
    pub parts: u8,
    /// Mean rating.
    pub mean: f32,
    /// Lowest rating.
    pub lowest: f32,
    /// Highest rating.
    pub highest: f32,
    /// Step between ratings.
    pub step: f32,
    /// Whether the image says which movies its users have rated, so that their lists are without them. An owner's
    /// always are.
    pub seen: bool,
    /// Whether lists can be filtered: the image says of which genres and years its movies are, and the firmware reads it.
    pub facets: bool,
    /// How well the model predicted the ratings that its training held out, where the image says so.
    pub validation: Option<Validation>,
}

/// A movie of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ranked {
    /// MovieLens id.
    pub movie: u32,
    /// What it was ranked by: a score before it is clamped to the scale, what another [`Order`] goes by, or a likeness.
    pub score: f32,
    /// The prediction in stars, clamped to the scale; for similar movies, the likeness again.
    pub stars: f32,
}

/// A movie of a list for two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shared {
    /// MovieLens id.
    pub movie: u32,
    /// What it was ranked by, in stars above their means: [`Agreement`] of both their scores.
    pub score: f32,
    /// The prediction for each of them in stars, clamped to the scale.
    pub stars: [f32; 2],
}

/// Movies that were added to a device's image, and one of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Added {
    /// How many there are.
    pub movies: u8,
    /// How many fit in all.
    pub room: u8,
    /// How many are in what is stored but not among them, since they are for another image.
    pub dropped: u8,
    /// The entry of the one that was asked for, or of the last one; empty where there is none.
    pub entry: Entry,
}

/// The row and bias of a user or owner, bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileReply {
    /// Ratings that it was learned from; 0 for a user of the image.
    pub ratings: u32,
    /// The bias.
    pub bias: f32,
    /// The row.
    pub row: List<f32, MAX_DIM>,
}

/// Some of an owner's ratings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatingsReply {
    /// Ratings there are.
    pub total: u16,
    /// Those from the one asked for, in the order in which they count.
    pub ratings: List<RatingEntry, MAX_LIST>,
}

/// A rating of an owner's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RatingEntry {
    /// MovieLens id.
    pub movie: u32,
    /// Stars.
    pub stars: f32,
    /// Whether the model can use it: it knows the movie, and has the stars on its scale.
    pub used: bool,
}

/// A prediction and its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// The prediction in stars, clamped to the scale.
    pub stars: f32,
    /// Mean rating.
    pub mean: f32,
    /// The user's bias.
    pub user_bias: f32,
    /// The movie's bias.
    pub movie_bias: f32,
    /// The dot product.
    pub dot: f32,
    /// The MLP.
    pub mlp: f32,
    /// The owner's ratings that moved it most, most first; none for a user of the image.
    pub because: List<Because, MAX_BECAUSE>,
}

/// How much a rating moved a prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Because {
    /// MovieLens id of the movie that was rated.
    pub movie: u32,
    /// The stars it got.
    pub stars: f32,
    /// Stars by which that moved the prediction.
    pub moved: f32,
}

/// The owners of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Owners {
    /// Number of profiles.
    pub owners: u8,
    /// Ratings that each holds at most.
    pub capacity: u16,
    /// RAM of a profile, in bytes.
    pub ram: u16,
    /// Flash of a full profile, in bytes, 0 where nothing is kept.
    pub flash: u16,
    /// Ratings of each.
    pub ratings: [u16; MAX_OWNERS],
    /// Of those, ratings that the model can't use.
    pub unused: [u16; MAX_OWNERS],
}

/// How the owners' ratings are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Storage {
    /// Where they are.
    pub state: StorageState,
    /// Bytes of the region.
    pub bytes: u32,
    /// Pages that are erased together.
    pub pages: u16,
    /// Of those, erased and ready.
    pub free: u16,
    /// Records of the current pages that are in use: each change is one.
    pub records: u32,
    /// Records that the current pages hold.
    pub capacity: u32,
    /// How often the region was written from front to back: its wear.
    pub rounds: u32,
    /// Torn records met since the start: a change that lost its power.
    pub torn: u16,
    /// Writes that read back wrong since the start: worn flash.
    pub bad_writes: u16,
}

/// Where ratings are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StorageState {
    /// In RAM: this firmware stores nothing.
    Absent,
    /// In flash.
    Flash,
    /// In flash, whose region held something else before: it was erased.
    Formatted,
    /// In RAM: flash took no write when it was tried, or its region is too small. There is nothing in it.
    Failed,
    /// In flash, which can't be read, or doesn't fit this firmware: there may be ratings in it, none of them is in use,
    /// and none is taken until `Format`.
    Closed,
    /// In flash, as a firmware of another version writes them: none of them is in use, and none is taken until
    /// `Format`.
    OtherVersion,
}

/// Counters of a board's serial line since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkCounters {
    /// Bytes received.
    pub received: u32,
    /// Bytes received while a long request ran.
    pub while_working: u32,
    /// Bytes lost: they came faster than they were taken, or were damaged on the line.
    pub lost: u32,
    /// Frames that were not understood.
    pub bad_frames: u32,
}

/// The condition of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Health<'a> {
    /// The board's name.
    pub board: &'a str,
    /// Why it started last.
    pub reset: Reset,
    /// Where it was when it panicked or faulted: a line number or an address, 0 otherwise.
    pub at: u32,
    /// Panics and faults since the power came on.
    pub crashes: u32,
    /// Milliseconds since it started; wraps after 49 days.
    pub uptime: u32,
}

/// Why a board started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reset {
    /// Power came on, or the reset button was pressed.
    Power,
    /// The firmware panicked.
    Panic,
    /// The processor faulted.
    Fault,
    /// The arithmetic failed its check at the start: predictions may differ from a PC's.
    Arithmetic,
}
