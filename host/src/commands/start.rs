//! From a command line to a verb: what it says is read here, and refused where it can't be meant.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use super::{Cli, examples};
use crate::print::{self, Escaped, escape};

/// What the program was asked to do. It ends here where that can't be told, or where only help was asked for.
pub fn cli() -> Cli {
    let words: Vec<OsString> = std::env::args_os().collect();
    let matches = command().try_get_matches_from(&words);
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => refuse(advised(error), &words),
    }
}

/// All verbs, with examples in their help.
fn command() -> clap::Command {
    examples::added(Cli::command())
}

/// An error that says where a verb is found that a board is asked by.
fn advised(mut error: clap::Error) -> clap::Error {
    let typed = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(typed)) => typed.clone(),
        _ => return error,
    };
    let cli = Cli::command();
    let query = cli.find_subcommand("query");
    if query.is_some_and(|query| query.find_subcommand(&typed).is_some()) {
        let tip = format!("a board is asked by 'query {typed}'");
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
    error
}

fn refuse(error: clap::Error, words: &[OsString]) -> ! {
    let plain = |word: &OsString| word.to_str().is_some_and(|word| escape(word) == word);
    if error.kind() == ErrorKind::InvalidUtf8 {
        print::hint(&format!("error: {}", undecodable(words)));
    } else if error.use_stderr() && !words.iter().all(plain) {
        // Without colours, and with nothing that a terminal would obey.
        print::aside(&harmless(error));
    } else {
        error.exit();
    }
    pocketrec_base::files::end(2)
}

/// Clap's text of an error, with every word of the command line escaped.
fn harmless(mut error: clap::Error) -> String {
    let safe = |text: &str| escape(text).into_owned();
    let context: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(safe(text)))),
            ContextValue::Strings(texts) => {
                let texts = texts.iter().map(|text| safe(text)).collect();
                Some((kind, ContextValue::Strings(texts)))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in context {
        error.insert(kind, value);
    }
    print::escape::lines(&error.render().to_string()).into_owned()
}

/// Says which argument is no text. Files may have any name; all else is text.
fn undecodable(words: &[OsString]) -> String {
    let Some(at) = words.iter().position(|word| word.to_str().is_none()) else {
        return "an argument isn't text in UTF-8".into();
    };
    let shown = shown(&words[at]);
    let before = words[..at].last().and_then(|word| word.to_str());
    let option = match shown.split_once('=') {
        Some((option, _)) if option.starts_with("--") => Some(option.to_owned()),
        _ => before
            .filter(|word| word.starts_with('-') && takes_value(word))
            .map(str::to_owned),
    };
    let name = option.unwrap_or_else(|| format!("argument {at}"));
    format!("{name} should be text in UTF-8; it is `{shown}`")
}

/// Whether some verb has an option of that name with a value.
fn takes_value(name: &str) -> bool {
    fn within(command: &clap::Command, name: &str) -> bool {
        let has = |arg: &clap::Arg| arg.get_long() == Some(name) && arg.get_action().takes_values();
        command.get_arguments().any(has) || command.get_subcommands().any(|sub| within(sub, name))
    }
    within(&Cli::command(), name.trim_start_matches('-'))
}

/// A word in which bytes that are no text are named: `Am\xE9lie`.
fn shown(word: &OsStr) -> String {
    let mut text = String::new();
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        text.push_str(&Escaped(chunk.valid()).to_string());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use clap::Parser;

    use super::*;

    fn words(line: &[&[u8]]) -> Vec<OsString> {
        let words = [&b"host"[..]].into_iter().chain(line.iter().copied());
        words
            .map(|word| OsString::from_vec(word.to_vec()))
            .collect()
    }

    #[test]
    fn an_argument_that_is_no_text_is_named_by_its_option() {
        for (line, said) in [
            (
                &[&b"predict"[..], b"--movie", b"Am\xe9lie"][..],
                r"--movie should be text in UTF-8; it is `Am\xE9lie`",
            ),
            (
                &[b"predict", b"--movie=Am\xe9lie"],
                r"--movie should be text in UTF-8; it is `--movie=Am\xE9lie`",
            ),
            (
                &[b"fetch", b"ml\xff"],
                r"argument 2 should be text in UTF-8; it is `ml\xFF`",
            ),
        ] {
            let words = words(line);
            let error = Cli::try_parse_from(&words).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUtf8);
            assert_eq!(undecodable(&words), said);
        }
    }

    #[test]
    fn a_file_may_have_any_name() {
        let words = words(&[b"predict", b"--movie", b"1", b"--image", b"\xff\x1b.img"]);
        assert!(Cli::try_parse_from(words).is_ok());
    }

    #[test]
    fn a_refused_word_cannot_steer_the_terminal() {
        for line in [
            &["\u{1b}[31m\ntrain"][..],
            &["train", "--\u{1b}[31m\nx"],
            &["train", "--seed", "\u{1b}]0;x\u{7}\n"],
            &["train", "--model", "mlp\u{202e}\r\n"],
            &["train", "--hidden", "32,\u{9b}31m\n"],
            &["train", "surplus\u{200b}\n"],
        ] {
            let words = ["host"].iter().chain(line).map(OsString::from);
            let text = harmless(Cli::try_parse_from(words).unwrap_err());
            assert_eq!(print::escape::lines(&text), text);
            let hostile = line.last().unwrap_or(&"");
            assert!(text.contains(&*escape(hostile).replace("--", "")), "{text}");
        }
    }

    #[test]
    fn an_unknown_verb_is_answered_by_the_one_that_is_meant() {
        for (typed, meant) in [("trian", "train"), ("recomend", "recommend")] {
            let error = Cli::try_parse_from(["host", typed])
                .unwrap_err()
                .to_string();
            assert!(error.contains(&format!("'{meant}'")), "{error}");
        }
    }

    #[test]
    fn a_verb_of_boards_is_told_where_it_is_found() {
        let told = |words: &[&str]| {
            let error = Cli::try_parse_from(words).unwrap_err();
            advised(error).to_string()
        };
        let error = told(&["host", "rate", "alien", "5"]);
        let tip = "a board is asked by 'query rate'";
        assert!(error.contains(tip), "{error}");
        assert!(!told(&["host", "xyzzy"]).contains("query"));
        // Within `query` it isn't told of itself.
        assert!(!told(&["host", "query", "xyzzy"]).contains("asked by"));
        assert!(Cli::try_parse_from(["host", "query", "recommend"]).is_ok());
        assert!(Cli::try_parse_from(["host", "query", "why", "alien"]).is_ok());
    }
}
