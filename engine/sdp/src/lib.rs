//! Room `sdp`.
