//! Room `switchboard`.
