"""Names of tasks: cards, OpenML's numbers, files, sizes, suites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmark.catalog import open_catalog
from benchmark.errors import RequestError
from benchmark.resolve.tasks import task_cards
from benchmark.spec import Dataset, Suite

CATALOG = open_catalog()


def cards(members: tuple[str, ...] = (), **config: Any) -> dict[str, Dataset]:
    return task_cards(CATALOG, config, lambda _: members)


def test_a_task_of_openml_needs_no_card() -> None:
    card = cards(tasks=["openml/t/999999"])["openml/t/999999"]
    assert (card.source, card.location, card.origin) == ("openml", "999999", "")
    assert cards(tasks=["openml/test/t/999999"])["openml/test/t/999999"].location == "test/999999"


@pytest.mark.parametrize("name", ["openml/t/x", "openml/t/0", "openml/31", "openml/t/31/2"])
def test_what_is_no_number_of_a_task_is_refused(name: str) -> None:
    with pytest.raises(
        RequestError, match=f"there is no dataset '{name}'; a task of OpenML is openml/t/NUMBER"
    ):
        cards(tasks=[name])


def test_a_file_with_its_target_is_a_task(tmp_path: Path) -> None:
    table = tmp_path / "churn.csv"
    table.write_text("a,b\n1,2\n")
    card = cards(tasks=[f"{table}:b"])["churn.csv"]
    assert (card.source, card.location, card.target, card.origin) == ("file", "churn.csv", "b", "churn")
    assert Path(card.file).parent / card.location == table


def test_a_card_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("source: file\nlocation: x.csv\ntarget: y\n")
    assert cards(tasks=[str(file)])["mine"].target == "y"
    with pytest.raises(RequestError, match="there is no card"):
        cards(tasks=[str(tmp_path / "yours.yaml")])


def test_a_folder_of_images_and_a_text_need_no_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "words.txt").write_text("to be or not to be")
    for entry in ("pictures", "./pictures", "pictures/"):
        assert cards(tasks=[entry])["pictures"].modality == "image"
    assert cards(tasks=["words.txt"])["words.txt"].modality == "text"


def test_two_files_of_one_name_are_told_apart_or_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(RequestError, match=r"two tasks of one name 'x\.csv'"):
        cards(tasks=[f"{tmp_path}/a/x.csv:b", f"{tmp_path}/b/x.csv:b"])


def test_a_suite_may_not_name_files(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no dataset"):
        cards(suite="openml/s/7", members=(f"{tmp_path}/x.csv:y",))


def test_an_openml_suite_holds_what_openml_says() -> None:
    asked: list[Suite] = []

    def members(suite: Suite) -> list[str]:
        asked.append(suite)
        return ["openml/t/31", "iris"]

    found = task_cards(CATALOG, {"suite": "openml/s/99"}, members)
    assert list(found) == ["openml/t/31", "iris"]
    assert [suite.openml for suite in asked] == [99]


def test_every_task_at_every_size() -> None:
    found = cards(tasks=["iris", "wine"], rows=[50, 100])
    assert list(found) == ["iris@50", "iris@100", "wine@50", "wine@100"]
    assert {card.origin for card in found.values()} == {"iris", "wine"}
    assert cards(tasks=["iris@50"])["iris@50"].rows == 50
    assert cards(tasks=["iris@50"]) == cards(tasks=["iris"], rows=50)


@pytest.mark.parametrize("rows", [[], [0], [10, 10], ["many"], [True], -5])
def test_sizes_are_different_whole_numbers(rows: Any) -> None:
    with pytest.raises(RequestError, match="expected different whole numbers"):
        cards(tasks=["iris"], rows=rows)


@pytest.mark.parametrize(("name", "hint"), [("irsi", "did you mean 'iris'"), ("wien", "did you mean 'wine'")])
def test_a_wrong_name_has_a_nearest_one(name: str, hint: str) -> None:
    with pytest.raises(RequestError, match=hint):
        cards(tasks=[name])


def test_without_suite_and_tasks_there_is_nothing_to_do() -> None:
    with pytest.raises(RequestError, match="suite: a study needs one, or tasks"):
        cards()
    with pytest.raises(RequestError, match="at least one"):
        cards(tasks=[])
