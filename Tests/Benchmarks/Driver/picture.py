"""The same figures as a picture: SVG, legible on light and on dark."""

import math
import statistics
from html import escape

from machine import machine, noise
from targets import fixed

TEXT, FAINT, LINE = "#7a828c", "#9aa2ab", "#8b929b"
COLOURS = {
    "Nursery": "#d9480f", "Go": "#1098ad", "Tokio": "#c2255c", "Swift concurrency": "#f08c00",
    "AsyncChannel": "#b08900", "Boost.Fiber": "#5f7fd9", "Boost.Context": "#7950f2",
}
OTHER = "#868e96"
WIDTH, LEFT, RIGHT, ROW = 860, 190, 30, 22


class Canvas:
    def __init__(self):
        self.parts = []

    def add(self, tag, content=None, **attributes):
        text = "".join(f' {name.replace("_", "-")}="{escape(str(value))}"' for name, value in attributes.items())
        self.parts.append(f"<{tag}{text}/>" if content is None else f"<{tag}{text}>{content}</{tag}>")

    def text(self, x, y, content, anchor="start", fill=TEXT, size=12, weight="normal"):
        self.add("text", escape(content), x=f"{x:.1f}", y=f"{y:.1f}", fill=fill, font_size=size, text_anchor=anchor,
                 font_weight=weight)

    def line(self, x1, y1, x2, y2, stroke=LINE, width=1.0, opacity=1.0):
        self.add("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", stroke=stroke,
                 stroke_width=width, stroke_opacity=opacity)

    def dot(self, x, y, colour, is_hollow, title):
        """Filled for one worker, hollow for two."""
        self.add("circle", f"<title>{escape(title)}</title>", cx=f"{x:.1f}", cy=f"{y:.1f}", r=4.5, stroke=colour,
                 stroke_width=2, fill="none" if is_hollow else colour, fill_opacity=0.85)

    def svg(self, height):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
                f'height="{height:.0f}" font-family="system-ui, sans-serif">')
        return "\n".join([head, *self.parts, "</svg>"]) + "\n"


def scale(smallest, largest, start, end):
    """Maps a value to its place on a logarithmic axis."""
    low, high = math.log10(smallest), math.log10(largest)
    return lambda value: start + (math.log10(value) - low) / max(high - low, 1e-9) * (end - start)


def ticks(smallest, largest):
    for power in range(math.floor(math.log10(smallest)), math.ceil(math.log10(largest)) + 1):
        for digit in (1, 2, 5):
            value = digit * 10.0 ** power
            if smallest <= value <= largest:
                yield value, digit == 1


def label(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def legend(canvas, names, y):
    x = LEFT
    for name in names:
        canvas.dot(x, y - 4, COLOURS.get(name, OTHER), False, name)
        canvas.text(x + 9, y, name)
        x += 28 + 7 * len(name)


def ratio_chart(canvas, measurements, peers, top):
    """A row per workload, a dot per peer: how much of the peer's time (or memory) Nursery takes."""
    rows, others = {}, [peer.name for peer in peers if not peer.ours]
    for measure in measurements.measures():
        for other in others:
            ratios = measurements.ratios((measure, "Nursery"), (measure, other))
            if ratios and not measure.startswith("yield-curve"):
                rows.setdefault(measure.removesuffix("-2w"), []).append((measure, other, ratios))
    if not rows:
        return top
    values = [value for row in rows.values() for _, _, ratios in row for value in ratios] + [1.0]
    smallest, largest = min(values) / 1.15, max(values) * 1.15
    x = scale(smallest, largest, LEFT, WIDTH - RIGHT)
    title = "Nursery's share of the peer's time or memory (left of 1: Nursery is better)"
    canvas.text(LEFT, top + 16, title, weight="bold")
    shown = [name for name in others if any(other == name for row in rows.values() for _, other, _ in row)]
    legend(canvas, shown, top + 38)
    key = "filled: one worker; hollow: two; line: all rounds; upright bar: the most that is allowed"
    canvas.text(LEFT, top + 58, key, fill=FAINT, size=11)
    start, end = top + 70, top + 70 + ROW * len(rows)
    for value, is_major in ticks(smallest, largest):
        canvas.line(x(value), start, x(value), end, width=1.6 if value == 1 else 0.6, opacity=1 if value == 1 else 0.35)
        if is_major or largest / smallest < 200:
            canvas.text(x(value), end + 16, label(value), "middle", size=11)
    allowed = {(target.measure, target.against): target.at_most for target in fixed()}
    for index, (name, row) in enumerate(rows.items()):
        y = start + ROW * (index + 0.5)
        canvas.text(LEFT - 10, y + 4, name, "end")
        canvas.line(LEFT, y, WIDTH - RIGHT, y, width=0.5, opacity=0.25)
        for measure, other, ratios in row:
            colour, middle = COLOURS.get(other, OTHER), statistics.median(ratios)
            canvas.line(x(min(ratios)), y, x(max(ratios)), y, colour, 2, 0.6)
            most = allowed.get((measure, other))
            if most and smallest <= most <= largest:
                canvas.line(x(most), y - 8, x(most), y + 8, colour, 2)
            canvas.dot(x(middle), y, colour, measure.endswith("-2w"), f"{measure}, {other}: {middle:.3g}")
    return end + 34


def curve_chart(canvas, measurements, peers, top):
    """Nanoseconds of a yield over the number of fibers."""
    curves = {}
    for measure in measurements.measures():
        if measure.startswith("yield-curve-"):
            for peer in peers:
                if values := measurements.present(measure, peer.name):
                    curves.setdefault(peer.name, []).append((int(measure.rsplit("-", 1)[1]), values))
    if not curves:
        return top
    counts = [count for curve in curves.values() for count, _ in curve]
    values = [value for curve in curves.values() for _, some in curve for value in some]
    height = 230
    canvas.text(LEFT, top + 16, "Nanoseconds of one yield, by the number of fibers (one worker)", weight="bold")
    legend(canvas, curves, top + 38)
    start, end = top + 54, top + 54 + height
    x = scale(min(counts), max(counts) * 1.0001, LEFT + 12, WIDTH - RIGHT - 12)
    y = scale(min(values) / 1.3, max(values) * 1.3, end, start)
    for value, is_major in ticks(min(values) / 1.3, max(values) * 1.3):
        canvas.line(LEFT, y(value), WIDTH - RIGHT, y(value), width=0.6, opacity=0.5 if is_major else 0.25)
        canvas.text(LEFT - 10, y(value) + 4, label(value), "end", size=11)
    for count in sorted(set(counts)):
        canvas.text(x(count), end + 16, f"{count:,}", "middle", size=11)
    for name, curve in curves.items():
        colour = COLOURS.get(name, OTHER)
        middles = [(count, statistics.median(some), some) for count, some in sorted(curve)]
        points = " ".join(f"{x(count):.1f},{y(middle):.1f}" for count, middle, _ in middles)
        canvas.add("polyline", points=points, fill="none", stroke=colour, stroke_width=2)
        for count, middle, some in middles:
            canvas.line(x(count), y(min(some)), x(count), y(max(some)), colour, 2, 0.6)
            canvas.dot(x(count), y(middle), colour, False, f"{name}, {count:,} fibers: {middle:.3g} ns")
    return end + 34


def picture(measurements, peers, is_quick):
    canvas = Canvas()
    bottom = ratio_chart(canvas, measurements, peers, 8)
    bottom = curve_chart(canvas, measurements, peers, bottom)
    quiet = not measurements.disturbance or noise(measurements.disturbance)["quiet"]
    canvas.text(10, bottom + 4, f"{machine()}; medians of {measurements.rounds_text()}"
                + ("" if quiet else "; the machine was NOISY") + ("; QUICK: means nothing" if is_quick else ""),
                fill=FAINT, size=11)
    return canvas.svg(bottom + 16)
