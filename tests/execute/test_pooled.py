"""Metrics of all folds together: real records under leave-one-out, and what happens where folds fail."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

from benchmark.data import describe, load
from benchmark.execute.cell import run_job
from benchmark.execute.pooled import Truth, pooled, truth_of
from benchmark.plan.grid import Plan, expand
from benchmark.plan.keys import Environment
from benchmark.plan.splits import splits
from benchmark.records.store import Place, Store, open_store
from benchmark.spec import Dataset, Pipeline, Protocol, Splitting, Study, Task, Trial, Tuning

Array = np.ndarray[Any, Any]

BINARY = Dataset("cells", "bundled", "sklearn.breast_cancer", "target", metric="roc_auc", rows=20)
VALUES = Dataset("patients", "bundled", "sklearn.diabetes", "target", rows=15)
LEAVE_ONE_OUT = Splitting("leave_one_out", validation=0.4)


@dataclasses.dataclass
class Ran:
    """A study that was run, and what pooling needs."""

    store: Store
    plan: Plan
    truth: Truth
    splitting: Splitting

    @property
    def records(self) -> pd.DataFrame:
        return self.store.record_table("s")

    @property
    def pooled(self) -> pd.DataFrame:
        return pooled(self.records, self.plan.tasks, self.truth, self.store.prediction)


def run(
    folder: Path, card: Dataset, splitting: Splitting, pipeline: Callable[[str], Pipeline]
) -> Iterator[Ran]:
    """Fit two references on every split of a card, for real."""
    names = ("featureless", "linear")
    protocol = Protocol(splits=splitting, seeds=1, aa=0, tuning=Tuning(trials=1))
    study = Study("s", "?", ("estimator",), (), (), (), names, (card.name,), "", protocol)
    data = load(card)
    task = describe(card, data)
    plan = expand(
        study,
        components={},
        hosts={},
        references={name: pipeline(name) for name in names},
        datasets={card.name: card},
        tasks={card.name: task},
        splits={card.name: [one.facts for one in splits(task, data.basis(), splitting, study.seed)]},
        missing={},
        environment=Environment("cpu", {}, ""),
    )
    with open_store(folder, write=True) as store:
        for job in plan.jobs():
            for outcome in chain.from_iterable(run_job(job, {})):
                if not isinstance(outcome.row, Trial):
                    store.put([(outcome.row, outcome.prediction, outcome.prediction_of)], "")
        places = (
            Place(row.arm.role, row.slot, cell, task.origin, key)
            for row in plan.rows
            for cell, key in row.cells()
        )
        store.link("s", "all of it", places, [])
        yield Ran(store, plan, truth_of({card.name: card}, plan.tasks, splitting, study.seed), splitting)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory, pipeline: Callable[[str], Pipeline]) -> Iterator[Ran]:
    """Area under the curve, a row at a time."""
    yield from run(tmp_path_factory.mktemp("binary"), BINARY, LEAVE_ONE_OUT, pipeline)


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory, pipeline: Callable[[str], Pipeline]) -> Iterator[Ran]:
    """Root mean squared error, a row at a time."""
    yield from run(tmp_path_factory.mktemp("values"), VALUES, LEAVE_ONE_OUT, pipeline)


def together(ran: Ran, rows: pd.DataFrame) -> tuple[Array, Array]:
    """Target and predictions of some records, one after the other."""
    truths = [ran.truth(*place)[0] for place in rows[["task", "repeat", "fold"]].itertuples(index=False)]
    predictions = [ran.store.prediction(key) for key in rows["key"]]
    assert all(prediction is not None for prediction in predictions)
    return np.concatenate(truths), np.concatenate([p for p in predictions if p is not None])


def test_single_rows_leave_the_metric_open(binary: Ran) -> None:
    records = binary.records
    assert (records["status"] == "ok").all() and records["error"].isna().all()
    assert records["reason"].str.contains("roc_auc is not defined").all()
    assert not records["pooled"].any()


def test_leave_one_out_gets_the_area_under_the_pooled_curve(binary: Ran) -> None:
    found = binary.pooled
    assert len(found) == 2 * 20 * 2 and found["pooled"].all()
    for (component, _), rows in found.groupby(["component", "setting"]):
        y, prediction = together(binary, rows)
        area = roc_auc_score(y, prediction[:, 1])
        assert rows["score"].to_numpy() == pytest.approx(np.full(20, area))
        assert rows["error"].mean() == pytest.approx(1 - area)
        assert rows["metric_roc_auc"].to_numpy() == pytest.approx(np.full(20, area))
        assert rows["metric_log_loss"].mean() == pytest.approx(log_loss(y, prediction[:, 1]), rel=1e-5)
        if component == "linear":
            assert area > 0.9
    assert found["reason"].str.endswith("; pooled over 20 folds").all()
    assert not found["reason"].str.contains("pooled over the folds").any()


def test_the_featureless_error_is_the_pooled_one(binary: Ran) -> None:
    found = binary.pooled
    floor = found.loc[found["component"] == "featureless", "error"].unique()
    assert len(floor) == 1 and (found["featureless_error"] == floor[0]).all()


def test_leave_one_out_of_values_is_pooled_though_every_row_defines_its_error(values: Ran) -> None:
    before, found = values.records, values.pooled
    assert before["error"].notna().all() and found["pooled"].all()
    for _, rows in found.groupby(["component", "setting"]):
        y, prediction = together(values, rows)
        assert rows["error"].to_numpy() == pytest.approx(
            np.full(15, root_mean_squared_error(y, prediction)), rel=1e-6
        )
    assert found["error"].mean() > before["error"].mean()
    assert (found["reason"] == "pooled over 15 folds").all()


def test_folds_that_define_their_metric_stay_as_they_are(
    tmp_path: Path, pipeline: Callable[[str], Pipeline]
) -> None:
    for ran in run(tmp_path, VALUES, Splitting(folds=3), pipeline):
        pd.testing.assert_frame_equal(ran.pooled, ran.records)


def test_pooling_twice_and_the_order_of_the_records_change_nothing(binary: Ran) -> None:
    shuffled = binary.records.sample(frac=1, random_state=0)
    found = pooled(shuffled, binary.plan.tasks, binary.truth, binary.store.prediction)
    assert list(found["key"]) == list(shuffled["key"])
    again = pooled(found, binary.plan.tasks, binary.truth, binary.store.prediction)
    pd.testing.assert_frame_equal(again, found)
    expected = binary.pooled.set_index(["key", "setting"])[["error", "score"]]
    pd.testing.assert_frame_equal(
        found.set_index(["key", "setting"])[["error", "score"]].loc[expected.index], expected
    )


def test_an_arm_with_a_failed_fold_has_no_pooled_value(binary: Ran) -> None:
    records = binary.records
    broken = (records["component"] == "linear") & (records["setting"] == "tuned") & (records["fold"] == 7)
    records.loc[broken, ["status", "reason"]] = ["timeout", "300 s are over"]
    found = pooled(records, binary.plan.tasks, binary.truth, binary.store.prediction)
    arm = (found["component"] == "linear") & (found["setting"] == "tuned")
    assert (found.loc[arm & ~broken, "status"] == "failed").all()
    assert set(found.loc[arm & ~broken, "reason"]) == {
        "cannot be pooled, since fold 7 is timeout: 300 s are over"
    }
    assert found.loc[broken, ["status", "reason"]].to_numpy().tolist() == [["timeout", "300 s are over"]]
    empty = ["error", "score", "validation_error", "train_error", "test_errors", "metric_log_loss"]
    assert found.loc[arm, empty].isna().all(axis=None) and not found.loc[arm, "pooled"].any()
    assert found.loc[~arm, "pooled"].all() and found.loc[~arm, "error"].notna().all()


def test_without_its_predictions_nothing_is_pooled(binary: Ran) -> None:
    found = pooled(binary.records, binary.plan.tasks, binary.truth, lambda _: None)
    assert (found["status"] == "failed").all()
    assert set(found["reason"]) == {"cannot be pooled, since the predictions of fold 0 are not kept"}


def test_all_arms_of_a_repeat_are_pooled_together_and_other_repeats_left_alone() -> None:
    # Fold 1 of repeat 0 tests one class only; "late" failed there, so that its record does not say so.
    y = {(0, 0): [0, 1, 1], (0, 1): [1, 1], (1, 0): [0, 1], (1, 1): [1, 0, 1]}
    weights = {place: np.linspace(1, 2, len(target)) for place, target in y.items()}
    columns = "component repeat fold status error".split()
    rows = [
        (arm, repeat, fold, "ok", np.nan if (repeat, fold) == (0, 1) else 0.25)
        for arm in ("on time", "late")
        for repeat, fold in y
    ]
    table = pd.DataFrame(rows, columns=columns)
    table.loc[5, ["status", "error"]] = ["crashed", np.nan]
    table["key"] = [str(row) for row in table.index]
    table = table.assign(role="candidate", host="", task="t", seed=0, setting="default", replicate=0)
    table = table.assign(control="", reason="", score=0.75, validation_error=0.1, test_errors=1.0, n_test=2)
    table = table.assign(featureless_error=np.nan, pooled=False, metric_accuracy=0.5)
    predictions = {
        key: np.random.default_rng(row).dirichlet([1, 1], len(y[place])).astype(np.float32)
        for row, (key, place) in enumerate(zip(table["key"], [*y, *y], strict=True))
    }
    task = Task("t", "t", "tabular", "binary", "roc_auc", 10, 2, 2, "f", weighted=True)

    def truth(_: str, repeat: int, fold: int) -> tuple[Array, Array | None]:
        return np.array(y[repeat, fold]), weights[repeat, fold]

    found = pooled(table, {"t": task}, truth, predictions.get)
    assert found["pooled"].tolist() == [True, True, *[False] * 6]
    assert found["status"].tolist() == [*["ok"] * 4, "failed", "crashed", "ok", "ok"]
    area = roc_auc_score(
        [*y[0, 0], *y[0, 1]],
        np.concatenate([predictions["0"], predictions["1"]])[:, 1],
        sample_weight=np.concatenate([weights[0, 0], weights[0, 1]]),
    )
    assert found["score"][:2].tolist() == pytest.approx([area, area])
    pd.testing.assert_frame_equal(found.loc[[2, 3, 6, 7], columns], table.loc[[2, 3, 6, 7], columns])


def test_what_no_fold_defines_even_together_has_failed() -> None:
    base = {"role": "candidate", "component": "a", "host": "", "task": "t", "repeat": 0, "seed": 0}
    base |= {
        "setting": "default",
        "replicate": 0,
        "control": "",
        "status": "ok",
        "reason": "",
        "error": np.nan,
    }
    base |= {"score": np.nan, "validation_error": 0.1, "test_errors": 0.0, "n_test": 2, "pooled": False}
    table = pd.DataFrame([{**base, "fold": fold, "key": str(fold)} for fold in (0, 1)])
    task = Task("t", "t", "tabular", "binary", "roc_auc", 10, 2, 2, "f")
    prediction = np.full((2, 2), 0.5, np.float32)
    found = pooled(table, {"t": task}, lambda *_: (np.array([1, 1]), None), lambda _: prediction)
    assert (found["status"] == "failed").all()
    assert found["reason"].str.endswith("only one class is present, in all 2 folds together").all()


def test_the_truth_is_read_once_per_task(monkeypatch: pytest.MonkeyPatch) -> None:
    data = load(VALUES)
    task = describe(VALUES, data)
    read: list[str] = []

    @functools.wraps(load)
    def counted(card: Dataset, fingerprint: str) -> Any:
        read.append(card.name)
        return load(card, fingerprint)

    monkeypatch.setattr("benchmark.data.load", counted)
    truth = truth_of({"patients": VALUES}, {"patients": task}, Splitting(folds=3), 0)
    tested = np.concatenate([truth("patients", 0, fold)[0] for fold in range(3)])
    assert np.array_equal(np.sort(tested), np.sort(data.y)) and read == ["patients"]
