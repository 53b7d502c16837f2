"""Every export of a study, by the name of its file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchmark.publish.exports.checklist import checklist_text
from benchmark.publish.exports.croissant import croissant
from benchmark.publish.exports.methods import methods, references
from benchmark.publish.exports.openml import openml_runs
from benchmark.publish.exports.prose import as_latex, as_markdown, bibtex, used
from benchmark.publish.exports.published import Published
from benchmark.publish.exports.tables import table_files
from benchmark.report.tables import escape_markdown

__all__ = ["exported"]

_CONTENT = {
    "methods.md": "what was done and what came out, in paragraphs for a paper (citations for pandoc)",
    "methods.tex": "the same for LaTeX (natbib)",
    "references.bib": "what the paragraphs cite, by identifier; a reference manager adds titles and authors",
    "checklist.md": "a reproducibility checklist, filled in as far as the study can",
    "tables/": "every table as CSV (full precision), LaTeX (booktabs) and Markdown",
    "croissant/": "records and trials as CSV, described by Croissant metadata",
    "openml/": "runs on OpenML's own splits, as its client uploads them",
}


def exported(published: Published) -> tuple[dict[str, bytes], dict[str, str]]:
    """Every file by its name, the same bytes again and again; and tasks without an OpenML run, with why."""
    paragraphs = methods(published)
    known = used(paragraphs, references(published))
    runs, without = openml_runs(published)
    files = {
        "methods.md": as_markdown(paragraphs, known).encode(),
        "methods.tex": as_latex(paragraphs, known).encode(),
        "references.bib": bibtex(known).encode(),
        "checklist.md": checklist_text(published).encode(),
        **table_files(published),
        **croissant(published),
        **runs,
    }
    return {"README.md": _readme(files, without).encode(), **files}, without


def _readme(files: Iterable[str], without: Mapping[str, str]) -> str:
    there = [name for name in _CONTENT if any(file.startswith(name) for file in files)]
    lines = [f"- `{name}`: {_CONTENT[name]}" for name in there]
    if without:
        lines += [
            "",
            "Without OpenML runs, or without some:",
            "",
            *(f"- {escape_markdown(task)}: {escape_markdown(why)}" for task, why in without.items()),
        ]
    return "\n".join(["# Exports of a Swapbench study", "", *lines, ""])
