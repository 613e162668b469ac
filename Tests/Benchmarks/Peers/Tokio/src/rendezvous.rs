//! Fair: Tokio has no unbuffered channel; a capacity of one is the closest, and a little easier: the sender need not
//! wait for the receiver but for the receiver's last message, and still each side suspends once per message. On two
//! workers Tokio keeps both tasks on one: a woken task runs next on its waker's worker, and is not stolen from there.

use tokio::sync::mpsc;

pub async fn exchange(messages: usize) {
    let (sender, mut receiver) = mpsc::channel(1);
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
