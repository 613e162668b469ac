//! Four senders and four receivers with a buffer of 128 between them.
//!
//! Fair: a channel of Tokio has one receiver, so a task between passes every message on to a channel of each receiver's
//! own, which takes half the time of four receivers that share one by a mutex.

use tokio::sync::mpsc;

const WAYS: usize = 4;

pub async fn pass(messages: usize) {
    let (sender, mut middle) = mpsc::channel(128);
    for way in 0..WAYS {
        let sender = sender.clone();
        tokio::spawn(async move {
            for i in (way..messages).step_by(WAYS) {
                sender.send(i).await.unwrap();
            }
        });
    }
    drop(sender);
    let mut ways = Vec::new();
    let mut receivers = Vec::new();
    for _ in 0..WAYS {
        let (sender, mut receiver) = mpsc::channel(128);
        ways.push(sender);
        receivers.push(tokio::spawn(async move {
            let mut sum = 0;
            while let Some(value) = receiver.recv().await {
                sum += value;
            }
            sum
        }));
    }
    tokio::spawn(async move {
        let mut turn = 0;
        while let Some(value) = middle.recv().await {
            ways[turn].send(value).await.unwrap();
            turn = (turn + 1) % WAYS;
        }
    });
    let mut sum: usize = 0;
    for receiver in receivers {
        sum += receiver.await.unwrap();
    }
    assert_eq!(sum, messages * (messages - 1) / 2, "a message was lost");
}
