"""What a million and a billion photos take: the arithmetic of docs/scale.md, and its simulation.

The arithmetic says which part of a cluster is the slowest, and takes everything else as hidden
behind it. The simulation lets workers, the ledger and the store wait for each other, photos differ
and workers die, and so shows where that is true. Measured figures come from
``benchmarks/results/cluster.json``; prices are assumptions, stated below.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results/cluster.json"
LEDGER_CALLS_A_PHOTO = 3
LISTED_AT_ONCE = 1000


@dataclass(frozen=True)
class Prices:
    """Assumptions, in US dollars: a large cloud's list prices, in one region.

    Attributes:
        core_hour: Of a core on demand.
        spot_core_hour: Of one that may be taken away.
        gets: A million reads.
        puts: A million writes, or listings of up to 1000 names.
        stored_gb_month: A gigabyte for a month.
    """

    core_hour: float = 0.04
    spot_core_hour: float = 0.016
    gets: float = 0.40
    puts: float = 5.00
    stored_gb_month: float = 0.023


@dataclass(frozen=True)
class Cluster:
    """What a batch runs on.

    Attributes:
        cores: Workers, one photo at a time each.
        photo_s: Mean time of a core for a photo.
        spread: Standard deviation of its logarithm.
        latency_s: From asking the store until the first byte, and from the last byte sent until
            its answer.
        megabytes: Read and written for a photo.
        megabytes_per_second: To and from the store, a core.
        gets_per_second: What the store answers below one prefix.
        puts_per_second: What it takes below one prefix.
        prefixes: How many the photos are spread over.
        ledger_calls_per_second: What one driver's ledger answers.
        drivers: Batches that run at the same time, each on its share.
        losses_per_core_hour: How often a worker is lost.
        restart_s: Until another takes its place.
    """

    cores: int
    photo_s: float
    spread: float = 0.3
    latency_s: float = 0.05
    megabytes: float = 10.0
    megabytes_per_second: float = 80.0
    gets_per_second: float = 5500.0
    puts_per_second: float = 3500.0
    prefixes: int = 1
    ledger_calls_per_second: float = math.inf
    drivers: int = 1
    losses_per_core_hour: float = 0.0
    restart_s: float = 30.0

    def limits(self) -> dict[str, float]:
        """Photos a second that each part can do, if no other held it up."""
        transfer_s = 2 * self.latency_s + self.megabytes / self.megabytes_per_second
        return {
            "cores": self.cores / self.photo_s,
            "network of each core": self.cores / (transfer_s / 2),  # in and out at once
            "reads from the store": self.gets_per_second * self.prefixes,
            "writes to the store": self.puts_per_second * self.prefixes,
            "ledger": self.ledger_calls_per_second * self.drivers / LEDGER_CALLS_A_PHOTO,
        }

    def bottleneck(self) -> tuple[str, float]:
        """The slowest part, and its photos a second."""
        return min(self.limits().items(), key=lambda limit: limit[1])

    def hours(self, photos: float) -> float:
        """How long a batch takes: photos over what the slowest part can do, and what is lost."""
        lost = self.losses_per_core_hour / 3600 * (self.photo_s / 2 + self.restart_s)
        return photos / self.bottleneck()[1] / 3600 * (1 + lost)


def cost(photos: float, photo_s: float, megabytes: float, prices: Prices) -> dict[str, float]:
    """US dollars of a batch, by what they are paid for."""
    core_hours = photos * photo_s / 3600
    return {
        "core hours": core_hours,
        "cores": core_hours * prices.core_hour,
        "spot cores": core_hours * prices.spot_core_hour,
        "requests": photos / 1e6 * (prices.gets + prices.puts)
        + 2 * photos / LISTED_AT_ONCE / 1e6 * prices.puts,
        "storing the results for a month": photos * megabytes / 2 / 1000 * prices.stored_gb_month,
    }


def simulate(cluster: Cluster, photos: int, seed: int = 0) -> tuple[float, int]:
    """Play a batch through: workers fetch one photo ahead and store one behind.

    Args:
        cluster: What it runs on; one driver and one prefix stand for all, with their sums.
        photos: How many.
        seed: Of the photos' times and of losses.

    Returns:
        Hours until the last result is stored, and how many photos were begun.
    """
    random = np.random.default_rng(seed)
    mean = math.log(cluster.photo_s) - cluster.spread**2 / 2
    gets = _Queue(cluster.gets_per_second * cluster.prefixes)
    puts = _Queue(cluster.puts_per_second * cluster.prefixes)
    ledger = _Queue(cluster.ledger_calls_per_second * cluster.drivers)
    transfer_s = cluster.latency_s + cluster.megabytes / 2 / cluster.megabytes_per_second
    # When something happens to a worker: its core is free, with or without a result to store.
    events = [(0.0, n, False) for n in range(min(cluster.cores, photos))]
    there_s = [0.0] * len(events)  # when its next photo is there; 0 if it was not asked for
    stored_s = [0.0] * len(events)  # when its last result is stored
    left, begun, end_s = photos, 0, 0.0
    while events:
        now_s, n, has_result = heapq.heappop(events)
        if has_result and stored_s[n] > now_s:  # one result at a time
            heapq.heappush(events, (stored_s[n], n, True))
            continue
        if has_result:
            stored_s[n] = puts.pass_through(now_s) + transfer_s
            end_s = max(end_s, stored_s[n])
        if not left:
            continue
        left -= 1
        begun += 1
        if not there_s[n]:
            there_s[n] = gets.pass_through(now_s) + transfer_s
        start_s = max(ledger.pass_through(now_s, LEDGER_CALLS_A_PHOTO), there_s[n])
        there_s[n] = gets.pass_through(now_s) + transfer_s
        work_s = float(random.lognormal(mean, cluster.spread))
        lost_s = _loss(random, cluster.losses_per_core_hour / 3600)
        if lost_s < work_s:
            left += 1
            there_s[n] = 0.0
            heapq.heappush(events, (start_s + lost_s + cluster.restart_s, n, False))
        else:
            heapq.heappush(events, (start_s + work_s, n, True))
    return end_s / 3600, begun


class _Queue:
    """Something that serves one request after the other."""

    def __init__(self, requests_per_second: float) -> None:
        self._each_s = 1 / requests_per_second
        self._free_s = 0.0

    def pass_through(self, asked_s: float, requests: int = 1) -> float:
        """When requests that come at a time have been served."""
        self._free_s = max(self._free_s, asked_s) + requests * self._each_s
        return self._free_s


def _loss(random: np.random.Generator, per_second: float) -> float:
    return float(random.exponential(1 / per_second)) if per_second else math.inf


def measured() -> Cluster:
    """One core of a cluster, by the measured figures."""
    figures = json.loads(RESULTS.read_text(encoding="utf-8"))
    return Cluster(
        cores=1,
        photo_s=round(figures["batches"]["Ray, two workers"]["cpu_s_per_photo"], 2),
        megabytes=round(figures["read_mb"] + figures["written_mb"], 1),
        ledger_calls_per_second=round(figures["ledger_calls_per_second"], -2),
    )


def cost_table(core: Cluster, prices: Prices) -> list[str]:
    """Rows of Markdown: what batches of several sizes cost."""
    rows = ["| photos | core-hours | cores | spot cores | requests | results stored, a month |"]
    rows.append("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for photos in (1e6, 1e9):
        paid = cost(photos, core.photo_s, core.megabytes, prices)
        rows.append(
            f"| {photos:,.0f} | {paid['core hours']:,.0f} | ${paid['cores']:,.2f} | "
            f"${paid['spot cores']:,.2f} | ${paid['requests']:,.2f} | "
            f"${paid['storing the results for a month']:,.0f} |"
        )
    return rows


def time_table(core: Cluster) -> list[str]:
    """Rows of Markdown: how long, and why not shorter, beside what the simulation says."""
    rows = ["| cores | prefixes | drivers | photos/s | a million takes | held up by | simulated |"]
    rows.append("| ---: | ---: | ---: | ---: | ---: | :-- | ---: |")
    for cores, prefixes, drivers in CLUSTERS:
        cluster = replace(core, cores=cores, prefixes=prefixes, drivers=drivers)
        part, rate = cluster.bottleneck()
        photos = 40 * cores
        hours, _ = simulate(cluster, photos)
        rows.append(
            f"| {cores:,} | {prefixes} | {drivers} | {rate:,.0f} | {_words(cluster.hours(1e6))} | "
            f"{part} | {photos / hours / 3600:,.0f} |"
        )
    return rows


CLUSTERS: Sequence[tuple[int, int, int]] = (
    (2, 1, 1),
    (64, 1, 1),
    (1000, 1, 1),
    (1000, 1, 8),
    (4000, 1, 32),
    (4000, 8, 32),
)
"""Cores, prefixes and drivers of the rows of the table of times."""


def _words(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.0f} min"


def main() -> None:
    """Print the tables of docs/scale.md."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    core = measured()
    print(*cost_table(core, Prices()), "", *time_table(core), sep="\n")


if __name__ == "__main__":
    main()
