"""Claims: what is said follows from the records, and holds for another run."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.judge import judge
from benchmark.report import write
from benchmark.report.claims import claims_json, tolerances
from benchmark.spec import Task

MACHINES = [
    {"cpu": "EPYC 7763", "cores": 2, "gpus": None},
    {"cpu": "Xeon", "cores": 1, "gpus": ["H200"]},
]


def tasks_of(records: pd.DataFrame) -> list[Task]:
    """One task for every name in the records."""
    return [
        Task(name, name, "tabular", "binary", "roc_auc", 1000, 10, 2, f"{number:064x}", scheme="kfold")
        for number, name in enumerate(sorted(set(records["task"])))
    ]


def claimed(case: Any, records: pd.DataFrame | None = None) -> dict[str, Any]:
    """claims.json of a case, by id."""
    records = case.records if records is None else records
    whole = claims_json(case.about, case.judgement, records, tasks_of(records), MACHINES)
    found = {claim["id"]: claim for claim in whole["claims"]}
    assert len(found) == len(whole["claims"])
    return found


def test_a_level_claim_is_the_mean_of_the_records_it_rests_on(case: Any) -> None:
    scored = case.records.assign(score=1 - case.records["error"])
    claim = claimed(case, scored)["level:radam:mlp:fair:tuned"]
    rows = scored[
        (scored["component"] == "radam")
        & (scored["host"] == "mlp")
        & (scored["task"] == "fair")
        & (scored["setting"] == "tuned")
    ]
    assert claim["value"] == pytest.approx(rows["score"].mean(), rel=1e-12)
    assert claim["spread"] == pytest.approx(rows["score"].std(), rel=1e-12)
    assert claim["error"] == pytest.approx(rows["error"].mean(), rel=1e-12)
    digest = hashlib.sha256("\n".join(sorted(rows["key"])).encode()).hexdigest()
    assert (claim["rests_on"]["count"], claim["rests_on"]["digest"]) == (len(rows), digest)
    assert claim["volatile"] == {
        "seconds": pytest.approx(0.6),
        "hardware": ["1 core of Xeon with H200", "2 cores of EPYC 7763"],
    }
    for words in ("EPYC 7763", "H200", "task fair", "2 splits (kfold) and 2 seeds", "tuned with 4 trials"):
        assert words in claim["sentence"]


def test_every_arm_that_is_no_aa_arm_is_claimed_once(case: Any) -> None:
    told = case.records[case.records["role"] != "aa"]
    cells = told[["role", "component", "host", "task", "setting"]].drop_duplicates()
    assert sum(claim["kind"] == "level" for claim in claimed(case).values()) == len(cells)


def test_a_comparison_claim_is_the_verdict(case: Any) -> None:
    found = claimed(case)
    for c in case.judgement.comparisons:
        claim = found[f"comparison:{c.candidate}:{c.baseline}:{c.setting}"]
        assert (claim["verdict"], claim["effect"]) == (c.verdict, c.effect.mean)
        assert (claim["tolerance"], claim["tolerance_from"]) == (c.noise_floor, "aa")
        sides = case.records["component"].isin([c.candidate, c.baseline])
        rows = case.records[sides & (case.records["setting"] == c.setting)]
        assert claim["rests_on"]["count"] == len(rows)
        assert claim["sentence"].endswith(f": {c.verdict}.")


def test_failures_are_told(case: Any) -> None:
    claim = claimed(case)["level:sgd:mlp:wine:tuned"]
    assert claim["failures"] == 2
    assert "2 of its 4 fits failed and are left out" in claim["sentence"]
    broken = case.records.copy()
    lost = (broken["component"] == "sgd") & (broken["task"] == "wine")
    broken.loc[lost, ["status", "error", "score"]] = ["diverged", np.nan, np.nan]
    claim = claimed(case, broken)["level:sgd:mlp:wine:tuned"]
    assert claim["value"] is None and claim["tolerance"] is None
    assert "reaches nothing: all of its 4 fits failed" in claim["sentence"]


def test_few_data_sets_claim_nothing_of_who_is_better(build: Callable[..., Any]) -> None:
    case = build(tasks={"wine": 0.05, "iris": 0.06})
    sentences = [claim["sentence"] for claim in claimed(case).values() if claim["kind"] == "comparison"]
    assert sentences
    for sentence in sentences:
        assert "nothing is claimed" in sentence and "INSUFFICIENT" in sentence
        assert not any(word in sentence for word in ("better", "worse", "lower", "higher", "%"))


def test_the_order_of_rows_tasks_and_machines_changes_nothing(case: Any) -> None:
    tasks = tasks_of(case.records)
    one = claims_json(case.about, case.judgement, case.records, tasks, MACHINES)
    mixed = case.records.sample(frac=1, random_state=3)
    two = claims_json(case.about, case.judgement, mixed, tasks[::-1], MACHINES[::-1])
    assert json.dumps(one, sort_keys=True, allow_nan=False) == json.dumps(two, sort_keys=True)


def test_the_report_has_the_claims_as_file_section_and_table(case: Any, folder: Path) -> None:
    found = json.loads((folder / "claims.json").read_text())
    wanted = claims_json(case.about, case.judgement, case.records, tasks_of(case.records), case.provenance)
    assert [claim["id"] for claim in found["claims"]] == [claim["id"] for claim in wanted["claims"]]
    levels = [claim for claim in found["claims"] if claim["kind"] == "level"]
    table = pd.read_csv(folder / "tables" / "claims.csv")
    assert table["id"].to_list() == [claim["id"] for claim in levels]
    page = (folder / "index.html").read_text()
    assert '<section id="claims"' in page
    assert 'href="#claim-comparison-radam-adamw-tuned"' in page and 'href="claims.json"' in page


def test_hostile_names_are_escaped_and_guarded(build: Callable[..., Any], tmp_path: Path) -> None:
    case = build({"radam": "=cmd|'/C calc'!A0", "wine": "<script>alert(1)</script>", "mlp": "a:b"})
    page = case.write(tmp_path).read_text()
    section = page[page.index('<section id="claims"') :]
    assert "<script>" not in section and "&lt;script&gt;" in section
    table = pd.read_csv(tmp_path / "report" / "tables" / "claims.csv")
    assert "'=cmd|'/C calc'!A0" in set(table["component"])
    text = table.select_dtypes(exclude="number").astype(str)
    assert not text.apply(lambda column: column.str.match(r"[=+\-@\t\r]")).any().any()
    assert any(name.startswith("level:adamw:a%3Ab:") for name in table["id"])


def test_a_table_of_somebody_else_s_has_comparison_claims_alone(case: Any, tmp_path: Path) -> None:
    plain = case.records[case.records["role"].isin(["candidate", "baseline"])]
    foreign = plain[["component", "role", "host", "task", "setting", "fold", "seed", "error"]]
    judgement = judge(foreign)
    write(tmp_path, about=replace(case.about, kind="Table"), judgement=judgement, records=foreign)
    found = json.loads((tmp_path / "report" / "claims.json").read_text())["claims"]
    assert {claim["kind"] for claim in found} == {"comparison"}
    assert not any("digest" in claim["rests_on"] for claim in found)
    bare = foreign.drop(columns="setting")[foreign["setting"] == "tuned"]
    unstated = claims_json(case.about, judge(bare), bare)["claims"]
    assert all(claim["sentence"].startswith("Over 8 data sets and 3 hosts, ") for claim in unstated)
    assert not any("unstated" in claim["sentence"] for claim in unstated)
    assert '<section id="claims"' in (tmp_path / "report" / "index.html").read_text()


def test_ten_thousand_records_take_less_than_a_second(case: Any) -> None:
    copies = -(-10_000 // len(case.records))
    many = pd.concat(
        [
            case.records.assign(task=case.records["task"] + str(n), key=case.records["key"] + str(n))
            for n in range(copies)
        ],
        ignore_index=True,
    )
    tasks = tasks_of(many)
    begun = time.process_time()
    claims_json(case.about, case.judgement, many, tasks, MACHINES)
    assert time.process_time() - begun < 1


def test_nothing_repeated_gives_no_tolerance(case: Any) -> None:
    alone = case.records[(case.records["seed"] == 0) & (case.records["role"] != "aa")]
    found = [claim for claim in claimed(case, alone).values() if claim["kind"] == "level"]
    assert {(claim["tolerance"], claim["tolerance_from"]) for claim in found} == {(None, "none")}


def test_one_split_gives_the_textbook_interval() -> None:
    rows = runs(np.random.default_rng(1), 1, splits=1, seeds=4, again=0, tuned=False, studies=1)
    rows = rows[rows["role"] == "candidate"]
    wanted = 3.182446305284263 * np.sqrt(2 * rows["score"].var() / 4)  # t(0.975, 3)
    assert tolerances(rows)["tolerance"].item() == pytest.approx(wanted, rel=1e-9)


def runs(
    random: np.random.Generator,
    number: int,
    *,
    splits: int,
    seeds: int,
    again: int,
    tuned: bool,
    studies: int,
) -> pd.DataFrame:
    """``number`` tasks as tolerances reads them, the noise larger from split to split."""
    arms = [("candidate", "c", 0), *(("aa" if n else "baseline", "b", n) for n in range(again + 1))]
    task, split, seed = (axis.ravel() for axis in np.indices((number, splits, seeds)))
    parts = []
    for role, component, replicate in arms:
        drawn = random.normal(0, 0.01, (number, splits, studies))[task, split, seed % studies]
        noise = random.normal(0, 0.01, len(task)) + (drawn if tuned else 0)
        named = {"role": role, "component": component, "host": "h", "replicate": replicate, "repeat": 0}
        named |= {"setting": "tuned" if tuned else "default"}
        at = {"task": task, "part": split, "seed": seed, "tuning": seed % studies if tuned else 0}
        parts.append(pd.DataFrame({**named, **at, "score": 0.7 + 0.02 * split + noise * (1 + split)}))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.all
@pytest.mark.parametrize("splits", [1, 2, 5, 10])
@pytest.mark.parametrize(
    ("seeds", "again", "tuned", "studies"),
    [
        (2, 0, False, 1),
        (3, 0, False, 1),
        (1, 1, False, 1),
        (2, 2, False, 1),
        (1, 1, True, 1),
        (3, 2, True, 1),
        (4, 2, True, 2),
        (4, 0, True, 2),
    ],
)
def test_another_run_lies_within_the_tolerance(
    splits: int, seeds: int, again: int, tuned: bool, studies: int
) -> None:
    """About 19 of 20, on 3,000 tasks of each shape."""
    random = np.random.default_rng(20)
    shape = {"splits": splits, "seeds": seeds, "again": again, "tuned": tuned, "studies": studies}
    one, two = (runs(random, 3000, **shape) for _ in range(2))  # type: ignore[arg-type]
    means = [
        run[run["role"] != "aa"].groupby(["role", "component", "host", "task", "setting"])["score"].mean()
        for run in (one, two)
    ]
    found = tolerances(one)
    assert set(found["tolerance_from"]) == {"aa" if again else "seeds"}
    held = ((means[0] - means[1]).abs() <= found["tolerance"]).groupby(level="role").mean()
    assert held.between(0.935, 0.995).all(), held
