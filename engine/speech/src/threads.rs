//! Threads that must never stand in the way of media.

/// Lowers the priority of the calling thread (on Linux `setpriority` of "this process" means this thread). A refusal is
/// no fault: the thread works, only with more weight.
pub(crate) fn be_nice(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::debug!(%error, nice, "thread priority could not be lowered");
    }
}
