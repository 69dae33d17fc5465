//! Why training gives no model.

/// Why training gave no model.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// An option that can't be trained with; a sentence that says which and what could.
    Options(String),
    /// The split leaves no ratings to train on.
    NoRatings,
    /// Predictions stopped being finite numbers in this epoch.
    Diverged {
        /// 1 for the first.
        epoch: usize,
        /// What to try: a few words that follow "may help:".
        advice: &'static str,
    },
    /// The observer had it stopped before there was anything to keep.
    Stopped,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Options(sentence) => f.write_str(sentence),
            Self::NoRatings => f.write_str("no ratings are left to train on"),
            Self::Diverged { epoch, advice } => write!(
                f,
                "training diverged in epoch {epoch}, so there is no model to keep; this may help: {advice}"
            ),
            Self::Stopped => f.write_str("training was stopped before its first epoch was done"),
        }
    }
}

impl std::error::Error for Error {}
