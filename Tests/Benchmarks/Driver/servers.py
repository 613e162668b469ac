"""Server programs: starting them, looking at them from outside, and ending them."""

import os
import socket
import subprocess
import time

from machine import processors

PATIENCE = 20


def confine(is_alone, is_server):
    """A server with one worker gets the last processor and the load generator the first, so that they do not
    compete. A server with two workers shares both processors with the load generator."""
    if not hasattr(os, "sched_setaffinity"):
        return
    every = processors()
    chosen = (every[-1:] if is_server else every[:1]) if is_alone else every[:2]
    os.sched_setaffinity(0, chosen)


class Server:
    """A running server; a context manager that ends it."""

    def __init__(self, program, workers):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.workers = workers
        self.program = [part.format(port=self.port, workers=workers) for part in program]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: confine(self.workers == 1, True))
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.connect().close()
                return self
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.__exit__()
                    raise RuntimeError(f"{self.program[0]} does not accept connections") from error
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def load(self, *command):
        """What a program that loads the server prints."""
        done = subprocess.run(
            list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
            preexec_fn=lambda: confine(self.workers == 1, False))
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
            raise RuntimeError(f"{os.path.basename(command[0])} ended with status {done.returncode}: {lines[0]}")
        return done.stdout

    def processor_seconds(self):
        """What the server has used of the processors."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        """Page tables included, as in the workloads."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            lines = [line.split() for line in file]
        return sum(int(fields[1]) for fields in lines if fields[0] in ("VmRSS:", "VmPTE:")) * 1024
