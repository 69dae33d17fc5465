//! Programs that are told to end while they write, or not to heed it.

use super::*;

/// Sends a signal to a program once `folder` holds something whose name ends with `.part`; its exit code.
fn interrupted(mut command: Command, signal: &str, folder: &Path) -> Option<i32> {
    let mut child = signals::as_usual(&mut command)
        .spawn()
        .expect("the program starts");
    // Not the file that only asks whether the folder can be written to.
    let is_part = |name: &str| name.ends_with(".part") && !name.starts_with("probe");
    let parts = || {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .filter(|entry| is_part(&entry.file_name().to_string_lossy()))
            .count()
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while parts() == 0 && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let kill = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(kill.expect("there is a kill").success());
    let code = child.wait().expect("it ends").code();
    assert_eq!(parts(), 0);
    code
}

#[test]
fn who_is_told_to_end_leaves_nothing_half_written() {
    // A server that begins downloads and never ends them.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a request");
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nPK";
            std::io::Write::write_all(&mut stream, head.as_bytes()).expect("it is sent");
            held.push(stream);
        }
    });
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut synth = Command::new(env!("CARGO_BIN_EXE_host"));
        synth
            .args(["synth", "--shape", "ml-32m", "--out"])
            .arg(folder.path());
        let ended = interrupted(synth, signal, folder.path());
        assert_eq!(ended, Some(code), "{signal}");

        let mut fetch = Command::new(env!("CARGO_BIN_EXE_host"));
        fetch.args(["fetch", "ml-100k", "--from", &address, "--out"]);
        fetch.arg(folder.path()).stdout(std::process::Stdio::null());
        let ended = interrupted(fetch, signal, folder.path());
        assert_eq!(ended, Some(code), "{signal}");
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0, "{signal}");
    }
}

#[test]
fn a_signal_that_is_ignored_from_the_start_stays_ignored() {
    // As under `nohup`: the terminal goes, the work goes on.
    let folder = folder();
    let run = format!(
        "trap '' HUP; {} {ADAM} --epochs=60 & child=$!; sleep 0.1; kill -HUP $child; wait $child",
        env!("CARGO_BIN_EXE_host"),
    );
    let mut command = Command::new("sh");
    let output = command
        .args(["-c", &run])
        .current_dir(folder.path())
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        folder
            .path()
            .join("target/pocketrec/model.safetensors")
            .exists()
    );
}
