"""The programs that bench/compare.py lets run against each other, behind one interface.

    check()     logits [F][B][classes] of the first foregrounds (Backdrop: of all); raises Skipped if it cannot run here
    run()       one search over everything: composites, seconds, predictions [F][B], peak memory, processor time
    close()     ends what is still running
"""

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np

from machine import has_bf16, processor_seconds

PEERS = Path(__file__).resolve().parent / "peers"
PUBLISHED = "published loop"


class Skipped(Exception):
    """Why a contestant does not take part."""


class Job:
    """What all contestants of one network share."""

    def __init__(self, arch, data, folder, threads, quick, settings=None):
        self.arch, self.data, self.folder, self.threads, self.quick = arch, data, folder, threads, quick
        self.settings = settings
        self.log = (folder / "log.txt").open("w")
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads),
                            "CUDA_VISIBLE_DEVICES": "", "TQDM_DISABLE": "1"}


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "it said nothing"


def last_line_of_json(text):
    return [line for line in text.splitlines() if line.startswith("{")][-1]


class Backdrop:
    """The command, once a search."""

    peer = False

    def __init__(self, job, command, precision, reuse):
        self.job, self.command, self.precision, self.reuse = job, command, precision, reuse
        self.name = "Backdrop" if reuse == "on" else "Backdrop, every position"
        self.settings, self.version, self.tried = {"reuse": reuse}, "Backdrop", []
        self.runs = 0
        self.processor_seconds = 0.0

    def search(self, *options):
        self.runs += 1
        results = self.job.folder / f"{self.precision}-{self.reuse}-{self.runs}"
        with (self.job.folder / "stderr.txt").open("w+") as complaints:
            process = subprocess.Popen(
                [self.command, "challenge", "--arch", self.job.arch, "--checkpoint", str(self.job.folder / "weights.pt"),
                 "--in9", "--data-path", str(self.job.data), "--mode", "all", "--threads", str(self.job.threads),
                 "--device", "cpu", "--precision", self.precision, "--reuse", self.reuse, "--out", str(results),
                 "--quiet", *options], stdout=subprocess.DEVNULL, stderr=complaints)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                complaints.seek(0)
                raise Skipped(last_line(complaints.read()).removeprefix("backdrop: "))
        self.processor_seconds = usage.ru_utime + usage.ru_stime
        return results, json.loads((results / "run.json").read_text()), 1024 * usage.ru_maxrss

    def check(self):
        file = self.job.folder / f"{self.precision}-{self.reuse}-{self.runs + 1}.npy"
        self.search("--logits", str(file))
        return np.load(file)

    def run(self):
        results, record, memory = self.search()
        return {"composites": record["pairs"]["evaluated"], "seconds": record["seconds"]["search"],
                "predictions": np.load(results / "predictions.npy"), "peak_memory_bytes": memory,
                "processor_seconds": self.processor_seconds}

    def close(self):
        pass


class Peer:
    """One of bench/peers/*_peer.py: a process that stays, so that a round times the search alone."""

    peer = True

    def __init__(self, job, name, script, model, pythons, precision):
        self.job, self.name, self.script, self.model = job, name, script, job.folder / model
        self.pythons, self.precision = pythons, precision
        self.settings, self.version, self.tried = None, None, []
        self.process = None
        self.predictions = job.folder / f"{script}-{precision}-predictions.npy"

    def command(self, python, *options):
        return [python, str(PEERS / f"{self.script}.py"), "--data-path", str(self.job.data), "--arch", self.job.arch,
                "--model", str(self.model), "--threads", str(self.job.threads), "--precision", self.precision,
                *(["--quick"] if self.job.quick else []), *options]

    def tune(self):
        """Every Python that has this engine measures its candidates; the fastest of all goes on."""
        if self.precision == "bf16" and not has_bf16():
            raise Skipped("this processor has no instructions for bf16")
        if self.job.settings is not None:
            self.settings = self.job.settings.get(f"{self.name} {self.precision}")
            if self.settings is None:
                raise Skipped("no settings of earlier tuning")
            return self.pythons[0]
        best, reasons = None, []
        for python in self.pythons[:1] if self.job.quick and self.precision != "fp32" else self.pythons:
            done = subprocess.run(self.command(python), capture_output=True, text=True, env=self.job.environment,
                                  check=False)
            if done.returncode:
                reasons.append(last_line(done.stderr))
                continue
            found = json.loads(last_line_of_json(done.stdout))
            self.tried.append({"version": found["version"], "tried": found["tried"]})
            if best is None or found.get("composites_per_second", 0) > best[0].get("composites_per_second", 0):
                best = found, python
        if best is None:
            raise Skipped(reasons[0] if reasons else "no Python for it")
        self.settings, self.version = best[0]["settings"], best[0]["version"]
        return best[1]

    def ask(self):
        line = self.process.stdout.readline()
        if not line:
            raise Skipped(f"it ended early: {last_line((self.job.folder / 'log.txt').read_text())}")
        return json.loads(line) if line.startswith("{") else self.ask()

    def start(self):
        if not self.model.exists():
            raise Skipped(f"there is no {self.model.name}")
        python = self.tune()
        self.process = subprocess.Popen(
            self.command(python, "--settings", json.dumps(self.settings), "--save-logits", str(self.logits_file()),
                         "--save-predictions", str(self.predictions)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.job.log, text=True, env=self.job.environment)
        answer = self.ask()
        self.version = answer["version"]
        return answer

    def logits_file(self):
        return self.job.folder / f"{self.script}-{self.precision}-logits.npy"

    def check(self):
        self.start()
        return np.load(self.logits_file())

    def run(self):
        time.sleep(0.3)  # threads of the one before may still spin
        before = processor_seconds(self.process.pid)
        with contextlib.suppress(BrokenPipeError):  # it has ended: ask() says why
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        answer = self.ask()
        answer["processor_seconds"] = processor_seconds(self.process.pid) - before
        if self.predictions.exists():
            answer["predictions"] = np.load(self.predictions)
        return answer

    def close(self):
        if self.process:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()


class PublishedLoop(Peer):
    """Stops at the first fooling background: what can be compared is which foregrounds are fooled."""

    def __init__(self, job, pythons):
        super().__init__(job, PUBLISHED, "published_loop", "weights.pt", pythons[:1], "fp32")
        self.fooled = {}

    def check(self):
        answer = self.start()
        self.fooled = dict(zip(answer["foregrounds"], answer["fooled"]))
        return None
