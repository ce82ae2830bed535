//! RFC 4475 situations.
