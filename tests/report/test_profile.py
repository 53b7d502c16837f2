"""Where the time of a run went, in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.execute.profile import Training
from benchmark.report.profile import advice, profile_table, training_table, waited, wasted


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


def trained(calls: float = 50, step: float = 0.2, data: float = 0.05, seconds: float = 1.0) -> Training:
    """A thousand steps on 64 rows each, a microsecond a call."""
    rest = seconds * (1 - step - data)
    return Training(
        steps=1000,
        rows=64_000,
        flop=3e9,
        calls=1000 * calls,
        possible=60e9 * seconds,
        calling=1e-6 * 1000 * calls,
        data=seconds * data,
        forward=rest / 2,
        backward=rest / 2,
        step=seconds * step,
    )


def test_training_is_shown_with_what_it_achieved() -> None:
    said = training_table({"sgd in mlp": trained(seconds=0.5), "adamw in mlp": trained()})
    head, slower, faster = said.splitlines()[1:]
    assert head.split()[:4] == ["training", "rows/s", "GFLOP/s", "of"] and head.endswith("step operators")
    assert slower.split() == "adamw in mlp 64,000 3 5.0 % 5.0 % 37.5 % 37.5 % 20.0 % 50".split()
    assert faster.startswith("  sgd in mlp") and "128,000" in faster
    assert training_table({}) == ""


def test_a_long_table_says_what_it_leaves_out() -> None:
    said = training_table(
        {f"a{number} in a host with a long name of its own": trained() for number in range(20)}
    )
    assert "  and 8 more, which took less" in said.splitlines() and "…" in said


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (trained(), ""),
        (trained(calls=700, step=0.6), "muon in mlp spends at least 70 % of its steps calling operators"),
        (trained(calls=700, step=0.6), "700 a step, 60 % of the time in the optimizer. Fused or foreach"),
        (trained(calls=700), "700 a step. Larger batches or wider networks"),
        (trained(data=0.4), "muon in mlp spends 40 % of its steps putting batches together; larger batches"),
    ],
)
def test_who_wastes_the_machine_is_told_how(training: Training, said: str) -> None:
    assert said in wasted("muon in mlp", training) and bool(said) == bool(wasted("muon in mlp", training))


def test_what_took_next_to_no_time_is_not_worth_a_sentence() -> None:
    slow, quick = trained(calls=700, seconds=1.0), trained(calls=7, seconds=0.01)
    assert "quick spends" not in training_table({"slow": slow, "quick": quick})
    assert "slow spends" in training_table({"slow": slow, "quick": quick})
