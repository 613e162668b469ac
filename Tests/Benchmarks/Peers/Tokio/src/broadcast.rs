//! Eight receivers of each value.
//!
//! Fair: every receiver sees every value. The sender never waits for one: it yields after each value of a watch, and
//! after 64 elements of a broadcast, which keeps 128.

use tokio::sync::{broadcast, watch};
use tokio::task::yield_now;

const RECEIVERS: usize = 8;

pub async fn observe(values: usize) {
    let (sender, receiver) = watch::channel(0);
    let observer = |_| {
        let mut receiver = receiver.clone();
        tokio::spawn(async move {
            let (mut sum, mut value) = (0, 0);
            while value < values {
                receiver.changed().await.unwrap();
                value = *receiver.borrow_and_update();
                sum += value;
            }
            assert_eq!(sum, values * (values + 1) / 2, "a value was missed");
        })
    };
    let running: Vec<_> = (0..RECEIVERS).map(observer).collect();
    yield_now().await;
    for value in 1..=values {
        sender.send(value).unwrap();
        yield_now().await;
    }
    for task in running {
        task.await.unwrap();
    }
}

pub async fn spread(elements: usize) {
    let (sender, _) = broadcast::channel(128);
    let subscriber = |_| {
        let mut receiver = sender.subscribe();
        tokio::spawn(async move {
            let mut sum = 0;
            while let Ok(element) = receiver.recv().await {
                sum += element;
            }
            assert_eq!(sum, elements * (elements - 1) / 2, "an element was missed");
        })
    };
    let running: Vec<_> = (0..RECEIVERS).map(subscriber).collect();
    for element in 0..elements {
        sender.send(element).unwrap();
        if element % 64 == 63 {
            yield_now().await;
        }
    }
    drop(sender);
    for task in running {
        task.await.unwrap();
    }
}
