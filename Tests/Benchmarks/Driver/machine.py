"""The machine on which the values were measured, and how busy it was otherwise."""

import mmap
import os
import platform
import statistics
from pathlib import Path


def busy_seconds():
    """Processor seconds that the machine has spent on anything, or that were taken from it, since it started."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, interrupts, soft_interrupts, stolen = map(int, fields)
    return (user + nice + system + interrupts + soft_interrupts + stolen) / os.sysconf("SC_CLK_TCK")


def touch_memory(size):
    """Makes the kernel have `size` bytes of free memory at hand. A virtual machine's host takes back what lies free for
    some seconds, and touching it again costs several times what the page fault itself does: without this the
    program that follows a smaller one would pay for the difference."""
    try:
        available = int(Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]) * 1024
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
        mmap.mmap(-1, min(size, available * 3 // 4), flags=flags).close()
    except (OSError, IndexError, AttributeError):
        pass  # not Linux, or an old Python: measure without it


def processors():
    """The processors that programs may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    details = {}
    for line in lines:
        key, _, value = line.partition(":")
        details.setdefault(key.strip(), value.strip())
    name = details.get("model name") or platform.processor() or platform.machine()
    family = f" (family {details['cpu family']}, model {details['model']})" if "cpu family" in details else ""
    return name + family


def memory():
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2 ** 30:.0f} GiB"
    except (ValueError, OSError):
        return "unknown memory"


def noise(disturbance):
    """How busy the rest of the machine was: the median and the worst, and whether that is little enough."""
    middle, worst = statistics.median(disturbance), max(disturbance)
    return {"median": middle, "worst": worst, "quiet": middle < 0.1}


def machine():
    return f"{len(processors())} x {processor()}, {memory()}, {platform.system()} {platform.release()}"


def description(peers, disturbance):
    lines = [f"Machine: {machine()}."]
    versions = "; ".join(f"{peer.name}: {peer.version}" for peer in peers)
    lines.append(f"Built with: {versions}.")
    if disturbance:
        found = noise(disturbance)
        quiet = "quiet" if found["quiet"] else "NOISY: measure again when nothing else runs"
        used = f"{found['median']:.2f} processors during a run (median; at most {found['worst']:.2f})"
        lines.append(f"Anything else used {used}: {quiet}.")
    return "\n".join(lines)
