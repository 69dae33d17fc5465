//! What a PC and a board share: requests, replies, and the frames that carry them.
//!
//! # Frames
//!
//! ```text
//! 0x00  COBS( version u8 | request number u32 | body, a postcard message | CRC-32 u32 of all before )  0x00
//! ```
//!
//! Numbers are little-endian. A zero byte stands before each frame and behind it, and occurs nowhere inside. The one
//! before ends whatever else is on the line: a line of a log, what a boot loader prints, noise, or half a frame that
//! was cut off; between zeros, what isn't a frame is skipped. The one behind lets a reader have the frame at once.
//! A reader takes frames that have only one zero between them. Before a frame that is sent again there are more,
//! [`PREAMBLE`].
//!
//! A reply carries the number of its request. A request that comes again, with its number, isn't carried out twice but
//! answered again, so a host that heard nothing asks again: [`service`](crate::service) says how far that goes.
//!
//! # For ever
//!
//! The layout of a frame, the request `Hello` (body `00`) and its reply never change, so that any host can tell
//! any firmware what is wrong. A firmware answers `Hello` whatever the frame's version. Nothing is appended to a
//! message that was released: a new request is added behind the others.

mod cobs;
mod error;
mod frame;
mod message;
mod refusal;

pub use error::FrameError;
pub use frame::{Frame, FrameReader, encode_frame};
pub use message::{
    Added, Because, Capabilities, Explained, Health, Hello, Limits, LinkCounters, ModelInfo,
    Owners, ProfileReply, Ranked, RatingEntry, RatingsReply, Reply, Request, Reset, Shared, Status,
    Storage, StorageState, Who,
};
pub use refusal::{NoModel, Refusal};

pub use crate::model::{Entry, MAX_ENTRY};

/// The version of frames and messages spoken here. It is raised where a message's bytes change, and a test that has all
/// of them fails where they change and it isn't.
pub const VERSION: u8 = 5;

/// What a `Hello` reply starts with.
pub const HELLO_MAGIC: [u8; 4] = *b"PkRd";

/// The longest body of a frame: a list for two where there is one, else a list.
pub const MAX_BODY: usize = if cfg!(feature = "together") { 344 } else { 288 };

/// Version, request number and CRC around a body.
pub const OVERHEAD: usize = 1 + 4 + 4;

/// The longest frame on the line, its code bytes and the zeros around it included.
pub const MAX_FRAME: usize = cobs::encoded_length(MAX_BODY + OVERHEAD) + 2;

/// What goes before a frame that is sent again, by either side. A line may lose its first bytes where a board is
/// switched on or a port is opened: then it loses these, and one repetition is enough however short the frame is.
pub const PREAMBLE: [u8; 64] = [0; 64];

/// The most movies in a reply.
pub const MAX_LIST: usize = 20;

/// The most movies in a reply for two: none without the feature `together`.
pub const MAX_SHARED: usize = if cfg!(feature = "together") {
    MAX_LIST
} else {
    0
};

/// The most owners that a device may have.
pub const MAX_OWNERS: usize = 8;

/// The most ratings in an `Import`.
pub const MAX_IMPORT: usize = 8;

/// The most ratings that a prediction is traced back to.
pub const MAX_BECAUSE: usize = 5;

/// The longest replies fit a body, whatever shape is compiled in: a code of 1 byte, then numbers of at most 5, single
/// precision of 4.
const _: () = {
    let (number, single, code) = (5, 4, 1);
    let length = 1;
    assert!(code + length + MAX_LIST * (number + 2 * single) <= MAX_BODY);
    assert!(code + length + MAX_SHARED * (number + 3 * single) <= MAX_BODY);
    assert!(code + number + single + length + crate::MAX_DIM * single <= MAX_BODY);
    assert!(code + number + length + MAX_LIST * (number + single + 1) <= MAX_BODY);
    assert!(code + 3 + length + 1 + MAX_ENTRY <= MAX_BODY);
    assert!(code + 6 * single + length + MAX_BECAUSE * (number + 2 * single) <= MAX_BODY);
};
