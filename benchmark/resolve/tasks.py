"""The tasks that a person or a suite names: cards of the catalog, OpenML's numbers, files."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.catalog import Catalog, read_card
from benchmark.errors import RequestError
from benchmark.resolve.names import list_of
from benchmark.spec import Dataset, Suite

__all__ = ["Members", "card_of", "sizes_of", "task_cards"]

Members = Callable[[Suite], Sequence[str]]
"""The names of the tasks of an OpenML suite."""

_NAME_WITH_ROWS = re.compile(r"(?P<name>.+)@(?P<rows>\d+)")
_FILE = re.compile(r"(?P<path>.*(?:/|\.\w+))(?::(?P<target>.+))?")
"""Something with a folder or an ending, and maybe a column behind it."""


def task_cards(catalog: Catalog, config: Mapping[str, Any], members: Members) -> dict[str, Dataset]:
    """The cards of a composed study's tasks by name, each at every size that ``rows`` asks for.

    A task is the name of a card, ``openml/t/31``, the path of a card (``mine/churn.yaml``) or of a data file
    with its target (``mine/churn.csv:churned``); ``@1000`` behind it takes a subsample of so many rows.

    Raises
    ------
    RequestError
        For what names nothing, two different things of one name, and a suite without tasks.
    """
    suite = None if config.get("suite") is None else catalog.suite(str(config["suite"]))
    typed = config.get("tasks") is not None
    if typed:
        entries = list_of(config, "tasks")
    elif suite is not None:
        where = f"{suite.file or suite.name}: tasks"
        tasks = members(suite) if suite.openml is not None else suite.tasks
        entries = list_of({where: list(tasks)}, where)
    else:
        raise RequestError("suite: a study needs one, or tasks; `swapbench list suites` shows what there is")
    if not entries:
        raise RequestError("tasks: a study needs at least one")
    sizes = sizes_of(config)
    cards: dict[str, Dataset] = {}
    for entry in entries:
        card = _card(catalog, entry, typed=typed)
        for sized in [_at(card, rows) for rows in sizes] or [card]:
            if cards.setdefault(sized.name, sized) != sized:
                other = cards[sized.name].file or cards[sized.name].name
                raise RequestError(
                    f"tasks: two tasks of one name '{sized.name}': {other} and {sized.file}; "
                    "give one of them a card of another name"
                )
    return cards


def card_of(catalog: Catalog, name: str) -> Dataset:
    """The card of a task in the catalog, at the size that its name says.

    Raises
    ------
    RequestError
        Where there is none of that name.
    """
    return _card(catalog, name, typed=False)


def sizes_of(config: Mapping[str, Any]) -> list[int]:
    """The numbers of rows that a composed study wants of every task; empty where it does not say.

    Raises
    ------
    RequestError
        For what is no list of different whole numbers.
    """
    rows = config.get("rows")
    if rows is None:
        return []
    sizes = rows if isinstance(rows, list) else [rows]
    wrong = [size for size in sizes if not isinstance(size, int) or isinstance(size, bool) or size < 1]
    if wrong or not sizes or len(set(sizes)) < len(sizes):
        raise RequestError(f"rows={rows}: expected different whole numbers such as [1000,3000,10000]")
    return sizes


def _at(card: Dataset, rows: int) -> Dataset:
    return dataclasses.replace(card, name=f"{card.name}@{rows}", rows=rows)


def _card(catalog: Catalog, entry: str, *, typed: bool) -> Dataset:
    """The card of one entry; files only where a person typed them."""
    if sized := _NAME_WITH_ROWS.fullmatch(entry):
        return _at(_card(catalog, sized["name"], typed=typed), int(sized["rows"]))
    file = None if catalog.has_dataset(entry) or not typed else _FILE.fullmatch(entry)
    if file is None and not (typed and Path(entry).is_dir()):
        return catalog.dataset(entry)
    path, target = (Path(file["path"]), file["target"] or "") if file else (Path(entry), "")
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise RequestError(f"tasks: there is no card '{path}'")
        return read_card(path, path.stem)
    if not path.exists() and not path.suffix:
        return catalog.dataset(entry)  # says which name is the nearest
    return Dataset(
        name=path.name,
        source="file",
        location=path.name,
        target=target,
        origin=path.stem,
        modality=_modality(path),
        file=str(path),
    )


def _modality(path: Path) -> str:
    """What a file or folder without a card holds."""
    if path.is_dir() or path.suffix == ".npz":
        return "image"
    return "text" if path.suffix == ".txt" else "tabular"
