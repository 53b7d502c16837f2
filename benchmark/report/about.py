"""What a report says about where its records come from: a study, or somebody else's table."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.judge import Judgement
from benchmark.report.words import counted
from benchmark.spec import Study

__all__ = ["About", "about_study"]


@dataclass(frozen=True, slots=True)
class About:
    """The question that was asked, and under which rules: words and a few numbers."""

    name: str
    question: str = ""
    """The page's headline; ``name`` stands there where it is empty."""
    slot: str = ""
    """What is varied; empty where nobody says."""
    protocol: tuple[tuple[str, str], ...] = ()
    """What was the same for every arm: (term, what it was)."""
    tuned: int | None = None
    """Trials of one tuning study; None where nobody says."""
    sampler: str = ""
    """What proposed the trials; empty where nobody says."""
    kind: str = "Study"
    """What ``name`` is the name of, with a capital."""
    primary: bool = False
    """Whether one comparison was named beforehand as the one that the question is about."""


def about_study(study: Study, judgement: Judgement) -> About:
    """What is said about a study, its protocol as ``judgement`` resolved it."""
    tuning = study.protocol.tuning
    return About(
        name=study.name,
        question=study.question,
        slot=study.slot,
        protocol=tuple(_protocol(study, judgement)),
        tuned=tuning.trials,
        sampler=tuning.sampler,
        primary=True,
    )


def _protocol(study: Study, judgement: Judgement) -> list[tuple[str, str]]:
    p, first = study.protocol, judgement.primary
    return [
        ("Arms", f"{', '.join(study.candidates)} against {', '.join(study.baselines)}"),
        *(
            []
            if first is None
            else [("Primary", f"{first.candidate} against {first.baseline}, {first.setting}")]
        ),
        ("Hosts", ", ".join(study.hosts) or "none: whole pipelines"),
        ("Data", _data(study)),
        ("Splits", _splits(study)),
        ("Seeds", f"{counted(p.seeds, 'seed')} per split, shared by all arms; root seed {study.seed}"),
        ("Tuning", _tuning(study)),
        ("Budget", _budget(study)),
        ("Limits", "none" if p.limits.seconds is None else f"{p.limits.seconds:g} seconds per fit"),
        ("A/A arms", f"{p.aa}: the baseline again, other seeds, tuned again"),
        *([("Controls", ", ".join(p.controls))] if p.controls else []),
        *_computing(study),
        *_course(study),
        ("Smallest effect that counts (ROPE, δ)", f"{100 * p.rope:g} %, fixed before the run"),
        ("Level", f"{100 * p.level:g} %, alpha {1 - p.level:.3g}"),
        ("Host effects", f"{judgement.host_effects} (asked for: {p.host_effects})"),
    ]


def _computing(study: Study) -> list[tuple[str, str]]:
    """What networks compute in and whether together, where a person chose it."""
    p = study.protocol
    together = {"on": "together wherever networks have one shape", "off": "every network by itself"}
    said = []
    if p.precision != "float32":
        said.append(
            ("Precision", f"networks in {p.precision} mixed with float32; weights and loss in float32")
        )
    if p.stacking in together:
        said.append(("Training", together[p.stacking]))
    return said


def _course(study: Study) -> list[tuple[str, str]]:
    """How the data sets were run, other than all at once."""
    p = study.protocol
    said = []
    if p.stop == "sequential":
        what = f"after every data set, in an order fixed by the root seed; confidence sequence: {p.sequence}"
        said.append(("Stopping", what))
    if p.confirm == "split":
        said.append(("Confirmation", "selected on one half of the data sets, judged on the other"))
    return said


def _data(study: Study) -> str:
    suite = f" of suite {study.suite}" if study.suite else ""
    return f"{counted(len(study.tasks), 'task')}{suite}: {', '.join(study.tasks)}"


def _splits(study: Study) -> str:
    splits = study.protocol.splits
    own = "each task's own, else by its groups, time or classes"
    return (
        f"{own if splits.scheme == 'auto' else splits.scheme}; at most {counted(splits.repeats, 'repeat')} × "
        f"{counted(splits.folds, 'fold')}, the same for every arm; {splits.validation:.0%} of the training "
        "part held back for validation"
    )


def _tuning(study: Study) -> str:
    tuning = study.protocol.tuning
    again = f"; the whole of it {tuning.repeats} times, shared out among the seeds"
    return (
        f"{counted(tuning.trials, 'trial')} per arm, host, task and split (sampler {tuning.sampler}, tuned: "
        f"{tuning.what}); trial 0 is the default setting; selection reads validation data only"
        f"{again if tuning.repeats > 1 else ''}"
    )


def _budget(study: Study) -> str:
    budget = study.protocol.budget
    return (
        f"{budget.amount:g} {budget.unit} per fit of a network, batches of {budget.batch_size}; stopped early"
        f" after {counted(budget.patience, 'evaluation')} without gain"
        f"{'; the results depend on the machine' if budget.unit == 'seconds' else ''}"
    )
