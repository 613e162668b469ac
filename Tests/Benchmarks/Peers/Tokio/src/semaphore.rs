//! Tasks that contend for half as many permits; each yields while it holds one, so that others come to wait.
//!
//! Fair: Tokio's own semaphore, borrowed permits (the cheaper kind); it is first come, first served.

use std::sync::Arc;
use tokio::sync::Semaphore;

pub async fn contend(tasks: usize, acquisitions: usize) {
    let semaphore = Arc::new(Semaphore::new(tasks / 2));
    let each = acquisitions / tasks;
    let contender = |_| {
        let semaphore = semaphore.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                let permit = semaphore.acquire().await.unwrap();
                tokio::task::yield_now().await;
                drop(permit);
            }
        })
    };
    let running: Vec<_> = (0..tasks).map(contender).collect();
    for task in running {
        task.await.unwrap();
    }
    assert_eq!(semaphore.available_permits(), tasks / 2, "a permit was lost");
}
