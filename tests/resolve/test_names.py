"""Arms of two slots, and hosts of a width."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

TWO = ("slot=[optimizer,schedule]", "baselines=[adamw+constant]")


def test_an_arm_of_two_slots_fills_both(shelf: Any) -> None:
    resolved = shelf.load(*TWO, "candidates=[adamw+cosine,radam+constant,radam+cosine]")
    assert resolved.study.slots == ("optimizer", "schedule") and resolved.study.slot == "optimizer+schedule"
    assert [part.name for part in resolved.components["radam+cosine"]] == ["radam", "cosine"]
    assert [part.slot for part in resolved.components["radam+cosine"]] == ["optimizer", "schedule"]


def test_a_typed_class_may_be_a_part_of_an_arm(shelf: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from torch.optim import SGD\nclass MyOpt(SGD):\n    pass\n", encoding="utf-8")
    resolved = shelf.load(*TWO, f"candidates=['{file}:MyOpt+cosine',torch.optim.Rprop+cosine]")
    typed, schedule = resolved.components["MyOpt+cosine"]
    assert typed.trusted and typed.make["_target_"] == f"{file}:MyOpt" and not schedule.trusted
    assert list(resolved.study.candidates) == ["MyOpt+cosine", "Rprop+cosine"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["candidates=[radam]"],
            "'radam': this study varies optimizer and schedule; write OPTIMIZER+SCHEDULE",
        ),
        (["candidates=[radam+]"], "'radam+': this study varies optimizer and schedule"),
        (["candidates=[radam+cosine+relu]"], "write OPTIMIZER+SCHEDULE"),
        (["candidates=[radam+cosin]"], "there is no schedule 'cosin'; did you mean 'cosine'"),
        (["candidates=[radam+cosine]", "slot=[optimizer,optimizer]"], "expected one slot, or two different"),
        (["candidates=[a+b]", "slot=[optimizer,booster]"], "no pipeline has both optimizer and booster"),
        (["candidates=[a+b]", "slot=[optimizer,schedul]"], "there is no such slot; did you mean 'schedule'"),
    ],
)
def test_a_wrong_arm_is_one_line(shelf: Any, overrides: list[str], message: str) -> None:
    assert message in shelf.refusal(*TWO, *overrides)


def test_every_host_at_every_width(shelf: Any) -> None:
    hosts = shelf.load("hosts=[mlp,resnet@48]", "widths=[16,128]").hosts
    assert [(name, host.name, host.width) for name, host in hosts.items()] == [
        ("mlp@16", "mlp", 16),
        ("mlp@128", "mlp", 128),
        ("resnet@48", "resnet", 48),
    ]
    architecture = hosts["mlp@16"].components["architecture"]
    assert architecture.make["d_block"] == 16
    assert "d_block" not in architecture.space, "a width that was set is not searched"
    assert "d_block" in shelf.load().hosts["mlp"].components["architecture"].space


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["widths=[64,0]"], "widths=[64, 0]: expected different whole numbers"),
        (["widths=[64,64]"], "expected different whole numbers"),
        (["widths=wide"], "widths=wide: expected different whole numbers"),
        (["hosts=[mlp@0]"], "hosts: 'mlp@0': expected a width from 1, as in mlp@64"),
        (["hosts=[mlp@064]"], "expected a width from 1"),
        (["hosts=[mlp@wide]"], "expected a width from 1"),
        (["hosts=[ft_transformer@7]"], "ft_transformer takes one of the widths 16, 32, 64, 128"),
        (["hosts=[mlpp@64]"], "there is no pipeline 'mlpp'; did you mean 'mlp'"),
        (
            ["hosts=[linear@3]", "slot=estimator", "candidates=[random_forest]", "baselines=[linear]"],
            "hosts: 'linear@3': linear has no width, so there is none to set",
        ),
        (
            ["hosts=[mlp@64]", "slot=architecture", "candidates=[resnet]", "baselines=[mlp]"],
            "this study varies the architecture, so there is none to set",
        ),
    ],
)
def test_a_wrong_width_is_one_line(shelf: Any, overrides: list[str], message: str) -> None:
    assert message in shelf.refusal(*overrides)


def test_a_width_must_be_an_argument(shelf: Any) -> None:
    text = "make: {_target_: components.architecture.rtdl.MLP, _partial_: true, d_block: 8}\nwidth: d_blok\n"
    shelf.put("architecture", "mine", text)
    overrides = ["slot=architecture", "candidates=[mine]", "baselines=[mlp]"]
    assert "width: make has no argument 'd_blok'; did you mean 'd_block'" in shelf.refusal(*overrides)
