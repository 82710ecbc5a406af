"""Runs the scenarios that were asked for, one after the other, and says what came of them."""

import argparse
import asyncio
import importlib
import json
import pathlib
import sys
import tempfile
import time
import traceback

from network import Network
from shim import Shim
from world import SCENARIOS, World, known_options

MODULES = ["slow", "large", "crowds", "failing", "naming", "tls", "oddities", "clients", "disk", "life", "overload"]


def arguments():
    parser = argparse.ArgumentParser(prog="tests/faults/run.sh PROGRAM", description=__doc__)
    parser.add_argument("program")
    parser.add_argument("scenario", nargs="*", help="their ids, such as F01; all, if none is named")
    parser.add_argument("--full", action="store_true", help="as long as the criteria have it; hours rather than minutes")
    parser.add_argument("--json", metavar="FILE", help="write what came of them as JSON, too")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    return parser.parse_args()


def shown(figures):
    def one(name, value, unit):
        if unit == "B":
            return f"{name} {value / (1 << 20):.1f} MiB"
        if unit == "s":
            return f"{name} {value * 1000:.0f} ms" if value < 1 else f"{name} {value:.1f} s"
        return f"{name} {value}{unit and ' ' + unit}"

    return "; ".join(one(name, *figure) for name, figure in figures.items())


def missing(scenario, network, options):
    """Why a scenario cannot run here, if it cannot."""
    if "shim" in scenario.options and not Shim.is_possible():
        return "no C compiler is here"
    unknown = [option for option in scenario.options if option not in (*options, "shim")]
    if unknown:
        return f"this program has no {', '.join(unknown)}"
    if scenario.space and not network:
        return "no network namespace can be made here"
    return None


async def run(scenario, world):
    limit = scenario.seconds * (60 if world.full else 1)
    try:
        async with asyncio.timeout(limit):
            await scenario.run(world)
    except TimeoutError:
        world.failures.append(f"it hangs: not done after {limit} s")
    except Exception as error:
        world.failures.append(f"{type(error).__name__}: {error}")
        traceback.print_exc(file=sys.stderr)
    try:
        await asyncio.wait_for(world.close(), 20)
    except Exception as error:
        world.failures.append(f"it does not end: {type(error).__name__}: {error}")


def main():
    asked = arguments()
    for module in MODULES:
        importlib.import_module(f"scenarios.{module}")
    wanted = [s for s in SCENARIOS if not asked.scenario or s.id in asked.scenario]
    if asked.list:
        for scenario in wanted:
            print(f"{scenario.id:6} {scenario.title}")
        return 0
    if not wanted:
        print(f"Faults: there is no scenario {' '.join(asked.scenario)}", file=sys.stderr)
        return 2
    page = pathlib.Path(__file__).parents[2].joinpath("docs/faults.md").read_text()
    untold = [s.id for s in SCENARIOS if f"| {s.id} |" not in page]
    if untold:
        print(f"Faults: docs/faults.md has no row for {' '.join(untold)}", file=sys.stderr)
        return 1
    program, network, results = str(pathlib.Path(asked.program).resolve()), Network.here(), []
    with tempfile.TemporaryDirectory(prefix="unpad-faults-") as folder:
        folder = pathlib.Path(folder)
        options = known_options(program, folder)
        for scenario in wanted:
            results.append(one(scenario, World(program, folder, asked.full, network, options)))
    summary(results, asked.json)
    return 1 if any(result["result"] == "FAILED" for result in results) else 0


def one(scenario, world):
    begun, why = time.monotonic(), missing(scenario, world.network, world.options)
    if why is None:
        asyncio.run(run(scenario, world))
    result = "skipped" if why else "FAILED" if world.failures else "unmet" if world.unmet else "ok"
    took = time.monotonic() - begun
    print(f"{result:7} {scenario.id:5} {scenario.title}: {why or shown(world.figures)} ({took:.1f} s)", flush=True)
    for line in world.failures + [f"known: {text}" for text in world.unmet]:
        print(f"        {line}", flush=True)
    figures = {name: {"value": value, "unit": unit} for name, (value, unit) in world.figures.items()}
    return {"id": scenario.id, "what": scenario.title, "result": result, "why": why, "seconds": round(took, 1),
            "figures": figures, "failures": world.failures, "unmet": world.unmet}


def summary(results, file):
    print("\nid     result   seconds  what")
    for result in results:
        print(f"{result['id']:6} {result['result']:8} {result['seconds']:7}  {result['what']}")
    count = {kind: sum(result["result"] == kind for result in results) for kind in ("ok", "FAILED", "unmet", "skipped")}
    rest = {"unmet": "with a criterion that is known not to be met", "skipped": "skipped"}
    more = "".join(f", {count[kind]} {words}" for kind, words in rest.items() if count[kind])
    print(f"\n{count['ok']} passed, {count['FAILED']} failed{more}")
    if file:
        pathlib.Path(file).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
