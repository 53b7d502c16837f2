"""Which column is what: as it was said, else by its name; never two ways."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from benchmark.errors import RequestError, nearest

__all__ = ["COMMON", "OWN", "ROLES", "Asked", "Layout", "column", "settle"]

ROLES = ("dataset", "origin", "method", "host", "split", "seed", "setting", "error", "score", "seconds")
"""What a column may be said to be."""

COMMON: Mapping[str, tuple[str, ...]] = {
    "dataset": ("dataset", "data_set", "dataset_name", "data", "db", "task", "task_id", "problem"),
    "origin": ("origin",),
    "method": (
        "method",
        "algorithm",
        "algo",
        "component",
        "model",
        "arm",
        "classifier",
        "learner",
        "estimator",
        "optimizer",
    ),
    "host": ("host", "backbone"),
    "repeat": ("repeat", "rep", "repetition"),
    "fold": ("fold", "split", "cv_fold"),
    "seed": ("seed", "random_seed", "random_state", "run"),
    "setting": ("setting",),
    "error": (
        "error",
        "err",
        "test_error",
        "error_rate",
        "loss",
        "test_loss",
        "log_loss",
        "rmse",
        "mse",
        "mae",
    ),
    "score": ("score", "test_score", "accuracy", "acc", "auc", "roc_auc", "f1", "r2"),
    "seconds": ("fit_seconds", "seconds", "fit_time", "train_time", "training_time"),
    "n_train": ("n_train",),
    "n_test": ("n_test",),
}
"""Names by which a column is known without being named, whatever their case and punctuation."""

OWN = frozenset({"component", "task", "error", "setting", "role", "replicate", "status", "repeat", "fold"})
"""Columns that together make a table one of Swapbench's own records."""

COORDINATES = ("dataset", "origin", "host", "repeat", "fold", "seed", "setting", "n_train", "n_test")


@dataclass(frozen=True)
class Asked:
    """How a table is to be read, as far as somebody said so."""

    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The name of the column (of two columns for ``split``, with a comma between), by role."""
    where: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Only rows in which these columns hold these values are read."""
    ignore: Sequence[str] = ()
    """Columns that are not read."""
    wide: bool = False
    """Every column that is no coordinate is a method."""
    higher_is_better: bool = False
    """The values are scores: an error is ``best`` minus the score."""
    best: float | None = None
    """The highest score there can be; 1 unless given."""
    test_to_train: float | None = None
    """Test rows divided by training rows of every split, where no column tells."""
    methods: Sequence[str] = ()
    """Names that must be methods; where no column names methods and they are columns, the table is wide."""


@dataclass(frozen=True)
class Layout:
    """Which column is what."""

    form: str
    """``long``, ``wide`` or ``records`` (Swapbench's own)."""
    columns: Mapping[str, str]
    """By role: dataset, origin, method, host, repeat, fold, seed, setting, error or score, seconds, n_train,
    n_test. Without ``dataset`` the table is one data set."""
    values: tuple[str, ...]
    """The columns that hold errors or scores: one, or in a wide table one per method."""
    guessed: frozenset[str]
    """The roles that were told by the columns' names."""
    unread: tuple[str, ...]


def column(asked: str, known: Sequence[str], name: str, option: str) -> str:
    """The known column of that name, whatever its case.

    Raises
    ------
    RequestError
        When there is none or there are two; names the nearest.
    """
    if asked in known:
        return asked
    alike = [one for one in known if one.casefold() == asked.casefold()]
    if len(alike) == 1:
        return alike[0]
    raise RequestError(f"{name}: no column '{asked}' ({option}), {nearest(asked, known)}")


def settle(header: Sequence[str], texts: Collection[str], asked: Asked, name: str) -> Layout:
    """What each column of the header is.

    Parameters
    ----------
    header : sequence of str
        The columns' names.
    texts : collection of str
        Those that hold anything but numbers.

    Raises
    ------
    RequestError
        When options contradict each other, or a needed column is not there or could be two.
    """
    _check_options(asked, name)
    ignored = [column(one, header, name, "--ignore") for one in asked.ignore]
    left = [one for one in header if one not in ignored]
    said = _said(asked, left, name)
    if set(left) >= OWN and not asked.wide:
        return _records(left, said, asked, name)
    methods = [one for one in asked.methods if one in left]
    if asked.wide or ("method" not in said and not _alike("method", left, said, methods) and methods):
        return _wide(left, texts, said, asked, name)
    return _long(left, texts, said, asked, name)


def _check_options(asked: Asked, name: str) -> None:
    said = asked.columns
    for role in said:
        if role not in ROLES:
            raise RequestError(f"{name}: no column can be said to be the '{role}', {nearest(role, ROLES)}")
    if asked.best is not None and not asked.higher_is_better:
        raise RequestError(f"--best {asked.best:g} is of scores: it goes with --higher-is-better")
    if "score" in said and "error" in said:
        raise RequestError("--error and --score: name one column, the other is not needed")
    if "score" in said and not asked.higher_is_better:
        raise RequestError(
            f"--score {said['score']} --higher-is-better makes errors of scores (--best, 1 unless given,"
            f" minus score); where smaller is better write --error {said['score']}"
        )
    if "error" in said and asked.higher_is_better:
        raise RequestError(
            f"an error is never better when higher: --score {said['error']} --higher-is-better"
        )
    if asked.wide and (clash := sorted({"method", "error", "score", "seconds"} & set(said))):
        raise RequestError(f"--{clash[0]} {said[clash[0]]}: with --wide every method is a column of its own")


def _said(asked: Asked, left: Sequence[str], name: str) -> dict[str, str]:
    """The columns that were named, by role; ``split`` becomes fold, or repeat and fold."""
    said = {}
    for role, wanted in asked.columns.items():
        if role != "split":
            said[role] = column(wanted, left, name, f"--{role}")
            continue
        parts = [wanted] if wanted in left else [part.strip() for part in wanted.split(",")]
        if len(parts) > 2:
            raise RequestError(f"{name}: --split {wanted}: one column, or two such as Rep,Fold")
        found = [column(part, left, name, "--split") for part in parts]
        said |= dict(zip(("repeat", "fold")[-len(found) :], found, strict=True))
    roles: dict[str, str] = {}
    for role, one in said.items():
        if one in roles:
            raise RequestError(f"{name}: column '{one}' cannot be both {roles[one]} and {role}")
        roles[one] = role
    return said


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def _alike(role: str, left: Sequence[str], said: Mapping[str, str], methods: Collection[str]) -> list[str]:
    """The columns that could be the role by their names."""
    taken = {*said.values(), *methods}
    return [one for one in left if one not in taken and _plain(one) in COMMON[role]]


def _guess(
    roles: Sequence[str],
    left: Sequence[str],
    said: Mapping[str, str],
    asked: Asked,
    name: str,
) -> dict[str, str]:
    """The columns known by their names, by role."""
    found: dict[str, str] = {}
    for role in roles:
        if role in said or ("fold" in said and role == "repeat"):
            continue
        alike = _alike(role, left, said, asked.methods)
        if len(alike) > 1:
            option = {"repeat": "split", "fold": "split"}.get(role, role)
            shown = ", ".join(f"'{one}'" for one in alike)
            raise RequestError(
                f"{name}: {shown} could each be the {option}; say which: --{option} {alike[0]}"
            )
        if alike:
            found[role] = alike[0]
    return found


def _records(left: Sequence[str], said: dict[str, str], asked: Asked, name: str) -> Layout:
    if asked.higher_is_better and "score" not in said:
        raise RequestError(f"{name}: --higher-is-better goes with --score COL")
    own = {"dataset": "task", "method": "component", "repeat": "repeat", "fold": "fold", "setting": "setting"}
    own |= {role: role for role in ("origin", "host", "seed") if role in left}
    if "score" not in said:
        own["error"] = "error"
    columns = own | said
    value = columns["score" if "score" in said else "error"]
    return Layout("records", columns, (value,), frozenset(), ())


def _long(
    left: Sequence[str], texts: Collection[str], said: dict[str, str], asked: Asked, name: str
) -> Layout:
    value = "score" if asked.higher_is_better else "error"
    roles = (*COORDINATES, "method", "seconds", value)
    guessed = _guess(roles, left, said, asked, name)
    columns = said | guessed
    unread = [one for one in left if one not in columns.values() and not _counts_rows(one, texts)]
    if "method" not in columns:
        raise RequestError(
            f"{name}: no column names the methods: --method COL, or --wide where every method is a column"
            f" ({_shown(unread)})"
        )
    if value not in columns:
        raise RequestError(f"{name}: {_no_value(value, left, said, asked, unread)}")
    if "dataset" not in columns and (names := [one for one in unread if one in texts]):
        raise RequestError(f"{name}: no column names the data sets: --dataset COL ({_shown(names)})")
    return Layout("long", columns, (columns[value],), frozenset(guessed), tuple(unread))


def _no_value(
    value: str, left: Sequence[str], said: Mapping[str, str], asked: Asked, unread: Sequence[str]
) -> str:
    scores = _alike("score", left, said, asked.methods)
    if value == "error" and scores:
        return f"no error among the columns; a score? --score {scores[0]} --higher-is-better"
    return f"no column is known as {value}: --{value} COL ({_shown(unread)})"


def _wide(
    left: Sequence[str], texts: Collection[str], said: dict[str, str], asked: Asked, name: str
) -> Layout:
    if clash := sorted({"error", "score", "seconds"} & set(said)):
        raise RequestError(
            f"--{clash[0]} {said[clash[0]]}: no column names the methods, so each has a column of its own"
            " (--method COL names them)"
        )
    guessed = _guess(COORDINATES, left, said, asked, name)
    columns = said | guessed
    rest = [one for one in left if one not in columns.values()]
    words = [one for one in rest if one in texts and one not in asked.methods]
    if "dataset" not in columns and len(words) == 1:
        guessed["dataset"] = columns["dataset"] = words[0]
        rest.remove(words[0])
    if "dataset" not in columns and words:
        raise RequestError(f"{name}: no column names the data sets: --dataset COL ({_shown(words)})")
    methods = tuple(one for one in rest if not _counts_rows(one, texts))
    if not methods:
        raise RequestError(f"{name}: --wide, but no column is left to be a method")
    return Layout("wide", columns, methods, frozenset(guessed), ())


def _counts_rows(name: str, texts: Collection[str]) -> bool:
    """Whether a column holds the row numbers that a table was saved with: it has no name of its own."""
    return name not in texts and re.fullmatch(r"|Unnamed: \d+|__index_level_\d+__", name) is not None


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"left are {', '.join(names[:12])}{more}" if names else "no column is left"
