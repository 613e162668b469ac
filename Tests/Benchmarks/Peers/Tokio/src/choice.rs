//! One message from whichever of 2 or 8 channels has one; a sender waits in each at all times.
//!
//! Fair: `select!` as it is meant to be used, with its random start. With `biased` it would be a little quicker, and
//! would starve all but the first. A capacity of one stands for unbuffered, as in `rendezvous`.

use tokio::sync::mpsc::{self, Receiver};

pub async fn of_2(messages: usize) {
    let (mut a, mut b) = (sender(0, 2, messages), sender(1, 2, messages));
    let mut sum = 0;
    for _ in 0..messages {
        sum += tokio::select! {
            Some(value) = a.recv() => value,
            Some(value) = b.recv() => value,
            else => panic!("a sender ended early"),
        };
    }
    assert_eq!(sum, messages * (messages - 1) / 2, "a message was lost");
}

pub async fn of_8(messages: usize) {
    let mut all = [0, 1, 2, 3, 4, 5, 6, 7].map(|index| sender(index, 8, messages));
    let [a, b, c, d, e, f, g, h] = &mut all;
    let mut sum = 0;
    for _ in 0..messages {
        sum += tokio::select! {
            Some(value) = a.recv() => value,
            Some(value) = b.recv() => value,
            Some(value) = c.recv() => value,
            Some(value) = d.recv() => value,
            Some(value) = e.recv() => value,
            Some(value) = f.recv() => value,
            Some(value) = g.recv() => value,
            Some(value) = h.recv() => value,
            else => panic!("a sender ended early"),
        };
    }
    assert_eq!(sum, messages * (messages - 1) / 2, "a message was lost");
}

/// Starts a task that sends every `step`-th number below `end`, and returns the channel that it sends into.
fn sender(start: usize, step: usize, end: usize) -> Receiver<usize> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for i in (start..end).step_by(step) {
            sender.send(i).await.unwrap();
        }
    });
    receiver
}
