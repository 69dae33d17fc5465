//! `host console` as people see it, in a pseudo-terminal, and as scripts use it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{board, place};
use tempfile::TempDir;

/// Longer than any machine takes to draw: what never comes ends a test.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program in a terminal of its own.
struct Terminal {
    child: Child,
    keys: File,
    screen: Arc<Mutex<vt100::Parser>>,
}

/// The program in a terminal of its own, and the terminal's other end. `before` runs between fork and exec.
fn spawn(
    folder: &TempDir,
    (columns, lines): (u16, u16),
    arguments: &[&str],
    before: fn(),
) -> (Child, File) {
    let (mut ours, mut theirs) = (0, 0);
    let size = libc::winsize {
        ws_row: lines,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: both descriptors are written before they are read, and nobody else has them. A child that kept ours would
    // keep the terminal open.
    let (keys, theirs) = unsafe {
        let none = std::ptr::null_mut();
        assert_eq!(
            libc::openpty(
                &raw mut ours,
                &raw mut theirs,
                none,
                none.cast(),
                &raw const size as *mut _
            ),
            0
        );
        assert_eq!(libc::fcntl(ours, libc::F_SETFD, libc::FD_CLOEXEC), 0);
        (File::from_raw_fd(ours), File::from_raw_fd(theirs))
    };
    let end = || Stdio::from(theirs.try_clone().unwrap());
    let mut command = host(folder);
    command
        .args(arguments)
        .env("TERM", "xterm-256color")
        .stdin(end())
        .stdout(end())
        .stderr(end());
    // SAFETY: between fork and exec these calls may be made; `before` makes no others.
    unsafe {
        command.pre_exec(move || {
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY, 0);
            before();
            Ok(())
        });
    }
    (command.spawn().unwrap(), keys)
}

impl Terminal {
    fn start(folder: &TempDir, (columns, lines): (u16, u16), arguments: &[&str]) -> Self {
        let (child, keys) = spawn(folder, (columns, lines), arguments, || ());
        let screen = vt100::Parser::new(lines.try_into().unwrap(), columns.try_into().unwrap(), 0);
        let screen = Arc::new(Mutex::new(screen));
        let (mut reader, shown) = (keys.try_clone().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The last end of it closes with the program.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self {
            child,
            keys,
            screen,
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until all of `texts` are on the screen, and nothing is asked any more.
    fn shows(&self, texts: &[&str]) {
        self.until(texts, |text| {
            texts.iter().all(|part| text.contains(part)) && !text.contains("asking")
        });
    }

    fn until(&self, what: &[&str], holds: impl Fn(&str) -> bool) {
        let began = Instant::now();
        loop {
            let text = self.text();
            if holds(&text) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "not {what:?} in\n{text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The exit code, once it has ended.
    fn ends(mut self) -> Option<i32> {
        let began = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "it doesn't end: {}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(10));
        };
        // What it wrote last may still be on its way.
        while self.screen.lock().unwrap().screen().alternate_screen() {
            assert!(began.elapsed() < PATIENCE, "the terminal isn't given back");
            std::thread::sleep(Duration::from_millis(10));
        }
        code
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has ended is no loss.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn host(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
    command
        .current_dir(folder)
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_RUNTIME_DIR", folder.path())
        .env_remove("POCKETREC_PORT");
    command
}

const ON_PC: [&str; 3] = ["console", "--image", "model.img"];

#[test]
fn an_evening_on_a_screen_of_80x24_rates_by_a_key_and_sees_the_list_move() {
    let place = place();
    let mut screen = Terminal::start(&place, (80, 24), &ON_PC);
    screen.shows(&[
        "The best for you",
        "0 ratings",
        "Score Stars",
        "answers in",
        "core on this PC",
    ]);
    screen.press("/part 12");
    screen.shows(&["Search: part 12", "Part 12 (1960)"]);
    screen.press("\r");
    screen.shows(&["Found"]);
    screen.press("5");
    screen.shows(&[
        "5 stars for Part 12 (1960): predicted",
        "Of the best 20,",
        "1 rating",
        "you: 5",
    ]);
    screen.press("r3.5\r");
    screen.shows(&["3.5 stars for Part 12 (1960)", "you: 3.5"]);
    screen.press("7");
    screen.shows(&["0.5 to 5 in steps of 0.5"]);
    screen.press("\x1b");
    screen.shows(&["The best for you"]);
    screen.press("w");
    screen.shows(&["Why Part", "what all predictions start from"]);
    screen.press(" s");
    screen.shows(&["Near Part", "Alike"]);
    screen.press("g");
    screen.shows(&["it learns most", "Worth"]);
    screen.press("m");
    screen.shows(&["What you have rated", "3.50"]);
    screen.press("u");
    screen.shows(&["Part 12 (1960) has 5 stars again; 1 rating"]);
    screen.press("f");
    screen.shows(&["Part 12 (1960) is forgotten; 0 ratings"]);
    screen.press("/part 12\r?");
    screen.shows(&["Keys", "half stars", "firmware"]);
    // Who ends at once loses nothing.
    screen.press(" 4q");
    assert_eq!(screen.ends(), Some(0));
    // What was learned is there the next time.
    let kept = std::fs::read_to_string(place.path().join("model.profile")).unwrap();
    assert_eq!(kept, "owner,movieId,rating\n0,120,4\n");
    let mut screen = Terminal::start(&place, (80, 24), &ON_PC);
    screen.shows(&["1 rating", "Your last ratings"]);
    // Who comes in a second window meanwhile would write over what is rated here.
    let (code, text, errors) = says(&place, &ON_PC, "rate part 13 5\n");
    assert_eq!((code, text.as_str()), (Some(2), ""), "{errors}");
    assert!(
        errors.contains("--profile is model.profile, which is in use by another program"),
        "{errors}"
    );
    screen.press("q");
    assert_eq!(screen.ends(), Some(0));
    let (code, text, errors) = says(&place, &ON_PC, "rate part 13 5\nboard\n");
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.contains("2 ratings"), "{text}");
    assert!(text.contains("kept in model.profile"), "{text}");
}

#[test]
fn a_narrow_screen_of_40x12_does_the_same_over_a_line_and_a_signal_gives_the_terminal_back() {
    let place = place();
    let port = board(&place, |_| ());
    let over = ["console", "--image", "model.img", "--port", &port];
    let mut screen = Terminal::start(&place, (40, 12), &over);
    screen.shows(&["The best for you", "0 ratings", "Score"]);
    screen.press("/part 12\r4");
    screen.shows(&["Part 12 (1960) 4: ", "\u{2192}", " moved", "1 rating"]);
    screen.press("\x1b");
    screen.shows(&["The best for you"]);
    // How far a rating moved it stands at the end of a line that is longer than the screen.
    screen.press("w");
    screen.shows(&[
        "Why Part",
        "stars",
        "which are",
        "moved the",
        "stars by +0.",
    ]);
    screen.press(" ?");
    screen.shows(&["Keys", "q   end"]);
    // SAFETY: the child isn't waited for yet, so the number is its own.
    unsafe { libc::kill(screen.child.id() as i32, libc::SIGTERM) };
    assert_eq!(screen.ends(), Some(143));
    let mut screen = Terminal::start(&place, (40, 12), &over);
    screen.shows(&["1 rating"]);
    screen.press("\x03");
    assert_eq!(screen.ends(), Some(130));
}

/// A place whose movies have the long titles that real ones have.
fn place_of_long_titles() -> TempDir {
    let place = place();
    let path = place.path().join("model.titles.csv");
    let titles = std::fs::read_to_string(&path).unwrap();
    let long = |line: &str| match line.strip_prefix("movieId") {
        Some(_) => format!("{line}\n"),
        None => {
            let titled = line.replace(
                " (1960)",
                ": Or How It Was Found Again in the Dark, The (1960)\"",
            );
            format!("{}\n", titled.replacen("Part", "\"Part", 1))
        }
    };
    let titles: String = titles.lines().map(long).collect();
    std::fs::write(path, titles).unwrap();
    place
}

#[test]
fn what_a_rating_moved_and_by_how_much_stands_on_each_screen_whatever_titles_are_long() {
    for (columns, lines) in [(80, 24), (40, 12)] {
        let place = place_of_long_titles();
        let mut screen = Terminal::start(&place, (columns, lines), &ON_PC);
        screen.shows(&["The best for you", "0 ratings"]);
        screen.press("/part 12\r5");
        screen.shows(&["1 rating"]);
        let told = |text: &str| {
            let lines = text.lines().map(str::trim_end).collect::<Vec<_>>();
            let first = lines
                .iter()
                .position(|line| line.contains(" core on this PC"));
            lines[..first.unwrap()].join("\n")
        };
        screen.until(&["what moved"], |text| {
            text.contains("moved") && !text.contains("asking")
        });
        let text = screen.text();
        println!("{text}");
        let told = told(&text);
        // From which stars to which, how many movies moved, and the first of them with its places and stars.
        let parts: &[&str] = match columns {
            80 => &[
                "5 stars for Part 12:",
                "before, and",
                " now",
                "Of the best 20,",
                " moved: most Part",
                "stars",
            ],
            _ => &[
                "\u{2026} 5: ",
                " \u{2192} ",
                " of 20 moved",
                "\u{2026} ",
                ", stars ",
            ],
        };
        for part in parts {
            assert!(told.contains(part), "no `{part}` in\n{text}");
        }
        // A sentence that ends without an ellipsis is whole.
        let last = told.lines().last().unwrap();
        let ends = last.ends_with('\u{2026}') || last.ends_with(" first") || last.ends_with("new");
        let ends = ends
            || last.ends_with(')')
            || last
                .rsplit('.')
                .next()
                .is_some_and(|end| end.parse::<u32>().is_ok());
        assert!(ends, "cut without a sign in\n{text}");
        screen.press("q");
        assert_eq!(screen.ends(), Some(0));
    }
}

#[test]
fn a_profile_means_core_on_this_pc_whatever_board_is_found() {
    let place = place();
    let port = board(&place, |_| ());
    std::fs::create_dir_all(place.path().join("target/pocketrec")).unwrap();
    for name in ["model.img", "model.titles.csv"] {
        let to = place.path().join("target/pocketrec").join(name);
        std::fs::copy(place.path().join(name), to).unwrap();
    }
    holds(&place, "stm32f405", &port, 1);
    let line = "rate part 12 5\nboard\n";
    let (code, text, errors) = says(&place, &["console", "--profile", "none"], line);
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.contains("core on this PC"), "{text}{errors}");
    // The board that was found learned nothing.
    let (code, text, errors) = says(&place, &["console"], "ratings\nboard\n");
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        text.contains("rated nothing yet") && text.contains("tcp:"),
        "{text}{errors}"
    );
}

/// Writes what `emulate` leaves behind where it holds a board.
fn holds(place: &TempDir, name: &str, port: &str, pid: u32) {
    let held = serde_json::json!({
        "board": name,
        "address": port.trim_start_matches("tcp:"),
        "pid": pid,
        "image": place.path().join("model.img"),
        "crc": 0,
    });
    let folder = place.path().join("pocketrec");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join(format!("emulated-{pid}.json")),
        held.to_string(),
    )
    .unwrap();
}

#[test]
fn a_board_that_console_asked_is_remembered_with_its_owner_and_one_of_several_by_its_name() {
    let place = place();
    let port = board(&place, |_| ());
    let named = [
        "console",
        "--image",
        "model.img",
        "--port",
        &port,
        "--owner",
        "2",
    ];
    let (code, text, errors) = says(&place, &named, "rate part 12 5\n");
    assert_eq!(code, Some(0), "{text}{errors}");
    let (code, text, errors) = says(&place, &["console"], "ratings\n");
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.contains("Part 12"), "{text}{errors}");
    for said in [
        format!("asking {port}, as last time"),
        "for owner 2, as last time".into(),
    ] {
        assert!(errors.contains(&said), "no `{said}` in {errors}");
    }
    // Of two that `emulate` holds, which is told by how each is named.
    let others = [board(&place, |_| ()), board(&place, |_| ())];
    holds(&place, "stm32f405", &others[0], 1);
    holds(&place, "microbit", &others[1], 2);
    let (code, _, errors) = says(&place, &["console"], "");
    assert_eq!(code, Some(2), "{errors}");
    for said in [
        "the emulated microbit (`--port microbit`)",
        "`--port stm32f405`",
    ] {
        assert!(errors.contains(said), "no `{said}` in {errors}");
    }
    let (code, _, errors) = says(
        &place,
        &["console", "--port", "microbit"],
        "rate part 9 4\n",
    );
    assert_eq!(code, Some(0), "{errors}");
    let (code, text, errors) = says(&place, &["console"], "ratings\n");
    assert!(code == Some(0) && text.contains("Part 9"), "{text}{errors}");
    assert!(errors.contains("the emulated microbit at"), "{errors}");
    let (code, _, errors) = says(&place, &["console", "--port", "pico"], "");
    assert!(
        code == Some(2) && errors.contains("`emulate` holds no pico"),
        "{errors}"
    );
}

#[test]
fn a_remembered_socket_that_nothing_listens_at_is_told_and_passed_over() {
    let place = place();
    std::fs::create_dir_all(place.path().join("target/pocketrec")).unwrap();
    std::fs::copy(
        place.path().join("model.img"),
        place.path().join("target/pocketrec/model.img"),
    )
    .unwrap();
    std::fs::create_dir_all(place.path().join("pocketrec")).unwrap();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("tcp:{}", gone.local_addr().unwrap());
    drop(gone);
    let last = serde_json::json!({ "port": port, "image": null, "owner": 1 });
    std::fs::write(place.path().join("pocketrec/board.json"), last.to_string()).unwrap();
    let (code, text, errors) = says(&place, &["console"], "board\n");
    assert_eq!(code, Some(0), "{text}{errors}");
    assert!(
        errors.contains(&format!("nothing listens at {port} any more")),
        "{errors}"
    );
    assert!(text.contains("core on this PC"), "{text}");
}

#[test]
fn a_line_that_is_not_utf_8_ends_with_its_number_and_code_2() {
    let place = place();
    let mut child = host(&place)
        .args(ON_PC)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(b"top\nrate \xff 5\n");
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("line 2: not UTF-8"), "{errors}");
}

#[test]
fn where_ratings_are_kept_is_said_of_a_board_alone_and_of_one_that_emulate_holds() {
    let place = place();
    let port = board(&place, |_| ());
    let over = ["console", "--image", "model.img", "--port", &port];
    let (code, text, errors) = says(&place, &over, "board\n");
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.contains("; kept in RAM"), "{text}");
    let none = [&ON_PC[..], &["--profile", "none"]].concat();
    let (code, text, errors) = says(&place, &none, "board\n");
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.contains("; kept until this ends"), "{text}");
    holds(&place, "stm32f405", &port, 1);
    let (code, text, errors) = says(&place, &over, "board\n");
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.contains("; kept by `emulate`"), "{text}");
}

#[test]
fn a_terminal_that_is_closed_ends_the_program_whether_or_not_a_signal_tells_it() {
    fn set(action: libc::sighandler_t) {
        // SAFETY: the default action or none: no code of ours runs in a handler.
        unsafe { libc::signal(libc::SIGHUP, action) };
    }
    let hears: fn() = || set(libc::SIG_DFL);
    let is_deaf: fn() = || set(libc::SIG_IGN);
    // Closed while it waits for keys, and before it has drawn anything.
    for (before, awaited) in [
        (hears, "0 ratings"),
        (is_deaf, "0 ratings"),
        (hears, ""),
        (is_deaf, ""),
    ] {
        let place = place();
        let (mut child, mut keys) = spawn(&place, (80, 24), &ON_PC, before);
        let mut drawn = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        let mut bytes = [0; 4096];
        loop {
            let count = keys.read(&mut bytes).unwrap();
            drawn.process(&bytes[..count]);
            if drawn.screen().contents().contains(awaited) {
                break;
            }
        }
        drop(keys);
        let began = Instant::now();
        let code = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None if began.elapsed() > PATIENCE => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    panic!("it goes on without a terminal");
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        assert_eq!(code, Some(129));
    }
}

fn says(place: &TempDir, arguments: &[&str], lines: &str) -> (Option<i32>, String, String) {
    let mut child = host(place)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends before it has read all is what some lines ask for.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn lines_do_what_keys_do_and_the_first_that_cannot_be_meant_ends_them_with_code_2() {
    let place = place();
    let port = board(&place, |_| ());
    let lines = "# an evening\n\nrate part 12 4.5\ntop\nwhy 1\nsimilar 2\nsuggest\nme\nratings\nundo\nboard\nhelp\nquit\nnever\n";
    for arguments in [
        &ON_PC[..],
        &["console", "--image", "model.img", "--port", &port],
    ] {
        let (code, text, errors) = says(&place, arguments, lines);
        assert_eq!(code, Some(0), "{errors}");
        for part in [
            "4.5 stars for Part 12 (1960): predicted",
            "Of the best 20,",
            "The best for you",
            "what all predictions start from",
            "Likeness",
            "Worth",
            "1 rating, ",
            "The best 20 movies for you: Drama ",
            "Score is predicted stars",
            "Part 12 (1960) is not rated any more; 0 ratings",
            "not for commercial use",
            "rate MOVIE STARS",
        ] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
    }
    // Genres stay until others are said, and a movie for two is explained for both.
    let lines = "only comedy 1950..\nrate 1 5\nonly -comedy\ntogether user 7\nwhy 1\nonly\n";
    for arguments in [
        &ON_PC[..],
        &["console", "--image", "model.img", "--port", &port],
    ] {
        let (code, text, errors) = says(&place, arguments, lines);
        assert_eq!(code, Some(0), "{errors}");
        let said = format!("{text}{errors}");
        for part in [
            "Comedy",
            "stars for Part",
            // This image says nothing of popularity and of what people look for.
            "mean: predicted stars alone, as the image says nothing else",
            "Yours",
            "The best for you and user 7 of -comedy",
            "Score is the lower of both scores",
            "from user 7, which are",
            "their taste and its kind",
        ] {
            assert!(said.contains(part), "no `{part}` in {said}");
        }
        says(&place, arguments, "undo\n");
        let (code, text, errors) = says(&place, arguments, "only 2090\nratings\n");
        assert_eq!(code, Some(0), "{errors}");
        assert!(text.contains("No movie is left"), "{text}");
        assert!(text.contains("You have rated nothing yet"), "{text}");
    }
    for (lines, said) in [
        ("only western\n", "no movie has the genre `western`"),
        ("together 0\n", "that is you"),
        ("together 99\n", "no owner 99: it has owners from 0 to 7"),
        (
            "top\nrat 1 5\nrate part 12 5\n",
            "line 2: `rat` is not a command",
        ),
        ("rate Prat 12 5\n", "line 1: `Prat 12` may mean Part 12"),
        ("rate part 12 7\n", "0.5 to 5 in steps of 0.5"),
        ("why 3\n", "none was shown yet"),
        ("top\nwhy 21\n", "places from 1 to 20"),
        ("undo\n", "no rating left to undo"),
    ] {
        let (code, text, errors) = says(&place, &ON_PC, lines);
        assert_eq!(code, Some(2), "{lines}: {text}{errors}");
        assert!(errors.contains(said), "{lines}: {errors}");
        assert!(!text.contains("Part 12 (1960): predicted"), "{text}");
    }
    let (code, _, errors) = says(&place, &["console", "--json"], "");
    assert!(
        code == Some(2) && errors.contains("query --json"),
        "{errors}"
    );
    let (code, _, errors) = says(&place, &[&ON_PC[..], &["--owner", "99"]].concat(), "");
    assert!(
        code == Some(2) && errors.contains("owners from 0 to 7"),
        "{errors}"
    );
}

mod picture;
