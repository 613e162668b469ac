//! What the kernel knows of this process.

/// The memory resident now, page tables included.
pub fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kilobytes = |line: &str| line.split_whitespace().nth(1).and_then(|number| number.parse::<usize>().ok());
    let lines = status.lines().filter(|line| line.starts_with("VmRSS:") || line.starts_with("VmPTE:"));
    lines.filter_map(kilobytes).sum::<usize>() * 1024
}

/// The processor time used so far by all threads, in user and kernel mode.
pub fn processor_milliseconds() -> f64 {
    let mut usage = unsafe { std::mem::zeroed::<libc::rusage>() };
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) }, 0);
    let milliseconds = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime)
}
