//! What every workload shares: the list, the runtimes, the clock and the line that the driver reads.

use std::future::Future;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};

struct Workload {
    name: String,
    workers: usize,
    multi_thread: bool,
    run: Box<dyn Fn(&str, &Runtime)>,
}

#[derive(Default)]
pub struct Workloads(Vec<Workload>);

impl Workloads {
    /// Nanoseconds for each of `counts[0]` items on one worker, and of `counts[1]` on two, after a tenth as warm-up.
    pub fn each<F>(&mut self, name: &str, counts: &[usize], body: impl Fn(usize) -> F + Clone + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        for (index, &count) in counts.iter().enumerate() {
            let (body, count) = (body.clone(), size(count));
            self.add(name, index + 1, move |name, runtime| {
                inside(runtime, body(count / 10));
                let start = Instant::now();
                inside(runtime, body(count));
                report(name, start.elapsed().as_nanos() as f64 / count as f64, "ns");
            });
        }
    }

    /// Milliseconds for each of `runs[0]` runs on one worker, and of `runs[1]` on two, after one as warm-up.
    /// A run returns the milliseconds that count.
    pub fn whole<F>(&mut self, name: &str, runs: &[usize], body: impl Fn() -> F + Clone + 'static)
    where
        F: Future<Output = f64> + Send + 'static,
    {
        for (index, &runs) in runs.iter().enumerate() {
            let (body, runs) = (body.clone(), size(runs));
            self.add(name, index + 1, move |name, runtime| {
                inside(runtime, body());
                let milliseconds: f64 = (0..runs).map(|_| inside(runtime, body())).sum();
                report(name, milliseconds / runs as f64, "ms");
            });
        }
    }

    /// One worker; the body warms up, measures and reports by itself.
    pub fn custom<F>(&mut self, name: &str, body: impl Fn() -> F + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.add(name, 1, move |_, runtime| inside(runtime, body()));
    }

    fn add(&mut self, name: &str, workers: usize, run: impl Fn(&str, &Runtime) + 'static) {
        let name = if workers == 1 { name.to_string() } else { format!("{name}-{workers}w") };
        self.0.push(Workload { name, workers, multi_thread: workers > 1, run: Box::new(run) });
    }

    /// Gives the workload's one worker the multi-thread scheduler, where that is the quicker one.
    pub fn prefer_multi_thread(&mut self, name: &str) {
        self.0.iter_mut().filter(|workload| workload.name == name).for_each(|workload| workload.multi_thread = true);
    }

    pub fn list(&self) {
        for workload in &self.0 {
            println!("{}\t{}", workload.name, workload.workers);
        }
    }

    /// False when there is no workload of this name.
    pub fn run(&self, name: &str) -> bool {
        let Some(workload) = self.0.iter().find(|workload| workload.name == name) else { return false };
        let mut builder =
            if workload.multi_thread { Builder::new_multi_thread() } else { Builder::new_current_thread() };
        let runtime = builder.worker_threads(workload.workers).enable_all().build().unwrap();
        (workload.run)(name, &runtime);
        true
    }
}

/// Runs the body as a task of a worker: the future given to `block_on` would stay on the main thread, outside of the
/// workers, and every exchange with it would cost a wakeup.
fn inside<T: Send + 'static>(runtime: &Runtime, body: impl Future<Output = T> + Send + 'static) -> T {
    runtime.block_on(async { tokio::spawn(body).await.unwrap() })
}

/// How much of something a workload does: `count`, or a hundredth where its time does not matter.
pub fn size(count: usize) -> usize {
    size_or(count, (count / 100).max(1))
}

/// `count`, or the other number where the programs are only to show that they work.
pub fn size_or<T>(count: T, quickly: T) -> T {
    if std::env::var_os("BENCHMARK_QUICK").is_some() { quickly } else { count }
}

/// The milliseconds since `start`.
pub fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// Prints one measured value in the form that the driver reads.
pub fn report(name: &str, value: f64, unit: &str) {
    println!("{name}\t{value:.3}\t{unit}");
}
