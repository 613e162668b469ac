"""An older Nursery as a peer: its commit, checked out into the cache, with the workloads of today."""

import shutil

from peers import BENCHMARKS, CACHE, Absent, command, listed, swift_build

ROOT = BENCHMARKS.parent.parent
# The same in both versions, so that only the library differs.
SHARED = ("Harness", "Nursery")


def older(commit):
    """The program of the workloads, and a text that says which version it is.

    Workloads of today that use what the older library does not have yet do not compile; then it has those of its time.
    """
    name = abbreviated(commit)
    benchmarks = checked_out(name) / BENCHMARKS.relative_to(ROOT)
    for folder in SHARED:
        shutil.rmtree(benchmarks / folder, ignore_errors=True)
        # With the times of the files: what has been built already stays built.
        shutil.copytree(BENCHMARKS / folder, benchmarks / folder)
    try:
        folder, version = build(name, benchmarks)
    except Absent:
        command("git", "-C", benchmarks, "checkout", "--", *SHARED)
        command("git", "-C", benchmarks, "clean", "-fdq", *SHARED)
        folder, version = build(name, benchmarks)
        version = f"its own workloads, {version}"
    return f"{folder}/NurseryBenchmarks", f"{name}, {version}"


def older_peer(commit):
    program, version = older(commit)
    return listed(program), version


def abbreviated(commit):
    return command("git", "-C", ROOT, "rev-parse", "--verify", "--short=10", f"{commit}^{{commit}}").strip()


def checked_out(name):
    folder = CACHE / "older" / name
    if not folder.exists():
        # Forgets worktrees that have been deleted with the cache.
        command("git", "-C", ROOT, "worktree", "prune")
        command("git", "-C", ROOT, "worktree", "add", "--detach", folder, name)
    return folder


def build(name, benchmarks):
    return swift_build("NurseryBenchmarks", benchmarks, f"older/{name}/.build")
