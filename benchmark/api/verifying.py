"""Checks a bundle without running any of its code: what follows from what, computed again."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmark.api.here import Here, data_here
from benchmark.api.planning import PlannedStudy
from benchmark.errors import RequestError
from benchmark.findings import read_finding
from benchmark.publish.layout import CHECKSUMS, CLAIMS, PLAN, README, RECORDS, SIGNATURE, VERDICT

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.judge import Judgement
    from benchmark.publish.bundle import Bundle, Files
    from benchmark.publish.document import Document
    from benchmark.publish.mismatch import Mismatch, Unverifiable
    from benchmark.publish.verify.scores import Truths
    from benchmark.report import About
    from benchmark.spec import Dataset

__all__ = [
    "JudgedBundle",
    "Verification",
    "in_order",
    "judged_bundle",
    "opened_bundle",
    "planned_of",
    "verify",
]


@contextmanager
def in_order(place: Path) -> Iterator[None]:
    """Refuses a bundle, in one line, whose values turn out where they are first used to be no study's."""
    try:
        yield
    except RequestError:
        raise
    except _DISORDER as error:
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise RequestError(f"{place}: its files do not fit together: {said}") from error


_DISORDER = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError, MemoryError)
"""What values that nobody expects raise."""


@dataclass(frozen=True)
class Verification:
    """What was found of a bundle."""

    place: Path
    name: str
    """Of the study; empty where the checksums do not hold."""
    mismatches: tuple[Mismatch, ...]
    confirmed: tuple[str, ...] = ()
    """What was computed again and came out the same, in words."""
    unverifiable: tuple[Unverifiable, ...] = ()
    """What nothing in the bundle or on this machine contradicts or supports."""
    signature: str = ""
    """Whose it is, in words; empty without one."""

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts the bundle."""
        return not self.mismatches

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "schema": 1,
            "bundle": str(self.place),
            "study": self.name,
            "holds": self.holds,
            "mismatches": [dataclasses.asdict(one) for one in self.mismatches],
            "confirmed": list(self.confirmed),
            "unverifiable": [dataclasses.asdict(one) for one in self.unverifiable],
            "signature": self.signature,
        }


def verify(place: Path, *, signers: Path | None = None) -> Verification:
    """Everything that the files of a bundle say, held against each other and against data that is here.

    Where a checksum does not hold nothing further is looked at: nobody knows then what was published.

    Parameters
    ----------
    signers
        A file of ssh's ``allowed_signers`` that the signature must be by.

    Raises
    ------
    RequestError
        When this is no bundle, or one that no author's `swapbench bundle` writes.
    """
    from benchmark.publish.archive import opened
    from benchmark.publish.checksums import check
    from benchmark.publish.signature import checked

    files = opened(place)
    if broken := tuple(check(files)):
        return Verification(place, "", broken)
    signature = ""
    if SIGNATURE in files or signers is not None:
        signature = checked(files[CHECKSUMS], files.get(SIGNATURE), signers)
    with in_order(place):
        return dataclasses.replace(_verified(place, files), signature=signature)


def opened_bundle(place: Path) -> Bundle:
    """A bundle whose checksums hold.

    Raises
    ------
    RequestError
        When it is no bundle, or a checksum does not hold.
    """
    from benchmark.publish.archive import opened
    from benchmark.publish.bundle import Bundle
    from benchmark.publish.checksums import check

    files = opened(place)
    if broken := next(iter(check(files)), None):
        raise RequestError(f"{place}: {broken}; `swapbench verify` names everything")
    return Bundle.of(files)


def planned_of(document: Document, cards: Mapping[str, Dataset]) -> PlannedStudy:
    """The study of a bundle as if it had been planned here; ``cards`` are those of this machine's catalog."""
    from benchmark.resolve.study import ResolvedStudy

    resolved = ResolvedStudy(
        study=document.study,
        components=document.components,
        hosts=document.hosts,
        references=document.references,
        datasets=cards,
        sizes=(),
        missing=document.missing,
        digest=document.digest,
        named=True,
        executor="serial",
        options={},
        workers=1,
        device=document.environment.device,
        results_dir=Path(),
        trust=(),
        config_dirs=(),
    )
    return PlannedStudy(
        resolved,
        document.plan(),
        document.name,
        {},
        document.splits,
        document.unavailable,
        document.environment,
    )


class JudgedBundle(NamedTuple):
    """What the records of a bundle support."""

    about: About
    judgement: Judgement
    records: pd.DataFrame
    """As they were judged."""
    edges: pd.DataFrame
    """As :func:`~benchmark.judge.search.edges.edges` says."""


def judged_bundle(bundle: Bundle, planned: PlannedStudy, truths: Truths) -> JudgedBundle:
    """The records of a bundle, judged again by the rules of its study.

    Raises
    ------
    RequestError
        Where labels are needed that are neither in the bundle nor here.
    """
    from benchmark.api.linking import completed
    from benchmark.api.reporting import examined
    from benchmark.report import about_study

    def truth(task: str, repeat: int, fold: int) -> Any:
        if (task, repeat, fold) not in truths:
            raise RequestError(f"its labels are needed and not at hand: {task}")
        return truths[task, repeat, fold]

    document, prediction = bundle.document, bundle.predictions.get
    records = completed(planned, bundle.records, truth, prediction)
    noticed = [read_finding(one) for one in document.noticed]
    judgement, edges = examined(planned, records, prediction, noticed, document.variants_tried)
    return JudgedBundle(about_study(document.study, judgement), judgement, records, edges)


def _verified(place: Path, files: Files) -> Verification:
    from benchmark.api.shelf import needed_of
    from benchmark.execute.settings import settings_of
    from benchmark.publish import verify as checks
    from benchmark.publish.bundle import Bundle

    bundle = Bundle.of(files)
    data = data_here(bundle.document)
    planned = planned_of(bundle.document, data.cards)
    truths: Truths = {**bundle.labels, **data.truths}
    count = Counter[str]()
    needed = needed_of(planned, bundle)
    mismatches = [
        *checks.check_cells(bundle, planned.plan, needed),
        *checks.check_code(bundle),
        *checks.check_environments(bundle),
        *checks.check_cards(bundle),
        *checks.check_data(bundle, data.tasks, data.splits),
        *checks.check_labels(bundle, data.truths),
        *checks.check_predictions(bundle),
        *checks.check_scores(bundle, truths, count),
        *checks.check_featureless(bundle),
        *checks.check_choice(bundle, needed, settings_of, count),
    ]
    why_not = "its cells are not those of its plan"
    if not any(one.file in (PLAN, RECORDS) and one.what.startswith(("cell", "record")) for one in mismatches):
        why_not = _judge(bundle, planned, truths, files, mismatches)
    return Verification(
        place,
        bundle.document.name,
        tuple(mismatches),
        tuple(_confirmed(bundle, count, data, why_not)),
        tuple(_unverifiable(bundle, data, why_not)),
    )


def _judge(
    bundle: Bundle, planned: PlannedStudy, truths: Truths, files: Files, mismatches: list[Mismatch]
) -> str:
    """Hold verdict, claims and README against what the records give; why not, where that cannot be done."""
    from benchmark.publish.mismatch import Mismatch
    from benchmark.publish.readme import readme
    from benchmark.publish.verify import check_same
    from benchmark.report.claims import claims_json
    from benchmark.report.files import verdict_json

    try:
        found = judged_bundle(bundle, planned, truths)
    except RequestError as error:
        return str(error)
    about, judgement, records = found.about, found.judgement, found.records
    tasks, environments = list(planned.plan.tasks.values()), bundle.environments
    verdict = verdict_json(about, judgement, records)
    claims = claims_json(about, judgement, records, tasks, environments)
    mismatches += check_same(VERDICT, bundle.verdict, verdict)
    mismatches += check_same(CLAIMS, bundle.claims, claims)
    if files[README] != readme(bundle.document, bundle.claims, bundle.sources).encode():
        mismatches.append(Mismatch(README, "text", "other words", "what follows from the other files"))
    return ""


def _confirmed(bundle: Bundle, count: Counter[str], data: Here, why_not: str) -> Iterator[str]:
    yield f"{len(bundle.records)} records and {len(bundle.trials)} trials are those of the study's plan"
    yield f"{count['scores']} numbers follow from the predictions"
    yield f"{count['settings']} settings were proposed and chosen as the protocol says"
    same = [
        name
        for name, task in data.tasks.items()
        if task.fingerprint == bundle.document.tasks[name].fingerprint
    ]
    if same:
        whole = len(bundle.document.tasks)
        yield f"{len(same)} of {whole} data sets here are those of the study, and so are their splits"
    if not why_not:
        verdicts, claims = bundle.verdict.get("comparisons", ()), bundle.claims.get("claims", ())
        yield f"{len(verdicts)} verdicts and {len(claims)} claims follow from the records"


def _unverifiable(bundle: Bundle, data: Here, why_not: str) -> Iterator[Unverifiable]:
    from benchmark.publish.mismatch import Unverifiable
    from benchmark.publish.sources import absent_code

    document = bundle.document
    if why_not:
        yield Unverifiable("verdict and claims", why_not)
    labelled = {task for task, *_ in bundle.labels}
    for name in document.tasks:
        if name not in data.tasks and name in labelled:
            yield Unverifiable(
                f"labels of {name}", "the data is not on this machine; `swapbench fetch` gets it"
            )
        elif name not in data.tasks:
            why = (
                "neither the labels are in the bundle nor the data on this machine; `swapbench fetch` gets it"
            )
            yield Unverifiable(f"scores of {name}", why)
    for label in absent_code(document.code, bundle.sources):
        yield Unverifiable(f"code of {label}", "neither in the bundle nor the code of that name here")
    yield Unverifiable(
        "predictions", "that the components made them; `swapbench reproduce` runs a part again"
    )
    yield Unverifiable(
        "validation and training errors, errors of trials", "no predictions are kept of these rows"
    )
    yield Unverifiable(
        "that fits failed, and why", "only the author's machine knows; `reproduce` runs a part"
    )
    yield Unverifiable("seconds, memory, steps", "only the author's machine knows")
    yield Unverifiable("machines and package versions", "stated by the author")
    yield from _late(bundle)
    said = "stated by the author: that they were fixed before the run"
    yield Unverifiable("question, primary comparison, δ, level and how verdicts are reached", said)
    yield Unverifiable("cards, papers, licences, and what was noticed about the data", "stated by the author")
    if document.variants_tried:
        yield Unverifiable("variants tried before", "stated by the author's store")


def _late(bundle: Bundle) -> Iterator[Unverifiable]:
    """Packages of the lock, which is of the day of the bundle, that are not those of the records."""
    from benchmark.publish.mismatch import Unverifiable

    locked = dict(line.split("==") for line in bundle.lock.splitlines() if line.count("==") == 1)
    for facts in bundle.environments:
        for name, version in facts.get("packages", {}).items():
            if version is not None and locked.get(name) != version:
                what = f"requirements.txt: {name} {locked.get(name, 'is not in it')}"
                yield Unverifiable(what, f"records were computed with {version}")
