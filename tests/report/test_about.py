"""What is said of the protocol where it is not the usual one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmark import api, texts
from benchmark.report import about_study


def test_the_page_names_a_precision_and_a_stacking_that_were_chosen(case: Any) -> None:
    usual = dict(case.about.protocol)
    assert not {"Precision", "Training"} & set(usual)
    protocol = replace(case.study.protocol, precision="bfloat16", stacking="off")
    said = dict(about_study(replace(case.study, protocol=protocol), case.judgement).protocol)
    assert said.pop("Precision").startswith("networks in bfloat16 mixed with float32")
    assert said.pop("Training") == "every network by itself"
    assert said == usual


def test_the_terminal_names_them_in_the_heading() -> None:
    asked = ["study=demo", "tasks=[iris]", "device=cpu"]
    assert "networks:" not in texts.heading(api.plan_study(asked))
    chosen = api.plan_study([*asked, "protocol.precision=float16", "protocol.stacking=on"])
    assert "  networks: in float16 mixed with float32, stacking on\n" in texts.heading(chosen)
