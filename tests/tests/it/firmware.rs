//! The real firmware in the emulator, where it meets the machine: interrupts, faults and logs.

use anyhow::{Context, Result};
use defmt_decoder::DecodeError;
use object::{Object, ObjectSymbol};
use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::rank::Order;
use pocketrec::wire::FrameError;
use pocketrec::wire::{
    FrameReader, HELLO_MAGIC, LinkCounters, MAX_BODY, MAX_FRAME, MAX_IMPORT, Refusal, Reply,
    Request, Reset, Status, VERSION, Who, encode_frame,
};
use pocketrec_export::{ImageBytes, Precision};
use pocketrec_link::emulator::Emulator;
use pocketrec_link::{Connection, LinkError};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::control::{Gdb, Qmp, Waiting, gdb};
use tests::firmware::{BOARDS, DEBUGGED, PROFILES, VIRT, boot, elf, known};
use tests::image::made_up;
use tests::trained;

/// A file with an image of so many movies.
fn image(movies: u32) -> Result<tempfile::NamedTempFile> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), made_up(3, movies)?)?;
    Ok(file)
}

/// Waits for the next frame: its number and what `see` makes of the reply.
fn next<T>(
    line: &mut Emulator,
    reader: &mut FrameReader,
    see: impl FnOnce(u32, Reply<'_>) -> T,
) -> Result<T> {
    let until = Instant::now() + Duration::from_secs(60);
    let mut byte = [0];
    loop {
        match line.read(&mut byte) {
            Ok(0) => anyhow::bail!("the emulator ended"),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                anyhow::ensure!(Instant::now() < until, "no frame came");
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(frame) = reader.push(byte[0]) {
            let frame = frame.map_err(|error| anyhow::anyhow!("a bad frame: {error}"))?;
            return Ok(see(frame.number, postcard::from_bytes(frame.body)?));
        }
    }
}

fn frame(number: u32, request: &Request) -> Vec<u8> {
    let mut frame = [0; MAX_FRAME];
    let length =
        encode_frame(VERSION, number, request, &mut frame).expect("a request fits a frame");
    frame[..length].to_vec()
}

/// The number of the largest frame: without a zero byte, each of which would save a code byte.
const LARGEST: u32 = 0x0808_0808;

/// A frame of the largest size that a board takes, whose body is no request.
fn largest_frame(board: &mut Connection<Emulator>) -> Result<Vec<u8>> {
    let largest = usize::from(board.hello()?.largest_frame);
    let answer = board.ask(&Request::Limits)?;
    let Some(Reply::Limits(limits)) = answer.reply() else {
        anyhow::bail!("not limits: {:?}", answer.reply());
    };
    let mut frame = [0; MAX_FRAME];
    // A slice goes in behind its length, two bytes here.
    let body = &[0xa5_u8; MAX_BODY][..usize::from(limits.body) - 2];
    let length = encode_frame(VERSION, LARGEST, &body, &mut frame).context("too long a body")?;
    assert_eq!(length, largest);
    Ok(frame[..length].to_vec())
}

fn counters(board: &mut Connection<Emulator>) -> Result<LinkCounters> {
    let answer = board.ask(&Request::LinkCounters)?;
    match answer.reply() {
        Some(Reply::LinkCounters(counters)) => Ok(counters),
        other => anyhow::bail!("not counters: {other:?}"),
    }
}

/// The emulated time of an F405 is stretched to a microsecond an instruction, so that its ranking, which takes a
/// real board some ten milliseconds, says `Working` as a long one does.
fn stretched(board: &str) -> Vec<String> {
    match board {
        "stm32f405" => ["-icount", "shift=10,sleep=off"].map(String::from).to_vec(),
        _ => Vec::new(),
    }
}

#[test]
fn a_largest_frame_is_taken_in_while_a_ranking_runs() -> Result<()> {
    for (board, movies) in [("stm32f405", 33_000), ("microbit", 5_900)] {
        let image = image(movies)?;
        let mut connection = boot(board, PROFILES[0], Some(image.path()), &stretched(board))?;
        let largest = largest_frame(&mut connection)?;
        let before = counters(&mut connection)?;
        let line = connection.line();
        let mut reader = FrameReader::new();
        line.write_all(&frame(
            7,
            &Request::TopN {
                who: Who::Owner(0),
                count: 10,
                include_rated: false,
                include_below: false,
                order: Order::Score,
                wanted: Wanted::ANY,
            },
        ))?;
        let working = next(line, &mut reader, |number, reply| {
            number == 7 && matches!(reply, Reply::Working { .. })
        })?;
        assert!(
            working,
            "{board}: the ranking of {movies} movies said nothing of being under way"
        );

        line.write_all(&largest)?;
        // The refusal of what is no request must come while the ranking still runs.
        let mut order = Vec::new();
        while order.len() < 2 {
            next(line, &mut reader, |number, reply| match reply {
                Reply::Working { .. } => {}
                Reply::Refused(Refusal::BadFrame(FrameError::Body)) => {
                    order.push((number, "refused"))
                }
                Reply::Movies(movies) => order.push((
                    number,
                    if movies.len() == 10 {
                        "ranked"
                    } else {
                        "short"
                    },
                )),
                other => panic!("{board}: {other:?}"),
            })?;
        }
        assert_eq!(order, [(LARGEST, "refused"), (7, "ranked")], "{board}");

        let after = counters(&mut connection)?;
        let came = after.while_working - before.while_working;
        assert!(
            came as usize >= largest.len(),
            "{board}: of the frame's {} bytes {came} came in during the ranking",
            largest.len()
        );
        assert_eq!(after.lost, 0, "{board}");
    }
    Ok(())
}

#[test]
fn a_pico_loses_no_byte_over_usb_however_many_come_while_it_works() -> Result<()> {
    let image = image(300)?;
    let usb = ["-line", "usb"].map(String::from);
    let mut connection = boot("pico", PROFILES[1], Some(image.path()), &usb)?;
    connection.hello()?;
    let before = counters(&mut connection)?;
    let mut bytes = frame(
        7,
        &Request::TopN {
            who: Who::Owner(0),
            count: 10,
            include_rated: false,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        },
    );
    // Eight times what its ring holds: they come within one slice of the ranking.
    bytes.resize(bytes.len() + 8 * 1024, 0x55);
    connection.line().write_all(&bytes)?;
    let after = counters(&mut connection)?;
    assert_eq!(after.lost, 0);
    let received = after.received.wrapping_sub(before.received) as usize;
    assert!(received > bytes.len(), "{received}");
    Ok(())
}

#[test]
fn one_request_waits_during_a_ranking_and_the_next_is_told_that_the_board_is_busy() -> Result<()> {
    for (board, movies) in [("stm32f405", 33_000), ("microbit", 5_900)] {
        let image = image(movies)?;
        let mut connection = boot(board, PROFILES[1], Some(image.path()), &stretched(board))?;
        connection.hello()?;
        let line = connection.line();
        let mut reader = FrameReader::new();
        let predict = Request::Predict {
            who: Who::ImageUser(1),
            movie: 1,
        };
        line.write_all(&frame(
            7,
            &Request::TopN {
                who: Who::Owner(0),
                count: 10,
                include_rated: false,
                include_below: false,
                order: Order::Score,
                wanted: Wanted::ANY,
            },
        ))?;
        line.write_all(&frame(8, &predict))?;
        line.write_all(&frame(9, &predict))?;
        let mut order = Vec::new();
        while order.len() < 3 {
            next(line, &mut reader, |number, reply| match reply {
                Reply::Working { .. } => {}
                Reply::Refused(Refusal::Busy) => order.push((number, "busy")),
                Reply::Movies(_) => order.push((number, "ranked")),
                Reply::Stars(_) => order.push((number, "stars")),
                other => panic!("{board}: {other:?}"),
            })?;
        }
        assert_eq!(order, [(9, "busy"), (7, "ranked"), (8, "stars")], "{board}");
    }
    Ok(())
}

#[test]
fn a_ranking_that_somebody_interrupts_ends_on_the_board_too() -> Result<()> {
    for (board, movies) in [("stm32f405", 33_000), ("microbit", 5_900)] {
        let image = image(movies)?;
        let mut connection = boot(board, PROFILES[0], Some(image.path()), &stretched(board))?;
        connection.hello()?;
        let stop: &AtomicBool = Box::leak(Box::default());
        connection.heed(stop);
        let who = Who::Owner(0);
        let ranking = Request::TopN {
            who,
            count: 10,
            include_rated: false,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        };
        let ended =
            connection.ask_with_progress(&ranking, |_, _| stop.store(true, Ordering::Relaxed));
        let Err(LinkError::Interrupted { stopped, .. }) = ended else {
            anyhow::bail!("{board}: {ended:?}");
        };
        assert_eq!(stopped, Some(true), "{board}");
        // It has time for something else at once.
        let answer = connection
            .ask_with_progress(&Request::Predict { who, movie: 1 }, |_, _| {
                panic!("{board} still ranks")
            })?;
        assert!(matches!(answer.reply(), Some(Reply::Stars(_))), "{board}");
    }
    Ok(())
}

#[test]
fn a_fault_resets_into_a_firmware_that_reports_it() -> Result<()> {
    const NOWHERE: u32 = 0xD000_0000;
    for board in DEBUGGED.into_iter().chain([VIRT]) {
        let image = image(100)?;
        let waiting = Waiting::new()?;
        let mut connection = boot(board, PROFILES[0], Some(image.path()), &gdb(&waiting)?)?;
        let mut debugger = Gdb::take(waiting)?;
        for crashes in 0..3 {
            let answer = connection.ask(&Request::Health)?;
            let Some(Reply::Health(health)) = answer.reply() else {
                anyhow::bail!("{board}: not health: {:?}", answer.reply());
            };
            let due = if crashes == 0 {
                (Reset::Power, 0)
            } else {
                (Reset::Fault, NOWHERE)
            };
            assert_eq!((health.board, health.crashes), (board, crashes));
            assert_eq!((health.reset, health.at), due, "{board}");
            let answer = connection.ask(&Request::Predict {
                who: Who::ImageUser(1),
                movie: 1,
            })?;
            assert!(
                matches!(answer.reply(), Some(Reply::Stars(_))),
                "{board}: {:?}",
                answer.reply()
            );
            debugger.jump(NOWHERE)?;
            // A processor that sleeps goes on, and faults, when something wakes it.
            connection.line().write_all(&[0])?;
        }
    }
    Ok(())
}

#[test]
fn the_reset_button_after_a_fault_is_not_another_fault() -> Result<()> {
    for board in DEBUGGED.into_iter().chain([VIRT]) {
        let (debug, machine) = (Waiting::new()?, Waiting::new()?);
        let mut connection = boot(
            board,
            PROFILES[0],
            None,
            &[gdb(&debug)?, machine.qmp()?].concat(),
        )?;
        let mut debugger = Gdb::take(debug)?;
        let mut machine = Qmp::take(machine)?;
        connection.hello()?;
        debugger.jump(0xD000_0000)?;
        connection.line().write_all(&[0])?;
        connection.hello()?;
        machine.reset()?;
        let answer = connection.ask(&Request::Health)?;
        let Some(Reply::Health(health)) = answer.reply() else {
            anyhow::bail!("{board}: not health: {:?}", answer.reply());
        };
        assert_eq!((health.reset, health.crashes), (Reset::Power, 1), "{board}");
    }
    Ok(())
}

#[test]
fn a_board_without_an_image_or_with_a_bad_one_says_so_and_stays_alive() -> Result<()> {
    let mut bad = made_up(3, 100)?;
    let middle = bad.as_ref().len() / 2;
    bad.as_mut()[middle] ^= 1;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &bad)?;
    let images: [Option<&Path>; 2] = [None, Some(file.path())];
    for board in BOARDS.into_iter().chain([VIRT]) {
        for image in images {
            let mut connection = boot(board, PROFILES[1], image, &[])?;
            let hello = connection.hello()?;
            assert_eq!(hello.magic, HELLO_MAGIC);
            assert_eq!(hello.status, Status::NoModel as u8, "{board} {image:?}");
            let answer = connection.ask(&Request::Predict {
                who: Who::Owner(0),
                movie: 1,
            })?;
            assert!(
                matches!(answer.reply(), Some(Reply::Refused(Refusal::NoModel(_)))),
                "{board} {image:?}: {:?}",
                answer.reply()
            );
        }
    }
    Ok(())
}

/// The up channel of RTT in RAM: what the firmware wrote since boot, as nobody has read any.
fn rtt(machine: &mut Qmp, elf: &[u8]) -> Result<Vec<u8>> {
    let file = object::File::parse(elf)?;
    let block = file
        .symbols()
        .find(|symbol| symbol.name() == Ok("_SEGGER_RTT"))
        .context("the firmware has no RTT")?
        .address() as u32;
    // 16 bytes of name, two counts, then the channel: name, buffer, size, write, read, flags.
    let bytes = machine.memory(block, 48)?;
    assert_eq!(&bytes[..10], b"SEGGER RTT");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let (buffer, written, read) = (word(28), word(36), word(40));
    assert_eq!(read, 0, "somebody reads");
    machine.memory(buffer, written)
}

#[test]
fn logs_are_read_from_the_emulators_memory_and_decoded() -> Result<()> {
    for board in BOARDS.into_iter().chain([VIRT]) {
        let image = image(100)?;
        let waiting = Waiting::new()?;
        let mut connection = boot(board, PROFILES[0], Some(image.path()), &waiting.qmp()?)?;
        let mut machine = Qmp::take(waiting)?;
        connection.hello()?;
        let elf = std::fs::read(elf(board, PROFILES[0])?)?;
        let bytes = rtt(&mut machine, &elf)?;
        let table = defmt_decoder::Table::parse(&elf)?.context("the firmware has no log")?;
        let mut decoder = table.new_stream_decoder();
        decoder.received(&bytes);
        let mut lines = Vec::new();
        loop {
            match decoder.decode() {
                Ok(frame) => lines.push(frame.display_message().to_string()),
                Err(DecodeError::UnexpectedEof) => break,
                Err(DecodeError::Malformed) => {
                    anyhow::bail!("{board}: a bad log frame in {bytes:x?}")
                }
            }
        }
        assert_eq!(
            lines,
            [
                format!("{board} started; crashes since power on: 0"),
                "model made-up: 100 movies, 3 users".to_string(),
            ]
        );
    }
    Ok(())
}

#[test]
fn logs_never_make_a_firmware_wait_for_a_reader() -> Result<()> {
    // Each boot logs into the same 1 KB; nobody empties it, and the firmware answers all the same.
    let waiting = Waiting::new()?;
    let mut connection = boot("microbit", PROFILES[0], None, &waiting.qmp()?)?;
    let mut machine = Qmp::take(waiting)?;
    for _ in 0..100 {
        machine.reset()?;
        connection.hello()?;
    }
    Ok(())
}

/// Asks for everything that takes much stack, over a connection to a board with an image of these movies, more than 70,
/// and this user.
fn ask_everything(connection: &mut Connection<Emulator>, movies: &[u32], user: u32) -> Result<()> {
    let who = Who::Owner(0);
    let mut requests = Vec::new();
    let (rated, others) = movies.split_at(70);
    for (at, &movie) in rated.iter().enumerate() {
        let stars = (at % 10 + 1) as f32 / 2.0;
        requests.push(Request::Rate { who, movie, stars });
    }
    let movie = others[0];
    requests.extend([
        Request::Limits,
        Request::ModelInfo,
        Request::Predict { who, movie },
        Request::Predict {
            who: Who::ImageUser(user),
            movie,
        },
        Request::TopN {
            who,
            count: 20,
            include_rated: false,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        },
        Request::Similar { movie, count: 20 },
        Request::Suggest { who, count: 20 },
        Request::Explain { who, movie },
        Request::Likely { who, movie },
        Request::Profile { who },
        Request::Ratings { who, first: 0 },
        Request::Import {
            who,
            count: MAX_IMPORT as u8,
            ratings: [(rated[0], 4.0); MAX_IMPORT],
        },
        Request::Undo { who },
        Request::Forget {
            who,
            movie: rated[0],
        },
        Request::Owners,
        Request::Compact,
        Request::Storage,
        Request::Health,
        Request::LinkCounters,
    ]);
    for request in requests {
        let answer = connection
            .ask(&request)
            .with_context(|| format!("{request:?}"))?;
        anyhow::ensure!(answer.reply().is_some(), "{request:?}: no reply");
    }
    Ok(())
}

/// How deep the stack has reached since power-up, when the emulator's RAM is all zeros, and how many bytes between it
/// and the variables were never used.
fn stack(machine: &mut Qmp, elf: &[u8]) -> Result<(usize, usize)> {
    let file = object::File::parse(elf)?;
    let address = |name: &str| -> Result<u32> {
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name));
        Ok(symbol
            .with_context(|| format!("no symbol {name}"))?
            .address() as u32)
    };
    let (end, top) = (address("__sheap")?, address("_stack_start")?);
    let memory = machine.memory(end, top - end)?;
    let unused = memory.iter().take_while(|byte| **byte == 0).count();
    Ok((memory.len() - unused, unused))
}

/// Of the board with the least RAM.
#[test]
fn the_stack_of_a_microbit_keeps_away_from_its_variables_whatever_is_asked() -> Result<()> {
    keeps_away(&PROFILES.map(|profile| ("microbit", profile)))
}

/// Every board, of which one's emulator takes long.
mod slow {
    use super::*;

    /// Also what `cargo xtask size --bless` takes stacks from, by the lines that begin with `stack of`.
    #[test]
    fn the_stack_keeps_away_from_the_variables_whatever_is_asked() -> Result<()> {
        let profiles = |board| PROFILES.map(|profile| (board, profile));
        keeps_away(BOARDS.map(profiles).as_flattened())
    }
}

/// Measures the stacks of these builds, and compares them with the room that there is and with bench/size.txt.
fn keeps_away(builds: &[(&str, &str)]) -> Result<()> {
    let table = include_str!("../../../bench/size.txt");
    let mut measured = Vec::new();
    let floats = image(100)?;
    for &(board, profile) in builds {
        let mut images = vec![floats.path().to_owned()];
        // Ranking by codewords has memory of its own.
        let codes;
        if known(board)?.features.contains(&"codes") {
            codes = trained::image(Precision::CODES, 32 * 1024)?;
            images.push(codes.path.clone());
        }
        // An emulator that takes minutes for each is asked about the deeper one.
        if matches!(known(board)?.emulator, Some(boards::Emulator::Node { .. })) {
            images.drain(..images.len() - 1);
        }
        let (mut used, mut unused) = (0, usize::MAX);
        for image in &images {
            let bytes = ImageBytes::read(image)?;
            let model = Model::open(bytes.as_ref())?;
            let movies = (0..100).filter_map(|row| model.movie_ids().id(row));
            let user = model
                .user_ids()
                .and_then(|ids| ids.id(0))
                .context("the image has a user")?;
            let movies = movies.collect::<Vec<_>>();
            let waiting = Waiting::new()?;
            let mut connection = boot(board, profile, Some(image), &waiting.qmp()?)?;
            let mut machine = Qmp::take(waiting)?;
            ask_everything(&mut connection, &movies, user)?;
            // What was rated is folded in again at a start, on top of what a start takes.
            machine.reset()?;
            connection.hello()?;
            let (deep, left) = stack(&mut machine, &std::fs::read(elf(board, profile)?)?)?;
            (used, unused) = (used.max(deep), unused.min(left));
        }
        println!("stack of {board} {profile} {used}, {unused} bytes were never used");
        measured.push((board, profile, used, unused));
    }
    for (board, profile, used, unused) in measured {
        assert!(unused >= 512, "{board}, {profile}: {unused} bytes are left");
        let words = |line: &'static str| line.split_whitespace().collect::<Vec<_>>();
        let told = table.lines().map(words).find_map(|words| match words[..] {
            [of, by, _, _, _, stack] if of == board && by == profile => stack.parse::<usize>().ok(),
            _ => None,
        });
        // A board that was just added has no line yet. Another compiler lays out other frames.
        assert!(
            told.is_none_or(|told| used <= told + told / 10),
            "{board}, {profile}: a stack of {used} bytes, where bench/size.txt says {told:?}: \
             `cargo xtask size --bless` writes it anew"
        );
    }
    Ok(())
}
