//! Black-box scenarios over real sockets with real peers.
