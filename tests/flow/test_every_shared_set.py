"""The 52 real data sets beside the checkout, of every modality, in one study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from benchmark.cli import main

KINDS: Mapping[str, Mapping[str, Any]] = {
    "binary": {},
    "multiclass": {},
    "regression": {},
    "image_multiclass": {"modality": "image", "task_type": "multiclass"},
    "time_series_classification": {"modality": "sequence", "split": "split", "task_type": None},
    "univariate_forecasting": {"modality": "sequence", "task_type": "forecasting", "time": "time"},
    "text_binary_classification": {"modality": "text", "task_type": "binary"},
    "char_language_modelling": {"modality": "text", "task_type": "language", "options": {"length": 64}},
}
"""What a card of ours says beside theirs, by their task type."""

LEAKS = {"titanic": ["boat", "body"]}


def cards(shared: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """A card of ours for each of theirs."""
    for file in sorted((shared / "data").glob("*/*/*.yaml")):
        theirs = yaml.safe_load(file.read_text())
        kind = KINDS[theirs["task_type"]]
        leaks = LEAKS.get(theirs["name"], [])
        ours = {
            "source": "file",
            "location": str(file.parent / theirs["file"]),
            "task_type": theirs["task_type"],
            "categorical": [name for name in theirs.get("categorical_features") or [] if name not in leaks],
            "ignore": leaks,
            **kind,
        }
        if kind.get("modality") != "image" and ours["task_type"] != "language":
            ours["target"] = theirs["target"]
        card = {key: value for key, value in ours.items() if value not in (None, [])}
        yield f"shared_{theirs['name']}", card


@pytest.mark.all
@pytest.mark.shared_data
@pytest.mark.timeout(1200)
def test_all_load_train_and_are_scored_in_one_study(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "datasets").mkdir(parents=True)
    names = []
    for name, card in cards(shared):
        text = f"# @package datasets.{name}\n{yaml.safe_dump(card)}"
        (tmp_path / "mine" / "datasets" / f"{name}.yaml").write_text(text)
        names.append(name)
    assert len(names) == 52
    code = main(
        [
            "run",
            "study=optimizers",
            "candidates=[radam]",
            f"tasks=[{','.join(names)}]",
            "hosts=[mlp,cnn,gru]",
            "references=[featureless]",
            "protocol=quick",
            "protocol.aa=0",
            "protocol.tuning.trials=1",
            "protocol.splits.scheme=auto",
            "protocol.splits.folds=2",
            "protocol.budget.amount=30",
            "protocol.budget.evaluations=2",
            "protocol.budget.batch_size=64",
            "name=every",
            "--config-dir",
            "mine",
        ]
    )
    records = pd.read_parquet("results/every/report/records.parquet")
    failed = records[records["status"] != "ok"][["task", "host", "component", "reason"]]
    assert failed.empty, failed.drop_duplicates().to_string()
    assert code == 0
    assert set(records["task"]) == set(names)
    assert records["error"].notna().all()
    trained = records[records["host"] != ""]
    assert set(trained["task"]) == set(names)
    image = trained["task"].isin(["shared_digits_8x8", "shared_mnist_t10k"])
    assert set(trained.loc[image, "host"]) >= {"cnn", "mlp"}
