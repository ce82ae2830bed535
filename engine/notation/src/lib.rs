//! Room `notation`.
