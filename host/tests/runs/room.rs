//! Runs that the system gives less than they need.

use super::*;

/// Does a line with a limit of the shell's `ulimit`.
fn limited(folder: &Path, limit: &str, line: &str) -> Output {
    let run = format!(
        "trap '' XFSZ; ulimit {limit}; exec {} {line}",
        env!("CARGO_BIN_EXE_host")
    );
    Command::new("sh")
        .args(["-c", &run])
        .current_dir(folder)
        .output()
        .expect("it starts")
}

#[test]
fn a_full_disk_leaves_the_earlier_run_as_it_was_and_the_trained_model_somewhere() {
    let folder = folder();
    done(folder.path(), &format!("{ADAM} --epochs 2 --out out"));
    let out = folder.path().join("out");
    let before: Vec<Vec<u8>> = FILES
        .map(|name| std::fs::read(out.join(name)).expect("a file"))
        .into();
    let sizes = ["model.safetensors", "state.safetensors"]
        .map(|name| std::fs::metadata(out.join(name)).expect("a file").len());
    assert!(sizes[0] + 2_048 < sizes[1], "{sizes:?}");
    // No file may be larger than this, in blocks of 512 bytes: the model may, the state may not.
    let limit = (sizes[0] + sizes[1]) / 2 / 512;
    let output = limited(
        folder.path(),
        &format!("-f {limit}"),
        &format!("{ADAM} --seed 5 --epochs 3 --out out"),
    );
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("can't write out/state.safetensors: File too large"),
        "{told}"
    );
    assert!(told.contains("what was there is as it was"), "{told}");
    for (name, before) in FILES.iter().zip(&before) {
        assert!(
            std::fs::read(out.join(name)).expect("a file") == *before,
            "{name}"
        );
    }
    let kept = names(&out)
        .into_iter()
        .find(|name| !FILES.contains(&name.as_str()))
        .expect("the model is kept");
    assert!(
        told.contains(&format!("the trained model is in out/{kept}")),
        "{told}"
    );
    assert_eq!(names(&out).len(), 5);
    done(
        folder.path(),
        &format!("{ADAM} --seed 5 --epochs 3 --out due"),
    );
    assert!(tensors(&out.join(kept)) == tensors(&folder.path().join("due/model.safetensors")));
}

#[test]
fn a_disk_that_is_full_for_an_image_leaves_the_earlier_one_with_its_titles() {
    let folder = folder();
    let at = |name: &str| folder.path().join("target/pocketrec").join(name);
    let movies: String = (1..=60)
        .map(|id| format!("{id}::Movie {id} (1999)::Drama\n"))
        .collect();
    std::fs::write(folder.path().join("movies.dat"), movies).expect("titles are written");
    done(folder.path(), &format!("{ADAM} --epochs 2"));
    done(folder.path(), "export --users none --movies 30");
    let before =
        ["model.img", "model.titles.csv"].map(|name| std::fs::read(at(name)).expect("a file"));
    done(folder.path(), "export --precision f32 --out larger.img");
    let sizes = [
        before[0].len(),
        std::fs::metadata(folder.path().join("larger.img"))
            .expect("a file")
            .len() as usize,
    ];
    assert!(sizes[0] + 2_048 < sizes[1], "{sizes:?}");
    let limit = (sizes[0] + sizes[1]) / 2 / 512;
    let output = limited(
        folder.path(),
        &format!("-f {limit}"),
        "export --precision f32",
    );
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("model.img; nothing was changed: File too large"),
        "{told}"
    );
    let after =
        ["model.img", "model.titles.csv"].map(|name| std::fs::read(at(name)).expect("a file"));
    assert!(before == after);
    assert!(!names(&at("")).iter().any(|name| name.ends_with(".part")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_enough_memory_or_threads_is_told_in_a_sentence_and_nothing_half_written_stays()
{
    let folder = folder();
    let mut said = 0;
    // From less than the program itself takes to more than enough.
    for megabytes in (20..400).step_by(3) {
        let limit = format!("-v {}", megabytes * 1000);
        let output = limited(folder.path(), &limit, "synth --shape ml-100k --out made");
        let told = text(&output.stderr);
        match output.status.code() {
            Some(0) => break,
            Some(1) => {
                assert!(told.starts_with("error: "), "{megabytes}: {told}");
                said += usize::from(told.contains("gives no more"));
            }
            // The loader or a new thread of the system's library, before anything of ours.
            other => assert!(said == 0, "{megabytes}: {other:?} {told}"),
        }
        let made = folder.path().join("made");
        if made.exists() {
            assert!(names(&made).is_empty(), "{megabytes}: {:?}", names(&made));
        }
    }
    assert!(said > 0, "nothing was refused");
}

/// A zip of one stored file whose size unpacked is said to be `claimed`.
#[cfg(target_os = "linux")]
fn zip_that_claims(name: &str, content: &[u8], claimed: u32) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let sizes = [crc.sum(), content.len() as u32, claimed]
        .map(u32::to_le_bytes)
        .concat();
    let name_length = (name.len() as u16).to_le_bytes();
    let mut zip = Vec::new();
    // Version 2.0, no flags, stored, no time.
    let common = [
        &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &sizes,
        &name_length,
        &[0, 0],
    ]
    .concat();
    zip.extend(b"PK\x03\x04");
    zip.extend(&common);
    zip.extend(name.as_bytes());
    zip.extend(content);
    let directory = zip.len() as u32;
    zip.extend(b"PK\x01\x02\x14\x00");
    zip.extend(&common);
    zip.extend([0; 14]);
    zip.extend(name.as_bytes());
    let length = zip.len() as u32 - directory;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(length.to_le_bytes());
    zip.extend(directory.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

/// A zstd frame of one raw block whose content is said to be of `claimed` bytes, in a window of 2 to the power of `window`.
#[cfg(target_os = "linux")]
fn zstd_that_claims(content: &[u8], claimed: u64, window: u8) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xc0, (window - 10) << 3];
    frame.extend(claimed.to_le_bytes());
    let block = (content.len() as u32) << 3 | 1;
    frame.extend(&block.to_le_bytes()[..3]);
    frame.extend(content);
    frame
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_header_claims_takes_no_memory() {
    let folder = folder();
    let ratings = std::fs::read(folder.path().join("ratings.dat")).expect("ratings");
    let few = &ratings[..ratings.len().min(60_000)];
    let few = &few[..few.iter().rposition(|byte| *byte == b'\n').expect("a line") + 1];
    for (name, bytes) in [
        (
            "claims.zip",
            zip_that_claims("ratings.dat", few, u32::MAX - 9),
        ),
        ("claims.dat.zst", zstd_that_claims(few, 1 << 60, 17)),
        ("window.dat.zst", zstd_that_claims(few, 1 << 60, 41)),
    ] {
        std::fs::write(folder.path().join(name), bytes).expect("it is written");
        let line =
            format!("train --data {name} --model mlp --epochs 1 --threads 1 --out {name}.out");
        let output = limited(folder.path(), "-v 500000", &line);
        let told = text(&output.stderr);
        // Read for what it is, or refused.
        let ended = output.status.code();
        assert!(matches!(ended, Some(0 | 2)), "{name}: {ended:?} {told}");
        assert!(!told.contains("memory"), "{name}: {told}");
    }
}
