"""Where the time of a run went, in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.report.profile import advice, profile_table, waited


def test_the_table_adds_up_and_names_everything() -> None:
    spent = {"fit": 50.0, "start": 10.0, "wait": 1.0, "rest": 0.5}
    said = profile_table(spent, {"plan": 2.0, "judge": 0.5}, 2, 40.0, [(9.0, "adamw in mlp on iris")])
    lines = said.splitlines()
    assert lines[1] == "Where the time went: 40 s, 2 workers, all together"
    assert [line.split("  ")[1].strip() for line in lines[2:6]] == [
        "fitting",
        "waiting",
        "starting, with imports",
        "everything else",
    ]
    shares = [float(line.split()[-2]) for line in lines[2:6]]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    assert "waiting" in lines[3] and "19.5 s" in lines[3]  # 80 s of both, less all that was done
    assert [line.split()[0] for line in lines[7:9]] == ["planning", "judging"]
    assert lines[10].strip() == "9 s  adamw in mlp on iris"


@given(
    spent=st.dictionaries(st.sampled_from(["fit", "start", "wait", "score"]), st.floats(0, 1e3)),
    workers=st.integers(1, 8),
    seconds=st.floats(0, 1e3),
)
def test_waiting_is_what_is_left(spent: dict[str, float], workers: int, seconds: float) -> None:
    rest = waited(spent, workers, seconds)
    worked = sum(took for name, took in spent.items() if name != "wait")
    assert rest >= 0 and max(worked, workers * seconds) == pytest.approx(rest + worked)


@pytest.mark.parametrize(
    ("spent", "own", "said"),
    [
        ({"fit": 70.0, "start": 5.0}, {}, "Fitting took 87.5 % of the workers' time: only fewer"),
        ({"fit": 40.0}, {}, "The workers waited 50.0 % of the time: there were fewer fits"),
        ({"fit": 40.0}, {"store": 30.0}, "The workers waited 50.0 % of the time: the driver was busy"),
        ({"fit": 40.0, "start": 35.0}, {}, "Starting, with imports took 43.8 % of the workers' time:"),
        ({"fit": 40.0, "evaluate": 30.0}, {}, "Predicting and scoring validation rows took 37.5 %"),
    ],
)
def test_the_largest_loss_gets_a_sentence(spent: dict[str, float], own: dict[str, float], said: str) -> None:
    assert advice(spent, own, 2, 40.0).startswith(said)


def test_there_is_nothing_to_say_of_a_run_without_work() -> None:
    said = profile_table({}, {"plan": 1.0}, 2, 0.01)
    assert said.endswith("No worker was needed: everything was in the store.")
    assert "waiting  " not in said and "planning" in said
