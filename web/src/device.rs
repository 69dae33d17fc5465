//! The page's board: core's service, the model's image, and flash that keeps what it learns.

use pocketrec::model::Model;
use pocketrec::profile::UNDO_DEPTH;
use pocketrec::service::{Board, QueuedPort, Service};
use pocketrec::store::flash::{FlashLog, least_region};
use pocketrec::wire::{Capabilities, Reset};

use super::flash::{BYTES, Flash};

/// People who share it: a list may be for two.
const OWNERS: usize = 2;

/// Ratings that each may give.
const RATINGS: usize = 700;

/// Records of all of them.
const RECORDS: usize = OWNERS * (RATINGS + UNDO_DEPTH);

const _: () = assert!(
    least_region(4096, 4, RECORDS) as usize <= BYTES,
    "flash has room for the owners' ratings"
);

/// What is done before the page may do something else, as a core without a floating-point unit would count it: a ranking
/// of integers takes a few such moments.
const POLL_CYCLES: u32 = 1_500_000;

/// The bytes of an image where they stay, aligned as a model wants them.
pub fn keep(image: &[u8]) -> &'static [u8] {
    // A vector of its own length would be aligned to bytes.
    let room: &'static mut [u8] = vec![0; image.len() + 4].leak();
    let ahead = room.as_ptr().align_offset(4);
    let place = &mut room[ahead..ahead + image.len()];
    place.copy_from_slice(image);
    place
}

/// The board, running.
pub struct Device {
    service: Service<'static, OWNERS, RATINGS, FlashLog<Flash>>,
    flash: Flash,
    line: QueuedPort<{ QueuedPort::<0>::ENOUGH }>,
    /// What the line sent.
    out: Vec<u8>,
}

impl Device {
    /// The board with an image and what its flash held before; other bytes than a whole flash are a new one.
    pub fn start(image: &'static [u8], flash: &[u8]) -> Self {
        let number = |digits: &str| digits.parse().unwrap_or_default();
        let board = Board {
            name: "page",
            firmware: [
                number(env!("CARGO_PKG_VERSION_MAJOR")),
                number(env!("CARGO_PKG_VERSION_MINOR")),
                number(env!("CARGO_PKG_VERSION_PATCH")),
            ],
            capabilities: Capabilities::default(),
            image_region: image.len() as u32,
            reset: Reset::Power,
            at: 0,
            crashes: 0,
            poll_cycles: POLL_CYCLES,
        };
        let flash = Flash::new(flash);
        let store = FlashLog::open(flash.clone(), RECORDS);
        Self {
            service: Service::with_store(Model::open(image), board, store),
            flash,
            line: QueuedPort::new(),
            out: Vec::new(),
        }
    }

    /// Takes in bytes from the line.
    pub fn receive(&mut self, bytes: &[u8], now: u32) {
        self.line.set_now(now);
        for byte in bytes {
            self.line.count_received(1);
            self.service.receive(*byte, &mut self.line);
            self.send();
        }
    }

    /// Works for a moment; whether there is more to do.
    pub fn work(&mut self, now: u32) -> bool {
        self.line.set_now(now);
        if self.service.is_working() {
            self.service.poll(&mut self.line);
            self.send();
            return true;
        }
        self.service.idle()
    }

    /// What was sent since the last call.
    pub fn sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Empties the line's queue, so that the next call of the service finds room.
    fn send(&mut self) {
        while let waiting @ 1.. = self.line.waiting().len() {
            self.out.extend_from_slice(self.line.waiting());
            self.line.sent(waiting);
        }
    }

    /// The flash, if it changed since the last call.
    pub fn changed_flash(&mut self) -> Option<Vec<u8>> {
        let mut cells = self.flash.0.borrow_mut();
        std::mem::take(&mut cells.changed).then(|| cells.bytes.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::host;
    use super::*;

    fn ask(device: &mut Device, number: u32, request: &str) -> String {
        let frame = host::frame(request.as_bytes(), number, false).unwrap();
        device.receive(&frame, 0);
        while device.work(0) {}
        String::from_utf8(host::Host::default().receive(&device.sent())).unwrap()
    }

    #[test]
    fn what_the_board_learns_is_in_its_flash_and_comes_back_with_it() {
        let example = pocketrec::image::example();
        let image = keep(example.bytes());
        let mut device = Device::start(image, &[]);
        let rate = r#"{"Rate":{"who":{"Owner":0},"movie":10,"stars":4.5}}"#;
        let rated = ask(&mut device, 1, rate);
        assert!(rated.contains(r#""ratings":1"#), "{rated}");
        let flash = device.changed_flash().unwrap();
        assert_eq!(flash.len(), BYTES);
        assert!(device.changed_flash().is_none());

        let profile = r#"{"Profile":{"who":{"Owner":0}}}"#;
        let before = ask(&mut device, 2, profile);
        let mut again = Device::start(image, &flash);
        assert_eq!(ask(&mut again, 2, profile), before);
        let undone = ask(&mut again, 3, r#"{"Undo":{"who":{"Owner":0}}}"#);
        assert!(undone.contains(r#""movie":10"#), "{undone}");

        let mut new = Device::start(image, &flash[1..]);
        assert_ne!(ask(&mut new, 2, profile), before);
    }

    #[test]
    fn a_board_without_an_image_says_so() {
        let mut device = Device::start(&[], &[]);
        let told = ask(&mut device, 1, r#""ModelInfo""#);
        assert!(told.contains("the device has no model"), "{told}");
    }
}
