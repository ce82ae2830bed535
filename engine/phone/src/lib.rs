//! Room `phone`.
