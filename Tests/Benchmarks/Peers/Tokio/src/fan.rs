//! Four senders to one task that passes every message on to four receivers.
//!
//! Fair: a channel of Tokio has one receiver, so the way out is a channel each, served in turn, which contends less
//! than one that four receivers share. A capacity of one stands for unbuffered, as in `rendezvous`.

use tokio::sync::mpsc;

const WAYS: usize = 4;

pub async fn pass(messages: usize) {
    let (sender, mut middle) = mpsc::channel(1);
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
        let (sender, mut receiver) = mpsc::channel(1);
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
