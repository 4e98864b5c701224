#!/usr/bin/env python3
"""What a search of the whole challenge on a thousand ranks loses, simulated from measured block times.

    bench/simulate_ranks.py --measure build/backdrop --checkpoint models/demo/demo-resnet18.pt --data-path DATA
    bench/simulate_ranks.py                        # again, with the times measured last

Simulated event by event is what search/mpi_executor.h does: a wave's blocks are dealt into lanes of neighbouring
backgrounds, one a rank; every rank takes numbers from its lane's counter, later from that of the lane with most
left; rank 0's memory serves one rank at a time. A rank computes the features of the backgrounds that are new to
it, then the block, and sends the answers to rank 0, which stores one message at a time. A rank's death ends the
job, as mpirun does; it starts again from the journal, which has every block stored so far, so the blocks in all
hands are lost. A search without a journal would start from nothing. For comparison the same with one queue for all
ranks, in which nearly every rank meets every background.

Measured are the seconds of a pair on this machine, on `--shards` parts of DATA (parts differ, because their masks
do), and, where mpirun is, the counter (`--counter build-bench/bench/simulate_ranks_counter`, of `scripts/build.sh bench`). Block times are drawn from the measured
ones. Assumed, and given in the result: how long a number travels, how long rank 0 takes to store a message, how
long a job takes to start again, and what the features of a background cost. Writes bench/results/simulated_ranks.json and a table beside it.
"""
import argparse
import heapq
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "bench" / "results" / "simulated_ranks.json"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", metavar="BACKDROP", help="the command to measure; else the last times are used")
    parser.add_argument("--checkpoint", help="with --measure")
    parser.add_argument("--data-path", help="with --measure")
    parser.add_argument("--shards", type=int, default=9, help="parts of the data to measure (default 9)")
    parser.add_argument("--counter", metavar="PROGRAM", help="simulate_ranks_counter, run under mpirun")
    parser.add_argument("--ranks", type=int, default=1000)
    parser.add_argument("--foregrounds", type=int, default=4050)
    parser.add_argument("--backgrounds", type=int, default=4050)
    parser.add_argument("--block-pairs", type=int, default=128, help="pairs of a block (default 128)")
    parser.add_argument("--waves", type=int, default=4,
                        help="with one queue: tiles of backgrounds, as many as a rank keeps, each finished by all ranks "
                        "before the next (default 4); lanes need one wave, as the ranks together keep all")
    parser.add_argument("--travel", type=float, default=5e-6, help="seconds to the counter and back (default 5e-6)")
    parser.add_argument("--store", type=float, default=20e-6, help="seconds rank 0 takes for a message")
    parser.add_argument("--fill", type=float, default=1.4,
                        help="pairs that a background's features take as long as (default 1.4: a whole composite)")
    parser.add_argument("--restart", type=float, default=60, help="seconds until a dead job computes again")
    parser.add_argument("--faster", type=float, nargs="+", default=[1, 10, 100, 1000],
                        help="ranks this many times as fast as the machine measured")
    parser.add_argument("--failures", type=int, nargs="+", default=[0, 1, 3, 10], help="ranks that die in a run")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.measure and not (options.checkpoint and options.data_path):
        parser.error("--measure needs --checkpoint and --data-path")
    return options


def measure_pairs(options):
    """Seconds a pair, for each shard of the data."""
    seconds = []
    for shard in range(1, options.shards + 1):
        command = [options.measure, "challenge", "--checkpoint", options.checkpoint, "--in9", "--data-path",
                   options.data_path, "--mode", "all", "--shard", f"{shard}/{options.shards}", "--json", "--quiet"]
        run = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        seconds.append(run["seconds"]["search"] / run["pairs"]["evaluated"])
        print(f"shard {shard}: {1 / seconds[-1]:.1f} pairs/s", file=sys.stderr)
    return seconds


def measure_counter(program):
    """Seconds of one number, for each number of ranks."""
    mpirun = shutil.which("mpirun")
    if not program or not mpirun:
        return {}
    seconds = {}
    for ranks in (1, 2, 4):
        command = [mpirun, "--oversubscribe", "--allow-run-as-root", "-n", str(ranks), program]
        seconds[ranks] = float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return seconds


def measured(options):
    if not options.measure:
        if not RESULT.exists():
            sys.exit(f"simulate_ranks.py: {RESULT} is not there yet: give --measure, --checkpoint and --data-path")
        return json.loads(RESULT.read_text())["measured"]
    return {"checkpoint": Path(options.checkpoint).name, "seconds_per_pair": measure_pairs(options),
            "counter_seconds": measure_counter(options.counter)}


class Simulation:
    """One job: ranks, the counters and rank 0's store."""

    def __init__(self, options, pair_seconds, counter_seconds, faster, dealing, generator):
        self.options = options
        self.block_seconds = [seconds * options.block_pairs / faster for seconds in pair_seconds]
        self.fill_seconds = options.fill * sum(self.block_seconds) / len(self.block_seconds)
        self.counter_seconds = counter_seconds
        self.lanes = options.ranks if dealing == "lanes" else 1
        self.waves = 1 if dealing == "lanes" else options.waves
        self.generator = generator
        self.waited = self.idle = self.lost = self.filled = 0.0  # seconds of one rank, summed over all ranks

    def run(self, done, blocks, dies_at=None):
        """From `done` stored blocks to all `blocks`, or to `dies_at` of them; returns the seconds it took."""
        now = 0.0
        wave = -(-blocks // self.waves)
        while done < blocks:
            end = min((done // wave + 1) * wave, blocks)
            now = self.run_wave(now, end - done, dies_at - done if dies_at is not None and dies_at <= end else None)
            if dies_at is not None and dies_at <= end:
                break
            done = end
        return now

    def deal(self, blocks):
        """The chunk of backgrounds of each block, by lane."""
        chunks = max(1, -(-blocks // self.options.foregrounds))
        if self.lanes == 1:
            return [[block % chunks for block in range(blocks)]]
        ends = [lane * blocks // self.lanes for lane in range(self.lanes + 1)]
        return [[block * chunks // blocks for block in range(*span)] for span in zip(ends, ends[1:])]

    def run_wave(self, start, blocks, dies_after):
        """One wave from `start` on, in which a rank dies when `dies_after` of its blocks are stored."""
        lanes = self.deal(blocks)
        left = [len(lane) for lane in lanes]
        lane_of = [rank % self.lanes for rank in range(self.options.ranks)]
        known = [set() for _ in lane_of]  # chunks whose features the rank has
        ready = [(start, rank) for rank in range(self.options.ranks)]  # when each rank asks for a number
        counter_free = start
        messages = []
        for _ in range(blocks):
            asks, rank = heapq.heappop(ready)
            counter_free = max(asks + self.options.travel / 2, counter_free) + self.counter_seconds
            if left[lane_of[rank]] == 0:  # asks for all counters and takes from another lane: two more ways
                lane_of[rank] = left.index(max(left))
                counter_free += 2 * (self.counter_seconds + self.options.travel)
            lane = lanes[lane_of[rank]]
            chunk = lane[len(lane) - left[lane_of[rank]]]
            left[lane_of[rank]] -= 1
            starts = counter_free + self.options.travel / 2
            ends = starts + self.generator.choice(self.block_seconds)
            if chunk not in known[rank]:
                known[rank].add(chunk)
                self.filled += self.fill_seconds
                ends += self.fill_seconds
            messages.append((ends, starts, starts - asks))
            heapq.heappush(ready, (ends, rank))
        return self.store(start, messages, [end for end, _ in ready], dies_after)

    def store(self, start, messages, ends_of_ranks, dies_after):
        """Rank 0 stores one message after the other; returns when the last is stored, or when the rank dies."""
        messages.sort()
        stored_at = start
        for stored, (ends, _, waited) in enumerate(messages, start=1):
            stored_at = max(ends, stored_at) + self.options.store
            self.waited += waited
            if stored == dies_after:
                self.lost += sum(min(end, stored_at) - begin for end, begin, _ in messages[stored:]
                                 if begin < stored_at)
                return stored_at
        self.idle += sum(stored_at - end for end in ends_of_ranks)
        return stored_at


def simulate(options, times, faster, failures, dealing):
    """A whole search with `failures` deaths at random points of it."""
    generator = random.Random(options.seed)
    counter = max(times["counter_seconds"].values(), default=1e-6)
    simulation = Simulation(options, times["seconds_per_pair"], counter, faster, dealing, generator)
    pairs = options.foregrounds * options.backgrounds
    blocks = -(-pairs // options.block_pairs)
    deaths = sorted(generator.sample(range(1, blocks), failures))
    done, seconds = 0, failures * options.restart
    for death in [*deaths, None]:
        seconds += simulation.run(done, blocks, death)
        done = death
    ideal = blocks * sum(simulation.block_seconds) / len(simulation.block_seconds) / options.ranks
    return {"times_as_fast": faster, "dealing": dealing, "failures": failures, "seconds": seconds,
            "ideal_seconds": ideal, "pairs_per_second": pairs / seconds, "efficiency": ideal / seconds,
            "seconds_lost": {"counter": simulation.waited / options.ranks,
                             "features": simulation.filled / options.ranks,
                             "uneven_ends": simulation.idle / options.ranks,
                             "blocks_in_hand": simulation.lost / options.ranks,
                             "restarts": failures * options.restart},
            "seconds_lost_without_journal": ideal * sum(deaths) / blocks}


def table(rows, options):
    blocks = -(-options.foregrounds * options.backgrounds // options.block_pairs)
    lines = [f"# {options.ranks:,} ranks, {options.foregrounds * options.backgrounds:,} pairs, simulated", "",
             f"Blocks of {options.block_pairs} pairs ({blocks:,}), with one queue in {options.waves} waves; written by "
             "`bench/simulate_ranks.py` from block times measured on one machine. Lost: seconds of every rank, on "
             "average.", "",
             "| a rank is | blocks from | deaths | seconds | ideal | lost: counter | features | uneven ends | blocks in "
             "hand | restarts | without a journal also |", "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        lost = row["seconds_lost"]
        lines.append(f"| {row['times_as_fast']:g} x as fast | {row['dealing']} | {row['failures']} | {row['seconds']:.1f} | "
                     f"{row['ideal_seconds']:.1f} | {lost['counter']:.4f} | {lost['features']:.2f} | {lost['uneven_ends']:.2f} | "
                     f"{lost['blocks_in_hand']:.2f} | {lost['restarts']:.0f} | "
                     f"{row['seconds_lost_without_journal']:.1f} |")
    return "\n".join(lines) + "\n"


def main():
    options = arguments()
    times = measured(options)
    rows = []
    for faster in options.faster:
        rows.append(simulate(options, times, faster, 0, "one queue"))
        rows += [simulate(options, times, faster, failures, "lanes") for failures in options.failures]
    assumed = {name: getattr(options, name) for name in ("ranks", "foregrounds", "backgrounds", "block_pairs", "waves",
                                                         "travel", "store", "fill", "restart", "seed")}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"measured": times, "assumed": assumed, "runs": rows}, indent=1) + "\n")
    RESULT.with_suffix(".md").write_text(table(rows, options))
    print(table(rows, options), end="")


if __name__ == "__main__":
    main()
