//! How deep a piece of work reaches into the stack: what is free is painted before, and looked at after.

use core::arch::asm;

const PAINT: u32 = 0x5aa5_c33c;

unsafe extern "C" {
    /// The first address behind the variables, of cortex-m-rt's linker script.
    static mut __sheap: u32;
}

fn bottom() -> *mut u32 {
    &raw mut __sheap
}

#[inline(always)]
fn pointer() -> *mut u32 {
    let at: *mut u32;
    // SAFETY: reads the stack pointer.
    unsafe { asm!("mov {}, sp", out(reg) at, options(nomem, nostack)) };
    at
}

/// Paints all that is free, but for a little that painting itself may use.
#[inline(always)]
pub fn paint() {
    let mut at = bottom();
    let end = pointer().wrapping_sub(16);
    while at < end {
        // SAFETY: between the variables and the stack nothing is used.
        unsafe { at.write_volatile(PAINT) };
        at = at.wrapping_add(1);
    }
}

/// Bytes below the stack pointer that were used since [`paint`], the caller being at the same depth.
#[inline(always)]
pub fn used() -> usize {
    let mut at = bottom();
    let end = pointer();
    // SAFETY: as in `paint`.
    while at < end && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    (end as usize).saturating_sub(at as usize)
}
