//! Fair: a task's handle brings its value, the plain idiom; on one worker no other thread is involved. A `JoinSet`
//! would add a list of its own to each spawn; handles in a vector are the quickest way to await many.

/// Starts a trivial task and awaits its value, one after another.
pub async fn one_by_one(tasks: usize) {
    let mut sum = 0;
    for i in 0..tasks {
        sum += tokio::spawn(async move { i }).await.unwrap();
    }
    assert_eq!(sum, tasks * (tasks - 1) / 2, "a result was lost");
}

/// Starts all tasks, then awaits all their values.
pub async fn many(tasks: usize) {
    let running: Vec<_> = (0..tasks).map(|i| tokio::spawn(async move { i })).collect();
    let mut sum = 0;
    for task in running {
        sum += task.await.unwrap();
    }
    assert_eq!(sum, tasks * (tasks - 1) / 2, "a result was lost");
}
