"""``README.md`` of a bundle: what was asked, what came out, how anybody can check it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.publish import layout
from benchmark.publish.document import Document
from benchmark.report.tables import escape_markdown as _plain
from benchmark.report.words import counted

__all__ = ["readme"]

_CONTENT = {
    layout.STUDY: "the study with all that its names stand for: components, pipelines, data, splits",
    layout.PLAN: "every cell with its key",
    layout.RECORDS: "what every cell left, whether it went well or not",
    layout.TRIALS: "every hyperparameter setting that was tried",
    layout.PREDICTIONS: "predictions of the test rows",
    layout.LABELS: "the true values of the test rows, where the licence of the data allows",
    layout.VERDICT: "the verdict with its numbers",
    layout.CLAIMS: "sentences that can be checked, and which cells they rest on",
    layout.ENVIRONMENT: "machines and installations that computed it",
    layout.LOCK: "every installed package with its version",
    layout.CHECKSUMS: "SHA-256 of every file",
}


def readme(document: Document, claims: Mapping[str, Any], sources: Iterable[str]) -> str:
    """The page, in Markdown: a function of what else is in the bundle."""
    study, sources = document.study, sorted(sources)
    said = [str(claim["sentence"]) for claim in claims["claims"] if claim["kind"] == "comparison"]
    content = {**_CONTENT, **dict.fromkeys(sources, "code of a component that is in no catalog")}
    return "\n".join(
        [
            f"# {_plain(study.question)}",
            "",
            f"Study {_plain(document.name)}: {_plain(study.slot)} "
            f"{_plain(', '.join(study.candidates))} against "
            f"{_plain(', '.join(study.baselines))} in {counted(len(study.hosts), 'host pipeline')} on "
            f"{counted(len(study.tasks), 'data set')}.",
            "",
            *(f"- {_plain(sentence)}" for sentence in said),
            "",
            "## Check it",
            "",
            "With Swapbench installed, in the folder that holds this one:",
            "",
            "    swapbench verify BUNDLE       # recomputes scores, verdict, claims; runs none of its code",
            "    swapbench reproduce BUNDLE    # runs a random part again: does the same come out?",
            "",
            *(
                [
                    "It has code of its own, which `reproduce` shows first, and runs only with `trust=[…]`.",
                    "",
                ]
                if sources
                else []
            ),
            "Without it: `sha256sum -c SHA256SUMS`, and any program that reads JSON and Parquet.",
            "",
            "## What is here",
            "",
            *(f"- `{name}`: {what}" for name, what in content.items()),
            "",
        ]
    )
