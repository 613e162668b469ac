//! Fair: a tick every millisecond; how late each one is seen, on the grid that began with the interval.

use crate::workload::{report, size};
use std::time::Duration;
use tokio::time::{interval_at, Instant};

pub async fn tick() {
    let count = size(1000);
    let period = Duration::from_millis(1);
    let mut ticker = interval_at(Instant::now() + period, period);
    let mut late: Vec<f64> = Vec::new();
    for _ in 0..count {
        let due = ticker.tick().await;
        late.push(due.elapsed().as_nanos() as f64 / 1e3);
    }
    late.sort_by(|a, b| a.partial_cmp(b).unwrap());
    report("ticker, median error", late[count / 2], "us");
    report("ticker, error of 99 %", late[count * 99 / 100], "us");
}
