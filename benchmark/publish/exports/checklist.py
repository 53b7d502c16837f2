"""A reproducibility checklist, answered from the study as far as a study can answer it.

The questions are those that conferences ask of papers (Pineau et al., arXiv:2003.12206) and those to be asked
of a benchmark (controls, noise, equal tuning), in our own words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmark.findings import Finding
from benchmark.publish.exports.methods import compared_tasks, is_tuned
from benchmark.publish.exports.published import Published
from benchmark.publish.exports.tally import Tally, tally
from benchmark.publish.licences import may_be_shared
from benchmark.publish.sources import absent_code
from benchmark.report.basis import interval_kind
from benchmark.report.tables import escape_markdown
from benchmark.report.words import counted, seconds, share

__all__ = ["Item", "checklist", "checklist_text"]

AUTHORS = "authors"
"""The answer of an item that no study can answer."""
_NAMED = 6


class Item(NamedTuple):
    """A question, and what the study answers."""

    part: str
    question: str
    answer: str
    """``yes``, ``partly``, ``no``, ``n/a``, or ``authors``: left to them."""
    evidence: str
    """Where it is seen, with numbers."""


def checklist_text(published: Published) -> str:
    """The checklist in Markdown."""
    items = checklist(published)
    counts = Counter(item.answer for item in items)
    told = ", ".join(f"{counts[answer]} {answer}" for answer in dict.fromkeys(item.answer for item in items))
    lines = [
        "# Reproducibility checklist",
        "",
        f"Study {escape_markdown(published.about.name)}: {told}. "
        "What is answered follows from the study; *authors* marks what only its authors can answer.",
    ]
    part = ""
    for item in items:
        if item.part != part:
            part = item.part
            lines += ["", f"## {part}", ""]
        answer = (
            "**TO BE ANSWERED BY THE AUTHORS**" if item.answer == AUTHORS else f"**{item.answer.upper()}**"
        )
        lines.append(f"- {item.question} {answer} {escape_markdown(item.evidence)}".rstrip())
    return "\n".join([*lines, ""])


def checklist(published: Published) -> list[Item]:
    """Every item, part by part."""
    facts = tally(published)
    parts = {
        "Claims": _claims(published),
        "Components and code": _code(published, facts),
        "Data": _data(published),
        "Tuning": _tuning(published),
        "Evidence": _evidence(published),
        "Computing": _computing(published, facts),
        "Beyond the study": _beyond(),
    }
    return [Item(part, *item) for part, items in parts.items() for item in items]


Answered = tuple[str, str, str]


def _claims(p: Published) -> Iterator[Answered]:
    primary, claims = p.judgement.primary, p.bundle.claims["claims"]
    yield (
        "Is every claim stated with its scope?",
        "yes",
        f"claims.json: {counted(len(claims), 'claim')}, each with its data, protocol and records.",
    )
    named = (
        "none" if primary is None else f"{primary.candidate} against {primary.baseline}, {primary.setting}"
    )
    yield (
        "Was one comparison named before the run as the one the study is about?",
        "no" if primary is None else "yes",
        f"{named}.",
    )
    tried = p.bundle.document.variants_tried
    own = {name: tried[name] for name in p.bundle.document.study.candidates if name in tried}
    yield (
        "Is it said how many variants of each candidate were tried?",
        "yes" if own else "no",
        f"As the author's store counts: {_pairs(own)}." if own else "The store has no count.",
    )
    errors = [one for one in _findings(p) if one.severity == "error"]
    warnings = sum(one.severity == "warning" for one in _findings(p))
    said = "; ".join(f"{one.name} ({one.subject})" for one in errors[:_NAMED])
    yield (
        "Are all findings against the study itself resolved?",
        "no" if errors else "partly" if warnings else "yes",
        f"{counted(len(errors), 'error')}, {counted(warnings, 'warning')}{f': {said}' if said else ''}.",
    )
    yield "Are limitations and assumptions of the candidates discussed?", AUTHORS, ""


def _code(p: Published, facts: Tally) -> Iterator[Answered]:
    document = p.bundle.document
    yield (
        "Is the code of every component identified?",
        "yes",
        f"study.json: {counted(len(document.code), 'digest')} of code with package versions or SHA-256 of "
        "sources.",
    )
    absent = absent_code(document.code, p.bundle.sources)
    yield (
        "Is the code of every component available?",
        "partly" if absent else "yes",
        f"Neither shipped with Swapbench nor in the bundle: {_some(absent)}."
        if absent
        else f"In public packages, in Swapbench or in the bundle ({counted(len(p.bundle.sources), 'file')}).",
    )
    packages = counted(len(p.bundle.lock.splitlines()), "package")
    yield "Are dependencies stated?", "yes", f"requirements.txt: {packages} with their versions."
    commits = f"; commit {_some(facts.commits)}" if facts.commits else ""
    yield (
        "Is the training and evaluation code stated?",
        "partly" if facts.dirty else "yes",
        f"Swapbench{commits}{'; some of it was not committed' if facts.dirty else ''}.",
    )
    yield (
        "Are trained models available?",
        "no",
        f"They are not kept; predictions of the test rows of {counted(len(p.bundle.predictions), 'fit')} "
        "are.",
    )
    yield (
        "Is there a command that reproduces the results?",
        "yes",
        "swapbench verify BUNDLE; swapbench reproduce BUNDLE.",
    )


def _data(p: Published) -> Iterator[Answered]:
    document, run = p.bundle.document, sorted(compared_tasks(p))
    cards = {name: document.datasets[name] for name in run}
    yield "Are the data sets described?", "yes", f"tables/tasks.md: {counted(len(run), 'data set')}."
    splits = sum(len(document.splits[name]) for name in run)
    yield (
        "Are the splits stated exactly?",
        "yes",
        f"study.json: SHA-256 of the row numbers of {counted(splits, 'split')}.",
    )
    away = [n for n, card in cards.items() if card.source == "file" and not card.about.get("url")]
    yield (
        "Can every data set be obtained?",
        "partly" if away else "yes",
        f"A file without an address: {_some(away)}."
        if away
        else "They ship with libraries, are generated, or have an address.",
    )
    unknown = [
        name for name, card in cards.items() if not card.about.get("licence") and card.source != "generated"
    ]
    closed = [name for name, card in cards.items() if not may_be_shared(card)]
    yield (
        "Are licences stated?",
        "partly" if unknown else "yes",
        f"Not stated: {_some(unknown)}."
        if unknown
        else f"{len(closed)} of {len(run)} do not allow to pass labels on.",
    )
    refused = len({(r.component, r.host, r.task) for r in p.plan.refused})
    yield (
        "Is it said what was left out?",
        "yes",
        f"{counted(refused, 'combination')} did not fit together; report, Failures.",
    )
    yield "Was new data collected with consent and documentation?", AUTHORS, ""


def _tuning(p: Published) -> Iterator[Answered]:
    tuning = p.bundle.document.study.protocol.tuning
    yield (
        "Was every arm, baselines included, tuned with the same budget?",
        "yes" if is_tuned(p) else "n/a",
        f"{counted(tuning.trials, 'trial')} each, sampler {tuning.sampler}, tuned: {tuning.what}."
        if is_tuned(p)
        else "Nothing was tuned: every arm ran in its default setting.",
    )
    yield (
        "Are the ranges of all hyperparameters stated?",
        "yes",
        f"study.json and tables/spaces.md; {counted(p.bundle.trials['key'].nunique(), 'trial')} in trials.",
    )
    yield (
        "Is it said how settings were chosen, and which?",
        "yes",
        "Smallest validation error; column chosen of the records.",
    )
    yield (
        "Were test rows kept out of every choice?",
        "yes",
        "By construction; swapbench verify repeats each choice.",
    )


def _evidence(p: Published) -> Iterator[Answered]:
    protocol, comparisons = p.bundle.document.study.protocol, p.judgement.comparisons
    first = comparisons[0]
    metrics = ", ".join(sorted({row.job.task.metric for row in p.plan.rows}))
    yield "Is the measure defined?", "yes", f"{metrics}; relative difference of errors."
    yield (
        "Are central tendency and variation given?",
        "yes",
        f"tables/verdicts.md: {counted(len(comparisons), 'comparison')}; {interval_kind(first)}.",
    )
    origins = min(c.n["origins"] for c in comparisons)
    yield (
        "Are there enough independent data sets for a verdict?",
        "yes" if origins >= 5 else "no",
        f"{origins} in the comparison with the fewest; five are needed.",
    )
    yield (
        "Is multiple testing accounted for?",
        "yes",
        f"Intervals hold together for {counted(max(c.family for c in comparisons), 'comparison')}; Holm's "
        "adjustment of p.",
    )
    yield "Was the smallest effect that counts fixed before?", "yes", f"δ = {share(protocol.rope)}."
    floors = [c.noise_floor for c in comparisons if c.noise_floor is not None]
    yield (
        "Is the noise of the whole procedure measured?",
        "yes" if floors else "no",
        f"{counted(protocol.aa, 'A/A arm')}: up to {share(max(floors))}."
        if floors
        else "No A/A arm was run.",
    )
    controls, held = p.judgement.controls, [control.held for control in p.judgement.controls]
    yield (
        "Did the study's controls hold?",
        "n/a" if not controls else "no" if False in held else "partly" if None in held else "yes",
        f"{held.count(True)} held, {held.count(False)} failed, {held.count(None)} not shown."
        if controls
        else "None were asked for.",
    )
    failed = int((p.bundle.records["status"] != "ok").sum())
    yield (
        "Are failures reported and counted?",
        "yes",
        f"{failed} of {counted(len(p.bundle.records), 'record')}.",
    )


def _computing(p: Published, facts: Tally) -> Iterator[Answered]:
    yield "Is the hardware stated?", "yes" if facts.machines else "no", f"{_some(facts.machines)}."
    yield (
        "Is the number of runs stated?",
        "yes",
        f"{counted(facts.cells, 'evaluated fit')}, {counted(facts.trials, 'tuning fit')}.",
    )
    yield (
        "Is the time of a run stated?",
        "yes",
        f"{seconds(float(p.bundle.records['fit_seconds'].mean()))} a fit on average.",
    )
    yield (
        "Is the whole cost stated?",
        "yes",
        f"{seconds(facts.seconds)} of fitting; earlier attempts are not in it.",
    )


def _beyond() -> Iterator[Answered]:
    yield "Are theoretical claims proved?", AUTHORS, ""
    yield "Are risks and societal impact discussed?", AUTHORS, ""
    yield "Were people involved (annotators, subjects), and were they paid and asked?", AUTHORS, ""


def _findings(p: Published) -> list[Finding]:
    own = [one for c in p.judgement.comparisons for one in c.findings]
    return [*p.judgement.findings, *own]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more


def _pairs(counts: dict[str, int]) -> str:
    return _some([f"{name} {count}" for name, count in counts.items()])
