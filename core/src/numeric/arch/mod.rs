//! The one module that may hold assembly, behind safe functions. Empty so far.
