//! An example of each verb and each question, which stands at the end of its help.

use clap::Command;

/// Path of the verb, and what to type behind `host`.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "train",
        &[
            "train",
            "train --data ml-20m.zip --out target/twenty",
            "train --model mlp --epochs 30 --lr 0.002",
        ],
    ),
    (
        "evaluate",
        &[
            "evaluate",
            "evaluate --data ml-1m --leave-last-out --json",
            "evaluate --by-time last:0.1",
            "evaluate --precision f16,i8 --csv figures.csv",
        ],
    ),
    (
        "bench",
        &[
            "bench train --ratings 1000000",
            "bench growth --largest ml-1m",
        ],
    ),
    ("bench train", &["bench train --ratings 1000000 --epochs 3"]),
    ("bench growth", &["bench growth --largest ml-1m"]),
    ("bench kernels", &["bench kernels --dim 16"]),
    ("bench search", &["bench search --titles 20000"]),
    (
        "fetch",
        &["fetch ml-latest-small", "fetch ml-20m --out data"],
    ),
    (
        "synth",
        &[
            "synth --shape ml-1m",
            "synth --users 1000 --movies 500 --ratings 50000",
        ],
    ),
    (
        "add-movie",
        &[
            "add-movie --title Aftersun --genres Drama --year 2022",
            "add-movie --title Aftersun --genres Drama --ratings aftersun.csv",
            "add-movie --title Aftersun --genres Drama --to-board",
        ],
    ),
    (
        "import",
        &[
            "import als-model --data ratings.parquet",
            "import als.npz --user-ids users.npy --movie-ids movies.npy",
            "import net.safetensors --check predictions.csv",
        ],
    ),
    (
        "export",
        &[
            "export",
            "export --board microbit --movies 2000 --users none",
            "export --precision i8 --out small.img",
            "export --format c --users 100 --out model.c",
        ],
    ),
    (
        "inspect",
        &["inspect", "inspect small.img --board microbit"],
    ),
    ("predict", &["predict 42 toy story"]),
    (
        "recommend",
        &["recommend 42", "recommend --count 20 --fame 0.5 --json"],
    ),
    (
        "similar",
        &[
            "similar the matrix",
            "similar scream --minus \"psycho 1960\" --plus airplane!",
        ],
    ),
    ("map", &["map", "map --image small.img --out small.tsv"]),
    ("report", &["report", "report small.img --people 0 --out -"]),
    (
        "simulate",
        &[
            "simulate --people 50",
            "simulate --seeds 3 --retrain --csv curve.csv",
        ],
    ),
    (
        "query",
        &[
            "query --emulator top 42",
            "query --port /dev/ttyACM0 rate toy story 5",
        ],
    ),
    (
        "emulate",
        &["emulate", "emulate microbit --image small.img"],
    ),
    (
        "console",
        &["console", "console --image small.img --profile none"],
    ),
    ("query ports", &["query ports"]),
    ("query hello", &["query --port /dev/ttyACM0 hello"]),
    ("query limits", &["query --port /dev/ttyACM0 limits"]),
    ("query info", &["query --port /dev/ttyACM0 info --json"]),
    (
        "query predict",
        &["query --port /dev/ttyACM0 predict toy story"],
    ),
    ("query top", &["query --port /dev/ttyACM0 top --count 20"]),
    (
        "query similar",
        &["query --port /dev/ttyACM0 similar the matrix"],
    ),
    (
        "query rate",
        &["query --port /dev/ttyACM0 rate toy story 4.5"],
    ),
    ("query profile", &["query --port /dev/ttyACM0 profile"]),
    ("query undo", &["query --port /dev/ttyACM0 undo"]),
    (
        "query forget",
        &[
            "query --port /dev/ttyACM0 forget toy story",
            "query --port /dev/ttyACM0 forget --all",
        ],
    ),
    (
        "query ratings",
        &[
            "query --port /dev/ttyACM0 ratings --save mine.csv",
            "query --port /dev/ttyACM0 ratings --load mine.csv",
        ],
    ),
    ("query suggest", &["query --port /dev/ttyACM0 suggest"]),
    (
        "query explain",
        &["query --port /dev/ttyACM0 explain toy story"],
    ),
    (
        "query added",
        &[
            "query --port /dev/ttyACM0 added",
            "query --port /dev/ttyACM0 added --remove Aftersun",
        ],
    ),
    ("query owners", &["query --port /dev/ttyACM0 owners"]),
    ("query storage", &["query --port /dev/ttyACM0 storage"]),
    ("query compact", &["query --port /dev/ttyACM0 compact"]),
    ("query format", &["query --port /dev/ttyACM0 format --yes"]),
    ("query health", &["query --port /dev/ttyACM0 health"]),
    ("query counters", &["query --port /dev/ttyACM0 counters"]),
    (
        "selftest",
        &[
            "selftest --emulator",
            "selftest --port /dev/ttyACM0 --tops 5",
        ],
    ),
];

/// The command line with an example at the end of the help of each verb that has one.
pub fn added(command: Command) -> Command {
    within(command, "")
}

fn within(command: Command, path: &str) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    let command = names.iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(name, |verb| within(verb, path.trim()))
    });
    match EXAMPLES.iter().find(|(of, _)| *of == path) {
        None => command,
        Some((_, lines)) => {
            let lines: String = lines
                .iter()
                .map(|line| format!("\n  host {line}"))
                .collect();
            let title = if lines.matches('\n').count() > 1 {
                "Examples"
            } else {
                "Example"
            };
            command.after_help(format!("{title}:{lines}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use unicode_width::UnicodeWidthStr;

    use super::super::Cli;
    use super::*;

    /// The words of a line as a shell would part them.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec!["host".to_owned()];
        for (at, part) in line.split('"').enumerate() {
            match at % 2 {
                0 => words.extend(part.split_whitespace().map(String::from)),
                _ => words.push(part.into()),
            }
        }
        words
    }

    #[test]
    fn every_example_is_a_line_that_is_understood() {
        for (path, lines) in EXAMPLES {
            for line in *lines {
                let parsed = Cli::try_parse_from(words(line));
                assert!(parsed.is_ok(), "{path}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn the_help_of_every_verb_has_an_example_and_fits_80_columns() {
        fn check(command: &mut Command, path: &str) {
            for name in ["help", "-h"] {
                let help = match name {
                    "-h" => command.render_help(),
                    _ => command.render_long_help(),
                };
                let help = help.to_string();
                let wide = help.lines().find(|line| line.width() > 80);
                assert_eq!(wide, None, "{path}");
                assert!(
                    path.is_empty() || help.contains("Example"),
                    "{path}: {help}"
                );
            }
            let names: Vec<String> = command
                .get_subcommands()
                .map(|verb| verb.get_name().to_owned())
                .filter(|name| name != "help")
                .collect();
            for name in names {
                let path = format!("{path} {name}");
                let verb = command.find_subcommand_mut(&name).unwrap();
                check(verb, path.trim());
            }
        }
        let mut command = added(Cli::command());
        command.build();
        check(&mut command, "");
    }
}
