"""Runs the programs in rounds: in each round every workload runs once per peer, one right after the other, so that
a slow minute of the machine falls on all of them alike."""

import os
import resource
import subprocess

from machine import busy_seconds, processors, touch_memory

TIMEOUT = 600
# Workloads that measure the first touch of much memory, and how much.
FIRST_TOUCH = {"parked": 6 << 30, "dump-parked": 7 << 30, "timers": 6 << 30, "yield-curve-1000000": 6 << 30}


class Measurements:
    def __init__(self):
        # (measure, peer name) -> one value per round, in order; None where the run failed
        self.values = {}
        self.units = {}
        self.failures = []
        # How many rounds ran to their end, and whether another was cut short.
        self.rounds = 0
        self.interrupted = False
        # (workload, peer name) that failed, and are not run again
        self.broken = set()
        # How busy the rest of the machine was during each run, in processors.
        self.disturbance = []

    def add(self, round_number, peer, output):
        for line in output.splitlines():
            measure, value, unit = line.split("\t")
            values = self.values.setdefault((measure, peer.name), [])
            values += [None] * (round_number - len(values))
            values.append(float(value))
            self.units[measure] = unit

    def rounds_text(self):
        text = f"{self.rounds} round{'' if self.rounds == 1 else 's'}"
        return f"{text} and part of another, INTERRUPTED" if self.interrupted else text

    def measures(self):
        """What was measured, in the order of the first round."""
        return list(dict.fromkeys(measure for measure, _ in self.values))

    def present(self, measure, peer):
        """The values of the rounds that did not fail."""
        return [value for value in self.values.get((measure, peer), []) if value is not None]

    def ratios(self, ours, theirs):
        """One ratio, ours divided by theirs, per round: both values of a round were measured close to each other."""
        pairs = zip(self.values.get(ours, []), self.values.get(theirs, []))
        return [our / their for our, their in pairs if our is not None and their]


def confine(workers):
    """The program gets as many processors as it has workers, the last ones: the first serves most interrupts."""
    os.sched_setaffinity(0, processors()[-workers:])


def run_once(program, workers, measurements, environment):
    before, ours = busy_seconds(), resource.getrusage(resource.RUSAGE_CHILDREN)
    start = os.times().elapsed
    done = subprocess.run(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT,
                          env=environment,
                          preexec_fn=(lambda: confine(workers)) if hasattr(os, "sched_setaffinity") else None)
    elapsed = os.times().elapsed - start
    after, ours_after = busy_seconds(), resource.getrusage(resource.RUSAGE_CHILDREN)
    if before is not None and elapsed > 0.1:
        used = ours_after.ru_utime - ours.ru_utime + ours_after.ru_stime - ours.ru_stime
        measurements.disturbance.append(max(0.0, (after - before - used) / elapsed))
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        telling = [line for line in lines if "error" in line.lower() or "panic" in line] or lines
        raise RuntimeError(f"ended with status {done.returncode}: {telling[0].strip()}")
    return done.stdout


def run_rounds(peers, workloads, rounds, is_quick, say):
    measurements = Measurements()
    environment = {name: value for name, value in os.environ.items() if name != "BENCHMARK_QUICK"}
    if is_quick:
        environment["BENCHMARK_QUICK"] = "1"
    try:
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            run_round(number, peers, workloads, measurements, environment, say)
            measurements.rounds += 1
    except KeyboardInterrupt:
        # Keeps the results so far.
        measurements.interrupted = True
        say("interrupted")
    return measurements


def run_round(number, peers, workloads, measurements, environment, say):
    for workload in workloads:
        taking_part = [peer for peer in peers if workload in peer.programs]
        # Another one starts in each round.
        turn = number % max(1, len(taking_part))
        for peer in taking_part[turn:] + taking_part[:turn]:
            if (workload, peer.name) in measurements.broken:
                continue
            if workload in FIRST_TOUCH and "BENCHMARK_QUICK" not in environment:
                touch_memory(FIRST_TOUCH[workload])
            program, workers = peer.programs[workload]
            start = os.times().elapsed
            try:
                measurements.add(number, peer, run_once(program, workers, measurements, environment))
                say(f"  {workload}, {peer.name}: {os.times().elapsed - start:.1f} s")
            except (RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
                measurements.broken.add((workload, peer.name))
                measurements.failures.append(f"{workload}, {peer.name}: {error}")
                say(f"  {measurements.failures[-1]}")
