"""Healthy studies made by formula: what the judge sees of components that are what they say they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

__all__ = ["healthy", "mine", "plain", "with_controls"]

SHAPES = ((3, 1), (5, 1), (5, 3), (8, 2), (12, 1), (12, 5), (20, 2), (40, 1), (40, 4))
"""Data sets and hosts."""
REFERENCES = {"forest": -0.05, "boosted": 0.1, "linear": -0.2, "chance": None}
CLOSE = {"forest": 0.0, "boosted": 0.01, "linear": -0.01, "chance": None}


def healthy(number: int) -> pd.DataFrame:
    """Records of one study; another number, another one: its size, noise, effects and failures too.

    A third are of boosters that draw nothing: no steps, the same error with every seed. Half of the tasks
    count wrong rows on as few as 20, and arms differ in few of them; the others have a continuous error.
    """
    draw = np.random.default_rng([7, number])
    tasks, hosts = SHAPES[number % len(SHAPES)]
    neural = number % 3 > 0
    folds, seeds = int(draw.integers(1, 5)), int(draw.integers(1, 4))
    grid = pd.MultiIndex.from_product(
        [range(tasks), range(hosts), range(folds), range(seeds)], names=["task", "host", "fold", "seed"]
    ).to_frame(index=False)
    truth = _truth(draw, tasks, folds)
    settings = ("tuned", "default") if number % 2 else ("tuned",)
    names = [f"c{n}" for n in range(int(draw.integers(1, 4)))]
    arms = [("base", "baseline", 0, 0.0)]
    arms += [("base", "aa", n + 1, 0.0) for n in range(int(draw.integers(0, 3)))]
    arms += [(name, "candidate", 0, float(draw.choice([0.0, 0.02, -0.1, 0.2]))) for name in names]
    noise = float(draw.choice([0.005, 0.02, 0.08]))
    parts = [
        _arm(draw, grid, truth, gain, noise, neural).assign(
            component=name, role=role, replicate=replicate, setting=setting
        )
        for name, role, replicate, gain in arms
        for setting in settings
    ]
    parts += list(_references(draw, grid, truth, noise, CLOSE if number % 5 == 0 else REFERENCES))
    return _shared(draw, pd.concat(parts, ignore_index=True), truth)


def plain(gain: float = 0.05, *, tasks: int = 8, hosts: int = 2, number: int = 0) -> pd.DataFrame:
    """A healthy study of the networks ``new`` and ``base``, both settings, to plant something in."""
    draw = np.random.default_rng([11, number])
    names = ["task", "host", "fold", "seed"]
    grid = pd.MultiIndex.from_product([range(tasks), range(hosts), range(2), range(3)], names=names)
    cells = grid.to_frame(index=False)
    truth = _truth(draw, tasks, 2).assign(counted=False, chance=lambda of: 3 * of["level"])
    arms = (("base", "baseline", 0, 0.0), ("base", "aa", 1, 0.0), ("new", "candidate", 0, gain))
    parts = [
        _arm(draw, cells, truth, better + 0.03 * (setting == "tuned"), 0.01, neural=True).assign(
            component=name, role=role, replicate=replicate, setting=setting
        )
        for name, role, replicate, better in arms
        for setting in ("tuned", "default")
    ]
    parts += list(_references(draw, cells, truth, 0.01, REFERENCES))
    return _shared(draw, pd.concat(parts, ignore_index=True), truth, failing=False)


def with_controls(records: pd.DataFrame, number: int) -> pd.DataFrame:
    """The records of a healthy study and its controls, arms that do what wrong labels do; no random number of
    ``records`` is moved. A study of the setting ``tuned`` alone becomes one that tunes nothing.

    Permuted labels bring every task to the featureless error or to up to 1.8 times that, split by split on
    either side of it; in a third of the studies the classes of a fifth of the tasks lie in heaps, about which
    a split is right or wrong as a whole. 40 % of wrong labels cost 2 to 40 %, or nothing: in a tenth of the
    studies to the last bit, in another tenth but for noise.
    """
    draw = np.random.default_rng([13, number])
    if "default" not in set(records.loc[records["role"] == "baseline", "setting"]):
        records = records.assign(setting="default")
    own = records[((records["role"] == "baseline") & (records["setting"] == "default")).to_numpy()]
    places = own.groupby(["task", "host"]).ngroup().to_numpy()
    harm = draw.choice([0.0, draw.uniform(0.02, 0.4)], p=[0.2, 0.8])
    harms = 1 + harm + draw.normal(0, max(harm / 3, 0.02), len(own))[places]
    idle = harm == 0 and draw.random() < 0.5
    worse = own["error"] if idle else own["error"] * harms * np.exp(draw.normal(0, 0.03, len(own)))
    handicapped = own.assign(error=worse, control="handicapped")

    first = own[(own["seed"] == own["seed"].min()).to_numpy()]
    tasks, splits = (first.groupby(by).ngroup().to_numpy() for by in ("task", ["task", "repeat", "fold"]))
    above = draw.choice([1.0, draw.uniform(1.0, 1.8)], len(first))[tasks]
    wobble = np.exp(draw.normal(0, draw.uniform(0.01, 0.25), len(first)))[splits]
    heaps = (draw.random(len(first)) < (0.2 if number % 3 == 0 else 0.0))[tasks]
    factor = np.where(heaps, draw.choice([0.03, 1.97], len(first))[splits], above * wobble)
    permuted = first.assign(error=first["featureless_error"] * factor, control="permuted")
    controls = [one.assign(role="control") for one in (permuted, handicapped)]
    return pd.concat([records.assign(control=""), *controls], ignore_index=True)


def mine(records: pd.DataFrame, component: str = "new", /, **at: object) -> pd.Series:
    """Which rows are an arm's own, of the given ``setting``, ``task`` and so on."""
    found = (records["component"] == component) & records["role"].isin(["candidate", "baseline"])
    for name, value in at.items():
        found &= records[name] == value
    return found


def _truth(draw: np.random.Generator, tasks: int, folds: int) -> pd.DataFrame:
    """Of every task: how hard it is, how its error is counted, how far a model fits its training rows."""
    level = np.exp(draw.uniform(np.log(0.01), np.log(0.45), tasks))
    return pd.DataFrame(
        {
            "level": level,
            "chance": level * draw.uniform(1.2, 6.0, tasks),
            "counted": draw.random(tasks) < 0.5,
            "n_test": draw.choice([20, 50, 200, 1000], tasks),
            "fits": draw.uniform(0.3, 1.0, tasks),
            "shift": draw.normal(0, 0.05, tasks),
            "folds": folds,
        }
    )


def _arm(
    draw: np.random.Generator,
    grid: pd.DataFrame,
    truth: pd.DataFrame,
    gain: float,
    noise: float,
    neural: bool,
) -> pd.DataFrame:
    """One arm's cells: its own quality on every task and host, and the noise of seeds."""
    of = truth.loc[grid["task"]].reset_index(drop=True)
    places = grid["task"] * 100 + grid["host"]
    own = 1 - gain + draw.normal(0, 0.03, 10_000)[places]
    split = np.random.default_rng(5).normal(0, 0.05, 10_000)[grid["task"] * 10 + grid["fold"]]
    wobble = (
        draw.normal(0, noise, len(grid))
        if neural
        else draw.normal(0, noise, 10_000)[grid["task"] * 100 + grid["host"] * 10 + grid["fold"]]
    )
    expected = (of["level"] * own * np.exp(split + wobble)).clip(1e-4, 0.99)
    error = expected.where(~of["counted"], (expected * of["n_test"]).round() / of["n_test"])
    speed = float(np.exp(draw.normal(0, 0.4)))
    return grid.assign(
        error=error,
        test_errors=(error * of["n_test"]).round().where(of["counted"]),
        n_test=of["n_test"].astype(float),
        validation_error=expected * np.exp(of["shift"] + draw.normal(-0.03, 0.1, len(grid))),
        train_error=expected * of["fits"] * np.exp(draw.normal(0, 0.04, len(grid))),
        metric_log_loss=expected * 2 + 0.1,
        steps=draw.integers(80, 200, len(grid)).astype(float) if neural else 0.0,
        fit_seconds=speed * np.exp(draw.normal(0, 0.2, len(grid))),
    )


def _references(
    draw: np.random.Generator,
    grid: pd.DataFrame,
    truth: pd.DataFrame,
    noise: float,
    gains: dict[str, float | None],
) -> Iterator[pd.DataFrame]:
    alone = grid[grid["host"] == 0]
    for name, gain in gains.items():
        cells = _arm(draw, alone.reset_index(drop=True), truth, gain or 0.0, noise, neural=False)
        if gain is None:
            cells["error"] = truth["chance"].loc[cells["task"]].to_numpy()
        yield cells.assign(component=name, role="reference", replicate=0, setting="default", no_host=True)


def _shared(
    draw: np.random.Generator, table: pd.DataFrame, truth: pd.DataFrame, *, failing: bool = True
) -> pd.DataFrame:
    """What records carry besides: names, the featureless error, and here and there a failure."""
    table["featureless_error"] = truth["chance"].loc[table["task"]].to_numpy()
    failed = (draw.random(len(table)) < (0.03 if failing and draw.random() < 0.3 else 0.0)) & (
        table["role"] != "reference"
    )
    table.loc[failed, ["error", "validation_error", "train_error", "test_errors"]] = np.nan
    names = {name: name[0] + table[name].astype(str) for name in ("task", "host")}
    names["host"] = names["host"].mask(table.pop("no_host").fillna(value=False).astype(bool), "")
    status = np.where(failed, "failed", "ok")
    return table.assign(**names, origin=names["task"], repeat=0, status=status, reason="", n_train=400.0)
