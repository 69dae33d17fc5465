//! The page's side of WebAssembly: a board and the host's end of a serial line, for the scripts in `page/`.
//!
//! [`device`] is core's service with its flash, a board like any other: bytes go in and come out. [`host`] turns what a
//! script asks into frames and a board's frames into answers, so that only core knows their bytes, whichever board is
//! at the other end. [`mod@movies`] is the search.
//!
//! A script hands over bytes in two steps: it asks [`input`] for room, writes there, and calls what takes them. What comes
//! back lies at [`output`]. There is one of everything, as there is one page.

pub mod device;
pub mod flash;
pub mod host;
pub mod movies;

use std::cell::RefCell;

use device::Device;
use host::Host;
use movies::Movies;

/// All that the page has.
#[derive(Default)]
struct Page {
    input: Vec<u8>,
    output: Vec<u8>,
    image: Option<&'static [u8]>,
    device: Option<Device>,
    host: Host,
    movies: Movies,
}

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

/// Does something with the page and what was put in, and puts out what comes of it; returns its length.
fn with(work: impl FnOnce(&mut Page, &[u8]) -> Vec<u8>) -> usize {
    PAGE.with_borrow_mut(|page| {
        let input = std::mem::take(&mut page.input);
        page.output = work(page, &input);
        page.output.len()
    })
}

/// As [`with`], of the board; nothing where none was started.
fn with_device(work: impl FnOnce(&mut Device, &[u8]) -> Vec<u8>) -> usize {
    with(|page, input| match &mut page.device {
        Some(device) => work(device, input),
        None => Vec::new(),
    })
}

/// Room for `length` bytes, which the next call of another function takes.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn input(length: usize) -> *mut u8 {
    PAGE.with_borrow_mut(|page| {
        page.input = vec![0; length];
        page.input.as_mut_ptr()
    })
}

/// Where the output of the last call lies, until the next one.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn output() -> *const u8 {
    PAGE.with_borrow(|page| page.output.as_ptr())
}

/// Takes the titles that a search looks through; see [`Movies::new`].
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn movies() -> usize {
    with(|page, input| {
        page.movies = Movies::new(&String::from_utf8_lossy(input));
        Vec::new()
    })
}

/// The ids of at most `most` movies that fit the words in the input, as JSON.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn search(most: usize) -> usize {
    with(|page, input| page.movies.search(&String::from_utf8_lossy(input), most))
}

/// Takes the image of the page's board. Once: it stays as long as the page does.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn image() -> usize {
    with(|page, input| {
        page.image = Some(device::keep(input));
        Vec::new()
    })
}

/// The names of the genres by which a board with the page's image filters lists, as JSON, that of bit 0 first.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn genres() -> usize {
    with(|page, _| host::genres(page.image.unwrap_or_default()))
}

/// What scores of the page's image count beside predicted stars, as JSON.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn beside() -> usize {
    with(|page, _| host::beside(page.image.unwrap_or_default()))
}

/// Starts the page's board with the flash in the input; an empty one is new.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn start() -> usize {
    with(|page, input| {
        page.device = Some(Device::start(page.image.unwrap_or_default(), input));
        Vec::new()
    })
}

/// Hands the board bytes from its line, at `now` milliseconds.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn receive(now: u32) -> usize {
    with_device(|device, input| {
        device.receive(input, now);
        Vec::new()
    })
}

/// Lets the board work on for a moment; puts out what it sent. Returns 1 if there is more to do.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn work(now: u32) -> u32 {
    let mut more = false;
    with_device(|device, _| {
        more = device.work(now);
        Vec::new()
    });
    more.into()
}

/// What the board has sent since the last call.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn sent() -> usize {
    with_device(|device, _| device.sent())
}

/// The board's flash, if it changed since the last call.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn changed_flash() -> usize {
    with_device(|device, _| device.changed_flash().unwrap_or_default())
}

/// The frame that asks the request in the input, which is JSON, under `number`; with zeros ahead if it is asked `again`.
/// Nothing where it is no request.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn frame(number: u32, again: u32) -> usize {
    with(|_, input| host::frame(input, number, again != 0).unwrap_or_default())
}

/// The request whose message is in the input, as JSON: what [`frame`] takes. Nothing where it is none.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn request() -> usize {
    with(|_, input| host::request(input).unwrap_or_default())
}

/// What a board answers in the bytes of the input, as JSON; see [`Host::receive`].
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn answers() -> usize {
    with(|page, input| page.host.receive(input))
}

/// Forgets half a frame that a board which is gone has left.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn other_board() {
    PAGE.with_borrow_mut(|page| page.host = Host::default());
}
