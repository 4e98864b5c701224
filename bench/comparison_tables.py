"""The record of bench/compare.py for people: Markdown tables and a plot."""

import statistics

PUBLISHED_PAIRS = 4050 * 4050
COLOURS = {"Backdrop": "#e98939", "Backdrop, every position": "#f2bd8f", "PyTorch": "#b2504f", "ONNX Runtime": "#5b8db8",
           "OpenVINO": "#5f9e6e", "published loop": "#8d8d8d"}


def rates(row):
    return [run["composites_per_second"] for run in row["runs"]]


def rate(row):
    return statistics.median(rates(row))


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def duration(seconds):
    hours = seconds / 3600
    return f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} hours"


def name_of(row):
    return f"{row['program']} {row['precision']}"


def ratio(ours, theirs):
    """Round by round: the machine was the same for both."""
    return [a / b for a, b in zip(rates(ours), rates(theirs))]


def best(rows, peer, precisions=None):
    able = [row for row in rows if row["peer"] == peer and row["program"] != "published loop"
            and (precisions is None or row["precision"] in precisions)]
    return max(able, key=rate, default=None)


def settings_text(row):
    return ", ".join(str(value).lower() if key in ("executor", "hint") else f"{key} {value}"
                     for key, value in row["settings"].items())


def network_table(network):
    ours = best(network["rows"], False, ("fp32",))
    lines = ["| program | precision | composites a second | Backdrop fp32 / this | 4,050 x 4,050 | memory | answers that differ |",
             "|---|---|---|---|---|---|---|"]
    for row in sorted(network["rows"], key=rate, reverse=True):
        memory = max(run["peak_memory_bytes"] for run in row["runs"]) / (1 << 20)
        agreement = row["agreement"]
        what = " foregrounds" if row["program"] == "published loop" else ""
        label = f"{row['program']} ({row['version'].split()[-1]}, {settings_text(row)})" if row["peer"] else row["program"]
        lines.append(f"| {label} | {row['precision']} | {spread(rates(row), 1)} | {spread(ratio(ours, row), 2)} | "
                     f"{duration(PUBLISHED_PAIRS / rate(row))} | {memory:,.0f} MiB | "
                     f"{agreement['different']} of {agreement['compared']}{what} |")
    return lines


def ratios_table(record):
    lines = ["| network | fp32 to best fp32 peer | best to best peer |", "|---|---|---|"]
    for network in record["networks"]:
        cells = []
        for precisions in (("fp32",), None):
            ours, theirs = (best(network["rows"], peer, precisions) for peer in (False, True))
            cells.append(f"{spread(ratio(ours, theirs), 2)}: {name_of(ours)} / {name_of(theirs)}" if theirs else "no peer ran")
        if all(row["precision"] == "fp32" for row in network["rows"]):
            cells[1] = "not run"
        lines.append(f"| {network['arch']} | {cells[0]} | {cells[1]} |")
    return lines


def tables(record):
    machine = record["machine"]
    others = [run["others_share"] for network in record["networks"] for row in network["rows"]
              if row["program"] != "published loop" for run in row["runs"]]  # whose loaders count as others
    lines = [f"# {record['name']}", "",
             f"{record['date']}, revision {record['revision']}, {machine['cpu']} ({' '.join(machine['instruction_sets'])}), "
             f"{record['threads']} threads of {machine['processors']} processors, load {record['load_at_start']:.1f} at the "
             f"start, other processes took {spread([100 * share for share in others], 0)}% of the machine, {record['rounds']} rounds, "
             f"{record['minutes']:.0f} minutes. Composites per second of the search: median (smallest to largest). The time "
             "for 4,050 x 4,050 is arithmetic.", "", *ratios_table(record)]
    if record["quick"]:
        lines += ["", "Quick: peers tuned over fewer batch sizes and without PyTorch's max-autotune, fewer composites and "
                  "networks than a full run."]
    for network in record["networks"]:
        lines += ["", f"## {network['arch']}: {network['foregrounds']} foregrounds on {network['backgrounds']} backgrounds, "
                  f"{network['weights']} weights", "", *network_table(network)]
        if any(row["program"] == "published loop" for row in network["rows"]):
            lines += ["", "The published loop decodes inside its loop and stops at a foreground's first fooling background: "
                      "its rate is composites tried."]
        lines += [f"\nLeft out: {name_of(entry).rstrip()}: {entry['reason']}." for entry in network["left_out"]]
    return "\n".join([*lines, "", f"Made by `{record['command']}`.", ""])


def bars(network, left, top, width):
    """One network's bars as SVG, the fastest first."""
    rows = sorted(network["rows"], key=rate, reverse=True)
    scale = (width - 60) / rate(rows[0])
    parts = [f'<text x="{left}" y="{top - 10}" class="title">{network["arch"]}, composites a second</text>']
    for i, row in enumerate(rows):
        y = top + 22 * i
        low, high = (left + scale * value for value in (min(rates(row)), max(rates(row))))
        parts += [f'<rect x="{left}" y="{y}" width="{scale * rate(row):.1f}" height="16" fill="{COLOURS[row["program"]]}"/>',
                  f'<path d="M{low:.1f},{y + 8} H{high:.1f}" stroke="#333"/>',
                  f'<text x="{left - 6}" y="{y + 12}" text-anchor="end">{name_of(row)}</text>',
                  f'<text x="{max(high, left + scale * rate(row)) + 5:.1f}" y="{y + 12}">{rate(row):.1f}</text>']
    return parts, 22 * len(rows)


def plot(record):
    parts, top = [], 46
    for network in record["networks"]:
        added, height = bars(network, 190, top, 520)
        parts += added
        top += height + 50
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 {top - 30}" font-family="sans-serif" '
                      'font-size="11">', "<style>.title{font-size:14px} text{fill:#333}</style>",
                      f'<rect width="740" height="{top - 30}" fill="white"/>', *parts, "</svg>", ""])
