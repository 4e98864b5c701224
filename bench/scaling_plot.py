"""The record of bench/scaling.py for people: a Markdown table and small plots."""

import math

WIDTH, HEIGHT, GAP = 200, 150, 62


def shown(series, x):
    if series["name"] == "area":
        return f"{100 * x:.0f}%"
    return f"{x:,}" if x < 10000 else f"{x / 1000:.0f}k"


def growing(series):
    return "cost_of_largest_over_smallest" in series


def table(record):
    machine = record["machine"]
    others = [run["others_share"] for series in record["series"] for point in series["points"] for run in point["runs"]]
    lines = [f"# {record['name']}", "",
             f"{record['date']}, revision {record['revision']}, {machine['cpu']} ({' '.join(machine['instruction_sets'])}), "
             f"{record['threads']} threads unless said, load {record['load_at_start']:.1f} at the start, "
             f"other processes took {100 * min(others):.0f} to {100 * max(others):.0f}% of the machine, "
             f"{record['checkpoint']}. Composites per second of the search, median of {len(record['series'][0]['points'][0]['runs'])}.",
             "", "| what varies | composites a second |", "|---|---|"]
    for series in record["series"]:
        points = ", ".join(f"{shown(series, point['x'])}: {point['composites_per_second']:.1f}" if series["unit"] else
                           f"{point['composites_per_second']:.1f}" for point in series["points"])
        lines.append(f"| {series['title'].lower()} | {points} |")
    rows = [f"| {series['title'].lower()} | "
            f"{series['points'][-1]['runs'][0]['composites'] / series['points'][0]['runs'][0]['composites']:.0f} | "
            f"{series['cost_of_largest_over_smallest']:.2f} |" for series in record["series"] if growing(series)]
    if rows:
        lines += ["", "| the set grows | times as many composites | cost of a composite, largest set over smallest |", "|---|---|---|",
                  *rows]
    return "\n".join([*lines, "", f"Made by `{record['command']}`.", ""])


def panel(series, dense, left, top):
    """One plot as SVG: composites per second with reuse, and a dashed line for every position computed."""
    points = [(point["x"], point["composites_per_second"]) for point in series["points"]]
    def position(x):
        return math.log(x) if series["logarithmic"] else x
    low, high = position(points[0][0]), position(points[-1][0])
    if not series["logarithmic"]:
        low = 0
    most = 1.15 * max(dense, *(y for _, y in points))

    def at(x, y):
        return left + WIDTH * (position(x) - low) / ((high - low) or 1), top + HEIGHT * (1 - y / most)

    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
    flat = top + HEIGHT * (1 - dense / most)
    parts = [f'<text x="{left}" y="{top - 10}" class="title">{series["title"]}</text>',
             f'<path d="M{left},{top} v{HEIGHT} h{WIDTH}" class="axis"/>', f'<polyline points="{line}" class="line"/>',
             f'<path d="M{left},{flat:.1f} h{WIDTH}" class="dense"/>']
    last = -math.inf
    for x, y in points:
        px, py = at(x, y)
        parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3"/>')
        if px - last > 32:
            parts.append(f'<text x="{px:.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">{shown(series, x)}</text>')
            last = px
    step = 10 ** math.floor(math.log10(most))
    step = step if most / step >= 3 else step / 2
    parts += [f'<text x="{left - 6}" y="{top + HEIGHT * (1 - i * step / most) + 4:.1f}" text-anchor="end">{i * step:g}</text>'
              for i in range(int(most / step) + 1)]
    return parts


def plot(record):
    dense = next(series for series in record["series"] if series["name"] == "dense")["points"][0]["composites_per_second"]
    panels = [series for series in record["series"] if series["name"] != "dense"]
    parts = []
    for i, series in enumerate(panels):
        parts += panel(series, dense, 50 + i % 4 * (WIDTH + GAP), 60 + i // 4 * (HEIGHT + 70))
    width, height = 50 + 4 * (WIDTH + GAP), 60 + (len(panels) + 3) // 4 * (HEIGHT + 70)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        "<style>.title{font-size:13px} .axis{fill:none;stroke:#555} .line{fill:none;stroke:#e98939;stroke-width:2}",
        ".dense{stroke:#5b8db8;stroke-dasharray:5 4} circle{fill:#e98939} text{fill:#333}</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        '<text x="50" y="22" class="title">Composites per second: exact reuse (orange), every position (dashed, base set)</text>',
        *parts, "</svg>", ""])
