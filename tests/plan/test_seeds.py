"""Seeds as common random numbers."""

from __future__ import annotations

import dataclasses
import inspect

from hypothesis import given
from hypothesis import strategies as st

from benchmark.plan import seeds
from benchmark.plan.seeds import cell_seeds, control_seed, derive, sampler_seed, trial_seeds

SMALL = st.integers(0, 50)
COORDINATE = st.tuples(SMALL, st.text(max_size=5), SMALL, SMALL, SMALL, SMALL)


def test_no_seed_can_see_the_pipeline() -> None:
    seen = {
        name
        for function in (cell_seeds, trial_seeds, sampler_seed)
        for name in inspect.signature(function).parameters
    }
    assert seen == {"root", "fingerprint", "repeat", "fold", "seed", "replicate", "tuning"}


@given(COORDINATE)
def test_the_same_coordinate_gives_the_same_streams(c: tuple[int, str, int, int, int, int]) -> None:
    assert cell_seeds(*c) == cell_seeds(*c)
    assert all(0 <= stream < 2**63 for stream in dataclasses.astuple(cell_seeds(*c)))


@given(COORDINATE, COORDINATE)
def test_different_coordinates_share_no_stream(
    a: tuple[int, str, int, int, int, int], b: tuple[int, str, int, int, int, int]
) -> None:
    first, second = (set(dataclasses.astuple(cell_seeds(*c))) for c in (a, b))
    assert len(first) == 3
    assert (first == second) if a == b else not first & second


@given(COORDINATE)
def test_trials_cells_and_the_sampler_have_streams_of_their_own(
    c: tuple[int, str, int, int, int, int],
) -> None:
    root, fingerprint, repeat, fold, _, replicate = c
    shared = (root, fingerprint, repeat, fold, replicate)
    cell = set(dataclasses.astuple(cell_seeds(*c)))
    trials = {stream for tuning in range(3) for stream in dataclasses.astuple(trial_seeds(*shared, tuning))}
    samplers = {sampler_seed(*shared, tuning) for tuning in range(3)}
    assert len(cell | trials | samplers) == 3 + 3 * 3 + 3


@given(st.lists(st.text(max_size=3) | st.integers(), min_size=1, max_size=4))
def test_parts_do_not_run_together(parts: list[str | int]) -> None:
    assert len(parts) == 1 or derive(*parts) != derive("".join(map(str, parts)))
    assert derive(*parts) != derive(*parts, "")


def test_the_numbers_stay_what_they_are() -> None:
    # Every stored record hangs on them: a change here is a change of the schema.
    assert derive("a", 1) == 2726048824410325897
    assert cell_seeds(0, "f", 0, 0, 0, 0).weights == derive("weights", "cell", 0, "f", 0, 0, 0, 0)
    # Nor does a study that is tuned once know of further tuning studies.
    assert trial_seeds(0, "f", 0, 0, 0).order == derive("order", "trial", 0, "f", 0, 0, 0)
    assert sampler_seed(0, "f", 0, 0, 0) == derive("sampler", 0, "f", 0, 0, 0)
    assert control_seed(0, "f", 0, 0, "permuted") == derive("control", "permuted", 0, "f", 0, 0)
    assert seeds.__all__ == ["cell_seeds", "control_seed", "derive", "sampler_seed", "trial_seeds"]
