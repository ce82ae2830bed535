//! Room `flow`.
