"""Studies that stop early, and studies that confirm what they selected: run for real, in a few seconds.

Estimators that are fitted in milliseconds on small tables: knowing nothing (``featureless``) is soon shown to
harm against a linear model, nearest neighbours are not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark import texts
from benchmark.api import PlannedStudy, forecast, plan_study, run, write_report
from benchmark.api.linking import link, records_of
from benchmark.api.reporting import judged
from benchmark.api.running import freeze, is_frozen
from benchmark.api.stages import confirming, finished, opening, order_of
from benchmark.cli import main
from benchmark.errors import RequestError
from benchmark.plan.cost import total
from benchmark.records.store import Item, Store, open_store

ORIGINS = ("iris", "wine", "engel", "modechoice", "star98", "diabetes", "fair", "anes96")
STUDY = (
    "study=estimators",
    "baselines=[linear]",
    "candidates=[knn,featureless]",
    f"tasks=[{','.join(ORIGINS)}]",
    "hosts=[linear]",
    "references=[knn]",
    "protocol=quick",
    "protocol.splits.scheme=holdout",
    "protocol.tuning.trials=1",
    "protocol.level=0.7",
    "executor=serial",
    "name=a",
)
FITS = 3
"""Of a candidate on a task: one trial, and a cell for each setting."""
STOP = ("protocol.stop=sequential", "protocol.sequence=normal")
SPLIT = ("protocol.confirm=split",)

Planned = Callable[..., PlannedStudy]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planned:
    """The small study with further overrides, its results below the test's own folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *overrides: plan_study([*STUDY, *overrides])


def verdict(study: PlannedStudy) -> str:
    """verdict.json as the report would write it, without what rests on time or on the store's history."""
    with open_store(study.resolved.results_dir, write=True) as store:
        finished(study, store)
        judgement = judged(study, records_of(study, store), {})
    found = judgement.to_json(study=study.name, slot=study.study.slot, metric="")
    for comparison in found["comparisons"]:
        del comparison["volatile"]
    return json.dumps(found)


def told(study: PlannedStudy) -> dict[str, Any]:
    """The verdict.json of a study's report."""
    found: dict[str, Any] = json.loads((study.folder / "report" / "verdict.json").read_text())
    return found


def origins_of(study: PlannedStudy, component: str, role: str = "candidate") -> set[str]:
    """The origins of a component's records in the report."""
    table = pd.read_parquet(study.folder / "report" / "records.parquet")
    return set(table.loc[(table["component"] == component) & (table["role"] == role), "origin"])


def test_a_candidate_runs_until_its_verdict_is_settled(planned: Planned, capsys: Any) -> None:
    study = planned(*STOP)
    order = order_of(study)
    assert main(["run", *STUDY, *STOP]) == 0
    said = capsys.readouterr().out
    (settled,) = [
        c for c in told(study)["comparisons"] if (c["candidate"], c["setting"]) == ("featureless", "tuned")
    ]
    stopped = settled["sequential"]["stopped_at"]
    assert settled["verdict"] == "HARMS" and 5 <= stopped < len(ORIGINS)
    assert f"featureless settled after {stopped} of 8 data sets" in said and "knn after" not in said
    assert origins_of(study, "featureless") == set(order[:stopped])
    assert origins_of(study, "knn") == set(ORIGINS)
    for role in ("baseline", "aa"):
        assert origins_of(study, "linear", role) == set(ORIGINS)
    assert origins_of(study, "knn", "reference") == set(ORIGINS)  # as long as any candidate is open
    spared = FITS * (len(ORIGINS) - stopped)
    assert f"stopped early: {spared} of {total(study.plan, {}).fits} fits were not needed" in said

    with open_store(study.resolved.results_dir, write=False) as store:
        ledger = store.ledger("estimator").set_index(["component", "setting"])
    assert ledger.loc[("featureless", "tuned"), ["baseline", "origins", "verdict", "studies"]].tolist() == [
        "linear",
        stopped,
        "HARMS",
        "a",
    ]


def test_found_complete_or_run_block_by_block_it_is_the_same_verdict(planned: Planned) -> None:
    sequential = planned(*STOP)
    run(sequential, quiet=True)
    whole = planned("name=whole", "results_dir=other")
    run(whole, quiet=True)
    found = planned(*STOP, "results_dir=other", "executor=processes", "workers=2")
    assert run(found, quiet=True).executed == 0
    assert verdict(found) == verdict(sequential)


def test_interrupted_anywhere_it_goes_on_to_the_same_verdict(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = planned(*STOP, "results_dir=calm")
    every = run(calm, quiet=True).executed
    study = planned(*STOP)
    executed, put = [0], Store.put

    def interrupting(store: Store, items: Sequence[Item], provenance: str) -> None:
        put(store, items, provenance)
        before, executed[0] = executed[0], executed[0] + len(items)
        if executed[0] // 37 > before // 37:
            raise KeyboardInterrupt

    monkeypatch.setattr(Store, "put", interrupting)
    while (progress := run(study, quiet=True)).left:
        assert progress.stopped == "interrupted"
        with pytest.raises(RequestError, match="fits of this study are missing"):
            write_report(study)
    assert executed[0] == every > 3 * 37
    assert verdict(study) == verdict(calm)


def test_interrupted_before_its_first_stage_everything_is_left(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupting(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.api.running.link", interrupting)
    study = planned(*STOP)
    progress = run(study, quiet=True)
    assert (progress.executed, progress.stopped) == (0, "interrupted")
    assert progress.left == total(study.plan, {}).fits


def test_a_driver_that_begins_the_study_meanwhile_takes_nothing_away(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, put, begun = planned(*STOP), Store.put, [0]

    def meanwhile(store: Store, items: Sequence[Item], provenance: str) -> None:
        put(store, items, provenance)
        begun[0] += 1
        if begun[0] % 37 == 0:
            with open_store(store.folder, write=True) as other:
                link(study, other, opening(study).rows)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", meanwhile)
        run(study, quiet=True)
    assert begun[0] > 3 * 37
    calm = planned(*STOP, "results_dir=calm")
    run(calm, quiet=True)
    assert verdict(study) == verdict(calm)


def test_only_what_was_selected_is_confirmed(planned: Planned, capsys: Any) -> None:
    study = planned(*SPLIT)
    selecting, holding = confirming(study)
    assert main(["run", *STUDY, *SPLIT]) == 0
    said = capsys.readouterr().out
    assert "selects one candidate on 4 data sets and confirms it on 4 others; a verdict takes 5" in said
    fits = f"{FITS * len(holding)} of {total(study.plan, {}).fits} fits"
    assert f"confirmed what was selected: {fits} were not needed (not selected: featureless)" in said
    assert origins_of(study, "knn") == set(ORIGINS)
    assert origins_of(study, "featureless") == set(selecting)
    found = told(study)
    assert {one["selected"] for one in found["selections"]} == {"knn"}
    chosen = next(c for c in found["comparisons"] if c["candidate"] == "knn")
    other = next(c for c in found["comparisons"] if c["candidate"] == "featureless")
    assert (chosen["n"]["origins"], other["n"]["origins"]) == (len(holding), len(selecting))
    assert other["verdict"] == "INSUFFICIENT"
    assert found["primary"]["candidate"] == "knn"


def test_a_time_budget_is_for_all_stages_together(planned: Planned) -> None:
    study = planned(*STOP, "executor=serial")
    every = total(study.plan, {}).fits
    progress = run(study, budget_seconds=0.0, quiet=True)
    assert (progress.executed, progress.stopped, progress.left) == (1, "budget", every - 1)
    assert "at most" in texts.unfinished(study, progress)


def test_a_plan_says_what_it_costs_at_most(planned: Planned) -> None:
    facts = {}
    for name, overrides in (("whole", ()), ("stop", STOP), ("split", SPLIT)):
        study = planned(*overrides)
        expected = forecast(study)
        facts[name] = texts.plan_facts(study, expected)
        assert ("at most" in texts.forecast(study, expected)) == (name != "whole")
        assert json.dumps(facts[name])
    assert [found["counts"]["at_most"] for found in facts.values()] == [False, True, True]
    assert len({found["counts"]["fits"] for found in facts.values()}) == 1
    assert sorted(facts["stop"]["order"]) == sorted(ORIGINS) and facts["whole"]["order"] is None
    assert {name: len(half) for name, half in facts["split"]["halves"].items()} == {
        "selecting": 4,
        "confirming": 4,
    }
    # What can be told from zero: least of all with half of the data sets, or when looking after each.
    told_by = {name: found["power"]["minimal_detectable_effect"] for name, found in facts.items()}
    assert told_by["whole"] < told_by["split"] < told_by["stop"]


def test_a_heading_says_where_there_are_too_few_data_sets(planned: Planned) -> None:
    too_few = "a verdict takes 5, so there will be none"
    assert too_few not in texts.heading(planned(*STOP))
    assert too_few in texts.heading(planned(*SPLIT))
    alone = texts.heading(planned(*STOP, "tasks=[iris]"))
    assert "may stop early: 1 data set in" in alone and too_few in alone


def test_a_primary_candidate_comes_first_or_is_refused(planned: Planned) -> None:
    assert planned("primary=featureless").study.primary == "featureless"
    both = ("candidates=[knn,gaussian_process]", "primary=gaussian_process")
    with pytest.raises(RequestError, match="primary=gaussian_process: it cannot run beside the baselines;"):
        planned(*both, "tasks=[fair]")
    with pytest.raises(RequestError, match="primary=gaussian_process: it cannot run .* either half"):
        planned(*both, "tasks=[fair,iris]", *SPLIT)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("tasks=[fair]",), "no candidate can run beside the baselines: gaussian_process on fair: "),
        (("tasks=[fair]", *STOP), "no candidate can run beside the baselines: gaussian_process on fair: "),
        (("tasks=[fair,iris]", *SPLIT), "on either half of the data sets: gaussian_process on fair: "),
        (("tasks=[iris]", *SPLIT), "split needs at least two data sets"),
    ],
)
def test_what_would_compare_nothing_is_refused_before_it_runs(
    planned: Planned, overrides: tuple[str, ...], said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        planned("candidates=[gaussian_process]", *overrides)


def test_a_lock_from_before_stages_says_what_is_different(planned: Planned) -> None:
    study = planned("tasks=[iris]")
    freeze(study)
    lock = study.folder / "study.lock"
    before = json.loads(lock.read_text())
    del before["study"]["primary"]
    for name in ("stop", "sequence", "confirm"):
        del before["study"]["protocol"][name]
    lock.write_text(json.dumps(before))
    assert is_frozen(study)
    with pytest.raises(RequestError, match=r"fixed this study and seed \(0 then, 7 now\)"):
        is_frozen(planned("tasks=[iris]", "seed=7"))
    with pytest.raises(RequestError, match=r"and protocol\.stop \(never then, sequential now\)"):
        is_frozen(planned("tasks=[iris]", *STOP[:1]))


def test_a_report_that_is_refused_fixes_nothing(planned: Planned) -> None:
    few = ("tasks=[iris,wine]",)
    run(planned("candidates=[featureless]", "name=other", *few), quiet=True)  # has the baselines' records
    study = planned("candidates=[gaussian_process]", *few, *STOP)
    with pytest.raises(RequestError, match="fits of this study are missing"):
        write_report(study)
    assert not study.folder.exists()
    with open_store(study.resolved.results_dir, write=False) as store:
        assert set(store.variants_tried("estimator")) == {"linear", "featureless"}


def test_every_variant_of_an_arm_and_of_its_parts_is_in_the_ledger(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    small = ["tasks=[iris]", "hosts=[mlp]", "protocol=quick", f"results_dir={tmp_path / 'results'}"]
    with open_store(tmp_path / "results", write=True) as store:
        for lr in ("0.1", "0.2"):
            mine.write_text(f"import torch\n\n\nclass Mine(torch.optim.SGD):\n    pass\n\n\nLR = {lr}\n")
            study = plan_study(["study=demo", f"candidates=[{mine}:Mine]", *small])
            link(study, store, study.plan.rows)
        arms = "candidates=[adamw+cosine,muon+constant]"
        study = plan_study(["study=interaction", arms, *small])
        link(study, store, study.plan.rows)
        tried = {slot: store.variants_tried(slot) for slot in ("optimizer", "schedule", "optimizer+schedule")}
    assert tried["optimizer"] == {"Mine": 2, "adamw": 1, "muon": 1}
    assert tried["schedule"] == {"constant": 1, "cosine": 1}
    assert tried["optimizer+schedule"] == {"adamw+constant": 1, "adamw+cosine": 1, "muon+constant": 1}
