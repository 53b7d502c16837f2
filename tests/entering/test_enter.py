"""`swapbench enter` as it is typed: components are checked, run on real data and commented on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from benchmark import api
from benchmark.api.entering import entrance
from benchmark.catalog import open_catalog
from benchmark.cli import main
from benchmark.errors import RequestError
from benchmark.records.store import open_store
from benchmark.spec import SLOTS
from benchmark.texts.entering import LONGEST, comment, harmless

TINY = (
    *("hosts=[mlp]", "tasks=[iris,engel]", "references=[]", "protocol.budget.amount=8", "executor=serial"),
    *("protocol.tuning.trials=1", "protocol.aa=0"),
)
HOSTILE = (
    "<script>alert(1)</script> @everyone [x](javascript:alert(2)) ![i](https://evil.example/i.png) <!-- | a |"
    " https://evil.example www.evil.example #1 ``` ~~~ \x1b[31m \u202e\n\n```\n# heading\n"
    "<img src=x onerror=y>\n"
    "[ref]: https://evil.example\n"
)
SGD = """
import torch


class {name}(torch.optim.Optimizer):
    \"\"\"Plain steps along the gradient.\"\"\"

    def __init__(self, params, lr=0.01):
        super().__init__(params, {{"lr": lr}})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
{body}
"""
STEP = "                    parameter.sub_(group['lr'] * parameter.grad)"
RAISE = f"""                    if parameter.shape[-1] == COLUMNS:
                        raise RuntimeError(ANGRY)
{STEP}"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    open_catalog()


def write(name: str, body: str = STEP, folder: Path = Path("mine"), head: str = "") -> None:
    """An optimizer of a catalog folder."""
    place = folder / "components" / "optimizer"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.py").write_text(head + SGD.format(name="Stepper", body=body), encoding="utf-8")
    (place / f"{name}.yaml").write_text(
        f"# @package components.optimizer.{name}\n"
        f"make: {{_target_: components.optimizer.{name}.Stepper, _partial_: true, lr: 1.0e-2}}\n"
        "space:\n  lr: {low: 1.0e-4, high: 1.0, log: true}\n"
        "source: {code: own, space: as sgd}\n",
        encoding="utf-8",
    )


def enter(*words: str) -> int:
    return main(
        ["enter", *words, "--config-dir", "mine", "--out", "c.md", "--json", "c.json", "--seconds", "3"]
    )


def said() -> str:
    return Path("c.md").read_text(encoding="utf-8")


def rendered(text: str) -> str:
    """As a page shows it: raw HTML let through, links made of what looks like one where that is possible."""
    page: str = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)
    return page


def test_a_good_one_is_judged_and_the_same_command_computes_nothing_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("stepper")
    assert enter("optimizer/stepper", *TINY) == 0
    text, (found,) = said(), json.loads(Path("c.json").read_text(encoding="utf-8"))
    assert found["provisional"] and not found["failed"] and found["shipped_study"] == "optimizers"
    compared = found["comparisons"][0]
    assert {one["setting"] for one in found["comparisons"]} == {"tuned", "default"}
    assert (compared["candidate"], compared["baseline"]) == ("stepper", "adamw")
    assert (compared["verdict"], compared["n"]["origins"]) == ("INSUFFICIENT", 2)
    assert compared["volatile"]["variants_tried"] == 1
    assert found["overrides"][-len(TINY) :] == list(TINY) and "candidates=['stepper']" in found["overrides"]
    for words in ("PROVISIONAL", "**INSUFFICIENT**", "1 variant ", "0 of 4", "`optimizers`", "0 errors"):
        assert words in text, words
    assert "helps in" in text and "×" in text
    shown = capsys.readouterr().out
    assert "cut from `optimizers`" in shown and shown.endswith("comment: c.md\n")
    with open_store(Path("results/entering"), write=False) as store:
        before = store.record_keys()
    assert before
    command = next(line for line in text.splitlines() if line.startswith("swapbench enter "))
    assert command.split()[2] == "optimizer/stepper" and "--config-dir mine" in command
    assert enter("mine/components/optimizer/stepper.yaml", *TINY) == 0
    with open_store(Path("results/entering"), write=False) as store:
        assert store.record_keys() == before


@pytest.mark.all
def test_another_variant_is_counted() -> None:
    write("stepper")
    enter("stepper", *TINY)
    write("stepper", STEP.replace("parameter.grad)", "parameter.grad * 0.5)"))
    assert enter("stepper", *TINY) == 0
    assert "knows 2 variants of this component" in said()


def test_a_bug_is_told_and_nothing_is_run() -> None:
    write("idle", "                    pass")
    write("stepper")
    assert enter("idle", "stepper", *TINY) == 1
    idle, stepper = json.loads(Path("c.json").read_text(encoding="utf-8"))
    assert idle["failed"] and idle["study"] is None and idle["comparisons"] == []
    assert idle["check"]["findings"][0]["severity"] == "error"
    assert not stepper["failed"] and stepper["comparisons"]
    assert "### `optimizer/idle`: **no verdict**" in said() and "the check found errors" in said()
    assert "steps_as_the_slot_calls_it" in said()


def write_angry(columns: int) -> None:
    """One that raises a long and hostile message where a task has so many columns."""
    write("angry", RAISE, head=f"COLUMNS = {columns}\nANGRY = {(HOSTILE + 'x' * 10_000)!r}\n")


def test_failed_fits_are_told_and_nobody_is_harmed() -> None:
    write_angry(12)
    assert enter("angry", *TINY, "tasks=[iris,star98,engel]") == 1
    text, (found,) = said(), json.loads(Path("c.json").read_text(encoding="utf-8"))
    assert found["comparisons"][0]["failures"]["candidate"] == 2 and found["failures"] >= 2
    assert "came to no result" in text and "RuntimeError" in text and "alert(1)" in text
    unharmed(text)


def test_what_the_check_says_harms_nobody() -> None:
    write_angry(30)  # as one of the data sets has on which the doctor tries it
    assert enter("angry", *TINY) == 1
    assert "ERROR" in said() and "alert(1)" in said() and "**no verdict**" in said()
    unharmed(said())


def unharmed(text: str) -> None:
    """No tag, link, image or mention in what a page makes of a comment; and not too long for one."""
    assert len(text) <= LONGEST
    html = rendered(text)
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z!][\w-]*)", html))
    assert tags <= {"h2", "h3", "p", "strong", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"}, (
        tags
    )
    assert html.count("<h2") == 1
    outside = re.sub(r"<code.*?</code>", "", html, flags=re.DOTALL)
    assert "@" not in outside and "://" not in outside and "evil" not in outside and "alert" not in outside
    assert not re.search(r"@\w|://|www\.|\]\(|!\[|<", text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)


def test_hostile_paths_stay_inside_code() -> None:
    place = Path("a <script>alert(1)<!-- `` @everyone [x](javascript:alert(2)) | b")
    place = place / ("y" * 200) / ("z" * 200)
    place.mkdir(parents=True)
    Path("mine/components/optimizer").mkdir(parents=True)
    (place / "mine.py").write_text(SGD.format(name="Stepper", body=STEP), encoding="utf-8")
    assert enter(f"{place}/mine.py:Stepper", *TINY) == 0
    assert "alert(1)" in said()
    unharmed(said())


def test_a_comment_has_an_end() -> None:
    """Three hundred components with ten thousand characters each."""
    from benchmark.checks import Examination
    from benchmark.findings import Finding

    part = api.plan_study(["study=demo", *TINY]).resolved.components["radam"][0]
    finding = Finding("f", "error", "s", (HOSTILE + "<!-- @all " + "x" * 10_000))
    entries = [api.Entry(Examination(part, (finding,), 1, (), 1.0), refused=HOSTILE * 50) for _ in range(300)]
    text = comment(entries, ["swapbench", "enter", HOSTILE, *["optimizer/x"] * 5_000])
    assert "more components, for which there is no room here" in text
    unharmed(text)


def test_what_is_harmless_stays_so() -> None:
    once = harmless(HOSTILE)
    assert harmless(once) == once
    plain = "A sentence: 95 % interval [−1, 2], a < is rare, mail a b, #, ! [ and ] (x)."
    assert harmless(plain) == plain.replace("<", "‹")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stepper", "hots=[mlp]"), "hots"),
        (("stepper", "candidates=[radam]"), "candidates: what is entered is the candidate"),
        (("stepperr",), "there is no component 'stepperr'; did you mean 'stepper'?"),
        (("optimizer/a=b",), "there is no component 'optimizer/a=b'"),
        (("hosts=[mlp]",), "enter: no component is named"),
        (("stepper", "study=optimisers"), "did you mean 'optimizers'?"),
        (("nowhere/x.yaml",), "'nowhere/x.yaml': there is no such file"),
        (("mine/components/optimizer/../loose.yaml",), "a component's file is components/SLOT/NAME.yaml"),
        (("stepper", "protocol=quik"), "did you mean 'quick'?"),
    ],
)
def test_a_wrong_request_is_a_line(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("stepper")
    Path("mine/components/loose.yaml").write_text("make: {}\n", encoding="utf-8")
    assert enter(*words) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and err.count("\n") == 1
    assert not Path("results").exists() and not Path("c.md").exists()


def test_a_baseline_is_entered_in_no_study(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine/components/optimizer").mkdir(parents=True)
    assert enter("activation/relu", *TINY) == 1
    assert "is the baseline of the study activations" in capsys.readouterr().out.replace("\n    ", " ")
    assert "**no verdict**" in said()


@pytest.mark.parametrize("slot", SLOTS)
def test_every_slot_has_a_largest_study(slot: str) -> None:
    catalog = open_catalog()
    (name, arms), *others = entrance(catalog, slot)
    assert catalog.document("study", name)["slot"] == slot
    assert all(fewer <= arms for _, fewer in others)


def test_a_slot_without_a_study_is_refused() -> None:
    with pytest.raises(RequestError, match="no shipped study varies the slot optimiser"):
        entrance(open_catalog(), "optimiser")


def test_of_another_modality_its_own_suite_is_taken() -> None:
    """A network for sequences cannot take tables: the first study that it can run in is that of sequences."""
    from benchmark.api.entering import Entry, _planned
    from benchmark.api.examining import looked_up
    from benchmark.checks import Examination

    (part,) = looked_up(["architecture/lstm"])
    entry = _planned(Entry(Examination(part, (), 0, (), 0.0)), "architecture/lstm", (), ())
    assert entry.shipped == "architectures_sequence" and entry.planned is not None
    assert entry.planned.study.suite == "sequences"
