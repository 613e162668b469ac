"""Runs the servers in rounds: in each round every server is started, loaded and ended, one right after the other."""

import os
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from machine import busy_seconds, processors
from measure import Measurements
from peers import CACHE
from servers import Server


@dataclass
class Sizes:
    """How much of everything."""
    seconds: float = 2
    many: int = 1000
    idle: int = 10_000
    file: int = 1 << 30

    @staticmethod
    def quick():
        return Sizes(seconds=0.2, many=100, idle=200, file=1 << 24)


def raise_limit():
    """The servers inherit it: each connection is a descriptor, here and there."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


class Run:
    """One round of one peer's workload; adds its values to the measurements."""

    def __init__(self, peer, workers, sizes, loader):
        self.peer, self.workers, self.sizes, self.loader = peer, workers, sizes, loader
        self.suffix = f"-{workers}w" if workers > 1 else ""
        self.lines = []

    def found(self, measure, value, unit):
        self.lines.append(f"{measure}{self.suffix}\t{value}\t{unit}")

    def echo(self):
        with self.server("echo") as server:
            self.echo_load(server, "echo-50", 50)
            self.echo_load(server, "echo-1000", self.sizes.many)

    def server(self, workload):
        return Server(self.peer.programs[workload], self.workers)

    def echo_load(self, server, name, connections):
        before = server.processor_seconds()
        printed = server.load(self.loader, str(server.port), str(connections), str(self.sizes.seconds)).split()
        used = server.processor_seconds() - before
        requests, p50, p99, share, every = map(float, printed)
        self.found(name, requests, "requests/s")
        self.found(f"{name}, p50", p50, "us")
        self.found(f"{name}, p99", p99, "us")
        # Independent of the load's own limit and of other programs.
        self.found(f"{name}, processor", used / every * 1e6, "us/request")
        self.found(f"{name}, load's share", share, "of a processor")

    def idle(self):
        with ExitStack() as stack:
            server = stack.enter_context(self.server("echo"))
            self.busy(server, "idle, none idle")
            before = server.resident_bytes()
            for _ in range(self.sizes.idle):
                self.use(stack.enter_context(server.connect()))
            self.found("idle, memory each", (server.resident_bytes() - before) / self.sizes.idle, "bytes")
            self.busy(server, "idle, busy ones")

    def busy(self, server, name):
        printed = server.load(self.loader, str(server.port), "50", str(self.sizes.seconds)).split()
        self.found(name, float(printed[0]), "requests/s")

    @staticmethod
    def use(connection):
        """A message there and back: afterwards the connection has been accepted and has all its resources."""
        connection.sendall(b"x" * 64)
        if len(connection.recv(64, socket.MSG_WAITALL)) != 64:
            raise RuntimeError("an idle connection ended early")

    def http(self):
        wrk = shutil.which("wrk")
        if not wrk:
            raise RuntimeError("no wrk on the path (Debian's package wrk)")
        with self.server("http") as server:
            before = server.processor_seconds()
            seconds = str(max(1, round(self.sizes.seconds * 1.5)))
            url = f"http://127.0.0.1:{server.port}/"
            printed = server.load(wrk, "-t1", "-c32", f"-d{seconds}s", "--latency", url)
            used = server.processor_seconds() - before
        if failed := re.search("Non-2xx.*|Socket errors.*", printed):
            raise RuntimeError(f"wrk: {failed[0]}")
        requests = float(re.search(r"Requests/sec: +([\d.]+)", printed)[1])
        p99, unit = re.search(r"99% +([\d.]+)(us|ms|s)\b", printed).groups()
        self.found("http", requests, "requests/s")
        self.found("http, p99", float(p99) * {"us": 1, "ms": 1e3, "s": 1e6}[unit], "us")
        every = int(re.search(r"(\d+) requests in", printed)[1])
        self.found("http, processor", used / every * 1e6, "us/request")

    def copy(self):
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            source, target = Path(folder) / "source", Path(folder) / "target"
            block = os.urandom(1 << 20)
            with source.open("wb") as file:
                for _ in range(self.sizes.file >> 20):
                    file.write(block)
                # Otherwise pending writes would happen while the copy is timed.
                os.fsync(file.fileno())
            start = time.monotonic()
            subprocess.run([*self.peer.programs["copy"], source, target], check=True, timeout=120)
            self.found("copy", (time.monotonic() - start) * 1e3, "ms")
            if target.stat().st_size != self.sizes.file:
                raise RuntimeError("the copy is not whole")


# name -> (what it measures, what the peer needs for it, with how many workers)
WORKLOADS = {
    "echo": (Run.echo, "echo", 1), "echo-2w": (Run.echo, "echo", 2), "idle": (Run.idle, "echo", 1),
    "http": (Run.http, "http", 1), "http-2w": (Run.http, "http", 2), "copy": (Run.copy, "copy", 1),
}


def run_rounds(peers, workloads, rounds, sizes, loader, say):
    measurements = Measurements()
    try:
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            for name in workloads:
                run_workload(number, name, peers, measurements, sizes, loader, say)
            measurements.rounds += 1
    except KeyboardInterrupt:
        # Keeps the results so far.
        measurements.interrupted = True
        say("interrupted")
    return measurements


def run_workload(number, name, peers, measurements, sizes, loader, say):
    body, needed, workers = WORKLOADS[name]
    taking_part = [peer for peer in peers if needed in peer.programs]
    # Another one starts in each round.
    turn = number % max(1, len(taking_part))
    for peer in taking_part[turn:] + taking_part[:turn]:
        if (name, peer.name) in measurements.broken:
            continue
        run = Run(peer, workers, sizes, loader)
        before, ours, start = busy_seconds(), own_seconds(), time.monotonic()
        try:
            body(run)
            measurements.add(number, peer, "\n".join(run.lines))
            elapsed = time.monotonic() - start
            if before is not None:
                others = busy_seconds() - before - (own_seconds() - ours)
                measurements.disturbance.append(max(0.0, others / elapsed))
            say(f"  {name}, {peer.name}: {elapsed:.1f} s")
        except (RuntimeError, ValueError, OSError, TypeError, subprocess.SubprocessError) as error:
            measurements.broken.add((name, peer.name))
            measurements.failures.append(f"{name}, {peer.name}: {error}")
            say(f"  {measurements.failures[-1]}")


def own_seconds():
    """Processor time of this program and of those it has started and seen end."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def sizes_for(is_quick, limit, say):
    sizes = Sizes.quick() if is_quick else Sizes()
    # Each program needs some for other purposes, and the load has its own connections.
    if sizes.idle + sizes.many + 100 > limit:
        sizes.idle = limit - sizes.many - 100
        say(f"at most {limit} descriptors: {sizes.idle} idle connections")
    return sizes


def possible(workloads, say):
    if len(processors()) < 2:
        say("one processor: what needs two workers is left out")
        return [name for name in workloads if not name.endswith("-2w")]
    return workloads
