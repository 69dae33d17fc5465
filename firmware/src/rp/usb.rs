//! The USB controller as a device: it keeps a packet for each endpoint and direction in memory of its own, answers hosts that
//! come too early by itself, and interrupts when a packet has come or gone.

use super::{OVER_USB, UsbRegisters, usb_registers, wait};
use crate::receive::Receive;
use crate::usb::{Answer, BYTES, Descriptors, NOTICES, PACKET, Port, Request, Text};
use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};
use cortex_m::interrupt::{self, Mutex};

/// Where the controller's memory begins.
const MEMORY: usize = 0x5010_0000;

/// Bits of a mailbox's control: there is a packet; it is of the odd ones; the host is refused; the controller has it.
const FULL: u32 = 1 << 15;
const ODD: u32 = 1 << 13;
const STALL: u32 = 1 << 11;
const AVAILABLE: u32 = 1 << 10;
const LENGTH: u32 = 0x3FF;
/// Bits of an endpoint's control: it is there; each packet interrupts; the place of its kind.
const ENABLED: u32 = 1 << 31;
const INTERRUPTS: u32 = 1 << 29;
const KIND: u32 = 26;
const BULK: u32 = 2;
const NOTICE: u32 = 3;
/// Interrupts: packets came or went, the bus was reset, a request came.
const PACKETS: u32 = 1 << 4;
const RESET: u32 = 1 << 12;
const REQUEST: u32 = 1 << 16;

/// Bytes of a packet on the way to a host: less than the most, so that each ends what a host waits for.
const SENT: usize = PACKET - 1;

/// Whether a host has chosen the configuration, so that bytes may be sent.
static CONFIGURED: AtomicBool = AtomicBool::new(false);
/// Whether bytes that came wait for room in the ring.
static HELD: AtomicBool = AtomicBool::new(false);
/// Whether the host left a packet where it is for longer than anybody waits.
static IGNORED: AtomicBool = AtomicBool::new(false);
/// What only the handler of the interrupt looks at, once started.
static STATE: Mutex<Cell<Option<State>>> = Mutex::new(Cell::new(None));

#[derive(Clone, Copy)]
struct State {
    port: Port,
    stage: Stage,
    descriptors: &'static Descriptors,
}

/// How far a request is.
#[derive(Clone, Copy)]
enum Stage {
    Done,
    /// Packets of an answer are being sent.
    Sends(Text),
    /// A packet is to come.
    Takes,
    /// When the host knows that it is done, the device has this address.
    Address(u8),
}

/// Where the controller keeps a packet of an endpoint, one direction.
struct Mailbox {
    control: usize,
    buffer: usize,
}

const FIRST_IN: Mailbox = Mailbox::new(0, true, 0x100);
const FIRST_OUT: Mailbox = Mailbox::new(0, false, 0x100);
const NOTICES_IN: Mailbox = Mailbox::new(NOTICES, true, 0x180);
const BYTES_IN: Mailbox = Mailbox::new(BYTES, true, 0x1C0);
const BYTES_OUT: Mailbox = Mailbox::new(BYTES, false, 0x200);

impl Mailbox {
    const fn new(endpoint: u8, towards_host: bool, buffer: usize) -> Self {
        let place = 8 * endpoint as usize + if towards_host { 0 } else { 4 };
        Self {
            control: 0x80 + place,
            buffer,
        }
    }

    /// Its bit among those of packets that came or went.
    const fn bit(&self) -> u32 {
        1 << ((self.control - 0x80) / 4)
    }

    /// Has its endpoint be there, of that kind; not for the first, which always is.
    fn enable(&self, kind: u32) {
        let control = ENABLED | INTERRUPTS | kind << KIND | self.buffer as u32;
        write(self.control - 0x80, control);
    }

    fn state(&self) -> u32 {
        read(self.control)
    }

    /// Gives the controller the packet, or the room for one, of which these bits tell.
    fn give(&self, bits: u32) {
        write(self.control, bits);
        // The controller, on a clock of its own, must see all else first.
        cortex_m::asm::delay(12);
        write(self.control, bits | AVAILABLE);
    }

    /// As [`give`](Self::give), with the packet behind the last one, odd after even.
    fn give_next(&self, bits: u32) {
        self.give(bits | (!self.state() & ODD));
    }

    /// Takes back what the controller may have; the next packet is even.
    fn start_anew(&self) {
        write(self.control, ODD);
    }

    fn put(&self, words: &[u32]) {
        let places = (self.buffer..).step_by(4);
        for (place, word) in places.zip(words.iter().take(PACKET / 4)) {
            write(place, *word);
        }
    }
}

/// A word of the controller's memory.
fn read(offset: usize) -> u32 {
    // SAFETY: the offsets here are those of controls and buffers, in its 4 KB.
    unsafe { core::ptr::with_exposed_provenance::<u32>(MEMORY + offset).read_volatile() }
}

fn write(offset: usize, word: u32) {
    // SAFETY: as for reading; nothing else lies there.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(MEMORY + offset).write_volatile(word) }
}

fn registers() -> &'static usb_registers::RegisterBlock {
    // SAFETY: this module alone uses them, and the sending side none but memory.
    unsafe { &*UsbRegisters::ptr() }
}

/// Starts the controller, and shows the host that there is a device.
pub(super) fn start(descriptors: &'static Descriptors) {
    for offset in (0..0x100).step_by(4) {
        write(offset, 0);
    }
    interrupt::free(|section| {
        STATE.borrow(section).set(Some(State {
            port: Port::new(descriptors),
            stage: Stage::Done,
            descriptors,
        }));
    });
    NOTICES_IN.enable(NOTICE);
    BYTES_IN.enable(BULK);
    BYTES_OUT.enable(BULK);
    let usb = registers();
    usb.usb_muxing()
        .write(|register| register.to_phy().set_bit().softcon().set_bit());
    // Whether there is power on the bus no pin tells; where there is none, no host comes.
    usb.usb_pwr().write(|register| {
        register
            .vbus_detect()
            .set_bit()
            .vbus_detect_override_en()
            .set_bit()
    });
    // Nothing else is set: on the RP2350 a bit parts the controller from its pins until it is cleared.
    usb.main_ctrl()
        .write(|register| register.controller_en().set_bit());
    // SAFETY: interrupts there are.
    usb.inte()
        .write(|register| unsafe { register.bits(PACKETS | RESET | REQUEST) });
    usb.sie_ctrl()
        .write(|register| register.ep0_int_1buf().set_bit().pullup_en().set_bit());
}

/// Sends bytes to the host; what it doesn't fetch in some milliseconds is given up, with all behind it.
pub(super) fn send(bytes: &[u8]) {
    for packet in bytes.chunks(SENT) {
        let free = || BYTES_IN.state() & AVAILABLE == 0;
        // A host that left the last packet is not waited for again.
        let patient = !IGNORED.load(Ordering::Relaxed);
        if !CONFIGURED.load(Ordering::Relaxed) || !(free() || patient && wait(free)) {
            IGNORED.store(true, Ordering::Relaxed);
            return;
        }
        IGNORED.store(false, Ordering::Relaxed);
        let mut words = [0; PACKET / 4];
        for (word, bytes) in words.iter_mut().zip(packet.chunks(4)) {
            let mut all = [0; 4];
            for (to, from) in all.iter_mut().zip(bytes) {
                *to = *from;
            }
            *word = u32::from_le_bytes(all);
        }
        BYTES_IN.put(&words);
        BYTES_IN.give_next(FULL | packet.len() as u32);
    }
}

/// Whether bytes wait for room in the ring; the interrupt, raised again, takes them.
pub(super) fn holds() -> bool {
    HELD.load(Ordering::Relaxed)
}

/// What the handler of the controller's interrupt does: requests are answered, and bytes go into the ring.
pub fn handle(ring: &Receive) {
    let Some(mut state) = interrupt::free(|section| STATE.borrow(section).get()) else {
        return;
    };
    let usb = registers();
    let pending = usb.ints().read().bits();
    if pending & RESET != 0 {
        state = State {
            port: Port::new(state.descriptors),
            stage: Stage::Done,
            ..state
        };
        configure(false);
        usb.addr_endp().reset();
        usb.sie_status()
            .write(|register| register.bus_reset().clear_bit_by_one());
    }
    // What went before a request came first.
    if pending & PACKETS != 0 {
        let packets = usb.buff_status().read().bits();
        // SAFETY: ones clear what they stand for.
        usb.buff_status()
            .write(|register| unsafe { register.bits(packets) });
        if packets & FIRST_IN.bit() != 0 {
            state.sent();
        }
        if packets & FIRST_OUT.bit() != 0 {
            state.received();
        }
        if packets & BYTES_OUT.bit() != 0 {
            take_bytes(ring);
        }
    }
    if holds() {
        take_bytes(ring);
    }
    if pending & REQUEST != 0 {
        usb.sie_status()
            .write(|register| register.setup_rec().clear_bit_by_one());
        state.requested();
    }
    interrupt::free(|section| STATE.borrow(section).set(Some(state)));
}

/// Bytes that came go into the ring, where it has room for them all.
fn take_bytes(ring: &Receive) {
    let state = BYTES_OUT.state();
    let length = (state & LENGTH) as usize;
    if state & FULL == 0 {
        HELD.store(false, Ordering::Relaxed);
        return;
    }
    let room = ring.has_room_for(length);
    HELD.store(!room, Ordering::Relaxed);
    if !room {
        return;
    }
    let places = (BYTES_OUT.buffer..).step_by(4).take(PACKET / 4);
    let bytes = places.flat_map(|place| read(place).to_le_bytes());
    for byte in bytes.take(length) {
        ring.push(byte);
        OVER_USB.store(true, Ordering::Relaxed);
    }
    BYTES_OUT.give_next(PACKET as u32);
}

/// Opens the port's endpoints, or closes them.
fn configure(open: bool) {
    HELD.store(false, Ordering::Relaxed);
    IGNORED.store(false, Ordering::Relaxed);
    NOTICES_IN.start_anew();
    BYTES_IN.start_anew();
    BYTES_OUT.start_anew();
    if open {
        BYTES_OUT.give_next(PACKET as u32);
    }
    CONFIGURED.store(open, Ordering::Relaxed);
}

impl State {
    /// A request came.
    fn requested(&mut self) {
        let ([a, b, c, d], [e, f, g, h]) = (read(0).to_le_bytes(), read(4).to_le_bytes());
        self.stage = Stage::Done;
        match self.port.answer(Request::new([a, b, c, d, e, f, g, h])) {
            Answer::Bytes(text) => {
                // Behind an even one: the first packet of an answer is odd.
                write(FIRST_IN.control, 0);
                self.stage = Stage::Sends(text);
                self.sent();
            }
            Answer::Done => done(),
            Answer::Address(address) => {
                self.stage = Stage::Address(address);
                done();
            }
            Answer::Configured(open) => {
                configure(open);
                done();
            }
            Answer::Anew(endpoint) => {
                const IN: u8 = 0x80 | BYTES;
                match endpoint {
                    IN => BYTES_IN.start_anew(),
                    BYTES => {
                        BYTES_OUT.start_anew();
                        BYTES_OUT.give_next(PACKET as u32);
                    }
                    _ => {}
                }
                done();
            }
            Answer::Take => {
                self.stage = Stage::Takes;
                FIRST_OUT.give(ODD | PACKET as u32);
            }
            Answer::Refused => {
                registers()
                    .ep_stall_arm()
                    .write(|register| register.ep0_in().set_bit().ep0_out().set_bit());
                write(FIRST_IN.control, STALL);
                write(FIRST_OUT.control, STALL);
            }
        }
    }

    /// A packet of the first endpoint went to the host.
    fn sent(&mut self) {
        match &mut self.stage {
            Stage::Sends(text) => match text.packet() {
                Some((words, length)) => {
                    FIRST_IN.put(&words);
                    FIRST_IN.give_next(FULL | u32::from(length));
                }
                // The host says with an empty packet that it has all.
                None => {
                    self.stage = Stage::Done;
                    FIRST_OUT.give(ODD | PACKET as u32);
                }
            },
            Stage::Address(address) => {
                let address = *address;
                // SAFETY: below 128.
                registers()
                    .addr_endp()
                    .write(|register| unsafe { register.address().bits(address) });
                self.stage = Stage::Done;
            }
            Stage::Takes | Stage::Done => {}
        }
    }

    /// A packet of the first endpoint came from the host.
    fn received(&mut self) {
        if matches!(self.stage, Stage::Takes) {
            self.stage = Stage::Done;
            self.port
                .take([read(FIRST_OUT.buffer), read(FIRST_OUT.buffer + 4)]);
            done();
        }
    }
}

/// Tells the host, with an empty packet, that its request is done.
fn done() {
    FIRST_IN.give(FULL | ODD);
}
