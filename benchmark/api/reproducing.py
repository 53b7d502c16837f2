"""Runs a random part of a published study again, and says whether the same comes out."""

from __future__ import annotations

import dataclasses
import json
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.api.here import data_here, differences, is_same_machine, planned_here
from benchmark.api.planning import device_of
from benchmark.api.running import workers_of
from benchmark.api.verifying import opened_bundle
from benchmark.errors import RequestError, nearest
from benchmark.plan.cost import job_seconds
from benchmark.plan.grid import Plan
from benchmark.records.provenance import facts
from benchmark.records.schema import COORDINATE

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.execute.engine import Progress
    from benchmark.publish.bundle import Bundle
    from benchmark.publish.reproduce.agreement import Agreement
    from benchmark.publish.reproduce.sample import Block
    from benchmark.records.store import Store
    from benchmark.resolve.study import Machine

__all__ = ["Reproduction", "Request", "foreign_code", "reproduce"]


@dataclass(frozen=True)
class Request:
    """What of a bundle is to be run again."""

    share: float = 0.1
    """Of the study's blocks (task, host, split)."""
    claim: str = ""
    """Only what the claim of this id rests on."""
    seed: int | None = None
    """Of the sample; None: what the operating system draws, or what an earlier start in ``out`` drew."""
    budget_seconds: float | None = None
    overrides: tuple[str, ...] = ()
    """Where and how to run: executor, workers, device, trust."""


@dataclass(frozen=True)
class Reproduction:
    """What came out."""

    place: Path
    study: str
    seed: int
    agreement: Agreement
    differences: tuple[str, ...]
    """Of hardware, libraries, code and data, in words."""
    progress: Progress
    wanted: int
    """Blocks of the sample."""
    blocks: int
    """Those that were run."""
    page: Path

    @property
    def reproduced(self) -> bool:
        """Whether the same came out."""
        return self.agreement.answer == "reproduced"

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "schema": 1,
            "bundle": str(self.place),
            "study": self.study,
            "seed": self.seed,
            "blocks": {"wanted": self.wanted, "run": self.blocks},
            "fits": self.progress.executed,
            "differences": list(self.differences),
            **self.agreement.to_json(),
        }


def foreign_code(place: Path, asked: Request) -> dict[str, dict[str, str]]:
    """Code in a bundle that would be run and that nobody trusts yet: by component, the text of each file.

    Raises
    ------
    RequestError
        When it is no bundle, or the overrides ask for what there is not.
    """
    from benchmark.catalog import open_catalog
    from benchmark.resolve.study import resolve_machine

    return _untrusted(opened_bundle(place), resolve_machine(open_catalog(), asked.overrides).trust)


def _untrusted(bundle: Bundle, trusted: Sequence[str]) -> dict[str, dict[str, str]]:
    from benchmark.publish.sources import stated

    named = stated(bundle.sources)
    found: dict[str, dict[str, str]] = {}
    for part in bundle.document.parts():
        files = [named[says] for says in bundle.document.code.get(part.code, {}).values() if says in named]
        if files and part.name not in trusted:
            found[part.name] = {name: bundle.sources[name].decode("utf-8", "replace") for name in files}
    return found


def reproduce(place: Path, asked: Request, out: Path, *, quiet: bool = False) -> Reproduction:
    """Run a random sample of a bundle's jobs here and hold what comes out against what it says.

    Everything is kept in ``out``, so that the same call goes on after an interruption.

    Raises
    ------
    RequestError
        When the bundle does not hold, its code is not trusted, or nothing of it can be run here.
    """
    from benchmark.catalog import open_catalog
    from benchmark.publish.reproduce.agreement import agreement
    from benchmark.publish.reproduce.sample import chosen
    from benchmark.records.store import open_store
    from benchmark.resolve.study import resolve_machine

    bundle = opened_bundle(place)
    machine = resolve_machine(open_catalog(), asked.overrides)
    if untrusted := sorted(_untrusted(bundle, machine.trust)):
        raise RequestError(
            f"{place}: has code of its own for {', '.join(untrusted)}; read it, and if you trust it,"
            f" trust=[{','.join(untrusted)}]"
        )
    rests_on = _claimed(bundle, asked.claim)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"--out {out}: cannot be used: {error.strerror}") from error
    folders = _unpacked(bundle, out)
    here = data_here(bundle.document)
    plan = planned_here(bundle, here, machine, folders)
    _check_something(plan, place)
    seed = _seed(out, asked.seed)
    blocks = chosen(plan, asked.share, seed, rests_on)
    began = time.monotonic()
    with open_store(out, write=True) as store:
        progress = _run(plan, blocks, store, machine, out, folders, asked.budget_seconds, quiet)
        done = [block for block in blocks if _is_done(block, store)]
        cells = _side_by_side(bundle, done, store)
    if not done:
        raise RequestError(f"{out}: no block of the sample was finished; the same command goes on")
    found = agreement(cells, bundle.records, seed=seed)
    left = None if asked.budget_seconds is None else asked.budget_seconds - (time.monotonic() - began)
    whole = len(done) == len(blocks) and (left is None or left > 0)
    if found.in_question and whole and is_same_machine(bundle, machine):
        again, twice = [_only(block, found.in_question) for block in blocks], out / "again"
        with open_store(out, write=False) as store, open_store(twice, write=True) as second:
            more = _run(plan, again, second, machine, twice, folders, left, quiet)
            cells = cells.assign(repeated_here=_repeated(cells["key"], store, second))
        progress = dataclasses.replace(progress, executed=progress.executed + more.executed)
        found = agreement(cells, bundle.records, seed=seed)
    unlike = tuple(differences(bundle, here, plan, machine))
    page = out / "index.html"
    made = Reproduction(
        place, bundle.document.name, seed, found, unlike, progress, len(blocks), len(done), page
    )
    _write(made, cells, out)
    return made


def _claimed(bundle: Bundle, claim: str) -> Mapping[str, Any] | None:
    if not claim:
        return None
    claims = {str(one["id"]): one for one in bundle.claims["claims"]}
    if claim not in claims:
        raise RequestError(
            f"--claim {claim}: the bundle claims nothing of this id; {nearest(claim, list(claims))}"
        )
    rests_on: Mapping[str, Any] = claims[claim]["rests_on"]
    return rests_on


def _unpacked(bundle: Bundle, out: Path) -> Path:
    """The folder of the bundle's own code, written where everything else of the reproduction is."""
    folder = out / "sources"
    for name, content in bundle.sources.items():
        file = out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def _check_something(plan: Plan, place: Path) -> None:
    if not plan.rows:
        why = f": {plan.refused[0].task}: {plan.refused[0].reason}" if plan.refused else ""
        raise RequestError(f"{place}: nothing of it can be run here{why}")


def _seed(out: Path, asked: int | None) -> int:
    """The seed of the sample: the one that was asked for, or that an earlier start drew, or a new one."""
    if asked is not None and asked < 0:
        raise RequestError(f"--seed {asked}: expected a whole number from 0 on")
    file = out / "sample.json"
    try:
        drawn = abs(int(json.loads(file.read_text(encoding="utf-8"))["seed"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        drawn = secrets.randbelow(2**32)
    seed = drawn if asked is None else asked
    file.write_text(json.dumps({"seed": seed}) + "\n", encoding="utf-8")
    return seed


def _run(
    plan: Plan,
    blocks: Sequence[Block],
    store: Store,
    machine: Machine,
    out: Path,
    folder: Path,
    budget_seconds: float | None,
    quiet: bool,
) -> Progress:
    from benchmark.execute.engine import Context, execute

    device, workers = device_of(machine), workers_of(machine)
    config_dirs = (str(folder),) if (folder / "components").is_dir() else ()
    # With a budget the blocks run in their order, so that what is finished is a fair sample.
    at_once = len(blocks) if budget_seconds is None else workers
    parts = [
        dataclasses.replace(
            plan, rows=tuple(row for block in blocks[start : start + at_once] for row in block.rows)
        )
        for start in range(0, len(blocks), at_once)
    ]
    history = store.fit_seconds()
    seconds = {key: value for part in parts for key, value in job_seconds(part, history).items()}
    return execute(
        parts,
        store,
        executor=machine.executor,
        context=Context(workers, config_dirs, machine.trust, machine.options, out, device),
        known=facts(device),
        cost=lambda job: seconds[job.key],
        budget_seconds=budget_seconds,
        quiet=quiet,
    )


def _is_done(block: Block, store: Store) -> bool:
    keys = {key for row in block.rows for _, key in row.cells()}
    return keys == store.records(keys).keys()


def _side_by_side(bundle: Bundle, blocks: Iterable[Block], store: Store) -> pd.DataFrame:
    """Every cell that was run again beside what the bundle says of it, as ``agreement`` reads it."""
    import numpy as np
    import pandas as pd

    then = {tuple(row[name] for name in COORDINATE): row for row in bundle.records.to_dict("records")}
    rows = []
    for block in blocks:
        for row in block.rows:
            records = store.records(key for _, key in row.cells())
            for cell, key in row.cells():
                known = {**dataclasses.asdict(cell), "role": row.arm.role}
                before, now = then.get(tuple(known[name] for name in COORDINATE)), records[key]
                if before is None:
                    continue  # a stage of the study that was not needed
                kept, predicted = bundle.predictions.get(before["key"]), store.prediction(key)
                rows.append(
                    {name: known[name] for name in COORDINATE}
                    | {"origin": block.origin, "key": key, "same_key": before["key"] == key}
                    | {"error_then": before["error"], "status_then": before["status"]}
                    | {"error_now": np.nan if now.error is None else now.error, "status_now": now.status}
                    | {"reason_then": before["reason"], "reason_now": now.reason}
                    | {
                        "same_predictions": None
                        if kept is None or predicted is None
                        else kept.shape == predicted.shape and bool(np.array_equal(kept, predicted))
                    }
                )
    return pd.DataFrame(rows)


def _only(block: Block, arms: Sequence[tuple[str, str, str]]) -> Block:
    """A block with the rows of some arms (role, component, control) alone."""
    rows = [row for row in block.rows if (row.arm.role, row.arm.component, row.arm.control) in arms]
    return dataclasses.replace(block, rows=tuple(rows))


def _repeated(keys: Iterable[str], first: Store, second: Store) -> list[bool | None]:
    """Whether each cell is the same to the last bit in both stores; None where the second has it not."""
    import numpy as np

    keys = list(keys)
    once, twice = first.records(keys), second.records(keys)

    def same(key: str) -> bool | None:
        if key not in twice:
            return None
        one, other = first.prediction(key), second.prediction(key)
        if one is None or other is None:
            alike = one is other
        else:
            alike = one.shape == other.shape and bool(np.array_equal(one, other))
        return alike and (once[key].status, once[key].error) == (twice[key].status, twice[key].error)

    return [same(key) for key in keys]


def _write(made: Reproduction, cells: pd.DataFrame, out: Path) -> None:
    """What came out, as JSON, as a table and as a page."""
    from benchmark.report.reproduction import reproduction_page
    from benchmark.report.tables import csv

    text = json.dumps(made.to_json(), indent=1, sort_keys=True, allow_nan=False)
    (out / "reproduction.json").write_text(text + "\n", encoding="utf-8")
    (out / "cells.csv").write_text(csv(cells), encoding="utf-8")
    made.page.write_text(reproduction_page(made.to_json()), encoding="utf-8")
