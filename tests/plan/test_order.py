"""The order of data sets: fixed by the seed, and by nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmark.plan.order import halves, task_order

ORIGINS = st.lists(st.text(max_size=8), unique=True, max_size=12)
SEED = st.integers(0, 2**31)


@given(SEED, ORIGINS, st.randoms(use_true_random=False))
def test_the_order_in_which_they_are_named_does_not_matter(
    seed: int, origins: list[str], random: object
) -> None:
    shuffled = list(origins)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert task_order(seed, shuffled) == task_order(seed, [*origins, *origins[:2]])
    assert sorted(task_order(seed, origins)) == sorted(origins)


@given(SEED, ORIGINS, st.text(max_size=8))
def test_adding_one_moves_no_other_past_another(seed: int, origins: list[str], added: str) -> None:
    order = task_order(seed, [*origins, added])
    assert tuple(o for o in order if o != added) == tuple(o for o in task_order(seed, origins) if o != added)


@given(SEED, ORIGINS)
def test_halves_share_nothing_and_leave_nothing_out(seed: int, origins: list[str]) -> None:
    selecting, confirming = halves(seed, origins)
    assert not set(selecting) & set(confirming)
    assert set(selecting) | set(confirming) == set(origins)
    assert 0 <= len(confirming) - len(selecting) <= 1


def test_another_seed_gives_another_order() -> None:
    names = [f"d{n}" for n in range(20)]
    assert len({task_order(seed, names) for seed in range(20)}) == 20
    first = [task_order(seed, names)[0] for seed in range(400)]
    assert set(first) == set(names)  # every one of them comes first under some seed


def test_the_order_stays_what_it_was() -> None:
    assert task_order(0, ["iris", "wine", "engel", "star98"]) == ("iris", "engel", "star98", "wine")
