//! The four transaction machines.
