#!/usr/bin/env python3
"""Draws docs/speed.svg, the picture of the README: composites a second of every program that bench/results/cpu.json compares,
in fp32 and in its fastest lower precision."""

import json
from pathlib import Path

from arguments import Parser
from comparison_tables import COLOURS, rate

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "bench/results/cpu.json"
PICTURE = ROOT / "docs/speed.svg"

PROGRAMS = ("Backdrop", "OpenVINO", "ONNX Runtime", "PyTorch")
NETWORKS = {"resnet18": "ResNet-18", "resnet50": "ResNet-50", "vgg16_bn": "VGG-16 with batch norm"}
INSTRUCTIONS = {"amx_tile": "AVX-512 and AMX", "avx512f": "AVX-512", "avx2": "AVX2"}  # the widest first

WIDTH, LEFT, TOP, PANEL, GAP = 860, 116, 116, 232, 14
BAR, ROW = 13, 37  # heights: of a bar, and of the two of a program
LETTER = 6.4  # the width of a letter in the labels, about


def shown_rows(network, program):
    """In fp32, and the fastest of the lower precisions."""
    rows = [row for row in network["rows"] if row["program"] == program]
    lower = [row for row in rows if row["precision"] != "fp32"]
    return [row for row in rows if row["precision"] == "fp32"] + sorted(lower, key=rate)[-1:]


def label(row):
    number = f"{rate(row):.0f}" if rate(row) >= 100 else f"{rate(row):#.3g}".rstrip(".")
    return f"{number} {row['precision']}"


def difference(row):
    agreement = row["agreement"]
    return f", {100 * agreement['different'] / agreement['compared']:.1f}% differ" if agreement["different"] else ""


def text(x, y, words, kind="label"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{words}</text>'


def red(words):
    return f'<tspan class="differ">{words}</tspan>' if words else ""


def bar(row, left, top, scale):
    end = left + scale * rate(row)
    look = "" if row["precision"] == "fp32" else ' fill-opacity="0.5"'
    return [f'<rect x="{left}" y="{top}" width="{end - left:.1f}" height="{BAR}" fill="{COLOURS[row["program"]]}"{look}/>',
            text(end + 4, top + 10.5, label(row) + red(difference(row)))]


def panel(network, left):
    """One network's bars, as long as leaves room for their labels."""
    groups = [shown_rows(network, program) for program in PROGRAMS]
    scale = min((PANEL - 4 - LETTER * (len(label(row) + difference(row)))) / rate(row)
                for rows in groups for row in rows)
    parts = [text(left, TOP - 29, NETWORKS[network["arch"]], "title"),
             text(left, TOP - 13, f"{network['foregrounds']} foregrounds on {network['backgrounds']} backgrounds", "soft")]
    for i, rows in enumerate(groups):
        for j, row in enumerate(rows):
            parts += bar(row, left, TOP + ROW * i + (BAR + 1) * j, scale)
    return [*parts, f'<path d="M{left},{TOP - 4} v{ROW * len(PROGRAMS) - 2}" stroke="#8c959f"/>']


def legend(top):
    grey = COLOURS["published loop"]
    return [f'<rect x="16" y="{top - 10}" width="22" height="11" fill="{grey}"/>', text(44, top, "fp32"),
            f'<rect x="88" y="{top - 10}" width="22" height="11" fill="{grey}" fill-opacity="0.5"/>',
            text(116, top, "the fastest below fp32"), text(268, top, red("% differ") + ": share of the answers that are not fp32's")]


def picture(record):
    machine = record["machine"]
    instructions = next(INSTRUCTIONS[name] for name in INSTRUCTIONS if name in machine["instruction_sets"])
    bottom = TOP + ROW * len(PROGRAMS) + 24
    parts = [text(16, 28, f"Composites a second on {record['threads']} threads: longer is faster", "title"), *legend(50)]
    for i, program in enumerate(PROGRAMS):
        parts.append(text(LEFT - 8, TOP + ROW * i + 18, program, "name"))
    for i, network in enumerate(record["networks"]):
        parts += panel(network, LEFT + i * (PANEL + GAP))
    parts.append(text(16, bottom, f"{machine['cpu']} with {instructions}, {record['date']}, medians of {record['rounds']} rounds; "
                      "each network has its own scale", "soft"))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 16}" font-family="sans-serif" font-size="11">',
        "<style>.label,.title,.name{fill:#24292f} .title{font-size:14px;font-weight:bold}",
        ".name{font-size:12px;text-anchor:end} .soft{fill:#57606a} .differ{fill:#a40e26}</style>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{bottom + 15}" rx="6" fill="white" stroke="#d0d7de"/>',
        *parts, "</svg>", ""])


def main():
    Parser(__doc__).parse_args()
    PICTURE.write_text(picture(json.loads(RECORD.read_text())))


if __name__ == "__main__":
    main()
