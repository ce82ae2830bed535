//! Room `speech`.
