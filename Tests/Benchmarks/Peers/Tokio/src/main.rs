//! Tokio's side of the comparison: `tokio-benchmarks list` prints the workloads, `tokio-benchmarks NAME` times one.
//!
//! One worker is the current-thread runtime, unless a workload says otherwise; two are the multi-thread
//! one. A workload's own comment says why it is fair.

mod broadcast;
mod cancel_parked;
mod channel;
mod choice;
mod fan;
mod fib;
mod lock;
mod memory;
mod mergesort;
mod parked;
mod pipe;
mod pipeline;
mod rendezvous;
mod semaphore;
mod sieve;
mod skynet;
mod spawn;
mod ticker;
mod timeout;
mod timers;
mod workload;
mod yields;

use workload::Workloads;

/// Every workload: its name, how many items or runs are timed (on two workers too, where there are two numbers), and
/// its body.
fn workloads() -> Workloads {
    let mut all = Workloads::default();
    yields::add(&mut all);
    all.each("spawn-wait", &[3_000_000], spawn::one_by_one);
    all.each("spawn-many", &[1_000_000, 1_000_000], spawn::many);
    all.each("rendezvous", &[3_000_000, 1_000_000], rendezvous::exchange);
    all.each("pipe", &[10_000_000, 3_000_000], pipe::pump);
    all.each("fan", &[5_000_000, 2_000_000], fan::pass);
    all.each("choice-2", &[3_000_000], choice::of_2);
    all.each("choice-8", &[3_000_000], choice::of_8);
    all.each("timeout", &[3_000_000], timeout::receive);
    all.custom("timers", timers::sleep_all);
    all.custom("parked", parked::park_all);
    all.custom("cancel-parked", cancel_parked::abort_all);
    all.whole("skynet", &[1, 1], skynet::grow);
    all.whole("sieve", &[1, 1], sieve::primes);
    all.prefer_multi_thread("sieve");
    all.whole("fib", &[20, 20], fib::compute);
    all.whole("mergesort", &[1, 1], mergesort::sort);
    all.each("lock", &[20_000_000], lock::take_free);
    all.each("watch-8", &[500_000], broadcast::observe);
    all.each("multicast-8", &[1_000_000], broadcast::spread);
    all.each("pipeline-5", &[1_000_000, 500_000], pipeline::pass);
    all.custom("ticker", ticker::tick);
    for tasks in [8, 64] {
        all.each(&format!("lock-{tasks}"), &[2_000_000, 1_000_000], move |n| lock::contend(tasks, n));
    }
    for tasks in [2, 8, 64] {
        all.each(&format!("semaphore-{tasks}"), &[3_000_000, 1_000_000], move |n| semaphore::contend(tasks, n));
        all.each(&format!("channel-{tasks}"), &[2_000_000, 1_000_000], move |n| channel::contend(tasks, n));
    }
    all
}

fn main() {
    let all = workloads();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [word] if word == "list" => all.list(),
        [name] if all.run(name) => {}
        _ => {
            eprintln!("usage: tokio-benchmarks list | WORKLOAD");
            std::process::exit(2);
        }
    }
}
