//! The processor's clock: 160 MHz from the PLL of 480 MHz, which the line over USB has its clock from too.

use super::Parts;

/// Turns of a waiting loop: about a millisecond.
const PATIENCE: u32 = 10_000;

/// Sources of the system's clock, and the processor's part of the PLL's.
const PLL: u8 = 1;
const PLL_OVER_3: u8 = 1;

/// The ROM's functions that read and write a register of the chip's analog side, by block, host and register.
const READ: usize = 0x4000_1954;
const WRITE: usize = 0x4000_195C;
/// The PLL among the analog blocks.
const BLOCK: (u32, u32) = (0x66, 0);

/// Starts the PLL where it isn't the system's clock yet, and has the processor run from it.
pub fn start(parts: &Parts) {
    let system = &parts.system;
    if system.sysclk_conf().read().soc_clk_sel().bits() != PLL {
        start_pll(parts);
    }
    // SAFETY: numbers that the manual has for these fields, table "CPU Clock Frequency".
    unsafe {
        system
            .cpu_per_conf()
            .modify(|_, register| register.cpuperiod_sel().bits(PLL_OVER_3));
        system.sysclk_conf().modify(|_, register| {
            register.pre_div_cnt().bits(0);
            register.soc_clk_sel().bits(PLL)
        });
    }
}

/// 480 MHz from the crystal's 40. What the analog registers take is what Espressif's own programs write there; the manual has
/// none of them.
fn start_pll(parts: &Parts) {
    let analog = &parts.analog;
    analog
        .ana_config()
        .modify(|_, register| register.bbpll_pd().clear_bit());
    parts.clocks.options0().modify(|_, register| {
        register.bb_i2c_force_pd().clear_bit();
        register.bbpll_force_pd().clear_bit();
        register.bbpll_i2c_force_pd().clear_bit()
    });
    parts
        .system
        .cpu_per_conf()
        .modify(|_, register| register.pll_freq_sel().set_bit());
    // It calibrates itself.
    analog.ana_conf0().modify(|_, register| {
        register.bbpll_stop_force_high().clear_bit();
        register.bbpll_stop_force_low().set_bit()
    });
    // Modes and currents; it multiplies by 8 + 4.
    const MODE: (u32, u32) = (4, 0x6B);
    const REFERENCE: (u32, u32) = (2, 5 << 4);
    const MULTIPLIER: (u32, u32) = (3, 8);
    const CURRENT: (u32, u32) = (6, 1 << 6 | 2 << 4 | 3);
    for (register, bits) in [MODE, REFERENCE, MULTIPLIER, CURRENT] {
        write(register, bits);
    }
    /// Dividers of the loop's filter.
    const DIVIDERS: u32 = 5;
    write(DIVIDERS, read(DIVIDERS) & !0x77);
    /// The oscillator's bias, in its two lowest bits.
    const BIAS: u32 = 9;
    write(BIAS, read(BIAS) & !3 | 2);
    let _ = (0..PATIENCE).any(|_| analog.ana_conf0().read().bbpll_cal_done().bit_is_set());
}

fn read(register: u32) -> u32 {
    // SAFETY: the ROM has this function there, in every version of the chip.
    let function: extern "C" fn(u32, u32, u32) -> u8 =
        unsafe { core::mem::transmute(core::ptr::with_exposed_provenance::<()>(READ)) };
    function(BLOCK.0, BLOCK.1, register).into()
}

fn write(register: u32, bits: u32) {
    // SAFETY: the ROM has this function there, in every version of the chip.
    let function: extern "C" fn(u32, u32, u32, u32) =
        unsafe { core::mem::transmute(core::ptr::with_exposed_provenance::<()>(WRITE)) };
    function(BLOCK.0, BLOCK.1, register, bits);
}
