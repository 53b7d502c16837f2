"""Judges a table of results from anywhere: a paper's, a board's, one's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import RequestError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.foreign import Asked, Completed, Foreign
    from benchmark.judge import Judgement
    from benchmark.judge.side_by_side.board import Board
    from benchmark.report import About

__all__ = ["JudgedTable", "TableQuestion", "judge_table"]

ROLES = ("candidate", "baseline")


@dataclass(frozen=True)
class TableQuestion:
    """Who is compared with whom in a table, and by which rule."""

    candidates: Sequence[str] = ()
    """Every other method unless given."""
    baselines: Sequence[str] = ()
    leaderboard: bool = False
    """All of the table's methods side by side."""
    all_pairs: bool = False
    """The same, with a verdict on every pair."""
    missing: str = "refuse"
    """What becomes of rows that are not there: ``refuse``, ``fail`` or ``drop``."""
    rope: float = 0.01
    level: float = 0.95
    host_effects: str = "auto"
    alpha: float = 0.05
    """Of the tests of a leaderboard."""


@dataclass(frozen=True, eq=False)
class JudgedTable:
    """What a table supports, and how it was read."""

    foreign: Foreign
    completed: Completed
    """The records that were judged."""
    judgement: Judgement
    """Without comparisons where no baseline was named."""
    board: Board | None
    """Where a leaderboard or all pairs were asked for."""
    about: About
    page: Path | None = None

    @property
    def failures(self) -> int:
        """Records without a finite error."""
        return int((self.completed.records["status"] != "ok").sum())

    def to_json(self) -> dict[str, Any]:
        """``verdict.json`` as plain values."""
        verdict = self.judgement.to_json(study=self.foreign.name, slot="", metric=self.foreign.metric)
        return verdict | self.further()

    def further(self) -> dict[str, Any]:
        """What only a table's ``verdict.json`` has: ``table``, and ``board`` where it was asked for."""
        from benchmark.foreign import told

        counts = {
            "missing": self.completed.missing,
            "dropped": self.completed.dropped,
            "failures": self.failures,
        }
        board = {} if self.board is None else {"board": self.board.to_json()}
        return {**board, "table": {**told(self.foreign), **counts}}


def judge_table(
    table: Path | str | pd.DataFrame,
    asked: Asked,
    question: TableQuestion,
    *,
    out: Path | None = None,
) -> JudgedTable:
    """What the table supports; with ``out`` also the page and its files, in ``out/report``.

    ``asked`` says how the table is to be read: see ``foreign.read_table``.

    Raises
    ------
    RequestError
        In one line, where the table cannot be read, a method is not in it, or results are missing.
    """
    from benchmark.foreign import complete, read
    from benchmark.judge.flags import attached, raised

    if out is not None and out.exists() and not out.is_dir():
        raise RequestError(f"--out {out}: a file of that name is there, and a folder is to be written")
    sides = (*question.candidates, *question.baselines)
    foreign = read(table, dataclasses.replace(asked, methods=sides))
    candidates, baselines = _arms(foreign, question)
    whole = question.leaderboard or question.all_pairs
    compared = foreign.methods if whole else (*candidates, *baselines)
    completed = complete(foreign.records, compared, question.missing, foreign.name)
    completed = dataclasses.replace(
        completed, records=_described(completed.records, candidates, baselines, foreign)
    )
    board = _board(completed.records, foreign, question) if whole else None
    judgement = _judgement(completed.records, candidates, baselines, board, question)
    judgement = attached(judgement, raised(completed.records, judgement))
    if not question.candidates:
        judgement = dataclasses.replace(judgement, primary=None)  # nobody said which one was asked for
    about = _about(foreign, completed, judgement, question, asked)
    found = JudgedTable(foreign, completed, judgement, board, about)
    if out is None:
        return found
    from benchmark import report

    page = report.write(
        out, about=about, judgement=judgement, records=completed.records, further=found.further()
    )
    return dataclasses.replace(found, page=page)


def _arms(foreign: Foreign, question: TableQuestion) -> tuple[list[str], list[str]]:
    """Candidates and baselines: as named, else by the roles in Swapbench's own records."""
    from benchmark.foreign import method_of

    candidates = [method_of(foreign, one) for one in dict.fromkeys(question.candidates)]
    baselines = [method_of(foreign, one) for one in dict.fromkeys(question.baselines)]
    if foreign.layout.form == "records":
        of_role = {role: _in_role(foreign.records, role) for role in ROLES}
        baselines = baselines or ([] if question.leaderboard or question.all_pairs else of_role["baseline"])
        candidates = candidates or (of_role["candidate"] if baselines else [])
    if candidates and not baselines:
        raise RequestError(
            f"--baseline B: what {candidates[0]} is compared with; {nearest('', foreign.methods)}"
        )
    if not baselines and not (question.leaderboard or question.all_pairs):
        raise RequestError(
            f"{foreign.name}: --candidate A --baseline B, --baseline B for all others against it,"
            f" --leaderboard or --all-pairs; {nearest('', foreign.methods)}"
        )
    if both := [one for one in candidates if one in baselines]:
        raise RequestError(f"'{both[0]}' is both candidate and baseline")
    if baselines and not candidates:
        candidates = [one for one in foreign.methods if one not in baselines]
    if baselines and not candidates:
        raise RequestError(
            f"{foreign.name}: '{baselines[0]}' is its only method, so there is nothing to compare"
        )
    return candidates, baselines


def _in_role(records: pd.DataFrame, role: str) -> list[str]:
    return list(dict.fromkeys(records.loc[records["role"] == role, "component"].astype("str")))


def _described(
    records: pd.DataFrame, candidates: Sequence[str], baselines: Sequence[str], foreign: Foreign
) -> pd.DataFrame:
    """The records with each arm's role and the metric's name, as reports show them."""
    if foreign.layout.form == "records":
        return records
    roles = dict.fromkeys(foreign.methods, "none")
    roles |= dict.fromkeys(baselines, "baseline") | dict.fromkeys(candidates, "candidate")
    return records.assign(role=records["component"].map(roles), metric=foreign.metric)


def _board(records: pd.DataFrame, foreign: Foreign, question: TableQuestion) -> Board:
    from benchmark.judge.side_by_side.board import board

    if len(foreign.methods) < 2:
        raise RequestError(f"{foreign.name}: one method alone makes no leaderboard")
    return board(
        records,
        foreign.methods,
        alpha=question.alpha,
        rope=question.rope,
        level=question.level,
        host_effects=question.host_effects,
        pairs=question.all_pairs,
    )


def _judgement(
    records: pd.DataFrame,
    candidates: Sequence[str],
    baselines: Sequence[str],
    board: Board | None,
    question: TableQuestion,
) -> Judgement:
    import pandas as pd

    from benchmark.judge import Judgement, judge

    rule: dict[str, Any] = {
        "rope": question.rope,
        "level": question.level,
        "host_effects": question.host_effects,
    }
    if not baselines:
        return Judgement((), {}, pd.DataFrame(), board=board, **rule)
    if board is None:
        return judge(records, candidates=candidates, baselines=baselines, **rule)
    found = judge(records, candidates=candidates, baselines=baselines, board=False, **rule)
    return dataclasses.replace(found, board=board)


def _about(
    foreign: Foreign, completed: Completed, judgement: Judgement, question: TableQuestion, asked: Asked
) -> About:
    from benchmark.report import About

    read = ", ".join(f"{role} in {one}" for role, one in foreign.layout.columns.items())
    form = f"{foreign.layout.form} table{read and ': ' + read}"
    missing = {
        "refuse": "none",
        "fail": f"{completed.missing}, counted as failures",
        "drop": f"{completed.missing}; their {completed.dropped} blocks were left out of every method",
    }
    host_effects = f"{judgement.host_effects} (asked for: {question.host_effects})"
    return About(
        name=foreign.name,
        question=_in_words(foreign, judgement),
        protocol=(
            ("Table", f"{foreign.rows} rows, {len(foreign.methods)} methods ({form})"),
            ("Error", _error(foreign, asked)),
            ("Missing rows", missing[question.missing] if completed.missing else "none"),
            ("Smallest effect that counts (ROPE, δ)", f"{100 * question.rope:g} %"),
            ("Level", f"{100 * question.level:g} %, alpha {1 - question.level:.3g}"),
            *([("Host effects", host_effects)] if judgement.comparisons else []),
        ),
        kind="Table",
    )


def _error(foreign: Foreign, asked: Asked) -> str:
    """How the judged errors come from the table's values."""
    value = "the table's value" if foreign.layout.form == "wide" else foreign.metric
    if asked.higher_is_better:
        return f"{1.0 if asked.best is None else asked.best:g} minus {value}"
    return f"{value} as it stands, smaller is better"


def _in_words(foreign: Foreign, judgement: Judgement) -> str:
    candidates, baselines = (
        list(dict.fromkeys(getattr(one, side) for one in judgement.comparisons)) for side in ROLES
    )
    if not candidates:
        return f"How do its {len(foreign.methods)} methods compare?"
    who = candidates[0] if len(candidates) == 1 else f"one of {len(candidates)} methods"
    return f"Is {who} better than {' or '.join(baselines)}?"
