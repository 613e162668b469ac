//! The first 2000 primes, each a task that passes on what it does not divide.
//!
//! Fair: the plain idiom; a capacity of one stands for unbuffered, as in `rendezvous`.

use crate::workload::milliseconds;
use std::time::Instant;
use tokio::sync::mpsc;

const PRIMES: usize = 2000;
const LAST: u32 = 17389;

pub async fn primes() -> f64 {
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
    for _ in 0..PRIMES {
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
    assert_eq!(prime, LAST, "not the prime it should be");
    elapsed
}
