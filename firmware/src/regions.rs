//! The flash regions that a board's data file names: the image as a slice, the profile as a log.
#![allow(unsafe_code)] // Their addresses are numbers, which only `unsafe` turns into memory.

use crate::board::Facts;
use crate::flash::{Controller, Region};
use crate::room;
use pocketrec::store::flash::FlashLog;

/// The image region: where the model lies, whole, whatever it holds.
///
/// # Safety
///
/// The region is flash that exists, and nothing writes it while the firmware runs.
pub unsafe fn image(facts: &Facts) -> &'static [u8] {
    let (start, length) = facts.image;
    // SAFETY: as the caller promises.
    unsafe {
        core::slice::from_raw_parts(
            core::ptr::with_exposed_provenance(start as usize),
            length as usize,
        )
    }
}

/// The log of all owners' profiles in the profile region.
///
/// # Safety
///
/// The region is flash that exists, the controller is that flash's, and nothing else writes there.
pub unsafe fn profile_log<C: Controller<WORD>, const WORD: usize>(
    controller: C,
    facts: &Facts,
) -> FlashLog<Region<C, WORD>> {
    // SAFETY: as the caller promises.
    let region = unsafe { Region::new(controller, facts.profile) };
    FlashLog::open(region, room::records(facts.owners, facts.ratings))
}
