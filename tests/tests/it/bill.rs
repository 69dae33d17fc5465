//! The bill for a board, against the clock of the board in its emulator, which counts instructions.

use anyhow::{Context, Result, bail};
use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::rank::Order;
use pocketrec::wire::{FrameReader, MAX_FRAME, Reply, Request, VERSION, Who, encode_frame};
use pocketrec_export::device::DeviceBill;
use pocketrec_export::{Bytes, Precision};
use std::io::{Read, Write};
use tests::firmware::{VIRT, boot, known};
use tests::trained;

/// Bytes of the largest image: the micro:bit's region.
const MOST: usize = 188 * 1024;
/// Nanoseconds of an instruction, as a power of two: about what one of 16 MHz takes, and more where a list takes so few that
/// a millisecond would be much of it.
fn shift(precision: Precision) -> u32 {
    match precision {
        Precision::Codes(_) => 8,
        _ => 6,
    }
}

/// Which of the image's users lists are asked for.
const PEOPLE: [u32; 8] = [0, 7, 15, 22, 30, 37, 45, 52];

/// Asks for all of these at once; the milliseconds between the first and the last answer, which tell the board's time.
fn milliseconds(line: &mut (impl Read + Write), requests: &[Request]) -> Result<u32> {
    let mut bytes = Vec::new();
    for (number, request) in (1..).zip(requests) {
        let mut frame = [0; MAX_FRAME];
        let length = encode_frame(VERSION, number, request, &mut frame).context("a frame")?;
        bytes.extend_from_slice(&frame[..length]);
    }
    line.write_all(&bytes)?;
    let mut reader = FrameReader::new();
    let mut times = Vec::new();
    let mut lists = 0;
    while times.len() < 2 {
        let mut byte = [0];
        match line.read(&mut byte) {
            Ok(1) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => continue,
            other => bail!("no byte: {other:?}"),
        }
        if let Some(Ok(frame)) = reader.push(byte[0]) {
            match postcard::from_bytes(frame.body)? {
                Reply::Health(health) => times.push(health.uptime),
                Reply::Movies(_) => lists += 1,
                Reply::Working { .. } => {}
                other => bail!("not what was asked for: {other:?}"),
            }
        }
    }
    assert_eq!(lists, 1);
    Ok(times[1] - times[0])
}

/// Instructions of a list on a board: as they are billed, and as its clock in the emulator has them, for each of several people.
fn lists(name: &str, precision: Precision) -> Result<(f64, Vec<f64>)> {
    let board = known(name)?;
    let image = trained::image_without_mlp(precision, board.image_region.min(MOST))?;
    let bill = DeviceBill::of(&image.bytes, board);
    let mut billed = 0.0;
    for work in bill.works() {
        if work.name.starts_with("a list of 10") || work.name.starts_with("before it") {
            let estimate = work.estimate.as_ref();
            let estimate = estimate.with_context(|| format!("\"{}\" isn't billed", work.name))?;
            billed += estimate.instructions;
        }
    }

    let shift = shift(precision);
    let arguments = ["-icount".into(), format!("shift={shift}")];
    let mut connection = boot(name, "firmware", Some(&image.path), &arguments)?;
    connection.hello()?;
    let model = Model::open(image.bytes.as_ref())?;
    let ids = model.user_ids().context("users")?;
    let mut took = Vec::new();
    for row in PEOPLE {
        let list = Request::TopN {
            who: Who::ImageUser(ids.id(row).context("a user")?),
            count: 10,
            include_rated: true,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        };
        // While the board waits for a byte its clock runs on with the PC's, which may be busy: the shortest time is nearest.
        let mut shortest = f64::INFINITY;
        for turn in 1..=30 {
            let took = milliseconds(connection.line(), &[Request::Health, list, Request::Health])?;
            let instructions = f64::from(took) * 1e6 / f64::from(1_u32 << shift);
            shortest = shortest.min(instructions);
            if turn >= 6 && shortest < billed * 1.05 {
                break;
            }
        }
        println!("{name}, {precision:?}: billed {billed:.0} instructions, took {shortest:.0}");
        took.push(shortest);
    }
    Ok((billed, took))
}

/// Nobody's list takes quite what another's does: with what they look for, more or fewer movies are looked up and enter it.
#[test]
fn a_lists_bill_is_near_the_emulated_boards_clock() -> Result<()> {
    for precision in [Precision::I8, Precision::Codes(Bytes::Four)] {
        let (billed, lists) = lists("microbit", precision)?;
        let mean = lists.iter().sum::<f64>() / lists.len() as f64;
        assert!(
            (0.95..1.05).contains(&(mean / billed)),
            "a list in {precision:?} takes {mean:.0} instructions on average, and {billed:.0} are billed"
        );
        for took in lists {
            assert!(
                (0.8..1.2).contains(&(took / billed)),
                "a list in {precision:?} takes {took:.0} instructions, and {billed:.0} are billed"
            );
        }
    }
    Ok(())
}

#[test]
fn a_lists_bill_by_a_cortex_m0_is_more_than_a_risc_v_takes() -> Result<()> {
    for precision in [Precision::I8, Precision::F16] {
        let (billed, lists) = lists(VIRT, precision)?;
        for took in lists {
            assert!(
                (0.5..1.0).contains(&(took / billed)),
                "a list in {precision:?} takes {took:.0} instructions, and {billed:.0} are billed"
            );
        }
    }
    Ok(())
}
