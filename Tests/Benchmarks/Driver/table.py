"""The tables, in Markdown: every workload, and the targets."""

import statistics

from targets import verdicts


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values):
    """The median with the smallest and the largest value."""
    if not values:
        return ""
    if len(values) == 1:
        return number(values[0])
    return f"{number(statistics.median(values))} ({number(min(values))}-{number(max(values))})"


def base(measure):
    return measure.removesuffix("-2w")


def markdown(heading, rows):
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def table(measurements, peers):
    """A row per workload; a peer's cell has its value and the ratio, with one worker and with two."""
    others = [peer.name for peer in peers if not peer.ours]
    heading = ["workload", "unit", "ours", "1 worker", "2 workers"]
    heading += [f"{name}: value, ours / theirs" for name in others]
    rows = []
    measures = measurements.measures()
    for measure in dict.fromkeys(map(base, measures)):
        both = [name for name in (measure, measure + "-2w") if name in measures]
        subjects = [peer.name for peer in peers
                    if peer.ours and any((name, peer.name) in measurements.values for name in both)]
        for subject in subjects or [None]:
            ours = [spread(measurements.present(name, subject)) for name in (measure, measure + "-2w")]
            cells = [compared(measurements, both, subject, other) for other in others]
            rows.append([measure, measurements.units[both[0]], subject or "absent", *ours, *cells])
    return markdown(heading, rows)


def compared(measurements, measures, subject, other):
    parts = []
    for measure in measures:
        theirs = measurements.present(measure, other)
        if not theirs:
            continue
        ratios = measurements.ratios((measure, subject), (measure, other))
        ratio = f" **{number(statistics.median(ratios))}**" if ratios else ""
        parts.append(("2w: " if measure.endswith("-2w") else "") + number(statistics.median(theirs)) + ratio)
    return "; ".join(parts)


def target_table(measurements, peers, targets=None):
    """The targets, with the ratios of this run."""
    rows = []
    for verdict in verdicts(measurements, peers, targets):
        target = verdict.target
        outcome = ("met" if verdict.met else "MISSED") if verdict.ratios else "not measured"
        name = target.measure if verdict.ours == "Nursery" else f"{target.measure} ({verdict.ours})"
        bound = f"at least {target.at_least:g}" if target.at_least else f"{target.at_most:g}"
        rows.append([name, target.against_text, bound, spread(verdict.ratios) or "-", outcome])
    return markdown(["must reach", "against", "at most", "ours / theirs", ""], rows)
