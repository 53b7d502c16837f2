"""The checklist answers what the study shows, and says no where it does."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd

from benchmark.findings import Finding
from benchmark.publish.exports.checklist import checklist, checklist_text
from benchmark.publish.exports.published import Published


def answers(published: Published) -> dict[str, tuple[str, str]]:
    return {item.question: (item.answer, item.evidence) for item in checklist(published)}


def documented(published: Published, **changes: Any) -> Published:
    document = dataclasses.replace(published.bundle.document, **changes)
    return dataclasses.replace(published, bundle=dataclasses.replace(published.bundle, document=document))


def test_every_item_is_answered_and_what_no_study_knows_is_left_to_the_authors(judged: Published) -> None:
    items = checklist(judged)
    assert {item.answer for item in items} <= {"yes", "partly", "no", "n/a", "authors"}
    assert all(item.evidence for item in items if item.answer != "authors")
    text = checklist_text(judged)
    assert (
        text.count("**TO BE ANSWERED BY THE AUTHORS**")
        == sum(item.answer == "authors" for item in items)
        >= 4
    )


def test_a_study_without_noise_floor_says_no(judged: Published) -> None:
    question = "Is the noise of the whole procedure measured?"
    assert answers(judged)[question][0] == "yes"
    bare = tuple(dataclasses.replace(c, noise_floor=None) for c in judged.judgement.comparisons)
    without = dataclasses.replace(judged.judgement, comparisons=bare)
    assert answers(dataclasses.replace(judged, judgement=without))[question] == ("no", "No A/A arm was run.")


def test_errors_found_in_the_study_are_not_resolved(judged: Published) -> None:
    found = Finding("leak", "error", "iris", "seen")
    judgement = dataclasses.replace(judged.judgement, findings=(found,))
    answer = answers(dataclasses.replace(judged, judgement=judgement))
    assert answer["Are all findings against the study itself resolved?"][0] == "no"
    assert "leak (iris)" in answer["Are all findings against the study itself resolved?"][1]


def test_a_local_file_without_an_address_cannot_be_obtained(judged: Published) -> None:
    question = "Can every data set be obtained?"
    assert answers(judged)[question][0] == "yes"
    datasets = dict(judged.bundle.document.datasets)
    datasets["iris"] = dataclasses.replace(datasets["iris"], source="file", about={})
    answer = answers(documented(judged, datasets=datasets))
    assert answer[question][0] == "partly"
    assert "iris" in answer[question][1]
    assert answer["Are licences stated?"][0] == "partly"


def test_code_that_nobody_has_makes_it_partly(judged: Published) -> None:
    question = "Is the code of every component available?"
    assert answers(judged)[question][0] == "yes"
    bare = dataclasses.replace(judged, bundle=dataclasses.replace(judged.bundle, sources={}))
    assert answers(bare)[question][0] == "partly"


def test_failed_records_are_counted(judged: Published) -> None:
    records: pd.DataFrame = judged.bundle.records.copy()
    records.loc[:4, "status"] = "diverged"
    answer = answers(dataclasses.replace(judged, bundle=dataclasses.replace(judged.bundle, records=records)))[
        "Are failures reported and counted?"
    ]
    assert answer[1].startswith("5 of ")
