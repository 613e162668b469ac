"""The same figures for machines: JSON."""

import json
import statistics

from machine import machine, noise
from targets import verdicts


def summary(values):
    return {"median": statistics.median(values), "smallest": min(values), "largest": max(values)}


def record(measurements, peers, absent, is_quick, wanted=None):
    measures = []
    for measure in measurements.measures():
        by_peer = {}
        for peer in peers:
            values = measurements.present(measure, peer.name)
            if not values:
                continue
            by_peer[peer.name] = {"values": values, **summary(values)}
            ratios = measurements.ratios((measure, "Nursery"), (measure, peer.name))
            if ratios and not peer.ours:
                by_peer[peer.name]["nurseryDividedByThis"] = summary(ratios)
        measures.append({
            "name": measure, "workers": 2 if measure.endswith("-2w") else 1, "unit": measurements.units[measure],
            "peers": by_peer,
        })
    targets = [{
        "measure": verdict.target.measure, "ours": verdict.ours, "against": verdict.target.against,
        "atMost": verdict.target.at_most or None, "atLeast": verdict.target.at_least or None,
        "ratio": summary(verdict.ratios) if verdict.ratios else None,
        "met": verdict.met if verdict.ratios else None,
    } for verdict in verdicts(measurements, peers, wanted)]
    return {
        "machine": machine(), "rounds": measurements.rounds, "interrupted": measurements.interrupted,
        "quick": is_quick,
        "disturbance": noise(measurements.disturbance) if measurements.disturbance else None,
        "peers": {peer.name: peer.version for peer in peers}, "absent": absent, "failures": measurements.failures,
        "measures": measures, "targets": targets,
    }


def write(path, *arguments):
    path.write_text(json.dumps(record(*arguments), indent=1) + "\n")
