"""What a figure was measured on."""

import os
import platform
import re
import resource
import subprocess
import time
from pathlib import Path

INSTRUCTION_SETS = ("avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8")

CALM = 0.05  # of the processors to others: undisturbed


def first_processor():
    """/proc/cpuinfo of one processor, name to text."""
    text = Path("/proc/cpuinfo").read_text()
    entries = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in entries.items()}


def flags_of(processor):
    return set(processor.get("flags", "").split())


def has_bf16():
    """Whether the processor multiplies bfloat16 itself: what emulates it takes many times as long as fp32."""
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags_of(first_processor()))


def describe_machine():
    processor = first_processor()
    flags = flags_of(processor)
    return {"cpu": processor.get("model name", platform.processor()), "processors": os.cpu_count(),
            "instruction_sets": [flag for flag in INSTRUCTION_SETS if flag in flags], "system": platform.system()}


def describe_revision(program):
    """The git revision that the program was built from, by its own word."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"^git (\S+)", done.stdout, re.MULTILINE)
    return found[1] if found else "unknown"


class Disturbance:
    """What share of this machine's processors others used while a search ran."""

    def __init__(self):
        self.busy, self.started = self.busy_seconds(), time.monotonic()

    @staticmethod
    def busy_seconds():
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        user, nice, system, _, _, irq, softirq = (int(field) for field in fields[:7])
        return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")

    def share(self, own_seconds):
        """`own_seconds`: the processor time of the search itself."""
        available = (time.monotonic() - self.started) * os.cpu_count()
        return max(0.0, self.busy_seconds() - self.busy - own_seconds) / available


def children_seconds():
    """Processor time of all children of this process that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def processor_seconds(pid):
    """Processor time of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
