//! One channel with as many senders as receivers, 2 to 64 tasks in all.
//!
//! Fair: a channel of Tokio has one receiver; receivers that share it take turns by Tokio's own mutex, as its guide
//! has it, which is quicker here than a task between. A capacity of one stands for unbuffered, as in `rendezvous`.

use std::sync::Arc;
use tokio::sync::{mpsc, Mutex};

pub async fn contend(tasks: usize, messages: usize) {
    let ends = tasks / 2;
    let (sender, receiver) = mpsc::channel(1);
    for first in 0..ends {
        let sender = sender.clone();
        tokio::spawn(async move {
            for i in (first..messages).step_by(ends) {
                sender.send(i).await.unwrap();
            }
        });
    }
    drop(sender);
    let receiver = Arc::new(Mutex::new(receiver));
    let receivers: Vec<_> = (0..ends).map(|_| tokio::spawn(receive(receiver.clone()))).collect();
    let mut sum = 0;
    for receiver in receivers {
        sum += receiver.await.unwrap();
    }
    assert_eq!(sum, messages * (messages - 1) / 2, "a message was lost");
}

async fn receive(receiver: Arc<Mutex<mpsc::Receiver<usize>>>) -> usize {
    let mut sum = 0;
    loop {
        let message = receiver.lock().await.recv().await;
        match message {
            Some(value) => sum += value,
            None => return sum,
        }
    }
}
