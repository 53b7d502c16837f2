"""What is said of components that were entered: a comment in Markdown, and a line for a terminal.

Whoever enters a component chooses its name, its messages and its paths, and may mean harm. In the comment all
of that stands inside code, cut to a length, and what a page could make a tag, a link, an image or a mention
of is taken apart besides.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.api.entering import Entry
    from benchmark.judge import Comparison

__all__ = ["comment", "entered", "harmless"]

LONGEST = 60_000
"""Characters of a comment; GitHub takes 65,536."""
_LONGEST_PART = 24_000
"""Characters of what is said of one component."""
_LONGEST_BLOCK = 3_000
_LONGEST_COMMAND = 8_000
_JOINER = "\N{WORD JOINER}"
_PARTED = re.compile(
    r"(?<=@)(?=[\w-])|(?<=\])(?=[(:\[])|(?<=!)(?=\[)|(?<=:)(?=//)|(?<=www)(?=\.)|(?<=#)(?=\d)", re.IGNORECASE
)
_HEAD = """## Entered: {counted}

**PROVISIONAL.** What follows comes from a small study{how}. The night decides: it runs every entrant on all
data sets, also on some that are named nowhere. What these words mean stands in `docs/entering.md`.
"""


def comment(entries: Sequence[Entry], command: Sequence[str]) -> str:
    """The comment on all entries, at most :data:`LONGEST` characters.

    Parameters
    ----------
    command
        The words that bring the same about.
    """
    from benchmark.report.words import counted

    protocols = {_rules(entry) for entry in entries if entry.planned is not None}
    how = f" ({'; '.join(sorted(protocols))})" if protocols else ""
    head = harmless(_HEAD.format(counted=counted(len(entries), "component"), how=how))
    again = _block([shlex.join(command)], "sh", _LONGEST_COMMAND)
    tail = harmless(f"### The same again\n\n{again}\n")
    parts: list[str] = []
    room = LONGEST - len(head) - len(tail) - 1_000
    for entry in entries:
        part = harmless("\n".join(_told(entry)))
        if len(part) > min(room, _LONGEST_PART):
            title = harmless(f"### {_named(entry)}: {_verdict(entry)}")
            part = f"{title}\n\nToo long to be shown here; the JSON file has it.\n"
        if len(part) > room:
            left = counted(len(entries) - len(parts), "more component")
            parts.append(f"And {left}, for which there is no room here; the JSON file has them.\n")
            break
        parts.append(part)
        room -= len(part)
    return "\n".join([head, *parts, tail])


def harmless(text: str) -> str:
    """``text`` in which no page finds a tag, a comment, a link, an image, an issue or a mention.

    The workflow that posts comments does the same to whatever it is given.
    """
    return _PARTED.sub(_JOINER, text.replace("<", "‹"))


def entered(entry: Entry) -> str:
    """What became of a component, for a terminal."""
    from benchmark.report.words import counted, label, wrapped

    part = entry.component
    lines = [f"{part.slot} {label(part.name, 60)}: {counted(entry.errors, 'error')} found by the check"]
    if entry.planned is not None:
        lines.append(f"  study {entry.planned.name}, cut from {_cut(entry)}")
    for found in entry.comparisons:
        lines += (f"  {line}" for line in wrapped(f"PROVISIONAL, {found.setting} setting: {found.sentence}"))
    if entry.report is not None and entry.report.failures:
        lines.append(f"  {counted(entry.report.failures, 'fit')} failed; the report lists them")
    if entry.report is not None:
        lines.append(f"  report: {entry.report.page}")
    if entry.refused:
        lines += (f"  {line}" for line in wrapped(entry.refused))
    return "\n".join(lines)


def _told(entry: Entry) -> Iterator[str]:
    yield f"### {_named(entry)}: {_verdict(entry)}\n"
    if entry.planned is not None:
        yield f"Study `{entry.planned.name}`, cut from {_cut(entry)}: {_size(entry)}.\n"
    if entry.refused:
        yield f"No verdict:\n\n{_block([entry.refused])}\n"
    if entry.comparisons:
        yield from _table(entry.comparisons)
        yield _block([found.sentence for found in entry.comparisons])
        yield ""
        yield from _hosts(entry.comparisons)
        yield from _tries(entry.comparisons)
    yield from _failures(entry)
    yield from _noticed(entry)
    yield from _checked(entry)


def _named(entry: Entry) -> str:
    return _code(f"{entry.component.slot}/{entry.component.name}")


def _verdict(entry: Entry) -> str:
    """The verdict of the leading setting in bold; that there is none."""
    from benchmark.report.words import VERDICTS, verdict_of

    if not entry.comparisons:
        return "**no verdict**"
    leading = entry.comparisons[0]
    return f"{VERDICTS[leading.verdict].sign} **{verdict_of(leading)}** (PROVISIONAL)"


def _cut(entry: Entry) -> str:
    largest = f" ({entry.arms} candidates and baselines)" if entry.arms else ""
    return f"`{entry.shipped}`, the largest shipped study of its slot in which it runs{largest}"


def _rules(entry: Entry) -> str:
    """The suite and what of the protocol tells how small the study is."""
    from benchmark.report.words import counted

    assert entry.planned is not None
    study, asked = entry.planned.study, entry.planned.asked
    name = next((item.partition("=")[2] for item in asked[::-1] if item.startswith("protocol=")), "standard")
    suite = f"suite {_code(study.suite)}" if study.suite else counted(len(study.tasks), "task")
    return f"{suite}, protocol {_code(name)}"


def _size(entry: Entry) -> str:
    from benchmark.report.words import counted

    assert entry.planned is not None
    study = entry.planned.study
    tuning = study.protocol.tuning.trials
    return (
        f"{_rules(entry)}, {counted(len(study.tasks), 'data set')}, "
        f"hosts {', '.join(map(_code, study.hosts))}, {counted(tuning, 'trial')} for every arm"
    )


def _table(comparisons: Iterable[Comparison]) -> Iterator[str]:
    from benchmark.report.words import interval, percent, ratio, share, verdict_of

    yield "| setting | against | verdict | effect | interval | floor | data sets | W/T/L | failed | time |"
    yield "|---|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for c in comparisons:
        cells = [
            c.setting,
            _code(c.baseline),
            verdict_of(c),
            percent(c.effect.mean),
            interval(c.effect.ci_verdict),
            share(c.noise_floor),
            str(c.n["origins"]),
            f"{c.wins}/{c.ties}/{c.losses}",
            f"{c.failures['candidate']} of {c.n['blocks']}",
            ratio(c.volatile["cost_ratio"]["fit_seconds"]),
        ]
        yield f"| {' | '.join(cells)} |"
    yield (
        "\nEffect: mean relative reduction of the error, positive where the component is better. Floor: what "
        "the baseline shows against itself. W/T/L: data sets won, tied and lost after the floor. Failed: "
        "fits of the component without a result. Time: of a fit, relative to the baseline's.\n"
    )


def _hosts(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """In which hosts the leading comparison is better or worse beyond doubt."""
    from benchmark.report.words import percent

    leading = comparisons[0]
    rows = [(_code(str(row["host"])), row) for row in leading.hosts.to_dict("records")]
    means = ", ".join(f"{name} {percent(row['mean'])}" for name, row in rows)
    helps = ", ".join(name for name, row in rows if row["low"] > 0) or "none"
    harms = ", ".join(name for name, row in rows if row["high"] < 0) or "none"
    yield f"Mean effects inside hosts ({leading.setting} setting): {means}."
    yield f"Beyond doubt (95 %, each host alone) it helps in {helps} and harms in {harms}.\n"


def _tries(comparisons: Sequence[Comparison]) -> Iterator[str]:
    from benchmark.judge import selection
    from benchmark.report.words import counted

    tried = comparisons[0].volatile["variants_tried"]
    if tried:
        yield f"The ledger knows {counted(tried, 'variant')} of this component that was tried here.\n"
    if warnings := [said for found in comparisons if (said := selection.warning(found))]:
        yield _block(warnings)


def _failures(entry: Entry) -> Iterator[str]:
    """How many fits came to no result, and the most frequent reasons."""
    from benchmark.report.sections.failures import failures_table
    from benchmark.report.words import counted, label

    table = None if entry.report is None else failures_table(entry.report.records)
    if entry.report is None or table is None:
        return
    yield f"{counted(entry.report.failures, 'fit')} of {len(entry.report.records)} came to no result:\n"
    rows = table.frame.head(8).to_dict("records")
    yield _block(
        f"{row['cells']} x {label(str(row['component']), 60)}, {row['status']}: "
        f"{label(str(row['reason']), 400)}"
        for row in rows
    )
    yield ""


def _noticed(entry: Entry) -> Iterator[str]:
    """What is to be known before the verdict is believed."""
    from benchmark.report import noticed

    if entry.report is None:
        return
    judgement = entry.report.judgement
    if found := [*noticed.alarms(judgement), *noticed.beside(judgement.findings, judgement.comparisons)]:
        yield "Noticed in the results:\n"
        yield f"{_block(noticed.lines(found, brief=True))}\n"


def _checked(entry: Entry) -> Iterator[str]:
    """What the doctor found."""
    from benchmark.report import noticed
    from benchmark.report.words import counted

    found = entry.examination
    severities = [one.severity for one in found.findings]
    told = ", ".join(counted(severities.count(kind), kind) for kind in ("error", "warning", "note"))
    skipped = f"; no time for the end of {len(found.skipped)}" if found.skipped else ""
    yield f"The check: {counted(found.checks, 'rule')} looked at, {told}{skipped}.\n"
    if found.findings:
        named = f"{entry.component.slot} {entry.component.name}"
        yield f"{_block(noticed.lines(found.findings, subject=named))}\n"


def _code(text: str) -> str:
    """A short text as a span of code, also in a table."""
    from benchmark.report.words import label

    shown = label(text, 80).replace("|", "¦").strip()
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if shown[:1] == "`" or shown[-1:] == "`" else ""
    return f"{fence}{pad}{shown or '?'}{pad}{fence}"


def _block(lines: Iterable[str], language: str = "text", longest: int = _LONGEST_BLOCK) -> str:
    """Lines as a block of code, cut to a length; nothing in it closes the block."""
    from benchmark.report.words import label

    shown = "\n".join(label(line, longest) for line in lines)
    if len(shown) > longest:
        shown = f"{shown[:longest]}\n… cut here; the JSON file has the rest"
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence}{language}\n{shown}\n{fence}"
