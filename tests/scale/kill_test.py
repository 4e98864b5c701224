"""Kills a run at random moments, resumes it each time, and compares the result with an undisturbed run's.

Three kills; 200 with BACKDROP_TEST_ALL=1. A kill can come at any moment of a session: while it reads, searches or
finishes.
"""

import random
import shutil
import signal
import time

import runs

KILLS = 200 if runs.test_all() else 3


def kill_session(bench, arguments, longest, random_numbers):
    """Starts a session and kills it. Returns whether it was killed before it ended by itself."""
    process = bench.start(arguments)
    time.sleep(random_numbers.uniform(0.02, longest))
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    if process.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(f"a session ended with {process.returncode}: {errors}")
    return process.returncode != 0


def test(options, folder):
    bench = runs.Bench(options.command, options.checkpoint, folder, foregrounds=1, backgrounds=4)
    undisturbed = folder / "undisturbed"
    started = time.monotonic()
    bench.check(bench.challenge(undisturbed))
    longest = time.monotonic() - started
    random_numbers = random.Random(KILLS)
    kills = finished = resumed = 0
    while kills < KILLS:
        killed = kill_session(bench, bench.challenge("killed", "--resume"), 1.1 * longest, random_numbers)
        kills += killed
        if killed and not (folder / "killed").exists():
            continue
        # The run is complete, or was killed after it took its name: resuming tidies up.
        bench.check(bench.challenge("killed", "--resume"))
        runs.expect_equal(folder / "killed", undisturbed)
        resumed += bench.record("killed")["resumed_pairs"] > 0
        finished += 1
        shutil.rmtree(folder / "killed")
    bench.check(bench.challenge("killed", "--resume"))
    runs.expect_equal(folder / "killed", undisturbed)
    resumed += bench.record("killed")["resumed_pairs"] > 0
    print(f"{kills} kills, {finished + 1} finished runs, {resumed} of them resumed, all equal to the undisturbed one")


if __name__ == "__main__":
    runs.main(test, __doc__.splitlines()[0])
