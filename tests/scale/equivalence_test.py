"""Every way to search finds the same challenge accuracy and the same vulnerable foregrounds.

Modes all and first; adaptive and plain order; caches that hold all backgrounds and few; reuse on and off; 1, 2 and 4
shards merged. On 9 foregrounds and 36 backgrounds; 36 and 54 with BACKDROP_TEST_ALL=1.
"""

import runs

FOREGROUNDS, BACKGROUNDS = (4, 6) if runs.test_all() else (1, 4)  # of each class


def expect_same(bench, out, reference):
    """Compares results by what they say, whatever pairs they evaluated to find it."""
    ours, theirs = bench.record(out)["result"], bench.record(reference)["result"]
    for key in ("complete", "challenge_accuracy", "foregrounds", "vulnerable"):
        if ours[key] != theirs[key]:
            raise AssertionError(f"{out}: {key} is {ours[key]}, not {theirs[key]}")
    if bench.vulnerable(out) != bench.vulnerable(reference):
        raise AssertionError(f"{out} finds other vulnerable foregrounds than {reference}")


def merge(bench, shards, *more):
    outs = []
    for i in range(1, shards + 1):
        outs.append(bench.folder / f"shard{i}of{shards}{''.join(more)}")
        bench.check(bench.challenge(outs[-1], "--shard", f"{i}/{shards}", *more))
    merged = f"merged{shards}{''.join(more)}"
    bench.check(["merge", bench.folder / merged, *reversed(outs)])
    return merged


def test(options, folder):
    bench = runs.Bench(options.command, options.checkpoint, folder, FOREGROUNDS, BACKGROUNDS)
    bench.check(bench.challenge("all", "--mode", "all"))
    searches = {
        "adaptive": ["--order", "adaptive"],
        "plain": ["--order", "plain"],
        "without-reuse": ["--reuse", "off"],
        "all-without-reuse": ["--mode", "all", "--reuse", "off"],
    }
    for out, more in searches.items():
        bench.check(bench.challenge(out, *more))
        expect_same(bench, out, "all")
    bench.check(bench.challenge("few-cached", cache="4M"))
    expect_same(bench, "few-cached", "all")
    for shards in (1, 2, 4):
        expect_same(bench, merge(bench, shards), "all")
    expect_same(bench, merge(bench, 2, "--mode", "all"), "all")
    evaluated = {out: bench.record(out)["pairs"]["evaluated"] for out in ("all", "plain", "adaptive", "few-cached")}
    if not evaluated["adaptive"] <= evaluated["plain"] <= evaluated["all"]:
        raise AssertionError(f"pairs evaluated: {evaluated}")
    print(f"pairs evaluated: {evaluated}")


if __name__ == "__main__":
    runs.main(test, __doc__.splitlines()[0])
