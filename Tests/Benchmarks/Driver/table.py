"""The table of ratios, in Markdown."""

import statistics


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values, suffix=""):
    """The median with the smallest and the largest value."""
    low, high = number(min(values)), number(max(values))
    return f"{number(statistics.median(values))}{suffix} ({low}-{high})"


def present(values):
    return [value for value in values if value is not None]


def paired_ratios(theirs, ours):
    """One ratio per round: both values of a round were measured right after each other."""
    return [their / our for their, our in zip(theirs, ours) if their is not None and our]


def rows(measurements, peers):
    measures = []
    for measure, _ in measurements.values:
        if measure not in measures:
            measures.append(measure)
    for measure in measures:
        unit = measurements.units[measure]
        values = {peer.name: measurements.values.get((measure, peer.name)) for peer in peers}
        subjects = [peer.name for peer in peers if peer.ours and values[peer.name]]
        others = [peer.name for peer in peers if not peer.ours and values[peer.name]]
        for subject in subjects or [None]:
            for other in others or [None]:
                yield row(measure, unit, subject, other, values)


def row(measure, unit, subject, other, values):
    our_values, their_values = values.get(subject), values.get(other)
    ours = f"{subject} {spread(present(our_values))}" if subject else "absent"
    theirs = f"{other} {spread(present(their_values))}" if other else "absent"
    ratios = paired_ratios(their_values, our_values) if subject and other else []
    return [measure, unit, ours, theirs, spread(ratios, "x") if ratios else "-"]


def table(measurements, peers):
    heading = ["measure", "unit", "ours", "peer", "peer / ours (above 1: ours is better)"]
    lines = [heading, ["---"] * len(heading), *rows(measurements, peers)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
