//! Fair: `yield_now` is Tokio's own yield, on the current-thread scheduler. It puts tasks aside until the others have
//! had their turn and the timers have been looked at, which a yield of 2 tasks pays for alone, and one of 1000 hardly.

use crate::workload::{report, size, Workloads};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;

pub fn add(all: &mut Workloads) {
    all.each("yield-2", &[10_000_000], |yields| yield_all(2, yields / 2));
    all.each("yield-1000", &[10_000_000], |yields| yield_all(1000, yields / 1000));
    for tasks in [100, 1000, 10_000, 100_000, 1_000_000] {
        let name = format!("yield-curve-{tasks}");
        all.custom(&name.clone(), move || curve(name.clone(), size(tasks)));
    }
}

async fn yield_all(tasks: usize, each: usize) {
    let yields = |_| {
        tokio::spawn(async move {
            for _ in 0..each {
                tokio::task::yield_now().await;
            }
        })
    };
    let tasks: Vec<_> = (0..tasks).map(yields).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Ten million yields, at least ten by each task; the clock runs from when the last task has started until the first
/// has done all its yields, so neither creation nor memory's first touch counts.
async fn curve(name: String, tasks: usize) {
    let each = (size(10_000_000) / tasks).max(10);
    let started = Arc::new(AtomicUsize::new(0));
    let times = Arc::new(Mutex::new((None, None)));
    let yields = |_| {
        let (started, times) = (started.clone(), times.clone());
        tokio::spawn(async move {
            if started.fetch_add(1, Relaxed) + 1 == tasks {
                times.lock().unwrap().0 = Some(Instant::now());
            }
            for _ in 0..each {
                tokio::task::yield_now().await;
            }
            times.lock().unwrap().1.get_or_insert_with(Instant::now);
        })
    };
    let running: Vec<_> = (0..tasks).map(yields).collect();
    for task in running {
        task.await.unwrap();
    }
    // Between the two moments each of the tasks was resumed `each` times, but for one round.
    let (first, last) = *times.lock().unwrap();
    let elapsed = last.unwrap().duration_since(first.unwrap()).as_nanos() as f64;
    report(&name, elapsed / (tasks * (each - 1)) as f64, "ns");
}
