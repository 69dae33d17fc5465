//! Logging is this file's business: defmt with the feature `log`, nothing without it.

/// Logs at the info level.
#[macro_export]
macro_rules! info {
    ($($argument:tt)*) => {{
        #[cfg(feature = "log")]
        ::defmt::info!($($argument)*);
    }};
}

/// Logs at the warn level.
#[macro_export]
macro_rules! warning {
    ($($argument:tt)*) => {{
        #[cfg(feature = "log")]
        ::defmt::warn!($($argument)*);
    }};
}
