//! Tasks that contend for one lock; the owner yields while it holds the lock, so that the others come to wait.
//!
//! Fair: Tokio's own mutex, borrowed guards (the cheaper kind); it is first come, first served.

use std::sync::Arc;
use tokio::sync::Mutex;

pub async fn take_free(uses: usize) {
    let lock = Mutex::new(0);
    for _ in 0..uses {
        *lock.lock().await += 1;
    }
    assert_eq!(*lock.lock().await, uses, "a use was lost");
}

pub async fn contend(tasks: usize, uses: usize) {
    let lock = Arc::new(Mutex::new(0));
    let each = uses / tasks;
    let contender = |_| {
        let lock = lock.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                let mut uses = lock.lock().await;
                let before = *uses;
                tokio::task::yield_now().await;
                *uses = before + 1;
            }
        })
    };
    let running: Vec<_> = (0..tasks).map(contender).collect();
    for task in running {
        task.await.unwrap();
    }
    assert_eq!(*lock.lock().await, tasks * each, "a use was lost");
}
