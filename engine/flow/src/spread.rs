//! Files are read and compiled side by side: until all are there, none knows of another. What comes of it is the same, and in
//! the same order, however many threads there are.

use crate::limits::{FILES_A_THREAD_MIN, SCRIPT_STACK};
use std::{num::NonZero, panic::resume_unwind, thread};

/// What `work` makes of each item, in their order.
pub(crate) fn spread<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len() / FILES_A_THREAD_MIN).max(1);
    let mut chunks = items.chunks(items.len().div_ceil(threads).max(1));
    let own = chunks.next().unwrap_or_default();
    let all = |chunk: &[T]| chunk.iter().map(&work).collect::<Vec<_>>();
    thread::scope(|scope| {
        let spawn = |chunk| (chunk, thread::Builder::new().stack_size(SCRIPT_STACK).spawn_scoped(scope, move || all(chunk)));
        let others: Vec<_> = chunks.map(spawn).collect();
        let mut made = all(own);
        for (chunk, other) in others {
            // A machine without a thread to spare does it here.
            made.extend(other.map_or_else(|_| all(chunk), |other| other.join().unwrap_or_else(|fault| resume_unwind(fault))));
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_kept_whatever_the_number() {
        for count in [0, 1, 7, 8, 16, 33, 1_000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(spread(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
    }
}
