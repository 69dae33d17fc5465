//! The chip's watchdogs, of which its ROM leaves three running: two to see that a program starts, one over them all.

use super::{Parts, pac};

/// What opens the registers of a watchdog, and of the one over them all.
const KEY: u32 = 0x50D8_3AA1;
const SUPER_KEY: u32 = 0x8F1D_312A;

/// A second of the RTC watchdog, which counts a slow oscillator's 136 kHz and waits twice as long as it is told, or up to 16
/// times as the chip's fuses have it.
const SECOND: u32 = 136_000 / 2;

/// Stops them; the one over them all feeds itself.
pub fn stop_all(parts: &Parts) {
    stop(&parts.clocks);
    let timers = &parts.timers;
    // SAFETY: the keys, and a stopped watchdog, which takes over what was written.
    unsafe {
        timers
            .wdtwprotect()
            .write(|register| register.wdt_wkey().bits(KEY));
        timers
            .wdtconfig0()
            .write(|register| register.bits(0).wdt_conf_update_en().set_bit());
        timers
            .wdtwprotect()
            .write(|register| register.wdt_wkey().bits(0));
        let supervisor = &parts.clocks;
        supervisor
            .swd_wprotect()
            .write(|register| register.swd_wkey().bits(SUPER_KEY));
        supervisor
            .swd_conf()
            .modify(|_, register| register.swd_auto_feed_en().set_bit());
        supervisor
            .swd_wprotect()
            .write(|register| register.swd_wkey().bits(0));
    }
}

/// Has the RTC watchdog reset the chip in two seconds or some more.
pub fn arm(clocks: &pac::rtc_cntl::RegisterBlock) {
    /// Resets the system, in the longest of its pulses.
    const RESET: u8 = 3;
    const LONGEST: u8 = 7;
    // SAFETY: the key, and numbers that the manual has for these fields.
    unsafe {
        clocks
            .wdtwprotect()
            .write(|register| register.wdt_wkey().bits(KEY));
        clocks
            .wdtconfig1()
            .write(|register| register.bits(2 * SECOND));
        clocks
            .wdtfeed()
            .write(|register| register.wdt_feed().set_bit());
        clocks.wdtconfig0().write(|register| {
            register.bits(0).wdt_stg0().bits(RESET);
            register.wdt_sys_reset_length().bits(LONGEST);
            register.wdt_en().set_bit()
        });
        clocks
            .wdtwprotect()
            .write(|register| register.wdt_wkey().bits(0));
    }
}

/// Stops it.
pub fn stop(clocks: &pac::rtc_cntl::RegisterBlock) {
    // SAFETY: the key, and a stopped watchdog.
    unsafe {
        clocks
            .wdtwprotect()
            .write(|register| register.wdt_wkey().bits(KEY));
        clocks.wdtconfig0().write(|register| register.bits(0));
        clocks
            .wdtwprotect()
            .write(|register| register.wdt_wkey().bits(0));
    }
}
