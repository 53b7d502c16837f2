"""Whether an arm is still what it was: the randomization test against hand counts and by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.judge.recomputed import recomputed


def table(errors: np.ndarray, role: str = "baseline", replicate: int = 0) -> pd.DataFrame:
    """Records of one arm in one host; ``errors`` is ``(n_tasks, n_splits, n_seeds)``."""
    tasks, splits, seeds = errors.shape
    rows = [
        {
            "component": "arm",
            "role": role,
            "replicate": replicate,
            "host": "mlp",
            "task": f"task{task}",
            "origin": f"task{task}",
            "repeat": 0,
            "fold": fold,
            "seed": seed,
            "setting": "tuned",
            "status": "ok" if np.isfinite(errors[task, fold, seed]) else "failed",
            "error": errors[task, fold, seed],
            "featureless_error": 2.0,
        }
        for task in range(tasks)
        for fold in range(splits)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def drawn(rng: np.random.Generator, tasks: int, splits: int, noise: float = 0.05) -> np.ndarray:
    """Errors of one run: a level for each task, and noise that seeds of a split partly share."""
    level = np.linspace(0.1, 1.0, tasks)[:, None, None]
    shared, own = rng.normal(size=(tasks, splits, 1)), rng.normal(size=(tasks, splits, 2))
    return np.asarray(level * np.exp(noise * (shared + own)))


def test_by_hand() -> None:
    """Two tasks of two splits, all worse by the same share: 2 of 16 signs are as extreme."""
    then = np.array([[[1.0], [2.0]], [[0.5], [4.0]]])
    found = recomputed(table(then), table(then / 0.9), "arm", "tuned")
    assert found is not None and found.floor is None and found.origins == 2
    assert found.effect == pytest.approx(-0.1) and found.p == 2 / 16
    better = recomputed(table(then / 0.9), table(then), "arm", "tuned")
    assert better is not None and better.effect == pytest.approx(0.1) and better.p == found.p


def test_the_largest_changes_come_first_and_a_failure_counts_as_knowing_nothing() -> None:
    then = np.full((4, 3, 1), 1.0)
    now = then.copy()
    now[2, 0] = np.nan
    found = recomputed(table(then), table(now), "arm", "tuned")
    assert found is not None and found.largest[0][0] == "task2"
    assert found.largest[0][1] == pytest.approx(-0.5 / 3)
    assert found.effect == pytest.approx(-0.5 / 12)


def test_only_blocks_that_both_have_are_compared() -> None:
    then = np.full((3, 2, 2), 1.0)
    more = np.full((4, 3, 2), 1.0)
    found = recomputed(table(then), table(more), "arm", "tuned")
    assert found is not None and (found.effect, found.p, found.origins) == (0.0, 1.0, 3)
    assert recomputed(table(then), table(more).assign(task="another"), "arm", "tuned") is None
    assert recomputed(table(then), table(more), "other", "tuned") is None


def test_the_floor_is_the_larger_one_of_the_twins() -> None:
    then = np.full((3, 2, 1), 1.0)
    twins = [table(then * (1 + 0.25 * number), "aa", number) for number in (0, 1)]
    before = pd.concat([table(then), *twins], ignore_index=True)
    found = recomputed(before, table(then), "arm", "tuned")
    assert found is not None and found.floor == pytest.approx(0.2)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_swapping_then_and_now_turns_the_sign_alone(tasks: int, splits: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (table(drawn(rng, tasks, splits)) for _ in range(2))
    found, mirrored = recomputed(one, other, "arm", "tuned"), recomputed(other, one, "arm", "tuned")
    assert found is not None and mirrored is not None
    assert found.effect == pytest.approx(-mirrored.effect) and found.p == pytest.approx(mirrored.p)
    assert 2 * 0.5 ** (tasks * splits) <= found.p <= 1


@pytest.mark.parametrize("splits", [2, 5])
def test_other_random_numbers_alone_are_rarely_called_a_change(splits: int) -> None:
    """The test keeps its level, whether all signs are tried (12 splits) or drawn (30)."""
    rng = np.random.default_rng(splits)
    found = [
        recomputed(table(drawn(rng, 6, splits)), table(drawn(rng, 6, splits)), "arm", "tuned")
        for _ in range(200)
    ]
    p = np.array([one.p for one in found if one is not None])
    assert len(p) == 200
    assert (p <= 0.05).mean() <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5
    assert (p <= 0.01).mean() <= 0.01 + 3 * (0.01 * 0.99 / 200) ** 0.5
    assert abs(p.mean() - 0.5) < 0.07  # and it does not merely say no


def test_a_change_of_a_tenth_is_found_in_noise_of_a_twentieth() -> None:
    """Noise of three and a half per cent in then and in now, twelve splits."""
    rng = np.random.default_rng(1)
    found = [
        recomputed(table(drawn(rng, 6, 2, 0.025)), table(drawn(rng, 6, 2, 0.025) * 1.1), "arm", "tuned")
        for _ in range(60)
    ]
    assert np.mean([one is not None and one.p <= 0.01 for one in found]) > 0.9
