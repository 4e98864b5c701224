"""What a figure was measured on."""

import os
import platform
import subprocess
from pathlib import Path

BENCH = Path(__file__).resolve().parent
INSTRUCTION_SETS = ("avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8")


def describe_machine():
    text = Path("/proc/cpuinfo").read_text()
    entries = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    entries = {key.strip(): value.strip() for key, value in entries.items()}
    flags = set(entries.get("flags", "").split())
    return {"cpu": entries.get("model name", platform.processor()), "processors": os.cpu_count(),
            "instruction_sets": [flag for flag in INSTRUCTION_SETS if flag in flags], "system": platform.system()}


def describe_revision():
    done = subprocess.run(["git", "-C", str(BENCH), "describe", "--always", "--dirty"], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip() or "unknown"


def busy_seconds():
    """CPU seconds that everything on this machine has used so far."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq = (int(field) for field in fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
