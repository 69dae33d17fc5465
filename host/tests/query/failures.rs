//! What a board refuses, what isn't one, and what a person breaks off.

use super::*;

/// A line on whose far side the board gets no time to work between a `TopN` and a `Cancel`, as with a long ranking: the
/// port, and what says that the ranking has begun.
#[cfg(unix)]
fn slow_board(place: &TempDir) -> (String, std::sync::mpsc::Receiver<()>) {
    let bytes = std::fs::read(place.path().join("model.img")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (began, begun) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let image = ImageBytes::copy(&bytes);
        let mut board = MemoryBoard::new(Model::open(image.as_ref()));
        for stream in listener.incoming() {
            let mut line = stream.unwrap();
            line.set_read_timeout(Some(Duration::from_millis(2)))
                .unwrap();
            let (mut reader, mut works) = (FrameReader::new(), true);
            let mut buffer = [0; 1024];
            loop {
                let count = match line.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error)
                        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                    {
                        0
                    }
                    Err(_) => break,
                };
                for byte in &buffer[..count] {
                    let Some(Ok(frame)) = reader.push(*byte) else {
                        continue;
                    };
                    match postcard::from_bytes(frame.body).unwrap() {
                        Request::TopN { .. } if works => {
                            works = false;
                            began.send(()).unwrap();
                        }
                        Request::Cancel { .. } => works = true,
                        _ => {}
                    }
                }
                board.write_all(&buffer[..count]).unwrap();
                while works && let Ok(count) = board.read(&mut buffer) {
                    if line.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
            }
        }
    });
    (format!("tcp:{address}"), begun)
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_the_board_and_then_the_program() {
    let place = place();
    let (port, begun) = slow_board(&place);
    let top = ["query", "top", "--image", "model.img", "--port", &port];
    let host = signals::as_usual(&mut program(&place))
        .args(top)
        .current_dir(place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    begun.recv_timeout(Duration::from_secs(60)).unwrap();
    let signal = ["-INT", &host.id().to_string()];
    assert!(
        Command::new("kill")
            .args(signal)
            .status()
            .unwrap()
            .success()
    );
    let output = host.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert_eq!(
        errors,
        format!("error: interrupted: {port} was told to stop, and has stopped\n")
    );
    assert!(output.stdout.is_empty());
    // The board is free for the next host.
    succeeds(
        &place,
        &port,
        &["query", "predict", "--movie", "10"],
        &["stars"],
    );
}

#[test]
fn what_a_board_refuses_is_said_in_a_sentence() {
    let place = place();
    let port = board(&place, |_| ());
    let refused = |arguments: &[&str], parts: &[&str]| {
        let arguments = [&["query"], arguments].concat();
        fails(&place, &port, 2, &arguments, parts);
    };
    refused(
        &["predict", "--user", "99", "--movie", "10"],
        &["user 99 is not in the device's model"],
    );
    refused(
        &["predict", "--movie", "11"],
        &["movie 11 is not in the device's model"],
    );
    refused(
        &["rate", "--movie", "Prat 12", "--stars", "4"],
        &["may mean Part 12 (1960)", "nothing is changed on a guess"],
    );
    refused(
        &["rate", "--movie", "10", "--stars", "7"],
        &["scale: --stars should be", "in steps of"],
    );
    refused(
        &["rate", "--movie", "10", "--stars", "4", "--owner", "200"],
        &["owner 200"],
    );
    refused(&["forget", "--movie", "10"], &["rate"]);
    refused(&["top", "--count", "200"], &["200"]);
    refused(
        &["format"],
        &["every owner", "ratings --save", "format --yes"],
    );
}

#[test]
fn files_and_numbers_are_checked_before_a_firmware_is_built() {
    let place = place();
    std::fs::write(place.path().join("bad.csv"), "movieId,rating\n10,nan\n").unwrap();
    for (arguments, said) in [
        (
            "query --emulator ratings --load nope.csv",
            "nope.csv can't be read",
        ),
        (
            "query --emulator ratings --load bad.csv",
            "bad.csv line 2 should be",
        ),
        (
            "query --emulator ratings --save .",
            "--save is ., which is a folder",
        ),
        (
            "query --emulator rate --movie 10 --stars nan",
            "it should be a number of stars",
        ),
        (
            "query --emulator rate --movie 10 --stars inf",
            "it should be a number of stars",
        ),
        (
            "query --emulator predict --movie 11",
            "movie 11 is not in the device's model",
        ),
        (
            "query --emulator top --user 99",
            "user 99 is not in the device's model",
        ),
        (
            "query --emulator rate --movie 10 --stars 7",
            "--stars should be 0.5 to 5 in steps of 0.5",
        ),
        (
            "query --emulator forget --movie 11",
            "movie 11 is not in the device's model",
        ),
        (
            "query --emulator forget --movie 10",
            "the owner has not rated Part 1 (1960): an emulated board starts without ratings",
        ),
        (
            "query --emulator undo",
            "there is no rating left to undo: an emulated board starts without ratings",
        ),
        (
            "query --emulator --titles nope.csv top",
            "there is no nope.csv",
        ),
        (
            "selftest --emulator --write missing/t.txt",
            "and there is no folder missing",
        ),
    ] {
        let output = program(&place)
            .args(arguments.split_whitespace())
            .args(["--image", "model.img"])
            .current_dir(place.path())
            // Whoever starts it has begun to build.
            .env("CARGO", "no-cargo-here")
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {errors}");
        assert!(errors.contains(said), "{arguments}: {errors}");
    }
}

#[test]
fn stars_below_the_scale_are_refused_by_the_board_and_not_taken_for_an_option() {
    let place = place();
    let port = board(&place, |_| ());
    let rate = ["query", "rate", "--movie", "10", "--stars", "-1"];
    fails(&place, &port, 2, &rate, &["--stars should be 0.5 to 5"]);
}

#[test]
fn a_wrong_baud_rate_is_told_from_silence() {
    let place = place();
    // Every byte arrives as another one, as it does at another speed.
    let port = board(&place, |bytes| {
        bytes.iter_mut().for_each(|byte| *byte = 0x80 | *byte >> 1)
    });
    fails(
        &place,
        &port,
        1,
        &["query", "hello"],
        &["make no frame", "--baud"],
    );
}

#[test]
fn a_board_without_a_model_says_why_and_what_to_do() {
    let place = place();
    let image = place.path().join("model.img");
    let whole = std::fs::read(&image).unwrap();
    std::fs::write(&image, &whole[..100]).unwrap();
    let port = board(&place, |_| ());
    std::fs::write(&image, &whole).unwrap();
    succeeds(
        &place,
        &port,
        &["query", "hello"],
        &["no model", "length", "xtask flash"],
    );
    fails(
        &place,
        &port,
        1,
        &["query", "top"],
        &["no model", "xtask flash"],
    );
}

#[test]
fn a_board_that_says_nothing_is_given_up_after_the_timeout() {
    let place = place();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("tcp:{}", listener.local_addr().unwrap());
    let silent = ["query", "hello", "--timeout", "0.2"];
    fails(
        &place,
        &port,
        1,
        &silent,
        &["nothing answers at", "waited 200 ms"],
    );
    let wrong = ["query", "hello", "--timeout", "0"];
    fails(&place, &port, 2, &wrong, &["from 0.1 to 86400"]);
}

#[test]
fn an_emulator_that_is_not_installed_is_told_before_its_firmware_is_built() {
    let place = place();
    for (arguments, missing) in [
        (&["emulate", "--image", "model.img"][..], "qemu-system-arm"),
        (&["emulate", "pico", "--image", "model.img"], "node"),
        (
            &["query", "top", "--emulator", "--image", "model.img"],
            "qemu-system-arm",
        ),
    ] {
        let told = program(&place)
            .args(arguments)
            .env("PATH", "")
            // Whoever starts it has begun to build.
            .env("CARGO", "no-cargo-here")
            .env("CARGO_TARGET_DIR", place.path())
            .output()
            .unwrap();
        let errors = String::from_utf8(told.stderr).unwrap();
        let said = format!("error: the emulator {missing} is not installed: `cargo xtask setup`");
        assert!(errors.contains(&said), "{arguments:?}: {errors}");
        assert_eq!(told.status.code(), Some(1));
    }
}

#[test]
#[cfg(unix)]
fn emulate_without_a_folder_to_tell_of_it_says_so_before_a_firmware_is_built() {
    let place = place();
    let mut emulate = program(&place);
    emulate
        .args(["emulate", "--image", "model.img"])
        .env("CARGO", "no-cargo-here");
    let said = |emulate: &mut Command| {
        let told = emulate.output().unwrap();
        assert_eq!(told.status.code(), Some(1));
        String::from_utf8(told.stderr).unwrap()
    };
    std::fs::write(place.path().join("config"), "in the way").unwrap();
    let errors = said(&mut emulate);
    assert!(
        errors.contains("config/pocketrec can't be written"),
        "{errors}"
    );
    for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"] {
        emulate.env_remove(name);
    }
    let errors = said(&mut emulate);
    let told = "no folder is named for what runs: XDG_RUNTIME_DIR or HOME should name one";
    assert!(errors.contains(told), "{errors}");
}
