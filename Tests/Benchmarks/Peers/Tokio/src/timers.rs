//! A million tasks that sleep for 0 to 100 ms each: the processor time of it all, tasks' start included.
//!
//! Fair: a task and a `sleep` each, the plain idiom; Tokio's timer wheel works in milliseconds, so its sleeps end
//! in a hundred batches.

use crate::memory::processor_milliseconds;
use crate::workload::report;
use std::time::Duration;

pub async fn sleep_all() {
    sleep(100_000).await;
    let before = processor_milliseconds();
    sleep(1_000_000).await;
    report("timers", processor_milliseconds() - before, "ms");
}

async fn sleep(sleepers: u64) {
    let sleeper = |i: u64| {
        // A prime number of steps, so that neighbours do not end together.
        let duration = Duration::from_micros(i * 7919 % 100_000);
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
}
