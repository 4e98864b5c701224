"""Trouble around a run is one clear line with the right exit code, and the run goes on afterwards.

Signals, a second process on the same folder, changed inputs, budgets, links that go round in a circle, a read-only
folder, and a full disk (a small tmpfs; left out where this user cannot mount one).
"""

import os
import shutil
import signal
import subprocess
import time

import runs


def expect(outcome, code, words):
    returned, _, errors = outcome
    errors = "".join(line + "\n" for line in errors.splitlines() if not line.startswith("note: "))
    if returned != code or words not in errors or errors.count("\n") > 1:
        raise AssertionError(f"expected {code} and '{words}', got {returned}: {errors}")


def wait_for(condition):
    for _ in range(12000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited too long")


def stopped_session(bench, out, number):
    """Starts a run and stops it by a signal once its journal has some blocks."""
    process = bench.start(bench.challenge(out, "--mode", "all"))
    journal = bench.folder / f"{out}.partial" / "journal"
    wait_for(lambda: process.poll() is not None or (journal.exists() and journal.stat().st_size > 2000))
    process.send_signal(number)
    _, errors = process.communicate()
    expect((process.returncode, "", errors), 130, "--resume")


def signals(bench):
    for number in (signal.SIGINT, signal.SIGTERM):
        out = f"signal{int(number)}"
        stopped_session(bench, out, number)
        expect(bench.run(bench.challenge(out, "--mode", "all")), 2, "unfinished run")
        bench.check(bench.challenge(out, "--mode", "all", "--resume"))
        runs.expect_equal(bench.folder / out, bench.folder / "undisturbed")


def two_processes(bench):
    process = bench.start(bench.challenge("locked", "--mode", "all"))
    wait_for(lambda: (bench.folder / "locked.partial" / "journal").exists())
    process.send_signal(signal.SIGSTOP)  # it keeps its lock and does not finish meanwhile
    expect(bench.run(bench.challenge("locked", "--mode", "all", "--resume")), 1, "another search")
    process.send_signal(signal.SIGCONT)
    process.communicate()
    runs.expect_equal(bench.folder / "locked", bench.folder / "undisturbed")


def changed_inputs(bench):
    stopped_session(bench, "changed", signal.SIGINT)
    expect(bench.run(bench.challenge("changed", "--resume")), 2, "its mode is all, not first")
    photo = sorted((bench.data / "only_bg_t" / "val").glob("*/*"))[5]
    original = photo.read_bytes()
    shutil.copyfile(sorted((bench.data / "only_bg_t" / "val").glob("*/*"))[6], photo)
    expect(bench.run(bench.challenge("changed", "--mode", "all", "--resume")), 2, "its data sha256 is")
    photo.write_bytes(original)
    bench.check(bench.challenge("changed", "--mode", "all", "--resume"))
    runs.expect_equal(bench.folder / "changed", bench.folder / "undisturbed")
    expect(bench.run(bench.challenge("changed", "--mode", "all")), 2, "finished run")
    expect(bench.run(bench.challenge("changed", "--resume")), 2, "finished run of something else")
    bench.check(bench.challenge("changed", "--mode", "all", "--resume"))


def budgets(bench):
    bench.check(bench.challenge("budget", "--mode", "all", "--budget", "100"))
    record = bench.record("budget.partial")
    truth = bench.record("undisturbed")["result"]["challenge_accuracy"]
    bounds = record["result"]["bounds"]
    if record["result"]["complete"] or not bounds["lower"] <= truth <= bounds["upper"]:
        raise AssertionError(f"a budget's answer: {record['result']}, the truth is {truth}")
    bench.check(bench.challenge("budget", "--mode", "all", "--resume"))
    runs.expect_equal(bench.folder / "budget", bench.folder / "undisturbed")


def circles_of_links(bench):
    link = next((bench.data / "only_bg_t" / "val").iterdir()) / "circle.JPEG"
    link.symlink_to(link.name)
    expect(bench.run(bench.challenge("circle")), 3, "circle.JPEG")
    link.unlink()


def missing_shards(bench):
    for i in (1, 3):
        bench.check(bench.challenge(f"part{i}", "--shard", f"{i}/4"))
    parts = [bench.folder / f"part{i}" for i in (1, 3)]
    expect(bench.run(["merge", bench.folder / "parts", *parts]), 2, "missing: shard 2/4, 4/4")


def on_a_small_disk(bench, disk):
    """A run that fills the disk fails and keeps its journal; with room again it goes on."""
    filler = disk / "filler"
    process = bench.start(bench.challenge(disk / "run", "--mode", "all"))
    wait_for(lambda: (disk / "run.partial" / "journal").exists())
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    _, errors = process.communicate()
    expect((process.returncode, "", errors), 1, "No space left")
    filler.unlink()
    bench.check(bench.challenge(disk / "run", "--mode", "all", "--resume"))
    runs.expect_equal(disk / "run", bench.folder / "undisturbed")


def disks(bench):
    disk = bench.folder / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk],
                                           capture_output=True).returncode != 0:
        print("no tmpfs can be mounted: full and read-only disks are left out")
        return
    try:
        on_a_small_disk(bench, disk)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        expect(bench.run(bench.challenge(disk / "other")), 1, "Read-only file system")
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test(options, folder):
    bench = runs.Bench(options.command, options.checkpoint, folder, foregrounds=1, backgrounds=4)
    bench.check(bench.challenge("undisturbed", "--mode", "all"))
    for part in (signals, two_processes, changed_inputs, budgets, circles_of_links, missing_shards, disks):
        part(bench)
        print(f"{part.__name__}: passed")


if __name__ == "__main__":
    runs.main(test, __doc__.splitlines()[0])
