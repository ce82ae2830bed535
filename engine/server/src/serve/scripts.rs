//! The script threads: Rhai runs, one step at a time, on stacks large enough for Rhai's worst case.

use super::wiring::{ScriptStep, ShardDoor, ShardIn};
use call::{Answer, ToShard};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc::Receiver},
    thread::{Builder, JoinHandle},
};

/// Threads: a step takes microseconds; the second is there for the day the first meets a runaway script.
const THREADS: usize = 2;

/// Starts the threads; they end when the queue's last sender is gone.
pub(super) fn start(steps: Receiver<ScriptStep>, shards: &[ShardDoor]) -> io::Result<Vec<JoinHandle<()>>> {
    let steps = Arc::new(Mutex::new(steps));
    (0..THREADS)
        .map(|number| {
            let (steps, shards) = (Arc::clone(&steps), shards.to_vec());
            Builder::new()
                .name(format!("script-{number}"))
                .stack_size(flow::limits::SCRIPT_STACK)
                .spawn(move || work(&steps, &shards))
        })
        .collect()
}

fn work(steps: &Mutex<Receiver<ScriptStep>>, shards: &[ShardDoor]) {
    loop {
        let step = steps.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(ScriptStep { shard, call, ticket, job }) = step else { return };
        let reply = job.execute();
        if let Some(door) = shards.get(shard) {
            let answer = Answer::Script(Box::new(reply));
            door.send(ShardIn::Call(ToShard::Answer { call, ticket, answer }));
        }
    }
}
