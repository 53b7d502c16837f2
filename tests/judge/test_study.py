from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import RequestError
from benchmark.judge import compare, judge
from benchmark.judge.floor import aa_effects, noise_floor
from benchmark.judge.pairing import tabulate
from benchmark.judge.significance import holm

Table = Callable[..., pd.DataFrame]

GAINS = {"good": 0.1, "same": 0.0, "bad": -0.1}


def as_bytes(records: pd.DataFrame) -> str:
    return json.dumps(judge(records).to_json(study="s", slot="optimizer", metric="error"), allow_nan=False)


@given(st.integers(0, 10**6))
@settings(max_examples=3, deadline=None)
def test_the_order_of_the_rows_changes_no_byte(table: Table, root: int) -> None:
    records = table(GAINS, tasks=6, settings=("default", "tuned"), aa=2)
    records.loc[records.index % 41 == 0, "status"] = "failed"
    shuffled = records.sample(frac=1, random_state=root)
    assert as_bytes(records) == as_bytes(shuffled)


def test_verdict_json_has_its_structure(table: Table) -> None:
    records = table(GAINS, settings=("default", "tuned"))
    judgement = judge(records, variants_tried={"good": 3})
    page = json.loads(
        json.dumps(judgement.to_json(study="s", slot="optimizer", metric="error"), allow_nan=False)
    )
    top = ["schema", "study", "slot", "metric", "protocol", "primary", "comparisons", "findings"]
    assert list(page)[: len(top)] == top
    assert page["schema"] == 1
    assert page["protocol"] == {"rope": 0.01, "level": 0.95, "host_effects": "fixed"}
    order = [(one["setting"], one["candidate"]) for one in page["comparisons"]]
    assert order == [(setting, name) for setting in ("tuned", "default") for name in ("bad", "good", "same")]
    first = page["comparisons"][1]
    assert first["verdict"] == "HELPS"
    assert set(first["effect"]) == {"mean", "ci95", "ci_verdict", "ci90", "prediction95", "pigeonhole95"}
    assert [set(row) for row in first["hosts"]] == [{"host", "mean", "ci95", "shrunken", "shrunken95"}] * 2
    assert set(first["beside"]) == {"improvement", "bayes", "iqm", "replicability", "welch"}
    assert first["worst_case"] is None
    assert set(first["n"]) == {"origins", "tasks", "hosts", "splits", "seeds", "blocks"}
    assert first["n"] == {"origins": 8, "tasks": 8, "hosts": 2, "splits": 2, "seeds": 3, "blocks": 96}
    assert first["volatile"]["variants_tried"] == 3
    assert set(first["volatile"]) == {"cost_ratio", "variants_tried", "winners_curse", "flags", "findings"}
    needed = (
        "baseline probability_of_improvement wins ties losses p_wilcoxon p_holm minimal_detectable_effect"
    )
    assert set((needed + " noise_floor failures flags").split()) <= set(first)


def test_undefined_numbers_are_null(table: Table) -> None:
    records = table({"new": 0.1}, tasks=1, aa=0)
    found = judge(records).to_json(study="s", slot="optimizer", metric="error")["comparisons"][0]
    assert found["effect"]["ci95"] is None
    assert found["noise_floor"] is None
    json.dumps(found, allow_nan=False)


def test_candidates_of_a_family_are_judged_together(table: Table) -> None:
    records = table(GAINS)
    twin = records[(records["component"] == "base") & (records["replicate"] == 0)]
    records = pd.concat([records, twin.assign(component="twin", role="candidate")])
    found = {one.candidate: one for one in judge(records).comparisons}
    assert {one.family for one in found.values()} == {3}, "the twin has no variance and leaves the quantile"
    for name, one in found.items():
        alone = compare(records, name, "base")
        assert one.effect.ci95 == alone.effect.ci95 == alone.effect.ci_verdict
        if name != "twin":
            assert one.effect.ci_verdict is not None and one.effect.ci95 is not None
            assert one.effect.ci_verdict[0] < one.effect.ci95[0]
        assert ("simultaneous over 3 candidates" in one.sentence) == (one.verdict != "EQUIVALENT")
    names = sorted(found)
    assert [found[name].p_holm for name in names] == holm([found[name].p_wilcoxon for name in names])


def test_one_candidate_needs_no_correction(table: Table) -> None:
    found = judge(table({"new": 0.1})).comparisons[0]
    assert found.effect.ci_verdict == found.effect.ci95
    assert found.p_holm == found.p_wilcoxon


def test_floor_is_the_largest_mean_of_the_aa_arms(table: Table) -> None:
    records = table({"new": 0.1}, aa=3, noise=0.03)
    effects = aa_effects(tabulate(records), "base", "tuned")
    floor = noise_floor(effects)
    means = effects.groupby("replicate")["effect"].mean()
    assert floor.means == pytest.approx(means.to_dict())
    assert floor.mean == pytest.approx(means.abs().max())
    judgement = judge(records)
    found = judgement.comparisons[0]
    assert found.noise_floor == floor.mean == judgement.aa["base", "tuned"].mean
    merged = effects.assign(size=effects["effect"].abs()).groupby(["task", "host"])["size"].max()
    assert found.effects.set_index(["task", "host"])["floor"].to_dict() == merged.to_dict()
    by_task = effects.groupby(["replicate", "task"])["effect"].mean().abs().groupby("task").max()
    assert found.tasks.set_index("task")["floor"].to_dict() == pytest.approx(by_task.to_dict())


def test_floor_speaks_of_the_same_hosts_as_the_comparison(table: Table) -> None:
    records = table({"new": 0.1}, hosts=2)
    loud = (records["role"] == "aa") & (records["host"] == "h1")
    records.loc[loud, "error"] *= 1.5
    rest = records[~((records["component"] == "new") & (records["host"] == "h1"))]
    found = compare(rest, "new", "base", excluded={("new", "h1")})
    assert found.noise_floor is not None and found.noise_floor < 0.02


def test_without_aa_arms_the_floor_is_unknown(table: Table) -> None:
    found = judge(table({"new": 0.0005}, aa=0, noise=0.001)).comparisons[0]
    assert (found.verdict, found.noise_floor) == ("EQUIVALENT", None)
    assert "no_floor" in found.flags
    assert found.effects["floor"].isna().all()


def test_references_stand_beside_the_arms(table: Table) -> None:
    records = table({"new": 0.1}, settings=("default", "tuned"))
    whole = records[
        (records["component"] == "new") & (records["host"] == "h0") & (records["setting"] == "default")
    ]
    forest = whole.assign(component="forest", role="reference", host="", error=0.3)
    forest.loc[forest["task"] == "t1", "status"] = "timeout"
    found = judge(pd.concat([records, forest])).references
    assert found.columns.tolist() == ["task", "arm", "role", "setting", "error", "cells", "failures"]
    assert len(found) == 8 * 3
    assert found.set_index("arm")["setting"].groupby("arm").first().to_dict() == {
        "base": "tuned",
        "forest": "default",
        "new": "tuned",
    }
    lost = found[(found["arm"] == "forest") & (found["task"] == "t1")].iloc[0]
    assert np.isnan(lost["error"])
    assert (lost["cells"], lost["failures"], lost["role"]) == (6, 6, "reference")


def test_named_arms_replace_roles(table: Table) -> None:
    records = table({"one": 0.1, "two": 0.2}).drop(columns="role")
    found = judge(records, candidates=["two", "one"], baselines=["base"]).comparisons
    assert [one.candidate for one in found] == ["two", "one"]


def test_one_comparison_is_primary(table: Table) -> None:
    records = table(GAINS, settings=("default", "tuned"))
    found = judge(records)
    assert found.primary is found.comparisons[0]
    found = judge(records, primary="same")
    assert found.primary is not None
    page = found.to_json(study="s", slot="optimizer", metric="error")
    assert page["primary"] == {"candidate": "same", "baseline": "base", "setting": "tuned"}
    with pytest.raises(RequestError, match="primary=gold: not among the candidates, did you mean 'good'"):
        judge(records, primary="gold")


def test_three_arms_stand_side_by_side_on_the_origins_that_all_have(table: Table) -> None:
    records = table(GAINS, tasks=8)
    assert judge(records, candidates=["good"]).board is None, "two arms"
    found = judge(records).board
    assert found is not None
    assert (found.n["methods"], found.n["origins"]) == (4, 8)
    order = [f"t{n}" for n in range(8)]
    short = records[~((records["component"] == "bad") & records["origin"].isin(order[6:]))]
    found = judge(short, order=order).board
    assert found is not None and found.n["origins"] == 6
    left_out = records[~((records["component"] == "bad") & (records["host"] == "h1"))]
    found = judge(left_out, excluded={("bad", "h1")}).board
    assert found is not None and (found.n["origins"], found.n["hosts"]) == (8, 1)
