"""Variance between seeds and between tuning studies: by hand, against mixed models, and by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from benchmark.judge.search.tuning import noise_sources

COLUMNS = ["slot", "component", "cells", "tunings", "seeds_sd", "tuning_sd"]


def records(errors: dict[str, list[list[list[float]]]], **columns: object) -> pd.DataFrame:
    """Tuned records: errors of each component by cell (a fold), tuning study and seed."""
    rows = [
        {"component": component, "fold": fold, "tuning": tuning, "error": error}
        for component, cells in errors.items()
        for fold, studies in enumerate(cells)
        for tuning, seeds in enumerate(studies)
        for error in seeds
    ]
    fixed = {"slot": "optimizer", "host": "mlp", "task": "t", "repeat": 0, "replicate": 0, "trials": 8}
    return pd.DataFrame(rows).assign(**{**fixed, "setting": "tuned", "status": "ok", **columns})


def simulated(cells: int, seeds_of: list[int], seeds_sd: float, tuning_sd: float, root: int) -> pd.DataFrame:
    """Errors with known components; every cell has an error of its own, the study ``seeds_of`` seeds."""
    random = np.random.default_rng(root)
    made = []
    for cell in range(cells):
        level = 0.1 * (cell + 1)
        made.append(
            [
                list(level * (1 + effect + random.normal(0, seeds_sd, n)))
                for n, effect in zip(seeds_of, random.normal(0, tuning_sd, len(seeds_of)), strict=True)
            ]
        )
    return records({"a": made})


def test_an_example_by_hand() -> None:
    # Within: .02 + .02 with 2 degrees of freedom. Between: 2 (.2² + .2²) = .16, so (.16 - .02) / 2 = .07.
    found = noise_sources(records({"a": [[[1.0, 1.2], [1.4, 1.6]]]}))
    assert list(found.columns) == COLUMNS
    assert found[COLUMNS[:4]].to_numpy().tolist() == [["optimizer", "a", 1, 2]]
    assert found["seeds_sd"][0] == pytest.approx(np.sqrt(0.02) / 1.3)
    assert found["tuning_sd"][0] == pytest.approx(np.sqrt(0.07) / 1.3)


def test_a_cell_of_another_level_with_the_same_relative_errors_changes_no_deviation_but_by_freedom() -> None:
    one = [[1.0, 1.2], [1.4, 1.6]]
    ten = [[10.0, 12.0], [14.0, 16.0]]
    single = noise_sources(records({"a": [one]}))
    pd.testing.assert_frame_equal(
        noise_sources(records({"a": [one, ten]})).drop(columns=["cells", "tunings"]),
        single.drop(columns=["cells", "tunings"]),
    )


@pytest.mark.parametrize("root", range(3))
def test_balanced_data_give_what_a_mixed_model_gives(root: int) -> None:
    table = simulated(1, [3] * 12, 0.05, 0.1, root)
    table["error"] *= 100  # the optimizer behind the mixed model wants numbers of some size
    fit = sm.MixedLM(table["error"], np.ones(len(table)), groups=table["tuning"]).fit(reml=True)
    found, level = noise_sources(table), table["error"].mean()
    assert found["seeds_sd"][0] == pytest.approx(np.sqrt(fit.scale) / level, rel=1e-3)
    assert found["tuning_sd"][0] == pytest.approx(np.sqrt(fit.cov_re.iloc[0, 0]) / level, rel=1e-3)


@pytest.mark.parametrize(("seeds_sd", "tuning_sd"), [(0.02, 0.04), (0.05, 0.01), (0.0, 0.03), (0.04, 0.0)])
@pytest.mark.parametrize("seeds_of", [[2, 2, 2], [3, 2], [1, 4]])
def test_components_are_found_again(seeds_of: list[int], seeds_sd: float, tuning_sd: float) -> None:
    found = noise_sources(simulated(4000, seeds_of, seeds_sd, tuning_sd, root=1))
    assert found["seeds_sd"][0] == pytest.approx(seeds_sd, rel=0.06, abs=0.003)
    assert found["tuning_sd"][0] == pytest.approx(tuning_sd, rel=0.06, abs=0.006)


def test_a_negative_component_is_none() -> None:
    found = noise_sources(records({"a": [[[1.0, 2.0], [2.0, 1.0]]]}))
    assert found["tuning_sd"][0] == 0 and found["seeds_sd"][0] > 0


def test_only_what_can_tell_the_two_apart_is_there() -> None:
    once = [[[1.0, 1.1, 1.2]]]
    one_seed_each = [[[1.0], [1.1]]]
    both = [[[1.0, 1.2], [1.4, 1.6]]]
    made = records({"once": once, "each": one_seed_each, "both": both, "zero": [[[0.0, 0.0], [0.0, 0.0]]]})
    assert noise_sources(made)["component"].tolist() == ["both"]
    assert noise_sources(made.assign(trials=1)).empty
    assert noise_sources(made.assign(setting="default")).empty


def test_failures_and_other_settings_do_not_count() -> None:
    good = records({"a": [[[1.0, 1.2, 9.9], [1.4, 1.6]]]})
    failed = good["error"] == 9.9
    wanted = noise_sources(records({"a": [[[1.0, 1.2], [1.4, 1.6]]]}))
    for change in (
        {"status": failed.map({True: "failed", False: "ok"})},
        {"error": good["error"].where(~failed)},
        {"setting": failed.map({True: "default", False: "tuned"})},
    ):
        pd.testing.assert_frame_equal(noise_sources(good.assign(**change)), wanted)


def test_the_order_of_the_rows_does_not_matter() -> None:
    table = simulated(5, [2, 3], 0.05, 0.05, root=3)
    pd.testing.assert_frame_equal(noise_sources(table), noise_sources(table.sample(frac=1, random_state=0)))
