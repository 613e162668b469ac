//! Fair: the plain idiom, one sender and one receiver over a bounded channel of 128, one message at a time.

use tokio::sync::mpsc;

pub async fn pump(messages: usize) {
    let (sender, mut receiver) = mpsc::channel(128);
    tokio::spawn(async move {
        for i in 0..messages {
            sender.send(i).await.unwrap();
        }
    });
    let mut sum = 0;
    while let Some(value) = receiver.recv().await {
        sum += value;
    }
    assert_eq!(sum, messages * (messages - 1) / 2, "a message was lost");
}
