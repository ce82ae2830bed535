//! Stories, torture and properties of room `sip`, in one binary.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod dialogs;
#[cfg(test)]
mod digests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod torture;
#[cfg(test)]
mod transactions;
