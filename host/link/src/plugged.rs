//! Serial ports of this machine, and which of them are likely a board: by the USB ids of probes and adapters.

use serialport::{SerialPortInfo, SerialPortType};

/// What is known to carry a board's serial line: vendor, product (any, for `None`), and what it is.
const KNOWN: &[(u16, Option<u16>, &str)] = &[
    (0x0d28, Some(0x0204), "a micro:bit or another DAPLink probe"),
    (0x0483, Some(0x3748), "an ST-Link probe"),
    (0x0483, Some(0x374b), "an ST-Link/V2-1 probe"),
    (0x0483, Some(0x374d), "an ST-Link/V3 probe"),
    (0x0483, Some(0x374e), "an ST-Link/V3 probe"),
    (0x0483, Some(0x374f), "an ST-Link/V3 probe"),
    (0x0483, Some(0x3752), "an ST-Link/V2-1 probe"),
    (0x0483, Some(0x3753), "an ST-Link/V3 probe"),
    (0x0483, Some(0x5740), "an STM32 with USB of its own"),
    (0x2e8a, Some(0x000a), "a Raspberry Pi Pico"),
    (0x2e8a, Some(0x000c), "a Raspberry Pi Debug Probe"),
    (0x2e8a, Some(0x0004), "a Picoprobe"),
    (0x1366, None, "a J-Link probe"),
    (0x1a86, Some(0x7523), "a CH340 adapter"),
    (0x1a86, Some(0x5523), "a CH341 adapter"),
    (0x1a86, Some(0x55d4), "a CH9102 adapter"),
    (0x10c4, Some(0xea60), "a CP210x adapter"),
    (0x0403, Some(0x6001), "an FT232 adapter"),
    (0x0403, Some(0x6010), "an FT2232 adapter"),
    (0x0403, Some(0x6011), "an FT4232 adapter"),
    (0x0403, Some(0x6014), "an FT232H adapter"),
    (0x0403, Some(0x6015), "an FT-X adapter"),
    (0x067b, Some(0x2303), "a PL2303 adapter"),
    (0x1209, Some(0x2488), "a Black Magic Probe"),
    (0x1d50, Some(0x6018), "a Black Magic Probe"),
];

/// A serial port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugged {
    /// As `--port` takes it.
    pub name: String,
    /// Vendor and product, where it is on USB.
    pub usb: Option<(u16, u16)>,
    /// What it says of itself, where it says something.
    pub says: Option<String>,
    /// What it is, where its ids are known: a board may be behind it.
    pub known: Option<&'static str>,
}

/// All serial ports, by name. On macOS, which has two names for each, the one that doesn't wait for a modem.
pub fn all() -> Vec<Plugged> {
    let ports = serialport::available_ports().unwrap_or_default();
    let mut all: Vec<Plugged> = ports.into_iter().map(Plugged::of).collect();
    all.retain(|port| !port.name.starts_with("/dev/tty."));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

impl Plugged {
    fn of(port: SerialPortInfo) -> Self {
        let SerialPortType::UsbPort(usb) = port.port_type else {
            return Self {
                name: port.port_name,
                usb: None,
                says: None,
                known: None,
            };
        };
        Self {
            name: port.port_name,
            usb: Some((usb.vid, usb.pid)),
            known: known(usb.vid, usb.pid, usb.product.as_deref()),
            says: usb.product.or(usb.manufacturer),
        }
    }
}

/// What is known under these ids: a probe or an adapter, or a board by the ids in its data file; where boards have the same,
/// the one that the port says it is.
fn known(vendor: u16, product: u16, says: Option<&str>) -> Option<&'static str> {
    let mut all = KNOWN.iter();
    let is = |(v, p, _): &&(u16, Option<u16>, _)| *v == vendor && p.is_none_or(|p| p == product);
    let named = all.find(is).map(|(_, _, what)| *what);
    named.or_else(|| {
        let boards = || {
            let all = boards::BOARDS.iter();
            all.filter(|board| board.usb.contains(&(vendor, product)))
        };
        let told = boards().find(|board| says == Some(board.title));
        told.or_else(|| boards().next()).map(|board| board.title)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_or_an_adapter_is_known_by_its_usb_ids_and_a_mouse_is_not() {
        let says = |vid, pid, product: Option<&str>| {
            Plugged::of(SerialPortInfo {
                port_name: "/dev/ttyACM0".into(),
                port_type: SerialPortType::UsbPort(serialport::UsbPortInfo {
                    vid,
                    pid,
                    serial_number: None,
                    manufacturer: Some("maker".into()),
                    product: product.map(String::from),
                }),
            })
        };
        let usb = |vid, pid| says(vid, pid, None);
        assert!(usb(0x0d28, 0x0204).known.unwrap().contains("micro:bit"));
        assert_eq!(usb(0x1366, 0x0105).known, Some("a J-Link probe"));
        assert_eq!(usb(0x046d, 0xc077).known, None);
        assert_eq!(usb(0x046d, 0xc077).says.as_deref(), Some("maker"));
        let pico = |name| says(0x16c0, 0x27dd, name).known;
        assert_eq!(pico(None), Some("Raspberry Pi Pico"));
        for name in ["Raspberry Pi Pico", "Raspberry Pi Pico 2"] {
            assert_eq!(pico(Some(name)), Some(name));
        }
        let own = Plugged::of(SerialPortInfo {
            port_name: "/dev/ttyS0".into(),
            port_type: SerialPortType::Unknown,
        });
        assert_eq!((own.usb, own.known), (None, None));
    }
}
