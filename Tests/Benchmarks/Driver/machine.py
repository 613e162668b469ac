"""What the numbers were measured on, and how quiet it was."""

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
        pass  # not Linux, or an old Python: the numbers are as good as the machine


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


def description(peers, disturbance):
    lines = [f"Machine: {os.cpu_count()} x {processor()}, {memory()}, {platform.system()} {platform.release()}."]
    versions = "; ".join(f"{peer.name}: {peer.version}" for peer in peers)
    lines.append(f"Built with: {versions}.")
    if disturbance:
        middle, worst = statistics.median(disturbance), max(disturbance)
        quiet = "quiet" if middle < 0.1 else "NOISY: measure again when nothing else runs"
        lines.append(f"Anything else used {middle:.2f} processors during a run (median; at most {worst:.2f}): {quiet}.")
    return "\n".join(lines)
