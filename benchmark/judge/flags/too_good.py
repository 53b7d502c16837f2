"""What is too good to be true: test rows easier than training rows, no error at all, a leap past all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmark.findings import Finding, Severity
from benchmark.judge.controls import SURE
from benchmark.judge.flags.seen import Seen, arm, mean_over_origins, share_saved, subject
from benchmark.judge.intervals import Estimate, interval
from benchmark.judge.verdict import ORIGINS_NEEDED
from benchmark.judge.words import percent

__all__ = ["better_on_test_than_train", "larger_than_references", "perfect_score"]

MARGIN = 0.05
"""A test error below the training error by less than this share is nothing to look into."""
EASIER = 0.3
"""A test error below the training error by more than this share: less may be rows in time, or a preprocessor
that encodes the training rows alone out of fold, and with more noise."""
LEAP = 0.3
"""A lead over the best strong reference that no component makes: on average past what lies between the
references, or on every origin. Of 7,600 pairs of published learners on five to ten data sets, beside
two to five classical ones, none did."""
NEXT_TO_NONE = 1e-5
"""An error of this share of the featureless one is next to none: less than targets of four digits are rounded
by, and than a network reaches in single precision."""
FAR = 0.1
"""An error that is at least this share of the featureless one is far from none at all."""
WRONG_ROWS = 10
"""Rows that the best other arm gets wrong: none at all happens by chance once in twenty thousand tasks."""
STRONG = 0.9
"""A reference whose error is a larger share of the featureless one is no strong reference."""


def better_on_test_than_train(seen: Seen) -> Iterator[Finding]:
    """An arm's test error is smaller than its error on the rows it was trained on, and by more than noise."""
    if not seen.knows("train_error"):
        return
    for component, setting in seen.arms():
        cells = seen.of(component, setting)
        cells = cells.assign(gap=share_saved(cells["train_error"], cells["error"]))
        found = mean_over_origins(cells, "gap")
        if found is None or not found.mean > MARGIN or not _above(found, 0.0, 0.95):
            continue
        lower = int((cells["gap"] > 0).sum())
        yield Finding(
            "better_on_test_than_train",
            _severity(found, EASIER),
            arm(component, setting),
            f"{component}'s error on test rows is {percent(found.mean)} below its error on the rows it was "
            f"trained on (lower in {lower} of {len(cells)} combinations of task and host)",
            why="Training rows are easier, if anything. Test rows that are easier still were seen in "
            "training, or training errors are counted otherwise.",
            advice="See what the model is in when it predicts (train or eval mode), whether labels of test "
            "rows reach the fit, and whether the training labels are those of their rows. A preprocessor "
            "that encodes training rows out of fold, and rows in time, make test rows a little easier.",
        )


def perfect_score(seen: Seen) -> Iterator[Finding]:
    """An arm makes no error at all, or next to none, on a task on which the references are far from that.

    No more than a warning where another arm comes close to that, or nobody knows how many rows were tested.
    """
    least = (
        seen.means["featureless_error"].fillna(0) * NEXT_TO_NONE if seen.knows("featureless_error") else 0.0
    )
    zero = seen.means[seen.means["error"] <= least]
    if zero.empty:
        return
    others = seen.judgement.references
    for component, setting in seen.arms():
        perfect = zero[(zero["component"] == component) & (zero["setting"] == setting)]
        for task, cells in perfect.groupby("task", sort=True):
            rest = others[(others["task"] == task) & (others["arm"] != component)]
            referred = bool((rest["role"] == "reference").any())
            rest = rest[rest["role"] == "reference"] if referred else rest
            rest = rest.dropna(subset="error").sort_values(["error", "arm"])
            if rest.empty or not _is_far(seen, str(task), cells, float(rest["error"].iloc[0])):
                continue
            best = rest.iloc[0]
            where = ", ".join(host for host in cells["host"] if host)
            among = "best reference" if referred else "best of the others"
            doubt = _doubt(seen, str(task), cells)
            made = float(cells["error"].max())
            made_none = f"next to no error ({made:.2g})" if made else "no error at all"
            yield Finding(
                "perfect_score",
                "warning" if doubt else "error",
                arm(component, setting),
                f"{component} made {made_none} on {task}{f' in {where}' if where else ''}, where the "
                f"{among} ({best['arm']}) has an error of {best['error']:.4g}",
                why="No error at all on a task that is not easy means that the answer was among the inputs"
                + (f", unless {doubt}." if doubt else "."),
                advice=f"Permute the training labels of {task} and run {component} again: its error has to "
                "rise to chance. Then drop columns one by one.",
            )


def larger_than_references(seen: Seen) -> Iterator[Finding]:
    """A candidate gains more over its baseline than lies between the worst and the best strong reference."""
    strong = _strong(seen)
    if strong["arm"].nunique() < 2:
        return
    ranges = strong.groupby("task")["error"].agg(["min", "max"])
    ranges = ranges.assign(spread=share_saved(ranges["max"], ranges["min"]))
    for c in seen.comparisons:
        cells = c.effects[c.effects["task"].isin(ranges.index)]
        spread = cells["task"].map(ranges["spread"])
        lead = share_saved(cells["task"].map(ranges["min"]), cells["error_candidate"])
        cells = cells.assign(beyond=cells["effect"] - spread, lead=lead, ahead=lead - spread)
        beyond, ahead = (mean_over_origins(cells, column) for column in ("beyond", "ahead"))
        if beyond is None or ahead is None or not beyond.mean > MARGIN:
            continue
        everywhere = _everywhere(cells)
        if not everywhere and not _above(beyond, 0.0, 0.95):
            continue
        names = ", ".join(sorted(strong["arm"].unique()))
        yield Finding(
            "larger_than_references",
            "error" if everywhere else _severity(ahead, LEAP),
            subject(c),
            f"{c.candidate} is {percent(c.effect.mean)} better than {c.baseline}, while "
            f"{percent(float(spread.groupby(cells['origin']).mean().mean()))} lie between the worst and the "
            f"best strong reference ({names})"
            + (
                f"; it is more than {percent(LEAP)} ahead of the best of them on every data set"
                if everywhere
                else ""
            ),
            why="Years of work by others make less of a difference on these data; a larger one at a stroke "
            "is a bug in the candidate's favour, or a baseline that does not learn, before it is a finding.",
            advice=f"See whether {c.baseline} reaches the references at all; if it does, look for the "
            f"candidate's advantage in what it is given rather than in what it does.",
        )


def _everywhere(cells: pd.DataFrame) -> bool:
    """Whether the lead is a leap, and larger than what lies between references, on each of enough origins."""
    of = cells.groupby("origin", observed=True)[["lead", "ahead"]].mean()
    return len(of) >= ORIGINS_NEEDED and bool(((of["lead"] > LEAP) & (of["ahead"] > 0)).all())


def _above(found: Estimate, value: float, level: float) -> bool:
    """Whether the whole interval lies above a value; a single origin has none."""
    ends = interval(found, level)
    return ends is not None and ends[0] > value


def _severity(found: Estimate, value: float) -> Severity:
    return "error" if found.origins >= ORIGINS_NEEDED and _above(found, value, SURE) else "warning"


def _doubt(seen: Seen, task: str, cells: pd.DataFrame) -> str:
    """Why no error at all may be as it should be; empty where nothing speaks for it."""
    if "n_test" not in cells.columns or cells["n_test"].isna().any():
        return "only a few rows were tested: how many is not known"
    known = seen.means[(seen.means["task"] == task) & (seen.means["component"] != cells["component"].iloc[0])]
    if known.empty:
        return ""
    close = known.sort_values(["error", "component"], kind="stable").iloc[0]
    if _is_far(seen, task, cells, float(close["error"])):
        return ""
    return f"the task can be solved: {close['component']} has an error of {close['error']:.4g}"


def _is_far(seen: Seen, task: str, cells: pd.DataFrame, error: float) -> bool:
    """Whether an error is far from none: against the featureless one, and in rows where they are counted."""
    known = seen.means[seen.means["task"] == task]
    scale = known["featureless_error"].max() if "featureless_error" in known.columns else np.nan
    scale = float(known["error"].max()) if np.isnan(scale) else float(scale)
    if not scale > 0 or error < FAR * scale:
        return False
    if (
        "test_errors" not in cells.columns
        or "n_test" not in cells.columns
        or cells["test_errors"].isna().all()
    ):
        return True
    rows = float((cells["n_test"] * _splits(seen, task)).min())
    return bool(rows * min(error, 1.0) >= WRONG_ROWS)


def _splits(seen: Seen, task: str) -> int:
    """Splits of a task that each test other rows: its folds."""
    return int(seen.rows.loc[(seen.rows["task"] == task).to_numpy(), "fold"].nunique())


def _strong(seen: Seen) -> pd.DataFrame:
    """The references that beat the featureless error on most tasks: task, arm, error."""
    table = seen.judgement.references
    table = table[(table["role"] == "reference").to_numpy() & table["error"].notna().to_numpy()]
    if table.empty or not seen.knows("featureless_error"):
        return table
    chance = seen.means.groupby("task")["featureless_error"].max()
    told = (table["error"] <= STRONG * table["task"].map(chance)).groupby(table["arm"]).mean()
    return table[table["arm"].isin(told.index[told > 0.5])]
