"""Nursery's targets: its value divided by the peer's, both measured in one alternating run. Smaller is better."""

import statistics
from dataclasses import dataclass

FORK_JOIN = ("fib", "mergesort")


@dataclass
class Target:
    measure: str
    against: str
    at_most: float = 0
    # The divisor, if it is not the same measure of `against`.
    other_measure: str = ""
    # For measures of which more is better; in place of at_most.
    at_least: float = 0

    @property
    def divisor(self):
        return (self.other_measure or self.measure, self.against)

    @property
    def against_text(self):
        if self.against != "itself":
            return self.against
        return "1 worker" if self.measure.endswith("-2w") else self.other_measure


def fixed():
    """Measure by measure: the peers, and the largest ratio allowed."""
    wanted = {
        "switch": {"Boost.Context": 0.8},
        "yield-2": {"Go": 0.15, "Boost.Fiber": 0.25},
        "yield-1000": {"Go": 0.15, "Boost.Fiber": 0.25},
        "spawn-wait": {"Go": 0.2, "Tokio": 0.5, "Swift concurrency": 0.15},
        "spawn-many": {"Go": 0.25, "Tokio": 0.5, "Swift concurrency": 0.15},
        "rendezvous": {"Go": 0.3, "Tokio": 0.4, "AsyncChannel": 0.03},
        "rendezvous-2w": {"Go": 0.5},
        "choice-2": {"Go": 0.4},
        "choice-8": {"Go": 0.3},
        "timeout": {"Go": 0.17, "Tokio": 0.25},
        "timers": {"Go": 0.5, "Tokio": 0.8},
        "parked, create each": {"Go": 0.8},
        "parked, wake each": {"Go": 0.8},
        "cancel-parked": {"Go": 0.5},
        "skynet": {"Go": 0.4},
        "skynet-2w": {"Go": 0.5},
        "sieve": {"Go": 0.4, "Tokio": 0.9},
        "sieve-2w": {"Go": 0.4, "Tokio": 0.9},
        "watch-8": {"Tokio": 1.0},
        "multicast-8": {"Tokio": 1.0},
        "pipeline-5": {"Go": 1.0, "AsyncChannel": 0.1},
    }
    targets = [Target(measure, peer, most) for measure, peers in wanted.items() for peer, most in peers.items()]
    for name in ("lock-8", "lock-64", "semaphore-8", "semaphore-64"):
        targets += [Target(measure, peer, 1.0) for measure in (name, name + "-2w") for peer in ("Go", "Tokio")]
    targets.append(Target("lock", "itself", 1.5, "lock, Mutex"))
    targets += [Target("task-rendezvous", "AsyncChannel", 0.5), Target("task-choice-2", "AsyncChannel", 0.25)]
    targets += [Target("task-parked, memory each", "Swift concurrency", 1.25), Target("async-call", "Swift concurrency", 2)]
    targets.append(Target("await-nursery", "Swift concurrency", 3))
    targets.append(Target("ticker, median error", "50 us", 1.0))
    targets.append(Target("parked, memory each", "4.6 KiB", 1.0))
    return targets


def scaling(measures):
    """Two workers against one: computing must take about half, and nothing may collapse."""
    for measure in measures:
        alone = measure.removesuffix("-2w")
        if alone != measure and alone in measures:
            yield Target(measure, "itself", 0.54 if alone in FORK_JOIN else 1.3, alone)


@dataclass
class Verdict:
    target: Target
    ours: str
    # One ratio per round; empty if a peer was absent.
    ratios: list

    @property
    def median(self):
        return statistics.median(self.ratios)

    @property
    def met(self):
        return self.median >= self.target.at_least if self.target.at_least else self.median <= self.target.at_most


def verdicts(measurements, peers, targets=None):
    """Each target with what was measured, for everything of ours that has the workload."""
    subjects = [peer.name for peer in peers if peer.ours]
    for target in targets or [*fixed(), *scaling(measurements.measures())]:
        for subject in subjects:
            ours = measurements.values.get((target.measure, subject))
            if not ours:
                continue
            if target.against.endswith(" KiB"):
                ratios = [value / (float(target.against.removesuffix(" KiB")) * 1024) for value in ours if value is not None]
            elif target.against.endswith(" us"):
                ratios = [value / float(target.against.removesuffix(" us")) for value in ours if value is not None]
            else:
                against = subject if target.against == "itself" else target.against
                ratios = measurements.ratios((target.measure, subject), (target.divisor[0], against))
            yield Verdict(target, subject, ratios)
