//! Modelled cycles of an executed path: a core's own table of instruction times, at zero wait states.
//!
//! - Cortex-M4: Technical Reference Manual (ARM 100166), tables 3-1 and 7-1. A taken branch refills the
//!   pipeline (2 cycles); a load behind another single load or store is pipelined unless its address waits for
//!   it; a floating-point result read by the very next instruction waits a cycle.
//! - Cortex-M0: Technical Reference Manual (DDI 0432), table 3-1, with the single-cycle multiplier that the
//!   nRF51822 has.
//!
//! It is a model: it ranks kernels and bounds what a board does, it doesn't promise milliseconds.

use super::thumb::{Class, Instruction};

/// A core whose manual gives a table of cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Cortex-M4 and M4F.
    M4,
    /// Cortex-M0.
    M0,
}

/// Cycles that a jump costs on a Cortex-M4 to fill the pipeline again.
const REFILL: u64 = 2;

/// Adds up a path, instruction after instruction.
#[derive(Clone, Debug)]
pub struct Counter {
    table: Table,
    cycles: u64,
    instructions: u64,
    before: Option<Instruction>,
    last: Option<(u32, Instruction)>,
}

impl Counter {
    /// A counter at zero.
    pub fn new(table: Table) -> Self {
        Self {
            table,
            cycles: 0,
            instructions: 0,
            before: None,
            last: None,
        }
    }

    /// Takes in the instruction executed next, at address `at`.
    pub fn step(&mut self, at: u32, instruction: Instruction) {
        self.instructions += 1;
        if let Some((address, last)) = self.last {
            let jumped = at != address.wrapping_add(last.length);
            self.cycles += self.cost(&last, jumped, Some(&instruction));
            self.before = Some(last);
        }
        self.last = Some((at, instruction));
    }

    /// Instructions and cycles of the path; its last instruction counts as not jumping.
    pub fn finish(mut self) -> (u64, u64) {
        if let Some((_, last)) = self.last.take() {
            self.cycles += self.cost(&last, false, None);
        }
        (self.instructions, self.cycles)
    }

    fn cost(&self, instruction: &Instruction, jumped: bool, next: Option<&Instruction>) -> u64 {
        match self.table {
            Table::M4 => m4(self.before.as_ref(), instruction, jumped, next),
            Table::M0 => m0(instruction, jumped),
        }
    }
}

fn m4(
    before: Option<&Instruction>,
    instruction: &Instruction,
    jumped: bool,
    next: Option<&Instruction>,
) -> u64 {
    let refill = if jumped { REFILL } else { 0 };
    let cycles = match instruction.class {
        Class::Integer | Class::Multiply | Class::Float | Class::FloatMove | Class::Store => 1,
        Class::MultiplyAdd | Class::System | Class::FloatMoveTwo => 2,
        // 2 to 12, by the operands.
        Class::Divide => 7,
        Class::Load { into_pc } => {
            let pipelined = before.is_some_and(|before| {
                matches!(before.class, Class::Load { .. } | Class::Store)
                    && before
                        .loaded
                        .is_none_or(|register| instruction.address & 1 << register == 0)
            });
            (if pipelined { 1 } else { 2 }) + if into_pc { REFILL } else { 0 }
        }
        Class::LoadMany { registers, into_pc } => {
            1 + u64::from(registers) + if into_pc { REFILL } else { 0 }
        }
        Class::StoreMany { registers } => 1 + u64::from(registers),
        Class::BranchIf => 1 + refill,
        Class::Branch | Class::Call => 1 + REFILL,
        Class::TableBranch => 2 + REFILL,
        Class::FloatMultiplyAdd => 3,
        Class::FloatDivide => 14,
        Class::FloatLoad { words }
        | Class::FloatStore { words }
        | Class::FloatLoadMany { words }
        | Class::FloatStoreMany { words } => 1 + u64::from(words),
    };
    let waits = match (instruction.result, next) {
        (Some(register), Some(next)) => next.reads & 1 << register != 0,
        _ => false,
    };
    cycles + u64::from(waits)
}

fn m0(instruction: &Instruction, jumped: bool) -> u64 {
    match instruction.class {
        Class::Load { .. } | Class::Store => 2,
        Class::LoadMany { registers, into_pc } => {
            1 + u64::from(registers) + if into_pc { 3 } else { 0 }
        }
        Class::StoreMany { registers } => 1 + u64::from(registers),
        Class::BranchIf if jumped => 3,
        Class::Branch => 3,
        Class::Call => {
            if instruction.length == 4 {
                4
            } else {
                3
            }
        }
        Class::System => 4,
        // The rest is either one cycle or not on this core.
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::thumb::decode;
    use super::*;

    /// A straight piece of code from address 0, run `times` times with a jump back at its end.
    fn run(table: Table, code: &[(u16, u16)], times: u32) -> (u64, u64) {
        let mut counter = Counter::new(table);
        for _ in 0..times {
            let mut at = 0;
            for (first, second) in code {
                let instruction = decode(*first, *second);
                counter.step(at, instruction);
                at += instruction.length;
            }
        }
        counter.finish()
    }

    #[test]
    fn a_loop_of_known_length_costs_what_the_manual_says() {
        // subs r0, #1; bne: 1 + 3 cycles a turn, 1 + 1 the last one.
        let turn = [(0x3801, 0), (0xd1fd, 0)];
        assert_eq!(run(Table::M4, &turn, 100), (200, 398));
        assert_eq!(run(Table::M0, &turn, 100), (200, 398));
    }

    #[test]
    fn a_load_behind_a_load_is_pipelined_unless_its_address_waits() {
        let ldr_r1_r0 = (0x6801, 0);
        let ldr_r2_r0 = (0x6802, 0);
        let ldr_r2_r1 = (0x680a, 0);
        assert_eq!(run(Table::M4, &[ldr_r1_r0, ldr_r2_r0], 1).1, 3);
        assert_eq!(run(Table::M4, &[ldr_r1_r0, ldr_r2_r1], 1).1, 4);
        assert_eq!(run(Table::M0, &[ldr_r1_r0, ldr_r2_r0], 1).1, 4);
    }

    #[test]
    fn a_floating_point_result_read_at_once_waits_a_cycle() {
        let mul_s28 = (0xee2c, 0xea00); // vmul.f32 s28, s24, s0
        let add_s28 = (0xee3f, 0xfa8e); // vadd.f32 s30, s31, s28
        let nop = (0xbf00, 0);
        assert_eq!(run(Table::M4, &[mul_s28, add_s28], 1).1, 3);
        assert_eq!(run(Table::M4, &[mul_s28, nop, add_s28], 1).1, 3);
        let vldm_4 = (0xecb1, 0xca04);
        assert_eq!(run(Table::M4, &[vldm_4], 1).1, 5);
    }
}
