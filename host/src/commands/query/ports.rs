//! Which serial ports there are, and which boards `emulate` holds.

use anyhow::Result;
use serde::Serialize;

use crate::print::{self, Answer, Column, Table};
use crate::{note, say};
use pocketrec_link::{plugged, running};

/// A line that can be asked, or might be.
#[derive(Debug, Serialize)]
struct Port {
    port: String,
    /// Vendor and product in hexadecimal, where it is on USB.
    usb: Option<String>,
    /// What it says of itself.
    says: Option<String>,
    /// What it is, where that is known.
    known: Option<String>,
}

#[derive(Debug, Serialize)]
struct Ports {
    ports: Vec<Port>,
}

/// Lists them.
///
/// # Errors
/// As [`print::answer`].
pub(super) fn tell() -> Result<()> {
    let emulated = running::all().into_iter().map(|running| Port {
        port: running.port(),
        usb: None,
        says: None,
        known: Some(format!("the emulated {} of `emulate`", running.board)),
    });
    let plugged = plugged::all().into_iter().map(|port| Port {
        port: port.name,
        usb: port
            .usb
            .map(|(vendor, product)| format!("{vendor:04x}:{product:04x}")),
        says: port.says,
        known: port.known.map(str::to_owned),
    });
    print::answer(&Ports {
        ports: emulated.chain(plugged).collect(),
    })
}

impl Answer for Ports {
    fn tell(&self) {
        if self.ports.is_empty() {
            say!("No serial port is there, and `emulate` holds no board");
            return;
        }
        let mut table = Table::new([
            Column::text("Port"),
            Column::text("What it is"),
            Column::extra("USB"),
            Column::extra("Says"),
        ]);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        for port in &self.ports {
            table.row([
                port.port.clone(),
                port.known.clone().unwrap_or_else(|| "not known".into()),
                text(&port.usb),
                text(&port.says),
            ]);
        }
        print::block(&table.text());
        note!("`query` asks the only one that is known, and the last one among several");
    }
}
