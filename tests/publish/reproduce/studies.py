"""Studies made of random numbers, and honest or dishonest repetitions of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

COORDINATE = ["task", "host", "repeat", "fold", "setting", "seed"]


@dataclass
class Study:
    """Published records, and what the same cells would be if they were run again."""

    records: pd.DataFrame
    """With ``now``: the error of an honest repetition."""
    random: np.random.Generator

    def cells(self, share: float = 1.0) -> pd.DataFrame:
        """The cells of a random share of the splits, tasks by turns, as they are compared."""
        blocks = self.records[["task", "host", "fold"]].drop_duplicates()
        blocks = blocks.assign(drawn=self.random.random(len(blocks))).sort_values("drawn")
        blocks = blocks.assign(turn=blocks.groupby("task").cumcount()).sort_values(["turn", "drawn"])
        blocks = blocks.head(int(np.ceil(share * len(blocks))))[["task", "host", "fold"]]
        found = self.records.merge(blocks).rename(
            columns={"error": "error_then", "status": "status_then", "now": "error_now"}
        )
        found["status_now"], found["same_predictions"] = "ok", found["error_then"] == found["error_now"]
        return found


def made(
    random: np.random.Generator,
    again: float,
    *,
    tasks: int = 8,
    hosts: int = 1,
    folds: int = 3,
    seeds: int = 2,
    aa: int = 2,
    rows: int | None = None,
) -> Study:
    """A study and its repetition; noise is different by task, skewed, and shared within a tuning.

    ``again``: how large the noise of the repetition is, 0 (the same bits) to 1 (as of other seeds).
    ``rows``: errors are counts of so many test rows.
    """
    arms = [("baseline", "old", 0), ("candidate", "new", 0), ("candidate", "other", 0)]
    arms += [("aa", "old", replicate) for replicate in range(1, aa + 1)]
    places = list(itertools.product(range(tasks), range(hosts), [0], range(folds), [0, 1], range(seeds)))
    task, host, _, fold, tuned, seed = np.array(places).T
    level = (
        random.normal(-1.5, 0.7, (tasks, hosts))[task, host]
        + random.normal(0, 0.3, (tasks, folds))[task, fold]
    )
    spread = (
        np.exp(random.normal(-3.5, 0.8, tasks))[task]
        * np.exp(random.normal(0, 0.4, (tasks, folds)))[task, fold]
    )

    def noise() -> np.ndarray:
        of_seed = random.gamma(2.0, size=len(places)) - 2
        of_tuning = random.standard_t(4, (tasks, hosts, folds))[task, host, fold] * tuned
        return np.asarray(spread * (of_seed + of_tuning))

    frames = []
    kept = 1 - again**2 / 2  # then and now differ as much as two seeds do, times ``again``
    for role, component, replicate in arms:
        own = noise()
        now = kept * own + np.sqrt(1 - kept**2) * noise() if 0 < again < 1 else noise() if again else own
        frame = pd.DataFrame(places, columns=["task", "host", "repeat", "fold", "setting", "seed"])
        frame = frame.assign(role=role, component=component, replicate=replicate, control="", status="ok")
        gain = random.normal(0, 0.05, tasks)[task] if role == "candidate" else 0.0
        for name, moved in (("error", own), ("now", now)):
            frame[name] = np.minimum(np.exp(level + gain + moved), 1.0)
            if rows is not None:
                frame[name] = np.round(frame[name] * rows) / rows
        frames.append(frame)
    records = pd.concat(frames, ignore_index=True)
    records["task"] = [f"t{number:02}" for number in records["task"]]
    records["host"] = [f"h{number}" for number in records["host"]]
    records["setting"] = ["tuned" if number else "default" for number in records["setting"]]
    return Study(records.assign(origin=records["task"]), random)


def any_shape(random: np.random.Generator) -> dict[str, int]:
    """How large a study may be."""
    return {
        "tasks": int(random.integers(5, 21)),
        "hosts": int(random.integers(1, 4)),
        "folds": int(random.integers(2, 6)),
        "seeds": int(random.integers(1, 4)),
        "aa": int(random.integers(1, 3)),
    }


def forged(study: Study, kind: str) -> None:
    """Publish other errors for one candidate than it made; or run other code (``changed``)."""
    arm = study.records["component"] == "new"
    where = "now" if kind == "changed" else "error"
    error = study.records[where].to_numpy(copy=True)
    if kind.startswith("better by "):
        error[arm] *= 1 - float(kind.removeprefix("better by ").removesuffix(" %")) / 100
    elif kind in ("made up", "changed"):
        pair = study.records[study.records["replicate"] < 2]
        wide = pair[pair["component"] == "old"].pivot(index=COORDINATE, columns="replicate", values="error")
        size = np.log(wide[0] / wide[1]).groupby(level="task").std()
        moved = study.records.loc[arm, "task"].map(size).to_numpy() * 3
        error[arm] *= np.exp(moved * study.random.standard_normal(arm.sum()))
    elif kind == "one task":
        error[arm & (study.records["task"] == "t00")] *= 0.7
    else:
        assert kind == "nothing"
    study.records[where] = error
