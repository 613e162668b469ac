//! Fair: five stages that add one, a task each, with a channel before it that has room for one element, the least there is.

use tokio::sync::mpsc;

pub async fn pass(elements: usize) {
    let (source, mut last) = mpsc::channel(1);
    tokio::spawn(async move {
        for i in 0..elements {
            source.send(i).await.unwrap();
        }
    });
    for _ in 0..5 {
        let (sender, receiver) = mpsc::channel(1);
        let mut upstream = std::mem::replace(&mut last, receiver);
        tokio::spawn(async move {
            while let Some(value) = upstream.recv().await {
                sender.send(value + 1).await.unwrap();
            }
        });
    }
    let mut sum = 0;
    while let Some(value) = last.recv().await {
        sum += value;
    }
    if elements > 0 {
        assert_eq!(sum, elements * (elements - 1) / 2 + 5 * elements, "an element was lost");
    }
}
