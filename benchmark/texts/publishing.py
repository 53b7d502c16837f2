"""What is said about what was published: bundles written, checked, run again; sites; nights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from benchmark.report.words import counted, label, printable, wrapped
from benchmark.texts import size

if TYPE_CHECKING:
    from benchmark.api import Bundled, Exported, Reproduction, Site, Tonight, Verification

__all__ = ["bundled", "exported", "foreign_code", "night", "reproduction", "site", "verification"]

_SHOWN = 20
"""Mismatches of one file that are printed one by one."""


def bundled(written: Bundled) -> str:
    """Where a bundle is, what is not in it, and how others check it."""
    lines = [f"bundle: {written.place} ({counted(written.files, 'file')}, {size(written.bytes)})"]
    if written.withheld:
        licences = "; ".join(f"{label(name)}: {label(why, 60)}" for name, why in written.withheld.items())
        lines += wrapped(f"without labels, which the licence does not allow to pass on: {licences}")
    return "\n".join([*lines, f"check it: swapbench verify {written.place}"])


def exported(written: Exported) -> str:
    """Where the exports are, and what could not be exported."""
    lines = [f"exports: {written.place} ({counted(written.files, 'file')}, {size(written.bytes)})"]
    for task, why in written.without_run.items():
        lines += wrapped(f"? OpenML runs of {label(task)}: {why}")
    return "\n".join(lines)


def site(written: Site) -> str:
    """Where the site is, and what is on it."""
    studies = counted(len(written.studies), "study", "studies")
    return f"site: {written.page} ({studies}, {counted(written.files, 'file')}, {size(written.size)})"


def night(found: Tonight) -> str:
    """Where to read what a night changed; the last line says it in short, for a chat."""
    lines = [f"changes: {found.folder / 'changes.md'}"]
    lines += [f"site: {found.site}"] if found.site else []
    return "\n".join([*lines, printable(found.changes.summary())])


def verification(found: Verification) -> str:
    """What contradicts what, what holds, what nobody can tell."""
    lines = [*_mismatches(found)]
    lines += [line for said in found.confirmed for line in wrapped(f"+ {said}")]
    if found.signature:
        lines += wrapped(f"+ {found.signature}")
    lines += [line for one in found.unverifiable for line in wrapped(f"? {one}")]
    name = f"study {label(found.name, 60)}" if found.name else "the bundle"
    if found.holds:
        return "\n".join([*lines, f"{found.place}: nothing contradicts {name}"])
    wrong = counted(len(found.mismatches), "contradiction")
    return "\n".join([*lines, f"{found.place}: {wrong} in {name}"])


def foreign_code(code: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """The code of a bundle, for eyes alone, file by file."""
    for component, files in sorted(code.items()):
        for name, text in files.items():
            yield f"--- {label(component)}: {label(name, 100)}"
            yield from map(printable, text.splitlines())


def reproduction(found: Reproduction) -> str:
    """What is different here, what was run, what came out."""
    head = f"{found.blocks} of {counted(found.wanted, 'block')} run again ({found.progress.executed} fits)"
    lines = [line for said in found.differences for line in wrapped(f"! {said}")]
    lines += [f"{head}; seed {found.seed}"]
    lines += [line for said in found.agreement.sentences for line in wrapped(f"  {said}")]
    lines += wrapped(f"  {found.agreement.needed}") if found.agreement.needed else []
    answer = f"{label(found.study, 60)}: {found.agreement.answer}"
    return "\n".join([*lines, answer, f"page: {found.page}"])


def _mismatches(found: Verification) -> Iterator[str]:
    shown: Counter[str] = Counter()
    for one in found.mismatches:
        shown[one.file] += 1
        if shown[one.file] <= _SHOWN:
            yield from wrapped(f"- {one}")
    for file, count in shown.items():
        if count > _SHOWN:
            yield f"- {label(file, 60)}: {count - _SHOWN} more; --json has them all"
