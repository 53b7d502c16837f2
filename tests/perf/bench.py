"""One table of what Swapbench costs and gains, beside its rivals, in one run on one machine (`make perf`).

``bench.py [--quick] [--write docs/perf.md] [NAME…]``: all comparisons, or those named. Times are wall
times; where two things are compared they were measured in turn, and the ratio is that of each pair. Budgets
are those of the project; one that is not met is printed as MISSED, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import itertools
import os
import platform
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path

import psutil

COMPARISONS = ("noop", "efficiency", "networks", "classical", "boosting", "stacking", "scale", "own")
"""Modules of this folder, each with ``rows(quick)``."""
MARKS = ("<!-- measured -->", "<!-- end -->")


def main() -> int:
    """Print the table as it comes; 1 where a budget was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="one run of less of everything, in three minutes"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the table between the marks of a page"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(COMPARISONS)}")
    asked = parser.parse_args()
    if unknown := {*asked.names} - {*COMPARISONS}:
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(COMPARISONS)}")
    find_this_folder()
    from tests.perf.measure import HEAD, lines

    missed: list[str] = []

    def cells() -> Iterator[tuple[str, ...]]:
        yield HEAD
        for name in asked.names or COMPARISONS:
            for row in importlib.import_module(f"tests.perf.{name}").rows(asked.quick):
                if row.kept is False:
                    missed.append(row.what)
                yield row.cells()

    started = time.monotonic()
    said = []
    for line in itertools.chain([machine(), ""], lines(cells())):
        print(line, flush=True)
        said.append(line)
    said += ["", f"{(time.monotonic() - started) / 60:.0f} minutes; budgets missed: {len(missed)}."]
    print("\n".join(said[-2:]))
    if asked.write:
        _put(asked.write, "\n".join(said))
    return 1 if missed else 0


def _put(page: Path, table: str) -> None:
    """Write the table between the marks of a page, in place of the one that is there."""
    before, rest = page.read_text(encoding="utf-8").split(MARKS[0])
    _, after = rest.split(MARKS[1])
    page.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


def machine() -> str:
    """What the numbers were measured on, and how busy it was at the start."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    today = datetime.datetime.now(datetime.UTC).date()
    return (
        f"{today}, {cpu}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, Python "
        f"{platform.python_version()}, load at the start {load:.1f}"
    )


def _lines(file: str) -> list[str]:
    path = Path(file)
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def find_this_folder() -> None:
    """Make ``tests`` this checkout's: some library installs a package of that name."""
    tests = types.ModuleType("tests")
    tests.__path__ = [str(Path(__file__).resolve().parents[1])]
    sys.modules["tests"] = tests


if __name__ == "__main__":
    sys.exit(main())
