//! Who else does what we time.

/// All of them.
pub(super) const NAMES: [&str; 6] = ["torch", "keras", "tensorflow", "libmf", "polars", "duckdb"];

/// Who else does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Peer {
    /// PyTorch: training with SparseAdam on the embeddings, and with fused Adam on everything
    Torch,
    /// Keras on TensorFlow: training with `fit`
    Keras,
    /// TensorFlow: training with a custom loop and lazy Adam
    Tensorflow,
    /// LIBMF: matrix factorisation with 8 factors
    Libmf,
    /// polars: reading the ratings file
    Polars,
    /// DuckDB: reading the ratings file
    Duckdb,
}

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Network,
    Factors,
    Reading,
}

impl Peer {
    pub(super) fn work(self) -> Work {
        match self {
            Self::Torch | Self::Keras | Self::Tensorflow => Work::Network,
            Self::Libmf => Work::Factors,
            Self::Polars | Self::Duckdb => Work::Reading,
        }
    }

    /// The script and what it is told beside the common arguments; one for each row of the table.
    pub(super) fn scripts(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::Torch => &[
                ("torch_epoch.py", &["--optimiser", "sparse"]),
                ("torch_epoch.py", &["--optimiser", "fused"]),
            ],
            Self::Keras => &[("keras_fit.py", &[])],
            Self::Tensorflow => &[("tensorflow_lazy.py", &[])],
            Self::Libmf => &[("libmf_epoch.py", &[])],
            Self::Polars => &[("polars_read.py", &[]), ("polars_read.py", &["--dense"])],
            Self::Duckdb => &[("duckdb_read.py", &[]), ("duckdb_read.py", &["--dense"])],
        }
    }

    /// What Python must have.
    pub(super) fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Torch => &["torch", "numpy"],
            Self::Keras => &["keras", "tensorflow", "numpy"],
            Self::Tensorflow => &["tensorflow", "numpy"],
            Self::Libmf => &["libmf", "numpy"],
            Self::Polars => &["polars"],
            Self::Duckdb => &["duckdb"],
        }
    }
}
