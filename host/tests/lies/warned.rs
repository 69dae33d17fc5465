//! What is told of a board beside its answers.

use super::*;

/// What somebody reads of a board that answers so: what is told, and what is warned of.
fn asked(
    answer: impl Fn(&Request) -> Reply<'static> + Send + 'static,
    arguments: &[&str],
) -> (Option<i32>, String, String) {
    let output = query(&board(every(answer)), arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The answers of a board that gives these where they aren't [`Reply::Cancelled`].
fn every(
    answer: impl Fn(&Request) -> Reply<'static> + Send + 'static,
) -> impl FnMut(&Request) -> Vec<Reply<'static>> + Send + 'static {
    let hello = Hello {
        magic: HELLO_MAGIC,
        oldest: VERSION,
        newest: VERSION,
        firmware: [0, 1, 0],
        status: 0,
        capabilities: 0,
        largest_frame: MAX_FRAME as u16,
    };
    move |request| {
        vec![match (answer(request), request) {
            (Reply::Cancelled(_), Request::Hello) => Reply::Hello(hello),
            (Reply::Cancelled(_), Request::ModelInfo) => info(|_| ()),
            (Reply::Cancelled(_), Request::TopN { .. }) => movies(&[(10, 3.0)]),
            (reply, _) => reply,
        }]
    }
}

#[test]
fn who_asks_a_board_with_a_useless_model_is_warned() {
    let model = |rmse, personal| {
        move |request: &Request| match request {
            Request::ModelInfo => info(|info| {
                info.validation = Some(pocketrec::model::Validation {
                    rmse,
                    movie_means: 1.0,
                    personal,
                });
            }),
            _ => Reply::Cancelled(false),
        }
    };
    for arguments in [
        &["hello"][..],
        &["info"],
        &["info", "--json"],
        &["top", "--image", "none"],
    ] {
        for (rmse, personal, due) in [
            (1.0, true, "no better than each movie's mean"),
            (0.8, false, "everybody the same list"),
            (0.8, true, ""),
        ] {
            let (code, out, errors) = asked(model(rmse, personal), arguments);
            assert_eq!(code, Some(0), "{errors}");
            assert!(errors.contains(due), "{arguments:?}: {errors}");
            assert_eq!(errors.contains("this model"), !due.is_empty(), "{errors}");
            let shown = arguments.contains(&"top") || out.contains("0.8") || out.contains("1.0");
            assert!(shown, "{out}");
        }
    }
}

#[test]
fn ratings_that_a_board_has_and_does_not_use_are_told_before_any_answer() {
    let states = [
        (StorageState::OtherVersion, "a firmware of another version"),
        (StorageState::Closed, "can't be opened"),
        (StorageState::Failed, "gone with its power"),
        (StorageState::Absent, ""),
    ];
    for (state, due) in states {
        let answer = move |request: &Request| match request {
            Request::Storage => Reply::Storage(Storage {
                state,
                bytes: 4096,
                pages: 4,
                free: 3,
                records: 0,
                capacity: 0,
                rounds: 0,
                torn: 0,
                bad_writes: 0,
            }),
            Request::Rate { .. } => Reply::Refused(Refusal::StorageOfOtherVersion),
            _ => Reply::Cancelled(false),
        };
        let (code, _, errors) = asked(answer, &["top", "--image", "none"]);
        assert_eq!(code, Some(0), "{errors}");
        assert!(errors.contains(due), "{state:?}: {errors}");
        assert_eq!(
            errors.contains("`query storage` tells more"),
            !due.is_empty(),
            "{errors}"
        );
        // Where `emulate` holds it, that keeps what its flash doesn't.
        let output = query_held(&board(every(answer)), &["top", "--image", "none"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
        assert_eq!(
            errors.contains("`query storage` tells more"),
            !matches!(state, StorageState::Failed | StorageState::Absent),
            "{state:?}: {errors}"
        );
        if state == StorageState::OtherVersion {
            let (code, out, _) = asked(answer, &["storage"]);
            assert_eq!(code, Some(0));
            for part in [due, "`query format`", "`query ratings --save FILE`"] {
                assert!(out.contains(part), "{out}");
            }
            assert!(!out.contains("erased and ready"), "{out}");
            let rate = ["rate", "--movie", "10", "--stars", "4", "--image", "none"];
            let (code, _, errors) = asked(answer, &rate);
            assert_eq!(code, Some(1), "{errors}");
            assert!(errors.contains("so nothing was changed"), "{errors}");
            assert!(errors.contains("`query format` erases them"), "{errors}");
        }
    }
}

#[test]
fn a_firmware_of_another_day_is_told_by_its_version_whatever_is_asked() {
    for (version, way_on) in [
        (
            VERSION - 1,
            "`cargo xtask flash BOARD` brings it up to date",
        ),
        (VERSION + 1, "this program is too old"),
    ] {
        let answer = move |request: &Request| match request {
            Request::Hello => Reply::Hello(Hello {
                magic: HELLO_MAGIC,
                oldest: version,
                newest: version,
                firmware: [0, 1, 0],
                status: 0,
                capabilities: 0,
                largest_frame: MAX_FRAME as u16,
            }),
            _ => Reply::Cancelled(false),
        };
        for arguments in [&["hello"][..], &["top"], &["forget", "--all"], &["storage"]] {
            let (code, out, errors) = asked(answer, arguments);
            assert_eq!((code, out.as_str()), (Some(1), ""), "{errors}");
            let told = format!(
                "speaks version {version} of the messages, and this program version {VERSION}"
            );
            assert!(
                errors.contains(&told) && errors.contains(way_on),
                "{errors}"
            );
            assert_eq!(errors.trim().lines().count(), 1, "{errors}");
        }
    }
}

#[test]
fn what_a_firmware_was_built_without_is_told_with_the_way_round_it() {
    let lacks = |request: &Request| match request {
        Request::Hello | Request::ModelInfo => Reply::Cancelled(false),
        _ => Reply::Refused(Refusal::NotSupported),
    };
    for (arguments, said) in [
        (
            &["top", "--with", "1", "--image", "none"][..],
            "--with needs an image, and `--image none`",
        ),
        (&["undo"], "doesn't learn from ratings"),
        (
            &["top", "--by", "taste", "--image", "none"],
            "--by needs an image, and `--image none`",
        ),
    ] {
        let (code, out, errors) = asked(lacks, arguments);
        assert!(matches!(code, Some(1 | 2)), "{arguments:?}: {out}{errors}");
        assert!(errors.contains(said), "{arguments:?}: {errors}");
    }
}
