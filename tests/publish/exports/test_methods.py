"""The paragraphs of a paper: every number is the study's, every citation has an entry."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.publish.exports.methods import methods, references
from benchmark.publish.exports.prose import as_latex, as_markdown, bibtex, used
from benchmark.publish.exports.published import Published
from benchmark.publish.exports.tally import tally

REFERENCE = Path(__file__).parents[3] / "results" / "reference"


def asked(published: Published, **protocol: Any) -> Published:
    """The study with another protocol: what was planned and computed stays."""
    document = published.bundle.document
    study = dataclasses.replace(
        document.study, protocol=dataclasses.replace(document.study.protocol, **protocol)
    )
    bundle = dataclasses.replace(published.bundle, document=dataclasses.replace(document, study=study))
    return dataclasses.replace(published, bundle=bundle)


def recorded(published: Published, records: pd.DataFrame) -> Published:
    return dataclasses.replace(published, bundle=dataclasses.replace(published.bundle, records=records))


def said(published: Published) -> str:
    return " ".join(methods(published))


def test_no_number_is_written_into_the_text() -> None:
    source = Path(methods.__code__.co_filename).read_text(encoding="utf-8")
    told = [
        part.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.JoinedStr, ast.Constant))
        for part in (node.values if isinstance(node, ast.JoinedStr) else [node])
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value
    ]
    assert len(told) > 50
    assert not [text for text in told if re.search(r"\d", text)]


def test_it_says_what_was_compared_on_what(judged: Published) -> None:
    text, run = said(judged), {row.job.task.name: row.job.task for row in judged.plan.rows}
    assert "2 candidates for the estimator (knn ⟦knn⟧ and mine) with the baseline random_forest" in text
    assert "5 data sets are of 5 independent origins" in text
    kinds = pd.Series([task.task_type for task in run.values()]).value_counts()
    assert all(f"{count} {kind}" in text for kind, count in kinds.items())
    rows = sorted(task.n_rows for task in run.values())
    assert f"with {rows[0]:,} to {rows[-1]:,} rows" in text


@pytest.mark.parametrize(
    ("protocol", "sentence"),
    [
        ({"seeds": 17}, "each arm was trained with 17 seeds"),
        ({"rope": 0.037}, "(δ) was fixed before the run at 3.7 %"),
        ({"aa": 7}, "each baseline was run and tuned 7 times more"),
    ],
)
def test_its_numbers_follow_the_protocol(judged: Published, protocol: dict[str, Any], sentence: str) -> None:
    assert sentence not in said(judged)
    assert sentence in said(asked(judged, **protocol))


def test_tuning_and_splits_are_those_of_the_protocol(judged: Published) -> None:
    protocol = judged.bundle.document.study.protocol
    tuning, splits = (
        dataclasses.replace(protocol.tuning, trials=33),
        dataclasses.replace(protocol.splits, validation=0.37),
    )
    text = said(asked(judged, tuning=tuning, splits=splits))
    assert "33 settings of the varied part alone, proposed by a Sobol sequence" in text
    assert "37% of each training part was held back" in text


def test_without_further_trials_nothing_is_called_tuned(judged: Published) -> None:
    tuning = dataclasses.replace(judged.bundle.document.study.protocol.tuning, trials=1)
    text = said(asked(judged, tuning=tuning))
    assert "Nothing was tuned: every arm ran in its default setting." in text
    assert "Searched hyperparameters" not in text
    assert "proposed by" not in text


def test_after_stopping_early_no_p_value_of_a_fixed_sample_is_told(judged: Published) -> None:
    assert "Wilcoxon" in said(judged)
    assert "Wilcoxon" not in said(asked(judged, stop="sequential"))


def test_data_sets_that_a_study_did_not_come_to_are_not_counted(judged: Published) -> None:
    records = judged.bundle.records
    text = said(recorded(judged, records[records["task"] != "iris"]))
    assert "The 4 data sets are of 4 independent origins" in text


def test_of_a_candidate_that_was_not_selected_nothing_is_claimed(judged: Published) -> None:
    found = judged.judgement
    last = found.comparisons[1]
    dropped = dataclasses.replace(last, flags=(*last.flags, "not_selected"))
    comparisons = (found.comparisons[0], dropped, *found.comparisons[2:])
    text = said(dataclasses.replace(judged, judgement=dataclasses.replace(found, comparisons=comparisons)))
    assert f"Nothing is claimed of {last.candidate}" in text
    assert last.sentence not in text


def test_what_it_took_is_counted_once(judged: Published) -> None:
    records, trials = judged.bundle.records, judged.bundle.trials
    facts = tally(judged)
    assert facts.cells == records["key"].nunique()
    assert facts.trials == trials["key"].nunique()
    twice = pd.concat([records, records.assign(role="control")], ignore_index=True)
    assert tally(recorded(judged, twice)) == facts
    spent = (
        records.drop_duplicates("key")["fit_seconds"].sum()
        + trials.drop_duplicates("key")["fit_seconds"].sum()
    )
    assert facts.seconds == pytest.approx(spent)


def test_failures_are_told(judged: Published) -> None:
    assert "did not succeed" not in said(judged)
    records = judged.bundle.records.copy()
    keys = records["key"].unique()
    records.loc[records["key"].isin(keys[:2]), "status"] = "timeout"
    records.loc[records["key"] == keys[2], "status"] = "crashed"
    assert "3 fits did not succeed (1 crashed, 2 timeout)" in said(recorded(judged, records))


def test_every_verdict_is_in_it_in_the_judges_words(judged: Published) -> None:
    text = said(judged)
    leading = [
        c for c in judged.judgement.comparisons if c.setting == judged.judgement.comparisons[0].setting
    ]
    assert len(leading) == 2
    assert all(c.sentence in text for c in leading)
    assert judged.judgement.primary is not None
    assert text.index(judged.judgement.primary.sentence) == min(text.index(c.sentence) for c in leading)


def test_of_many_comparisons_only_the_first_are_told_in_full(judged: Published) -> None:
    found = judged.judgement
    leading = [c for c in found.comparisons if c.setting == found.comparisons[0].setting]
    many = dataclasses.replace(found, comparisons=tuple(leading * 4))
    assert "The verdicts on the other 5 comparisons: " in said(dataclasses.replace(judged, judgement=many))


def test_what_is_cited_has_an_entry_and_the_other_way_round(judged: Published) -> None:
    paragraphs = methods(judged)
    known = used(paragraphs, references(judged))
    cited = set(re.findall(r"\[@([a-z0-9-]+)\]", as_markdown(paragraphs, known)))
    assert cited == set(re.findall(r"\\citep\{([a-z0-9-]+)\}", as_latex(paragraphs, known)))
    assert cited == set(re.findall(r"@misc\{([a-z0-9-]+),", bibtex(known))) == {*known}
    assert {"knn", "random-forest"} <= cited


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("arXiv:1711.05101", ["eprint = {1711.05101}", "archiveprefix = {arXiv}"]),
        ("https://doi.org/10.1023/A:1010933404324", ["doi = {10.1023/A:1010933404324}"]),
        ("https://x.org/a}\n@misc{b", ["url = {https://x.org/a%7D%0A@misc%7Bb}"]),
    ],
)
def test_an_entry_has_the_identifier_that_is_known(source: str, fields: list[str]) -> None:
    entry = bibtex({"one": source})
    assert all(field in entry for field in fields)
    assert entry.count("{") == entry.count("}")


def test_names_are_shown_as_they_are_and_do_nothing() -> None:
    hostile = "evil_}\\input{/etc/passwd}<script>|⟦adamw⟧⟦nobody⟧ $x$ 50%"
    known = {"adamw": "arXiv:1711.05101"}
    latex, markdown = as_latex([hostile], known), as_markdown([hostile], known)
    assert r"evil\_\}\textbackslash{}input\{/etc/passwd\}" in latex
    assert r"\$x\$ 50\%" in latex
    assert "\\<script\\>\\|[@adamw]⟦nobody⟧" in markdown


def test_reference_studies_have_their_paragraphs() -> None:
    from benchmark.api.exporting import published_study
    from benchmark.api.verifying import opened_bundle

    text = said(published_study(opened_bundle(REFERENCE / "demo")))
    assert "Networks were trained for at most 120 steps with batches of 128" in text
    assert "Searched hyperparameters: adamw 2, radam 2, lion 2 and muon 2." in text
    assert "108 evaluated fits and 102 tuning fits" in text
