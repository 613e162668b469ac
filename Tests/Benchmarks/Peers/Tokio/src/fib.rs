//! fib(32) by fork and join down to 20, plainly below.
//!
//! Fair: the plain idiom; one half is a task, the other is computed by the parent. An async function that calls
//! itself has to be boxed.

use crate::workload::milliseconds;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::time::Instant;

const CUTOFF: u32 = 20;

pub async fn compute() -> f64 {
    let start = Instant::now();
    let value = parallel(black_box(32)).await;
    assert_eq!(value, 2_178_309);
    milliseconds(start)
}

fn parallel(n: u32) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if n <= CUTOFF {
            return plain(n);
        }
        let half = tokio::spawn(parallel(n - 1));
        let other = parallel(n - 2).await;
        half.await.unwrap() + other
    })
}

#[inline(never)]
fn plain(n: u32) -> u64 {
    if n < 2 { n as u64 } else { plain(n - 1) + plain(n - 2) }
}
