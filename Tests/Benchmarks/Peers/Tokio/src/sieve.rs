//! The first 2000 primes, each a task that passes on what it does not divide.
//!
//! Fair: the plain idiom; a capacity of one stands for unbuffered, as in `rendezvous`. Even one worker uses the
//! multi-thread scheduler: there a woken task runs next, which saves a quarter of the time here.

use crate::workload::{milliseconds, size_or};
use std::time::Instant;
use tokio::sync::mpsc;

pub async fn primes() -> f64 {
    let (count, last) = size_or((2000, 17389), (100, 541));
    let start = Instant::now();
    let (sender, mut receiver) = mpsc::channel::<u32>(1);
    tokio::spawn(async move {
        // Ends when the chain is taken down.
        for number in 2.. {
            if sender.send(number).await.is_err() {
                break;
            }
        }
    });
    let mut prime = 0;
    for _ in 0..count {
        prime = receiver.recv().await.unwrap();
        let (sender, next) = mpsc::channel(1);
        let mut source = std::mem::replace(&mut receiver, next);
        tokio::spawn(async move {
            while let Some(number) = source.recv().await {
                if number % prime != 0 && sender.send(number).await.is_err() {
                    break;
                }
            }
        });
    }
    let elapsed = milliseconds(start);
    assert_eq!(prime, last, "not the prime it should be");
    elapsed
}
