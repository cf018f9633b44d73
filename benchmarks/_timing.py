"""How two ways of doing the same work are timed: in turns, in one process, on one core."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What a benchmark is asked for."""

    json: bool
    rounds: int
    small: bool


def options(description: str, rounds: int) -> Options:
    """Read the command line of a benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"turns of each ({rounds})")
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it runs")
    given = parser.parse_args()
    if given.rounds < 1:
        parser.error(f"--rounds must be 1 or more, got {given.rounds}")
    return Options(given.json, given.rounds, given.small)


def in_turns(
    ours: Callable[[], object], peer: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Median seconds of one call of each.

    They take turns, and who goes first changes from round to round, so that a machine that slows
    down or heats up does so for both. Each is called once before, untimed: caches are warm.
    """
    seconds: dict[Callable[[], object], list[float]] = {ours: [], peer: []}
    for call in seconds:
        call()
    for turn in range(rounds):
        for call in (ours, peer) if turn % 2 == 0 else (peer, ours):
            began = time.perf_counter()
            call()
            seconds[call].append(time.perf_counter() - began)
    return statistics.median(seconds[ours]), statistics.median(seconds[peer])


def report(result: dict[str, object], as_json: bool) -> None:
    """Print a benchmark's result, as JSON or for people."""
    if as_json:
        print(json.dumps(result))
        return
    better = "higher is better" if result["better"] == "higher" else "lower is better"
    print(f"{result['quantity']} ({better})")
    print(f"  ours   {result['ours']:.4g}")
    print(f"  peer   {result['peer']:.4g}   {result['peer_name']}")
    print(f"  ratio  {result['ratio']:.3g}")
