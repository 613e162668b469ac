//! A hundred thousand tasks that wait for a message are cancelled: the time from the first cancellation until all
//! have ended.
//!
//! Fair: `abort` and the handle are Tokio's own way. An aborted future is dropped where it waits: it leaves its
//! channel, and its destructors run. But no code of the task notices the cancellation, as it does in the others.

use crate::workload::{report, size};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::yield_now;

pub async fn abort_all() {
    let (tasks, runs) = (size(100_000), size(10));
    abort(tasks).await;
    let mut elapsed = Duration::ZERO;
    for _ in 0..runs {
        elapsed += abort(tasks).await;
    }
    report("cancel-parked", elapsed.as_nanos() as f64 / (tasks * runs) as f64, "ns");
}

async fn abort(tasks: usize) -> Duration {
    let park = |_| {
        let (sender, receiver) = oneshot::channel::<usize>();
        (sender, tokio::spawn(receiver))
    };
    let (senders, parked): (Vec<_>, Vec<_>) = (0..tasks).map(park).unzip();
    // All tasks that were started before have parked when this returns.
    yield_now().await;
    let start = Instant::now();
    parked.iter().for_each(|task| task.abort());
    for task in parked {
        assert!(task.await.unwrap_err().is_cancelled());
    }
    let elapsed = start.elapsed();
    assert!(senders.iter().all(|sender| sender.is_closed()), "a task did not leave its channel");
    elapsed
}
