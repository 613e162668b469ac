"""Counts the cost of an operation with callgrind: the difference of the instructions of two runs with
different counts, divided by the difference of the counts. So a program's start and end do not count."""

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from machine import processors
from peers import Absent, command

# Multiples of eight, for the choice of eight. The first is large enough to fill every cache of stacks and records.
FEW, MANY = 4_000, 24_000
TIMEOUT = 300
# Calls of these are allocations. glibc has two names for some, and the symbol table decides which one callgrind sees.
ALLOCATORS = {prefix + name for prefix in ("", "__libc_") for name in ("malloc", "calloc", "realloc", "memalign")}
ALLOCATORS |= {"posix_memalign", "aligned_alloc"}
# From fiber to fiber, two names of one function. A coroutine's switches are inlined; no call of them can be counted.
SWITCHES = {"cs_switch", "cs_switch_raw"}


@dataclass
class Cost:
    """Of one operation."""
    instructions: float
    allocations: float
    switches: float
    # function -> instructions, those of its callees not included
    functions: dict = field(default_factory=dict)

    def record(self):
        return {"instructions": round(self.instructions, 1), "allocations": round(self.allocations, 2),
                "switches": round(self.switches, 2)}


def require_tools():
    """Raises Absent if programs cannot be counted here."""
    if not shutil.which("valgrind"):
        raise Absent("there is no valgrind on the path (Debian's package valgrind)")
    if not stripper():
        raise Absent("there is no strip on the path (Debian's package binutils)")
    command("valgrind", "--tool=none", "true")


def stripper():
    return next(filter(shutil.which, ("strip", "llvm-strip")), None)


def without_debug_information(program, folder):
    """A copy without debug information: valgrind cannot read Swift's, and then refuses the program."""
    copy = Path(folder) / Path(program).name
    command(stripper(), "--strip-debug", "-o", copy, program)
    return copy


def operations(program):
    return command(program, "costs").split()


def costs(program, names, say):
    """The cost of each of the operations."""
    with tempfile.TemporaryDirectory() as folder:
        copy = without_debug_information(program, folder)

        def cost(name):
            few, many = (run(copy, name, count, folder) for count in (FEW, MANY))
            say(f"  {name}")
            return name, difference(few, many)

        with ThreadPoolExecutor(len(processors())) as pool:
            return dict(pool.map(cost, names))


def run(program, name, count, folder):
    output = Path(folder) / f"{name}-{count}"
    # Hashing with a random seed would change the counts from run to run.
    environment = dict(os.environ, SWIFT_DETERMINISTIC_HASHING="1")
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", "--compress-strings=no", "--compress-pos=no",
         "--demangle=no", program, name, str(count)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, env=environment, check=False)
    if done.returncode != 0 or not output.exists():
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        raise RuntimeError(f"{name} ended with status {done.returncode} in callgrind: {' / '.join(lines[-3:])}")
    return parse(output)


def parse(path):
    """The instructions of each function, without its callees', and how often each was called."""
    instructions, calls = Counter(), Counter()
    function = callee = ""
    is_of_call = False
    with path.open() as lines:
        for line in lines:
            # The depth of a recursion follows an apostrophe; alternating fibers look like a recursion.
            if line.startswith("fn="):
                function = line[3:].partition("'")[0].strip()
            elif line.startswith("cfn="):
                callee = line[4:].partition("'")[0].strip()
            elif line.startswith("calls="):
                calls[callee] += int(line[6:].split()[0])
                is_of_call = True
            elif line[0].isdigit():
                if not is_of_call:
                    instructions[function] += int(line.split()[1])
                is_of_call = False
    return instructions, calls


def difference(few, many):
    def each(of_many, of_few):
        return (of_many - of_few) / (MANY - FEW)

    (few_instructions, few_calls), (instructions, calls) = few, many
    functions = {name: each(total, few_instructions[name]) for name, total in instructions.items()}
    return Cost(
        each(sum(instructions.values()), sum(few_instructions.values())),
        sum(each(calls[name], few_calls[name]) for name in ALLOCATORS),
        sum(each(calls[name], few_calls[name]) for name in SWITCHES),
        {name: count for name, count in functions.items() if abs(count) >= 0.05})


def demangled(names):
    """The names of functions as their authors wrote them, in the same order."""
    if not names or not shutil.which("swift"):
        return names
    done = subprocess.run(["swift", "demangle", "--compact", "--simplified"], input="\n".join(names), stdout=subprocess.PIPE,
                          text=True, check=False)
    lines = done.stdout.splitlines()
    return lines if len(lines) == len(names) else names
