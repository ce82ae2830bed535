//! The peers of the scenarios: the exchange under test and everything that talks to it.

pub(crate) mod bare;
pub(crate) mod baresip;
pub(crate) mod endpoint;
pub(crate) mod exchange;
pub(crate) mod kamailio;
pub(crate) mod lossy;
pub(crate) mod network;
pub(crate) mod pjsua;
pub(crate) mod process;
pub(crate) mod sipp;
pub(crate) mod sound;
pub(crate) mod speech;
pub(crate) mod web;
