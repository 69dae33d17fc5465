//! Thumb instructions, decoded as far as a cycle table needs them: length, class and the registers of hazards.
//!
//! Encodings are those of the ARMv7-M Architecture Reference Manual (DDI 0403), chapters A5 (Thumb) and A6
//! (floating point).

/// What kind of work an instruction is, as the cycle tables divide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Shifts, moves, additions, comparisons, extensions, packing, IT, hints.
    Integer,
    /// MUL and the long and dual 16-bit multiplications, SMLAD among them: one cycle on a Cortex-M4.
    Multiply,
    /// MLA and MLS.
    MultiplyAdd,
    /// SDIV and UDIV.
    Divide,
    /// A load of one register; `into_pc` when it jumps.
    Load {
        /// The load is a jump.
        into_pc: bool,
    },
    /// A store of one register.
    Store,
    /// A load of several registers, LDRD and POP included.
    LoadMany {
        /// How many.
        registers: u32,
        /// The program counter is among them.
        into_pc: bool,
    },
    /// A store of several registers, STRD and PUSH included.
    StoreMany {
        /// How many.
        registers: u32,
    },
    /// B with a condition, CBZ, CBNZ: taken or not.
    BranchIf,
    /// B, BX, and moves or additions into the program counter.
    Branch,
    /// BL and BLX.
    Call,
    /// TBB and TBH.
    TableBranch,
    /// Floating-point work of one cycle.
    Float,
    /// VMLA, VMLS, VFMA and their negations.
    FloatMultiplyAdd,
    /// VDIV and VSQRT.
    FloatDivide,
    /// VMOV of one register, VCMP, VMRS, VMSR.
    FloatMove,
    /// VMOV of two core registers to or from two single ones, or one double one.
    FloatMoveTwo,
    /// VLDR; `words` is 2 for a double.
    FloatLoad {
        /// Words loaded.
        words: u32,
    },
    /// VSTR.
    FloatStore {
        /// Words stored.
        words: u32,
    },
    /// VLDM and VPOP.
    FloatLoadMany {
        /// Words loaded.
        words: u32,
    },
    /// VSTM and VPUSH.
    FloatStoreMany {
        /// Words stored.
        words: u32,
    },
    /// MRS, MSR, DMB, DSB, ISB.
    System,
}

/// A decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Bytes: 2 or 4.
    pub length: u32,
    /// What it does.
    pub class: Class,
    /// The single-precision registers it reads, a bit each.
    pub reads: u32,
    /// The single-precision register it writes by floating-point arithmetic, for the hazard of its result.
    pub result: Option<u8>,
    /// The core register that a load of one register fills.
    pub loaded: Option<u8>,
    /// The core registers that form the address of a load or store of one register, a bit each.
    pub address: u32,
}

impl Instruction {
    fn plain(length: u32, class: Class) -> Self {
        Self {
            length,
            class,
            reads: 0,
            result: None,
            loaded: None,
            address: 0,
        }
    }
}

/// Whether a half word is the first of a 32-bit instruction.
pub fn is_wide(first: u16) -> bool {
    first >> 11 >= 0b11101
}

/// Decodes the instruction that starts with `first`; `second` is read only when [`is_wide`].
pub fn decode(first: u16, second: u16) -> Instruction {
    if is_wide(first) {
        wide(first, second)
    } else {
        narrow(first)
    }
}

fn bits(word: u16, low: u32, count: u32) -> u32 {
    (u32::from(word) >> low) & ((1 << count) - 1)
}

fn narrow(word: u16) -> Instruction {
    let plain = |class| Instruction::plain(2, class);
    let access = |load: bool, register: u32, address: u32| Instruction {
        loaded: load.then_some(register as u8),
        address,
        ..plain(if load {
            Class::Load { into_pc: false }
        } else {
            Class::Store
        })
    };
    match bits(word, 12, 4) {
        0b0100 => match bits(word, 10, 2) {
            0b00 if bits(word, 6, 4) == 0b1101 => plain(Class::Multiply),
            0b01 if bits(word, 8, 2) == 0b11 => plain(if bits(word, 7, 1) == 1 {
                Class::Call
            } else {
                Class::Branch
            }),
            // ADD and MOV into the program counter.
            0b01 if bits(word, 8, 2) != 0b01 && bits(word, 7, 1) == 1 && bits(word, 0, 3) == 7 => {
                plain(Class::Branch)
            }
            0b10 | 0b11 => access(true, bits(word, 8, 3), 1 << 15),
            _ => plain(Class::Integer),
        },
        0b0101 => access(
            bits(word, 9, 3) >= 0b011,
            bits(word, 0, 3),
            1 << bits(word, 3, 3) | 1 << bits(word, 6, 3),
        ),
        0b0110..=0b1000 => access(
            bits(word, 11, 1) == 1,
            bits(word, 0, 3),
            1 << bits(word, 3, 3),
        ),
        0b1001 => access(bits(word, 11, 1) == 1, bits(word, 8, 3), 1 << 13),
        0b1011 => match bits(word, 8, 4) {
            0b0001 | 0b0011 | 0b1001 | 0b1011 => plain(Class::BranchIf),
            0b0100 | 0b0101 => plain(Class::StoreMany {
                registers: bits(word, 0, 9).count_ones(),
            }),
            0b1100 | 0b1101 => plain(Class::LoadMany {
                registers: bits(word, 0, 9).count_ones(),
                into_pc: bits(word, 8, 1) == 1,
            }),
            0b0110 => plain(Class::System),
            _ => plain(Class::Integer),
        },
        0b1100 => {
            let registers = bits(word, 0, 8).count_ones();
            plain(if bits(word, 11, 1) == 1 {
                Class::LoadMany {
                    registers,
                    into_pc: false,
                }
            } else {
                Class::StoreMany { registers }
            })
        }
        0b1101 if bits(word, 8, 4) < 0b1110 => plain(Class::BranchIf),
        0b1110 => plain(Class::Branch),
        _ => plain(Class::Integer),
    }
}

fn wide(first: u16, second: u16) -> Instruction {
    let plain = |class| Instruction::plain(4, class);
    // Coprocessors 10 and 11 are the floating-point unit.
    if bits(first, 8, 4) >= 0b1100 && bits(first, 11, 5) != 0b11110 {
        return match bits(second, 9, 3) {
            0b101 => float(first, second),
            _ => plain(Class::System),
        };
    }
    match bits(first, 11, 2) {
        0b01 => match (bits(first, 9, 2), bits(first, 6, 1)) {
            (0b00, 0) => {
                let registers = second.count_ones();
                plain(if bits(first, 4, 1) == 1 {
                    Class::LoadMany {
                        registers,
                        into_pc: bits(second, 15, 1) == 1,
                    }
                } else {
                    Class::StoreMany { registers }
                })
            }
            (0b00, _) => {
                let table = bits(first, 4, 5) == 0b01101 && bits(second, 5, 11) == 0b111_1000_0000;
                if table {
                    plain(Class::TableBranch)
                } else if bits(first, 4, 1) == 1 {
                    plain(Class::LoadMany {
                        registers: 2,
                        into_pc: false,
                    })
                } else {
                    plain(Class::StoreMany { registers: 2 })
                }
            }
            _ => plain(Class::Integer),
        },
        0b10 => {
            if bits(second, 15, 1) == 0 {
                plain(Class::Integer)
            } else if bits(second, 14, 1) == 1 {
                plain(Class::Call)
            } else if bits(second, 12, 1) == 1 {
                plain(Class::Branch)
            } else if bits(first, 7, 3) != 0b111 {
                plain(Class::BranchIf)
            } else {
                plain(Class::System)
            }
        }
        _ => wide_data(first, second),
    }
}

/// Single loads and stores, register shifts and extensions, multiplications.
fn wide_data(first: u16, second: u16) -> Instruction {
    let plain = |class| Instruction::plain(4, class);
    match (bits(first, 9, 2), bits(first, 8, 1)) {
        (0b00, _) => {
            let register = bits(second, 12, 4);
            let mut address = 1 << bits(first, 0, 4);
            // Register offset: the index is in the second half word.
            if bits(first, 7, 1) == 0 && bits(second, 6, 6) == 0 && bits(first, 0, 4) != 15 {
                address |= 1 << bits(second, 0, 4);
            }
            if bits(first, 4, 1) == 1 {
                Instruction {
                    loaded: Some(register as u8),
                    address,
                    ..plain(Class::Load {
                        into_pc: register == 15 && bits(first, 5, 2) == 0b10,
                    })
                }
            } else {
                Instruction {
                    address,
                    ..plain(Class::Store)
                }
            }
        }
        (0b01, 0) => plain(Class::Integer),
        // MLA and MLS are operation 000 with an addend; all else there takes one cycle.
        (0b01, _) if bits(first, 7, 1) == 0 => plain(
            if bits(first, 4, 3) == 0
                && (bits(second, 4, 4) == 1 || bits(second, 4, 4) == 0 && bits(second, 12, 4) != 15)
            {
                Class::MultiplyAdd
            } else {
                Class::Multiply
            },
        ),
        (0b01, _) => plain(if bits(second, 4, 4) == 0b1111 {
            Class::Divide
        } else {
            Class::Multiply
        }),
        _ => plain(Class::Integer),
    }
}

fn float(first: u16, second: u16) -> Instruction {
    let plain = |class| Instruction::plain(4, class);
    let double = bits(second, 8, 1) == 1;
    let single = |high: u32, low: u32| high << 1 | low;
    let (vd, vn, vm) = (
        single(bits(second, 12, 4), bits(first, 6, 1)),
        single(bits(first, 0, 4), bits(second, 7, 1)),
        single(bits(second, 0, 4), bits(second, 5, 1)),
    );
    if bits(first, 8, 4) != 0b1110 {
        // VMOV of two registers, or VLDM, VSTM, VLDR, VSTR.
        let load = bits(first, 4, 1) == 1;
        if bits(first, 5, 7) == 0b1100010 {
            let reads = if load { 0b11 << vm } else { 0 };
            return Instruction {
                reads,
                ..plain(Class::FloatMoveTwo)
            };
        }
        if bits(first, 8, 1) == 1 && bits(first, 5, 1) == 0 {
            let words = if double { 2 } else { 1 };
            return if load {
                plain(Class::FloatLoad { words })
            } else {
                Instruction {
                    reads: 1 << vd,
                    ..plain(Class::FloatStore { words })
                }
            };
        }
        let words = bits(second, 0, 8);
        return if load {
            plain(Class::FloatLoadMany { words })
        } else {
            let reads = if double || words >= 32 {
                0
            } else {
                ((1_u32 << words) - 1).checked_shl(vd).unwrap_or(0)
            };
            Instruction {
                reads,
                ..plain(Class::FloatStoreMany { words })
            }
        };
    }
    if bits(second, 4, 1) == 1 {
        // One core register and one single one, or a system register.
        let reads = if bits(first, 4, 4) == 1 { 1 << vn } else { 0 };
        return Instruction {
            reads,
            ..plain(Class::FloatMove)
        };
    }
    let arithmetic = |class, reads| Instruction {
        reads,
        result: Some(vd as u8),
        ..plain(class)
    };
    match (bits(first, 7, 1), bits(first, 4, 2)) {
        (0, 0b00 | 0b01) | (1, 0b01 | 0b10) => {
            arithmetic(Class::FloatMultiplyAdd, 1 << vd | 1 << vn | 1 << vm)
        }
        (0, _) => arithmetic(Class::Float, 1 << vn | 1 << vm),
        (_, 0b00) => arithmetic(Class::FloatDivide, 1 << vn | 1 << vm),
        _ if bits(second, 6, 1) == 0 => plain(Class::FloatMove),
        _ => match bits(first, 0, 4) {
            0 if bits(second, 7, 1) == 0 => Instruction {
                reads: 1 << vm,
                ..plain(Class::FloatMove)
            },
            1 if bits(second, 7, 1) == 1 => arithmetic(Class::FloatDivide, 1 << vm),
            4 | 5 => Instruction {
                reads: 1 << vd | 1 << vm,
                ..plain(Class::FloatMove)
            },
            _ => arithmetic(Class::Float, 1 << vm),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(first: u16, second: u16) -> Class {
        decode(first, second).class
    }

    #[test]
    fn half_words_are_told_from_words() {
        assert_eq!(decode(0xbf00, 0).length, 2); // nop
        assert_eq!(decode(0xf3bf, 0x8f4f).length, 4); // dsb
        assert!(!is_wide(0xe7fe)); // b .
    }

    #[test]
    fn core_instructions_fall_into_their_classes() {
        assert_eq!(class(0x4348, 0), Class::Multiply); // muls r0, r1
        assert_eq!(class(0xfb20, 0x3001), Class::Multiply); // smlad r0, r0, r1, r3
        assert_eq!(class(0xfb00, 0x3001), Class::MultiplyAdd); // mla r0, r0, r1, r3
        assert_eq!(class(0xfb00, 0xf001), Class::Multiply); // mul.w r0, r0, r1
        assert_eq!(class(0xfb90, 0xf0f1), Class::Divide); // sdiv r0, r0, r1
        assert_eq!(class(0xeac0, 0x4021), Class::Integer); // pkhtb r0, r0, r1, asr #16
        assert_eq!(class(0xf3a0, 0x000f), Class::Integer); // usat16 r0, #15, r0
        assert_eq!(class(0x4770, 0), Class::Branch); // bx lr
        assert_eq!(class(0x4780, 0), Class::Call); // blx r0
        assert_eq!(class(0xf000, 0xf800), Class::Call); // bl
        assert_eq!(class(0xd1fe, 0), Class::BranchIf); // bne
        assert_eq!(class(0xf43f, 0xaffe), Class::BranchIf); // beq.w
        assert_eq!(class(0xb108, 0), Class::BranchIf); // cbz r0
        assert_eq!(class(0xe8df, 0xf001), Class::TableBranch); // tbb [pc, r1]
    }

    #[test]
    fn loads_and_stores_name_their_registers() {
        let load = decode(0xf852, 0xcd04); // ldr r12, [r2, #-4]!
        assert_eq!(load.class, Class::Load { into_pc: false });
        assert_eq!((load.loaded, load.address), (Some(12), 1 << 2));
        let indexed = decode(0x5ad1, 0); // ldrh r1, [r2, r3]
        assert_eq!((indexed.loaded, indexed.address), (Some(1), 0b1100));
        assert_eq!(class(0x6008, 0), Class::Store); // str r0, [r1]
        let pop = Class::LoadMany {
            registers: 9,
            into_pc: true,
        };
        assert_eq!(class(0xe8bd, 0x8ff0), pop); // pop {r4-r11, pc}
        assert_eq!(class(0xb510, 0), Class::StoreMany { registers: 2 }); // push {r4, lr}
        let two = Class::LoadMany {
            registers: 2,
            into_pc: false,
        };
        assert_eq!(class(0xe9d0, 0x1200), two); // ldrd r1, r2, [r0]
    }

    #[test]
    fn floating_point_names_what_it_reads_and_writes() {
        let add = decode(0xee3f, 0xfa8e); // vadd.f32 s30, s31, s28
        assert_eq!(add.class, Class::Float);
        assert_eq!((add.result, add.reads), (Some(30), 1 << 31 | 1 << 28));
        let mla = decode(0xee40, 0x0a81); // vmla.f32 s1, s1, s2
        assert_eq!(mla.class, Class::FloatMultiplyAdd);
        assert_eq!((mla.result, mla.reads), (Some(1), 0b110));
        assert_eq!(class(0xee80, 0x0a20), Class::FloatDivide); // vdiv.f32 s0, s0, s1
        assert_eq!(class(0xeeb1, 0x0ac0), Class::FloatDivide); // vsqrt.f32 s0, s0
        assert_eq!(class(0xeeb2, 0x0a68), Class::Float); // vcvtb.f32.f16 s0, s17
        assert_eq!(class(0xeef1, 0xfa10), Class::FloatMove); // vmrs apsr_nzcv, fpscr
        assert_eq!(class(0xec56, 0x5a1f), Class::FloatMoveTwo); // vmov r5, r6, s30, s31
        assert_eq!(class(0xecb1, 0xca04), Class::FloatLoadMany { words: 4 }); // vldmia r1!, {s24-s27}
        assert_eq!(class(0xed90, 0x0a00), Class::FloatLoad { words: 1 }); // vldr s0, [r0]
        let store = decode(0xeca0, 0xca02); // vstmia r0!, {s24-s25}
        assert_eq!(store.class, Class::FloatStoreMany { words: 2 });
        assert_eq!(store.reads, 0b11 << 24);
    }
}
