"""What is tried: pure functions of the trials before, resumable, and as good as their samplers should be."""

from __future__ import annotations

import dataclasses
import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.catalog import open_catalog
from benchmark.execute.cell import Outcome, failed, run_job, unfinished
from benchmark.execute.tune import START_UP, apply, best, propose
from benchmark.plan.grid import Job, PlannedCell, PlannedTrial, PlannedTuning
from benchmark.plan.keys import default_of, space_of
from benchmark.spec import (
    Budget,
    Choice,
    Pipeline,
    Protocol,
    Range,
    Record,
    Seeds,
    Splitting,
    Trial,
    Tuning,
)

SAMPLERS = ("sobol", "random", "tpe")
SPACE: Mapping[str, Range | Choice] = {
    "optimizer.lr": Range(1e-5, 1e-1, log=True),
    "optimizer.momentum": Range(0.0, 1.0),
    "optimizer.depth": Range(1, 6, integer=True),
    "optimizer.width": Range(8, 512, log=True, integer=True),
    "optimizer.kind": Choice((None, "a", ["b", 1])),
}
DEFAULT = {
    "optimizer.lr": 1e-3,
    "optimizer.momentum": 0.9,
    "optimizer.depth": 3,
    "optimizer.width": 64,
    "optimizer.kind": None,
}
Loss = Callable[[Mapping[str, Any]], float | None]


def hard(values: Mapping[str, Any]) -> float | None:
    """A loss over the whole space; a high learning rate fails."""
    if values["optimizer.lr"] > 0.05:
        return None
    distance = (math.log10(values["optimizer.lr"]) + 2.5) ** 2 + (values["optimizer.momentum"] - 0.6) ** 2
    return float(distance + 0.1 * values["optimizer.depth"] + (values["optimizer.kind"] is None))


def search(
    sampler: str,
    n_trials: int,
    loss: Loss = hard,
    *,
    space: Mapping[str, Range | Choice] = SPACE,
    default: Mapping[str, Any] = DEFAULT,
    seed: int = 0,
    tried: Sequence[Trial] = (),
) -> list[Trial]:
    """A tuning study of ``n_trials``, going on from the trials in ``tried``."""
    trials = list(tried)
    for number in range(len(trials), n_trials):
        setting = propose(space, sampler, seed, number, default, trials)
        error = loss({**default, **setting})
        status = "ok" if error is not None else "diverged"
        trials.append(Trial(f"t{number}", number, setting, status, validation_error=error))
    return trials


def stored(trial: Trial) -> Trial:
    """The trial as the store gives it back."""
    return dataclasses.replace(trial, setting=json.loads(json.dumps(trial.setting)))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_study_begins_alike_whatever_its_length(sampler: str) -> None:
    long = search(sampler, 20)
    for n_trials in (1, 2, 5, START_UP, START_UP + 1, 17):
        assert search(sampler, n_trials) == long[:n_trials]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("done", [0, 1, 7, 8, 9, 13])
def test_a_study_that_was_interrupted_goes_on_as_if_nothing_had_happened(sampler: str, done: int) -> None:
    whole = search(sampler, 14)
    again = search(sampler, 14, tried=[stored(trial) for trial in whole[:done]])
    assert again[done:] == whole[done:]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_first_trial_is_the_default_and_the_others_differ_by_seed(sampler: str) -> None:
    one, other = search(sampler, 10), search(sampler, 10, seed=1)
    assert one[0].setting == other[0].setting == {}
    assert all(a.setting != b.setting for a, b in zip(one[1:], other[1:], strict=True))
    assert len({json.dumps(trial.setting) for trial in one}) == 10


@given(
    low=st.floats(1e-6, 1e3),
    factor=st.floats(1.001, 1e6),
    seed=st.integers(0, 2**63 - 1),
    sampler=st.sampled_from(SAMPLERS),
    log=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_every_setting_lies_in_its_space(
    low: float, factor: float, seed: int, sampler: str, log: bool
) -> None:
    space: dict[str, Range | Choice] = {
        "x": Range(low, low * factor, log=log),
        "n": Range(2, 5, integer=True, log=log),
        "c": Choice(("only",)),
    }
    default = {"x": low, "n": 5, "c": "only"}
    found = search(sampler, 10, lambda values: values["x"], space=space, default=default, seed=seed)
    for trial in found[1:]:
        assert low <= trial.setting["x"] <= low * factor
        assert type(trial.setting["n"]) is int and 2 <= trial.setting["n"] <= 5
        assert trial.setting["c"] == "only"


def test_tpe_starts_like_sobol_and_then_looks_at_the_results() -> None:
    sobol, tpe = search("sobol", 12), search("tpe", 12)
    assert [t.setting for t in tpe[:START_UP]] == [t.setting for t in sobol[:START_UP]]
    assert all(a.setting != b.setting for a, b in zip(sobol[START_UP:], tpe[START_UP:], strict=True))
    opposite = [dataclasses.replace(t, validation_error=-(t.validation_error or 0)) for t in tpe[:START_UP]]
    proposed = propose(SPACE, "tpe", 0, START_UP, DEFAULT, opposite)
    assert proposed != tpe[START_UP].setting


def test_tpe_knows_what_the_default_setting_is() -> None:
    space: dict[str, Range | Choice] = {"x": Range(0.0, 1.0)}
    tried = search("tpe", 30, lambda v: abs(v["x"] - 0.123), space=space, default={"x": 0.123})
    proposals = [
        np.mean([abs(propose(space, "tpe", s, 30, {"x": x}, tried)["x"] - 0.123) for s in range(20)])
        for x in (0.123, 0.9)
    ]
    assert tried[0].setting == {} and proposals[0] < proposals[1]


def test_a_failed_trial_counts_as_the_worst_and_is_not_forgotten() -> None:
    """All that failed lies above one half: had it been left out, nothing would speak against going there."""
    space: dict[str, Range | Choice] = {"x": Range(0.0, 1.0)}

    def above(loss: Loss) -> float:
        tried = [
            search("tpe", 24, loss, space=space, default={"x": 0.2}, seed=s)[START_UP:] for s in range(5)
        ]
        return float(np.mean([trial.setting["x"] > 0.5 for trials in tried for trial in trials]))

    assert above(lambda v: None if v["x"] > 0.5 else 1.0) < 0.3


def test_tpe_goes_on_where_every_trial_failed() -> None:
    tried = search("tpe", START_UP + 2, lambda _: None)
    assert len({json.dumps(trial.setting) for trial in tried}) == START_UP + 2


def bowl(values: Mapping[str, Any]) -> float:
    """A smooth function of two dimensions, 0 at its least."""
    return float((math.log10(values["lr"]) + 2.2) ** 2 + 4 * (values["momentum"] - 0.7) ** 2)


def test_tpe_beats_random_search_on_a_smooth_function_on_average() -> None:
    space: dict[str, Range | Choice] = {"lr": Range(1e-5, 1.0, log=True), "momentum": Range(0.0, 1.0)}
    default = {"lr": 1e-5, "momentum": 0.0}
    found = {
        sampler: [
            min(
                trial.validation_error or 0.0
                for trial in search(sampler, 32, bowl, space=space, default=default, seed=seed)
            )
            for seed in range(12)
        ]
        for sampler in ("random", "tpe")
    }
    assert np.mean(found["tpe"]) < 0.5 * np.mean(found["random"])
    wins = sum(t < r for t, r in zip(found["tpe"], found["random"], strict=True))
    assert wins >= 9


def test_optuna_says_nothing_and_keeps_its_own_verbosity(capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search("tpe", START_UP + 2)
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


def test_the_best_trial_has_the_least_validation_error_and_is_the_earliest_of_equals() -> None:
    errors = [None, 0.3, 0.2, 0.2, None]
    trials = [Trial(str(n), n, {"x": n}, "ok", validation_error=error) for n, error in enumerate(errors)]
    assert best(trials).number == best(list(reversed(trials))).number == 2
    assert best(trials[:1]).number == 0


@pytest.fixture
def job(pipeline: Callable[..., Pipeline], real_task: Callable[[str], Any]) -> Job:
    """Two tuning studies of ten trials with TPE, and three seeds that share them out."""
    mlp = pipeline("mlp", optimizer="adamw")
    tunings = tuple(
        PlannedTuning(study, Seeds(study, 2, 3), tuple(PlannedTrial(n, f"{study}/{n}") for n in range(10)))
        for study in range(2)
    )
    cells = tuple(
        PlannedCell(
            seed, setting, f"{setting}{seed}", Seeds(seed, 8, 9), seed % 2 if setting == "tuned" else 0
        )
        for seed in range(3)
        for setting in ("default", "tuned")
    )
    return Job(
        key="job",
        pipeline=mlp,
        dataset=open_catalog().dataset("iris"),
        task=real_task("iris")[1],
        repeat=0,
        fold=0,
        root_seed=0,
        protocol=Protocol(Splitting(), tuning=Tuning(10, "tpe", repeats=2), budget=Budget("steps", 3)),
        device="cpu",
        space=space_of(mlp, ("optimizer",)),
        tunings=tunings,
        cells=cells,
    )


def rows(groups: Iterator[Sequence[Outcome]]) -> dict[str, Trial | Record]:
    return {outcome.row.key: outcome.row for outcomes in groups for outcome in outcomes}


def settings_of(found: Mapping[str, Trial | Record]) -> dict[str, Any]:
    return {key: row.setting for key, row in found.items()}


def test_a_job_goes_on_with_the_settings_it_would_have_tried(job: Job) -> None:
    whole = rows(run_job(job, {}))
    assert set(whole) == {*(trial.key for trial in job.trials), *(cell.key for cell in job.cells)}
    assert len({json.dumps(row.setting) for key, row in whole.items() if "/" in key}) == 19
    for done in (3, 9, 15, 21):
        part = rows(islice(run_job(job, {}), done))
        again = {**part, **rows(run_job(job, part))}
        assert settings_of(again) == settings_of(whole)
        errors = {key: row.validation_error for key, row in again.items()}
        assert errors == {key: row.validation_error for key, row in whole.items()}


def test_a_tuned_cell_takes_its_setting_from_its_own_tuning_study(job: Job) -> None:
    found = rows(run_job(job, {}))
    chosen = [
        best([row for row in (found[t.key] for t in tuning.trials) if isinstance(row, Trial)]).setting
        for tuning in job.tunings
    ]
    assert chosen[0] != chosen[1]
    for seed in range(3):
        record = found[f"tuned{seed}"]
        assert isinstance(record, Record) and record.trials == 10
        assert record.setting == chosen[seed % 2]
        assert record.validation_error is not None


def test_only_the_tuning_studies_that_a_cell_waits_for_are_run(job: Job) -> None:
    done = {
        f"{setting}{seed}": Record(f"{setting}{seed}", "ok")
        for seed in (0, 2)
        for setting in ("default", "tuned")
    }
    keys = unfinished(job, {**done, "1/0": Trial("1/0", 0, {}, "ok")})
    assert keys == [*(f"1/{number}" for number in range(1, 10)), "default1", "tuned1"]


def test_what_did_not_live_to_write_its_row_leaves_the_setting_it_was_at(job: Job) -> None:
    whole = rows(run_job(job, {}))
    before = {key: row for key, row in whole.items() if key.startswith("0/") and key != "0/9"}
    for key, done in (("0/9", before), ("1/3", {}), ("tuned0", whole), ("default0", {})):
        row = failed(job, key, done, "crashed", "exit code 9").row
        assert (row.key, row.status, row.reason) == (key, "crashed", "exit code 9")
        assert row.setting == whole[key].setting
    assert whole["0/9"].setting != {}


def test_the_default_s_values_are_the_pipeline_s(job: Job) -> None:
    default = default_of(job.pipeline, job.space)
    assert set(default) == set(job.space)
    assert apply(job.pipeline, default) == job.pipeline
