//! A tree of tasks, ten children each, that sums the numbers of its million leaves.
//!
//! Fair: values come through the handles, which is quicker than a channel per parent. An async function that calls
//! itself has to be boxed.

use crate::workload::{milliseconds, size};
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

pub async fn grow() -> f64 {
    let leaves = size(1_000_000);
    let start = Instant::now();
    let sum = tokio::spawn(node(0, leaves)).await.unwrap();
    assert_eq!(sum, leaves * (leaves - 1) / 2, "a leaf was lost");
    milliseconds(start)
}

fn node(number: usize, size: usize) -> Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(async move {
        if size == 1 {
            return number;
        }
        let child = size / 10;
        let children: [_; 10] = std::array::from_fn(|i| tokio::spawn(node(number + i * child, child)));
        let mut sum = 0;
        for child in children {
            sum += child.await.unwrap();
        }
        sum
    })
}
