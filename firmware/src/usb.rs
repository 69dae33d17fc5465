//! A serial port over USB, as far as it is the same on every chip: its descriptors, and what each request of the host is
//! answered with. The classes are those of the USB forum's CDC 1.2 and PSTN 1.2, so that no PC needs a driver.
//!
//! Nothing here touches a machine: a chip's driver hands requests in, and puts answers on the wire.

/// Bytes of a packet, on each endpoint.
pub const PACKET: usize = 64;
/// The endpoint on which the port would tell of its line, and never does.
pub const NOTICES: u8 = 1;
/// The endpoint of the bytes, in both directions.
pub const BYTES: u8 = 2;

/// Bit of an endpoint's address that means towards the host.
const IN: u8 = 0x80;
/// The kinds of descriptors.
const DEVICE: u8 = 1;
const CONFIGURATION: u8 = 2;
const STRING: u8 = 3;
const INTERFACE: u8 = 4;
const ENDPOINT: u8 = 5;
const CLASS_INTERFACE: u8 = 0x24;
/// Who a request is for, with its direction's and its kind's bits.
const OF_DEVICE: u8 = 0x00;
const OF_INTERFACE: u8 = 0x01;
const OF_ENDPOINT: u8 = 0x02;
const OF_PORT: u8 = 0x21;
/// The feature of an endpoint that a host clears when it starts anew.
const HALT: u16 = 0;

/// What a host is told of the device: made once, as a constant.
#[derive(Debug)]
pub struct Descriptors {
    device: [u8; 18],
    maker: &'static str,
    product: &'static str,
}

impl Descriptors {
    /// Of a device of that vendor and product, and what people are shown: each name of at most 126 characters of ASCII.
    pub const fn new(
        (vendor, number): (u16, u16),
        maker: &'static str,
        product: &'static str,
    ) -> Self {
        let ([v0, v1], [p0, p1]) = (vendor.to_le_bytes(), number.to_le_bytes());
        // USB 2.0; the class is communication; packets of the first endpoint; release 1.0; the names' numbers, and no serial
        // number; one configuration.
        let packet = PACKET as u8;
        Self {
            device: [
                18, DEVICE, 0, 2, 2, 0, 0, packet, v0, v1, p0, p1, 0, 1, 1, 2, 0, 1,
            ],
            maker,
            product,
        }
    }
}

/// The one configuration: an interface for the port, with its notices, and one for its bytes.
static CONFIGURED: [u8; 67] = [
    // Two interfaces; powered by the bus, 100 mA.
    9,
    CONFIGURATION,
    67,
    0,
    2,
    1,
    0,
    0x80,
    50, //
    9,
    INTERFACE,
    0,
    0,
    1,
    2,
    2,
    0,
    0, //
    // CDC 1.2; no calls; line coding and line state; the two interfaces belong together.
    5,
    CLASS_INTERFACE,
    0,
    0x20,
    1, //
    5,
    CLASS_INTERFACE,
    1,
    0,
    1, //
    4,
    CLASS_INTERFACE,
    2,
    2, //
    5,
    CLASS_INTERFACE,
    6,
    0,
    1, //
    7,
    ENDPOINT,
    IN | NOTICES,
    3,
    8,
    0,
    255, //
    9,
    INTERFACE,
    1,
    0,
    2,
    10,
    0,
    0,
    0, //
    7,
    ENDPOINT,
    BYTES,
    2,
    PACKET as u8,
    0,
    0, //
    7,
    ENDPOINT,
    IN | BYTES,
    2,
    PACKET as u8,
    0,
    0, //
];

/// The languages of the names: English.
static LANGUAGES: [u8; 4] = [4, STRING, 9, 4];

/// A request, as its first packet has it.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    kind: u8,
    request: u8,
    value: u16,
    index: u16,
    length: u16,
}

impl Request {
    /// From the eight bytes of that packet.
    pub const fn new([kind, request, v0, v1, i0, i1, l0, l1]: [u8; 8]) -> Self {
        Self {
            kind,
            request,
            value: u16::from_le_bytes([v0, v1]),
            index: u16::from_le_bytes([i0, i1]),
            length: u16::from_le_bytes([l0, l1]),
        }
    }
}

/// What a request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Bytes, in packets; an empty one ends them where they fill their last and the host asked for more.
    Bytes(Text),
    /// Nothing; it is done.
    Done,
    /// As [`Done`](Self::Done), and then the device has this address.
    Address(u8),
    /// As [`Done`](Self::Done), and the port's endpoints start anew, or stop.
    Configured(bool),
    /// As [`Done`](Self::Done), and this endpoint, an address with its direction's bit, starts anew.
    Anew(u8),
    /// The host sends a packet, which goes to [`Port::take`]; then it is done.
    Take,
    /// It can't be answered.
    Refused,
}

/// Bytes of an answer, which are made as they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    source: Source,
    /// The next byte, and the one behind the last.
    at: u16,
    end: u16,
    /// Whether an empty packet ends them.
    padded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Plain(&'static [u8]),
    /// A string's descriptor, whose characters have two bytes each.
    Name(&'static str),
    Short([u8; 7]),
}

impl Text {
    fn answer(source: Source, length: usize, asked: u16) -> Answer {
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        Answer::Bytes(Self {
            source,
            at: 0,
            end: length.min(asked),
            padded: length < asked && length.is_multiple_of(PACKET as u16),
        })
    }

    /// The next packet, as words of four bytes in their order, and how many of its bytes count; nothing when all are sent.
    pub fn packet(&mut self) -> Option<([u32; PACKET / 4], u16)> {
        if self.at >= self.end && !core::mem::take(&mut self.padded) {
            return None;
        }
        let mut words = [0; PACKET / 4];
        let from = self.at;
        for word in &mut words {
            let mut bytes = [0; 4];
            for byte in &mut bytes {
                if self.at < self.end {
                    *byte = self.source.byte(self.at.into());
                    self.at = self.at.wrapping_add(1);
                }
            }
            *word = u32::from_le_bytes(bytes);
        }
        Some((words, self.at.wrapping_sub(from)))
    }
}

impl Source {
    fn byte(&self, at: usize) -> u8 {
        let byte = match self {
            Self::Plain(bytes) => bytes.get(at).copied(),
            Self::Short(bytes) => bytes.get(at).copied(),
            Self::Name(name) => match at {
                0 => u8::try_from(2 + 2 * name.len()).ok(),
                1 => Some(STRING),
                _ if at.is_multiple_of(2) => name.as_bytes().get(at / 2 - 1).copied(),
                _ => Some(0),
            },
        };
        byte.unwrap_or_default()
    }
}

/// The port, as its host set it.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    device: &'static Descriptors,
    configuration: u8,
    /// Bits a second, stop bits, parity, data bits: said again when asked, and else of no consequence.
    coding: [u8; 7],
}

impl Port {
    /// As it is when a bus starts.
    pub const fn new(device: &'static Descriptors) -> Self {
        // 115,200 bits a second, 8N1.
        let coding = [0, 0xC2, 1, 0, 0, 0, 8];
        Self {
            device,
            configuration: 0,
            coding,
        }
    }

    /// What a request is answered with.
    pub fn answer(&mut self, request: Request) -> Answer {
        let Request {
            kind,
            request,
            value,
            index,
            length,
        } = request;
        let [low, high] = value.to_le_bytes();
        let short = |bytes: &[u8]| {
            let mut all = [0; 7];
            for (to, from) in all.iter_mut().zip(bytes) {
                *to = *from;
            }
            Text::answer(Source::Short(all), bytes.len(), length)
        };
        // To the host the kinds have their highest bit set.
        match (kind & !IN, kind & IN != 0, request) {
            // Status: powered by the bus, nothing halted.
            (OF_DEVICE | OF_INTERFACE | OF_ENDPOINT, true, 0) => short(&[0, 0]),
            (OF_ENDPOINT, false, 1) if value == HALT => Answer::Anew(index as u8),
            (OF_DEVICE, false, 5) if value < 128 => Answer::Address(low),
            (OF_DEVICE, true, 6) => match (high, low) {
                (DEVICE, 0) => Text::answer(Source::Plain(&self.device.device), 18, length),
                (CONFIGURATION, 0) => {
                    Text::answer(Source::Plain(&CONFIGURED), CONFIGURED.len(), length)
                }
                (STRING, 0) => Text::answer(Source::Plain(&LANGUAGES), LANGUAGES.len(), length),
                (STRING, 1 | 2) => {
                    let name = match low {
                        1 => self.device.maker,
                        _ => self.device.product,
                    };
                    Text::answer(Source::Name(name), 2 + 2 * name.len(), length)
                }
                _ => Answer::Refused,
            },
            (OF_DEVICE, true, 8) => short(&[self.configuration]),
            (OF_DEVICE, false, 9) if value <= 1 => {
                self.configuration = low;
                Answer::Configured(low == 1)
            }
            // Interfaces have no alternatives.
            (OF_INTERFACE, true, 10) if index < 2 => short(&[0]),
            (OF_INTERFACE, false, 11) if index < 2 && value == 0 => Answer::Done,
            // Line coding, asked for and set; line state.
            (OF_PORT, true, 0x21) => short(&self.coding),
            (OF_PORT, false, 0x20) if length == 7 => Answer::Take,
            (OF_PORT, false, 0x22) => Answer::Done,
            _ => Answer::Refused,
        }
    }

    /// Takes the packet that follows a request which was answered with [`Answer::Take`].
    pub fn take(&mut self, [first, second]: [u32; 2]) {
        let [a, b, c, d] = first.to_le_bytes();
        let [e, f, g, _] = second.to_le_bytes();
        self.coding = [a, b, c, d, e, f, g];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    static DEVICE_OF_TESTS: Descriptors = Descriptors::new(
        (0x1234, 0xabcd),
        "a maker",
        "a product with a name of some length",
    );

    fn ask(port: &mut Port, packet: [u8; 8]) -> Answer {
        port.answer(Request::new(packet))
    }

    /// The packets of an answer.
    fn packets(answer: Answer) -> Vec<Vec<u8>> {
        let Answer::Bytes(mut text) = answer else {
            panic!("{answer:?}");
        };
        let mut all = Vec::new();
        while let Some((words, length)) = text.packet() {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            all.push(bytes[..usize::from(length)].to_vec());
        }
        all
    }

    fn descriptor(kind: u8, number: u8, length: u8) -> Vec<Vec<u8>> {
        let mut port = Port::new(&DEVICE_OF_TESTS);
        packets(ask(&mut port, [0x80, 6, number, kind, 0, 0, length, 0]))
    }

    #[test]
    fn descriptors_have_the_lengths_that_they_state() {
        for (kind, number) in [(DEVICE, 0), (STRING, 0), (STRING, 1), (STRING, 2)] {
            let whole = descriptor(kind, number, 255).concat();
            assert_eq!((usize::from(whole[0]), whole[1]), (whole.len(), kind));
        }
        let whole = descriptor(CONFIGURATION, 0, 255).concat();
        assert_eq!(usize::from(whole[2]), whole.len());
        // Each part of a configuration begins with its length, and none is left over.
        let (mut rest, mut interfaces, mut endpoints) = (&whole[..], 0, Vec::new());
        while let Some(&length) = rest.first() {
            match rest[1] {
                INTERFACE => interfaces += 1,
                ENDPOINT => endpoints.push(rest[2]),
                _ => {}
            }
            rest = &rest[usize::from(length)..];
        }
        assert_eq!(interfaces, whole[4]);
        assert_eq!(endpoints, [IN | NOTICES, BYTES, IN | BYTES]);
    }

    #[test]
    fn a_name_is_told_in_utf_16() {
        let name = descriptor(STRING, 1, 255).concat();
        let (units, _) = name[2..].as_chunks::<2>();
        let units: Vec<u16> = units.iter().copied().map(u16::from_le_bytes).collect();
        assert_eq!(std::string::String::from_utf16(&units).unwrap(), "a maker");
    }

    #[test]
    fn an_answer_is_cut_to_what_was_asked_for_and_sent_in_packets() {
        let lengths = |asked| -> Vec<usize> {
            let packets = descriptor(CONFIGURATION, 0, asked);
            packets.iter().map(Vec::len).collect()
        };
        assert_eq!(lengths(9), [9]);
        assert_eq!(lengths(64), [64]);
        assert_eq!(lengths(65), [64, 1]);
        assert_eq!(lengths(255), [64, 3]);
        assert_eq!(lengths(0), [0; 0]);
        // 31 characters make 64 bytes: a host that asked for more is told by an empty packet that this was all.
        static FULL: Descriptors = Descriptors::new((1, 2), "", "a name of 31 characters, or so.");
        let mut port = Port::new(&FULL);
        for (asked, due) in [(255, &[64, 0][..]), (64, &[64]), (63, &[63])] {
            let packets = packets(ask(&mut port, [0x80, 6, 2, STRING, 9, 4, asked, 0]));
            let lengths: Vec<usize> = packets.iter().map(Vec::len).collect();
            assert_eq!(lengths, due);
        }
    }

    #[test]
    fn a_host_gets_from_an_address_to_a_port_that_is_open() {
        let mut port = Port::new(&DEVICE_OF_TESTS);
        assert_eq!(ask(&mut port, [0, 5, 7, 0, 0, 0, 0, 0]), Answer::Address(7));
        let configuration = [0x80, 8, 0, 0, 0, 0, 1, 0];
        assert_eq!(packets(ask(&mut port, configuration)), [[0]]);
        let configured = ask(&mut port, [0, 9, 1, 0, 0, 0, 0, 0]);
        assert_eq!(configured, Answer::Configured(true));
        assert_eq!(packets(ask(&mut port, configuration)), [[1]]);
        // 9,600 bits a second, 7E2, is taken, and said again.
        let coding = [0x80, 0x25, 0, 0, 2, 2, 7];
        assert_eq!(ask(&mut port, [0x21, 0x20, 0, 0, 0, 0, 7, 0]), Answer::Take);
        port.take([0x0000_2580, 0x0007_0202]);
        assert_eq!(
            packets(ask(&mut port, [0xA1, 0x21, 0, 0, 0, 0, 7, 0])),
            [coding]
        );
        assert_eq!(ask(&mut port, [0x21, 0x22, 3, 0, 0, 0, 0, 0]), Answer::Done);
        let anew = ask(&mut port, [2, 1, 0, 0, IN | BYTES, 0, 0, 0]);
        assert_eq!(anew, Answer::Anew(IN | BYTES));
        let stopped = ask(&mut port, [0, 9, 0, 0, 0, 0, 0, 0]);
        assert_eq!(stopped, Answer::Configured(false));
    }

    #[test]
    fn every_request_there_can_be_is_answered_or_refused() {
        let mut port = Port::new(&DEVICE_OF_TESTS);
        let mut refused = 0;
        for kind in 0..=255 {
            for request in 0..=255 {
                for [low, high] in [[0, 0], [1, 1], [2, 3], [255, 255]] {
                    for length in [0, 7, 255] {
                        match ask(
                            &mut port,
                            [kind, request, low, high, low, high, length, length],
                        ) {
                            Answer::Bytes(mut text) => {
                                assert_ne!(kind & IN, 0);
                                while text.packet().is_some() {}
                            }
                            Answer::Refused => refused += 1,
                            _ => assert_eq!(kind & IN, 0),
                        }
                    }
                }
            }
        }
        // Nearly all: there are 65,536 requests, of which a port has some twenty.
        assert!(refused > 785_000, "{refused}");
    }
}
