//! A million tasks that sleep for 0 to 100 ms each: the processor time of it all, tasks' start included.
//!
//! Fair: a task and a `sleep` each, the plain idiom; Tokio's timer wheel works in milliseconds, so its sleeps end
//! in a hundred batches.

use crate::memory::processor_milliseconds;
use crate::workload::{report, size};
use std::time::{Duration, Instant};

pub async fn sleep_all() {
    sleep(size(100_000)).await;
    let before = processor_milliseconds();
    sleep(size(1_000_000)).await;
    report("timers", processor_milliseconds() - before, "ms");
}

async fn sleep(sleepers: usize) {
    let start = Instant::now();
    let sleeper = |i: usize| {
        // A prime number of steps, so that neighbours do not end together.
        let duration = Duration::from_micros((i * 7919 % 100_000) as u64);
        tokio::spawn(async move {
            tokio::time::sleep(duration).await;
            i
        })
    };
    let running: Vec<_> = (0..sleepers).map(sleeper).collect();
    let mut sum = 0;
    for task in running {
        sum += task.await.unwrap();
    }
    assert_eq!(sum, sleepers * (sleepers - 1) / 2, "a sleeper was lost");
    assert!(start.elapsed() >= Duration::from_millis(99), "the sleepers woke too early");
}
