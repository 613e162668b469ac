"""The servers' targets: Nursery's value divided by the peer's. For requests more is better, for all else less."""

from targets import Target

KINDS = ("echo-50", "echo-1000")


def targets():
    for kind in KINDS:
        yield Target(kind, "Tokio", at_least=1.0)
        yield Target(kind, "Go", at_least=1.15)
        yield Target(kind, "SwiftNIO", at_least=2.5)
        yield Target(f"{kind}, p99", "Go", 1.0)
        yield Target(f"{kind}-2w", "itself", at_least=1.0, other_measure=kind)
        yield Target(f"{kind}, p99-2w", "Go", 1.0)
    yield Target("idle, memory each", "6 KiB", 1.0)
    yield Target("idle, busy ones", "itself", at_least=0.9, other_measure="idle, none idle")
    yield Target("http", "Go", at_least=1.0)
    yield Target("http-2w", "Go", at_least=1.0)
    yield Target("copy", "cp", 1.1)
