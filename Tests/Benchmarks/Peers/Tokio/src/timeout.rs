//! Fair: `rendezvous`, with Tokio's own `timeout` around each receive. Most receives wait, so most register a timer;
//! when the message is there already, Tokio spares itself the timer.

use std::time::Duration;
use tokio::sync::mpsc;

pub async fn receive(messages: usize) {
    let (sender, mut receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for i in 0..messages {
            sender.send(i).await.unwrap();
        }
    });
    let mut sum = 0;
    for _ in 0..messages {
        let value = tokio::time::timeout(Duration::from_secs(1), receiver.recv()).await;
        sum += value.expect("the timeout fired").expect("the sender ended early");
    }
    assert_eq!(sum, messages * (messages - 1) / 2, "a message was lost");
}
