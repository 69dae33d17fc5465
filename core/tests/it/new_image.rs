//! A new image under an old profile: other dimensions, other movies. What is known counts on, the rest waits and is told.
#![cfg(feature = "learn")]

use std::cell::RefCell;
use std::rc::Rc;

use crate::device::Device;
use crate::plain::Plain;
use pocketrec::image::example;

use pocketrec::store::{InRam, Record, Store, StoreError};
use pocketrec::wire::{Refusal, Reply, Request, Storage, Who};

const OWNER: Who = Who::Owner(0);

/// What outlives a restart.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<Record>>>);

impl Store for Kept {
    fn replay(&mut self, take: &mut dyn FnMut(Record)) {
        self.0.borrow().iter().copied().for_each(take);
    }

    fn append(&mut self, record: Record) -> Result<(), StoreError> {
        self.0.borrow_mut().push(record);
        Ok(())
    }

    fn compact(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        let live = live.collect();
        *self.0.borrow_mut() = live;
        Ok(())
    }

    fn report(&self) -> Storage {
        InRam.report()
    }
}

type Owned<'m> = Device<'m, 1, 8, Kept>;

impl<'m> Owned<'m> {
    /// A device that starts with this image, and what it kept.
    fn start(image: &'m [u8], kept: &Kept) -> Self {
        Self::new(crate::open(image), kept.clone())
    }

    fn rate(&mut self, movie: u32, stars: f32) {
        let who = OWNER;
        let reply = self.ask(Request::Rate { who, movie, stars });
        assert!(matches!(reply, Reply::Rated { .. }), "{reply:?}");
    }

    fn row(&mut self) -> (Vec<u32>, u32) {
        let Reply::Profile(profile) = self.ask(Request::Profile { who: OWNER }) else {
            panic!("no profile")
        };
        let bits = profile.row.iter().chain([&profile.bias]);
        (bits.map(|x| x.to_bits()).collect(), profile.ratings)
    }

    /// Movies, stars and whether the model uses the rating.
    fn ratings(&mut self) -> Vec<(u32, f32, bool)> {
        let (who, first) = (OWNER, 0);
        let Reply::Ratings(page) = self.ask(Request::Ratings { who, first }) else {
            panic!("no ratings")
        };
        let entries = page.ratings.iter();
        entries
            .map(|entry| (entry.movie, entry.stars, entry.used))
            .collect()
    }

    fn unused(&mut self) -> (u16, u16) {
        let Reply::Owners(owners) = self.ask(Request::Owners) else {
            panic!("no owners")
        };
        (owners.ratings[0], owners.unused[0])
    }
}

#[test]
fn known_movies_count_on_under_a_new_image_and_the_others_wait_and_are_told() {
    let (old, new) = (Plain::new(5, &[], 1).image(), example());
    let kept = Kept::default();
    let mut device = Owned::start(old.bytes(), &kept);
    for (movie, stars) in [(7, 1.0), (10, 4.5), (33, 5.0), (20, 2.0)] {
        device.rate(movie, stars);
    }
    let before = device.row();
    assert_eq!(device.unused(), (4, 0));

    // Of another model, with 2 dimensions, that knows 10 and 20 of these movies.
    let mut device = Owned::start(new.bytes(), &kept);
    assert_eq!(
        device.ratings(),
        [
            (7, 1.0, false),
            (10, 4.5, true),
            (33, 5.0, false),
            (20, 2.0, true)
        ]
    );
    assert_eq!(device.unused(), (4, 2));
    let mut fresh = Owned::start(new.bytes(), &Kept::default());
    fresh.rate(10, 4.5);
    fresh.rate(20, 2.0);
    assert_eq!(device.row().0, fresh.row().0);

    // What waits can't be rated anew, but taken back and forgotten, after a compaction too.
    let who = OWNER;
    let reply = device.ask(Request::Rate {
        who,
        movie: 7,
        stars: 3.0,
    });
    assert_eq!(reply, Reply::Refused(Refusal::UnknownMovie(7)));
    device.rate(300, 3.5);
    device.ask(Request::Compact);
    let mut device = Owned::start(new.bytes(), &kept);
    assert_eq!(device.unused(), (5, 2));
    device.ask(Request::Undo { who });
    assert_eq!(device.row().0, fresh.row().0);

    // Under the old image it is as it was, to the bit.
    let mut device = Owned::start(old.bytes(), &kept);
    assert_eq!((device.row(), device.unused()), (before, (4, 0)));

    let mut device = Owned::start(new.bytes(), &kept);
    device.ask(Request::Forget { who, movie: 33 });
    assert_eq!(device.unused(), (3, 1));
    assert_eq!(device.row().0, fresh.row().0);
}

#[test]
fn a_device_without_a_model_keeps_what_it_was_told() {
    let image = Plain::new(5, &[], 1).image();
    let kept = Kept::default();
    let mut device = Owned::start(image.bytes(), &kept);
    device.rate(7, 1.0);
    let before = device.row();
    let mut bare = Owned::start(&[], &kept);
    assert!(matches!(
        bare.ask(Request::Profile { who: OWNER }),
        Reply::Refused(Refusal::NoModel(_))
    ));
    assert_eq!(bare.ratings(), [(7, 1.0, false)]);
    let mut device = Owned::start(image.bytes(), &kept);
    assert_eq!(device.row(), before);
}
