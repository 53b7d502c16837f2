"""Hands the cells of a study to loggers while it runs, beside it and never in its way.

A thread looks into the store from time to time, as anybody may, and logs what is there of the study and was
not logged before: by this run, an earlier one or another driver. What was logged stands in a file of keys.
"""

from __future__ import annotations

import fcntl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.api.planning import PlannedStudy
from benchmark.report.words import counted, printable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["logged"]

_EVERY = 5.0
"""Seconds between two looks, at least; ten times what one takes where that is more."""
_MANY = 500
"""Cells that are waited for in the end from which on that is said."""


@contextmanager
def logged(planned: PlannedStudy) -> Iterator[None]:
    """As long as this lasts the study's cells go to its loggers; in the end all of them have."""
    beside = [_Beside(name, planned) for name in planned.resolved.log]
    for one in beside:
        one.start()
    try:
        yield
    finally:
        for one in beside:
            one.end()


class _Beside(threading.Thread):
    """One logger and its thread. Whatever goes wrong in it is said once, and ends the logging alone."""

    def __init__(self, name: str, planned: PlannedStudy) -> None:
        super().__init__(name=f"log={name}", daemon=True)
        self._name_of_it, self._planned = name, planned
        self._folder = planned.resolved.results_dir / "log"
        self._ended = threading.Event()

    def run(self) -> None:
        """Log until the study ends, and once more."""
        try:
            self._log()
        except Exception as error:  # it is somebody else's library, and the study goes on
            said = printable(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
            print(f"swapbench: log={self._name_of_it}: {said}; the study goes on without it", file=sys.stderr)

    def end(self) -> None:
        """Wait until everything is logged."""
        self._ended.set()
        self.join()

    def _log(self) -> None:
        from benchmark.loggers import made

        keys = _Keys(self._folder / f"{self._planned.name}.{self._name_of_it}.keys")
        logger = made(self._name_of_it, self._planned.name, self._folder / self._name_of_it)
        try:
            while True:
                last, start = self._ended.is_set(), time.monotonic()
                self._take(logger, keys, last)
                if last:
                    return
                self._ended.wait(max(_EVERY, 10 * (time.monotonic() - start)))
        finally:
            logger.close()

    def _take(self, logger: Any, keys: _Keys, last: bool) -> None:
        """Log what is in the store and not logged."""
        with keys.alone():
            cells = self._waiting(keys)
            if last and len(cells) >= _MANY:
                print(f"log={self._name_of_it}: {counted(len(cells), 'cell')} …", file=sys.stderr)
            for cell in cells.to_dict("records"):
                logger.log(cell)
                keys.add(str(cell["key"]))
            if len(cells):
                logger.flush()

    def _waiting(self, keys: _Keys) -> pd.DataFrame:
        from benchmark.records.store import open_store

        with open_store(self._planned.resolved.results_dir, write=False) as store:
            records = store.record_table(self._planned.name)
        # An A/A arm may share its cells with another: a key is logged once.
        fresh = records[~records["key"].isin(keys.known)].drop_duplicates("key")
        return fresh.drop(columns=["traceback"])


class _Keys:
    """The keys of the cells that were logged, by whichever driver, a line each."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._new: list[str] = []
        self.known: set[str] = set()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """As long as this lasts no other driver logs; what is added is kept in the end, faults or none."""
        with self._file.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            text = file.read()
            self.known = set(text.split())
            try:
                yield
            finally:
                torn = "\n" if text and not text.endswith("\n") else ""
                file.write(torn + "".join(f"{key}\n" for key in self._new))
                self._new.clear()

    def add(self, key: str) -> None:
        """Note that a cell was logged."""
        self._new.append(key)
