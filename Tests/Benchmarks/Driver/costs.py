"""The allowed costs of operations (costs.json), and the comparison of measured costs with them."""

import json
import platform
from dataclasses import dataclass
from pathlib import Path

from callgrind import Cost, demangled
from peers import BENCHMARKS
from table import markdown, number

TABLE = BENCHMARKS / "costs.json"
# Instructions may grow by this factor, which unrelated changes of the compiler's decisions can cause.
ALLOWED = 1.03
# The rounding error of the table.
ROUNDING = 0.011


def processor():
    """The processor's manufacturer: the C library chooses its memory functions by it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    return next((line.split(":")[1].strip() for line in lines if line.startswith(("vendor_id", "CPU implementer"))), "unknown")


def circumstances(compiler):
    """The circumstances that the counts depend on besides Nursery's sources."""
    return {"compiler": compiler, "architecture": platform.machine(), "processor": processor(),
            "C library": " ".join(platform.libc_ver())}


@dataclass
class Table:
    holds_for: dict
    costs: dict

    @staticmethod
    def read(path=TABLE):
        if not path.exists():
            return Table({}, {})
        read = json.loads(path.read_text())
        return Table(read["holdsFor"], {name: Cost(**cost) for name, cost in read["costs"].items()})

    def write(self, path=TABLE):
        costs = ",\n".join(f"    {json.dumps(name)}: {json.dumps(cost.record())}" for name, cost in self.costs.items())
        path.write_text(f'{{\n  "holdsFor": {json.dumps(self.holds_for)},\n  "costs": {{\n{costs}\n  }}\n}}\n')


def is_more(cost, before):
    return (cost.instructions > before.instructions * ALLOWED or cost.allocations > before.allocations + ROUNDING
            or cost.switches > before.switches + ROUNDING)


def is_less(cost, before):
    return (cost.instructions * ALLOWED < before.instructions or cost.allocations < before.allocations - ROUNDING
            or cost.switches < before.switches - ROUNDING)


def verdict(cost, before):
    if not before:
        return "new"
    return "MORE" if is_more(cost, before) else "less" if is_less(cost, before) else ""


def cost_table(costs, before, against):
    """Markdown: each operation now, and against what."""
    rows = []
    for name, cost in costs.items():
        other = before.get(name)
        ratio = f"{cost.instructions / other.instructions:.3f}" if other else ""
        counts = [[f"{value:.2f}" for value in (one.allocations, one.switches)] if one else ["", ""]
                  for one in (cost, other)]
        rows.append([name, f"{cost.instructions:,.1f}", f"{other.instructions:,.1f}" if other else "", ratio,
                     *(changed(old, new) for new, old in zip(*counts)), verdict(cost, other)])
    return markdown(["operation", "instructions", against, "ratio", "allocations", "switches", ""], rows)


def changed(old, new):
    return f"{old} -> {new}" if old and old != new else new


def function_table(costs, before, least=0.5):
    """Markdown for each operation: the instructions of its functions, those that changed most first, if there is another
    version."""
    parts = []
    for name, cost in costs.items():
        other = before[name].functions if name in before else {}
        names = [function for function in {**cost.functions, **other}
                 if abs(cost.functions.get(function, 0) - other.get(function, 0)) >= least]
        names.sort(key=lambda function: abs(cost.functions.get(function, 0) - other.get(function, 0)), reverse=True)
        rows = [[f"{cost.functions.get(function, 0):,.1f}", f"{other.get(function, 0):,.1f}" if other else "", f"`{readable}`"]
                for function, readable in zip(names, demangled(names))]
        parts.append(f"{name}\n\n" + markdown(["instructions", "before" if other else "", "function"], rows))
    return "\n\n".join(parts)
