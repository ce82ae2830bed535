//! Room `registrar`.
