//! A million tasks that wait for a message.
//!
//! Fair: a channel of Tokio has one receiver, so each task waits in a one-shot channel of its own, the smallest that
//! brings a value; a small warm-up only, because a task's first memory is what is measured.

use crate::memory::resident_bytes;
use crate::workload::{report, size};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::task::yield_now;

pub async fn park_all() {
    park(1000).await;
    let (bytes, create, wake) = park(size(1_000_000)).await;
    report("parked, memory each", bytes, "bytes");
    report("parked, create each", create, "ns");
    report("parked, wake each", wake, "ns");
}

async fn park(tasks: usize) -> (f64, f64, f64) {
    let parked = Arc::new(AtomicUsize::new(0));
    let woken = Arc::new(AtomicUsize::new(0));
    let mut senders = Vec::with_capacity(tasks);
    let before = resident_bytes();
    let start = Instant::now();
    for i in 0..tasks {
        let (sender, receiver) = oneshot::channel::<usize>();
        let (parked, woken) = (parked.clone(), woken.clone());
        senders.push(sender);
        tokio::spawn(async move {
            parked.fetch_add(1, Relaxed);
            assert_eq!(receiver.await.unwrap(), i, "a message went astray");
            woken.fetch_add(1, Relaxed);
        });
    }
    while parked.load(Relaxed) < tasks {
        yield_now().await;
    }
    let create = start.elapsed().as_nanos() as f64 / tasks as f64;
    let bytes = (resident_bytes() - before) as f64 / tasks as f64;
    let start = Instant::now();
    for (i, sender) in senders.into_iter().enumerate() {
        sender.send(i).unwrap();
    }
    while woken.load(Relaxed) < tasks {
        yield_now().await;
    }
    (bytes, create, start.elapsed().as_nanos() as f64 / tasks as f64)
}
