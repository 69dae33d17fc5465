//! The flash regions that the linker's memory map names, as slices.
#![allow(unsafe_code)] // The map's symbols are addresses, which only `unsafe` turns into memory.

use crate::flash::{Controller, Region};
use crate::room;
use pocketrec::store::flash::FlashLog;

unsafe extern "C" {
    static __image_start: u8;
    static __image_length: u8;
    static __profile_start: u8;
}

include!(concat!(env!("OUT_DIR"), "/regions.rs"));

/// The image region: where the model lies, whole, whatever it holds.
pub fn image() -> &'static [u8] {
    // SAFETY: `boards/*.x` puts this region into flash that exists, apart from the firmware's own; nothing writes
    // it while the firmware runs.
    unsafe {
        core::slice::from_raw_parts(&raw const __image_start, (&raw const __image_length).addr())
    }
}

/// First address and length of the profile region.
pub fn profile() -> (u32, u32) {
    ((&raw const __profile_start).addr() as u32, PROFILE_LENGTH)
}

/// The log of `OWNERS` profiles of up to `LOG` ratings in the profile region, which nobody else may write.
///
/// A memory map whose region is too small for them doesn't compile.
pub fn profile_log<C: Controller, const OWNERS: usize, const LOG: usize>(
    controller: C,
) -> FlashLog<Region<C>> {
    const { room::require(PROFILE_LENGTH, C::PAGE as u32, OWNERS, LOG) };
    FlashLog::open(Region::profile(controller), room::records(OWNERS, LOG))
}
