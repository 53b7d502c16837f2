"""Which rows are trained on, selected on and tested on: instantiated once per task, shared by every arm."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from benchmark.errors import RequestError, nearest
from benchmark.plan.schemes import SCHEME_OF, Source
from benchmark.spec import SCHEMES, Split, SplitBasis, Splitting, Task

__all__ = ["scheme_of", "splits"]

Rows = npt.NDArray[np.int64]


def splits(task: Task, basis: SplitBasis, splitting: Splitting, seed: int) -> tuple[Split, ...]:
    """Every (repeat, fold) of the task's scheme, in that order.

    ===============  ============================================================================
    scheme           test parts
    ===============  ============================================================================
    ``own``          those that come with the data, exactly: the first folds of the first repeats
    ``kfold``        each row once per repeat; level within a row, and so is each class in them
    ``holdout``      the share ``test`` of the rows, of every class, drawn anew for every repeat
    ``group``        each group once per repeat; level in rows and classes as well as groups allow
    ``temporal``     ``folds`` blocks of time after a first one, each after training on all before
    ``leave_one_out``  each row once
    ===============  ============================================================================

    Of each training part ``splitting.validation`` (rounded up) is held back: in ``temporal`` and in a
    task's own splits by time the latest rows; elsewhere whole groups where the task has any; elsewhere by
    class: a class keeps a row in training first, then gets one in validation where the sizes allow.
    Between training and a later part ``basis.gap`` times are left out. The outcome depends on the data,
    ``splitting`` and ``seed`` alone, not on names. ``temporal`` and ``leave_one_out`` have one repeat,
    since nothing about their test parts is random.

    Parameters
    ----------
    task
        Facts about the data.
    basis
        What splitting may look at, row by row.
    splitting
        The scheme, its numbers of repeats and folds, and its shares.
    seed
        The study's root seed.

    Raises
    ------
    RequestError
        For a splitting that this task does not allow, and for splits of the data that contradict
        themselves.
    """
    if splitting.repeats < 1:
        raise RequestError(f"protocol.splits.repeats={splitting.repeats}: at least 1 is needed")
    if not 0 < splitting.validation < 1:
        raise RequestError(f"protocol.splits.validation={splitting.validation}: choose a share such as 0.2")
    source = Source(
        name=task.name,
        fingerprint=task.fingerprint,
        codes=_codes(basis.classes) if splitting.stratify else np.zeros(task.n_rows, np.int64),
        groups=basis.groups,
        time=basis.time,
        gap=basis.gap,
        own=basis.own,
        splitting=splitting,
        seed=seed,
    )
    return tuple(_split(*parts) for parts in SCHEME_OF[scheme_of(basis, splitting)](source))


def scheme_of(basis: SplitBasis, splitting: Splitting) -> str:
    """The scheme's name; what ``auto`` stands for: own, else group, else temporal, else kfold.

    Raises
    ------
    RequestError
        For a scheme that does not exist.
    """
    if splitting.scheme not in SCHEMES:
        hint = nearest(splitting.scheme, SCHEMES)
        raise RequestError(f"protocol.splits.scheme: there is no '{splitting.scheme}'; {hint}")
    if splitting.scheme != "auto":
        return splitting.scheme
    if basis.own:
        return "own"
    if basis.groups is not None:
        return "group"
    return "kfold" if basis.time is None else "temporal"


def _codes(classes: npt.ArrayLike) -> Rows:
    return np.unique(np.asarray(classes), return_inverse=True)[1].astype(np.int64)


def _split(repeat: int, fold: int, train: Rows, validation: Rows, test: Rows) -> Split:
    digest = hashlib.sha256()
    for rows in (train, validation, test):
        rows.flags.writeable = False
        digest.update(len(rows).to_bytes(8, "little"))
        digest.update(rows.astype("<i8").tobytes())
    return Split(repeat, fold, train, validation, test, digest.hexdigest())
