//! Room `audio`.
