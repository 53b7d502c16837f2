"""ARFF, arrays, folders of images, running text, pairs of files, and the stamp of them all."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmark.data import TaskData, files, load
from benchmark.errors import RequestError
from benchmark.spec import Dataset

CardOf = Callable[..., Dataset]

ARFF = """% a comment
@relation x
@attribute\ta numeric
@ATTRIBUTE 'b c' {red,'dark blue'}
@attribute s string
@attribute y {u,v}
@data
1,red,'r, s',u
?,'dark blue',2,v
3,?,2,u
4,red,?,v
"""


def features(data: TaskData) -> pd.DataFrame:
    """The table that a task sees."""
    assert isinstance(data.X, pd.DataFrame)
    return data.X


def refusal(card: Dataset) -> str:
    with pytest.raises(RequestError) as caught:
        files.read(card)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"), [("t.arff", ARFF.encode()), ("t.arff.gz", gzip.compress(ARFF.encode(), mtime=0))]
)
def test_arff_says_its_types(card_over: CardOf, name: str, content: bytes) -> None:
    card = card_over(content, name)
    assert files.read(card).declared
    data = load(card)
    assert np.array_equal(features(data)["a"], [1, np.nan, 3, 4], equal_nan=True)
    assert list(features(data)["b c"].cat.categories) == ["dark blue", "red"]
    assert list(features(data)["s"].cat.categories) == ["2", "r, s"]
    assert data.classes == ("u", "v")


def test_what_a_sparse_arff_leaves_out_is_zero(card_over: CardOf) -> None:
    content = "@relation x\n@attribute a {u,v}\n@attribute b numeric\n@data\n{0 v, 1 3}\n{1 2}\n{0 ?}\n"
    frame = files.read(card_over(content, "t.arff")).inputs
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["a"].astype(object).fillna("?")) == ["v", "u", "?"]
    assert list(frame["b"]) == [3, 2, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello", "no ARFF header: Invalid layout of the ARFF file, at line 1"),
        (ARFF.replace("numeric", "date"), "no ARFF header: Bad @ATTRIBUTE type, at line 3"),
        (ARFF + "1,green,q,u\n", "row 5: Data value green not found in nominal declaration"),
        (ARFF + "1,red\n", "row 5: Bad @DATA instance format: 1,red"),
        (ARFF + "x,red,q,u\n", "row 5: Invalid numerical value"),
        (ARFF[: ARFF.index("1,red")], "there are no rows"),
    ],
)
def test_faults_of_arff_say_the_row(card_over: CardOf, content: str, message: str) -> None:
    assert message in refusal(card_over(content, "t.arff"))


def test_arrays_of_numpy(card_over: CardOf, tmp_path: Path) -> None:
    card = card_over(b"", "t.npz", modality="image")
    images, labels = np.arange(48, dtype=np.uint8).reshape(3, 4, 4), np.array([1, 0, 1])
    np.savez(tmp_path / "t.npz", X=images, y=labels)
    raw = files.read(card)
    assert np.array_equal(np.asarray(raw.inputs), images)
    assert np.array_equal(np.asarray(raw.target), labels)
    np.savez(tmp_path / "t.npz", data=images, y=labels)
    assert "it has no array 'X'; choose from data, y" in refusal(card)
    np.savez(tmp_path / "t.npz", X=np.array([{}]), y=labels)
    assert "Object arrays cannot be loaded" in refusal(card)
    np.save(tmp_path / "t.npy", images)
    (tmp_path / "t.npy").rename(tmp_path / "t.npz")
    assert "File is not a zip file" in refusal(card)


def test_damaged_arrays_are_refused_in_one_line(card_over: CardOf, tmp_path: Path) -> None:
    card = card_over(b"", "t.npz", modality="image")
    np.savez(tmp_path / "t.npz", X=np.ones((2, 2, 2)), y=np.array([0, 1]))
    whole = (tmp_path / "t.npz").read_bytes()
    for place in range(0, len(whole), 3):
        (tmp_path / "t.npz").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with contextlib.suppress(RequestError):  # a date, or a letter of another name: it may still be read
            files.read(card)


def test_an_array_that_says_it_is_larger_than_any_memory(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**13, 1, 1)}
    )
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as packed:
        packed.writestr("X.npy", header.getvalue())
        packed.writestr("y.npy", header.getvalue())
    card = Dataset("mine", "file", "t.npz", modality="image", file=str(tmp_path / "mine.yaml"))
    assert "cannot be read as npz: Unable to allocate" in refusal(card)


@pytest.mark.parametrize("key", ["location", "test"])
@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + "/t.csv", "t.csv/inside"])
def test_a_path_that_cannot_be_is_refused_in_one_line(
    card_over: CardOf, tmp_path: Path, key: str, name: str
) -> None:
    card_over(TRAIN)
    named: dict[str, Any] = {"location": "t.csv", key: name}
    card = Dataset("mine", "file", target="y", file=str(tmp_path / "mine.yaml"), **named)
    assert f"mine.yaml: {key}: " in refusal(card)
    with pytest.raises(RequestError, match=f"mine.yaml: {key}: "):
        load(card)


def test_running_text(card_over: CardOf) -> None:
    card = card_over("hé\r\nllo", "t.txt", modality="text")
    assert files.read(card).inputs == "hé\nllo"
    (note,) = files.read(card_over("hé".encode("latin-1"), "t.txt")).notes
    assert "read as Windows-1252" in note


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four small images of two classes."""
    for number, name in enumerate(["cat/1.png", "cat/2.png", "dog/1.png", "dog/3.bmp"]):
        file = tmp_path / "pets" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((5, 6), 10 * number, np.uint8)).save(file)
    (tmp_path / "pets" / ".DS_Store").touch()
    (tmp_path / "pets" / "cat" / "Thumbs.db").touch()
    return tmp_path / "pets"


def pets(folder: Path, **card: Any) -> Dataset:
    return Dataset("pets", "file", "pets", modality="image", file=str(folder.parent / "mine.yaml"), **card)


def test_a_folder_of_images(folder: Path) -> None:
    raw = files.read(pets(folder))
    images = np.asarray(raw.inputs)
    assert images.dtype == np.uint8
    assert images.shape == (4, 5, 6)
    assert list(images[:, 0, 0]) == [0, 10, 20, 30]
    assert list(np.asarray(raw.target)) == ["cat", "cat", "dog", "dog"]
    Image.new("RGB", (6, 5), (1, 2, 3)).save(folder / "dog" / "2.png")
    images = np.asarray(files.read(pets(folder)).inputs)
    assert images.shape == (5, 5, 6, 3)
    assert list(images[1, 0, 0]) == [10, 10, 10]
    assert list(images[3, 0, 0]) == [1, 2, 3]
    data = load(pets(folder))
    assert (np.asarray(data.X).shape, data.classes) == ((5, 3, 5, 6), ("cat", "dog"))


def test_a_broken_link_in_a_folder_is_named(folder: Path) -> None:
    (folder / "dog" / "9.png").symlink_to("nowhere.png")
    with pytest.raises(
        RequestError, match=r"mine\.yaml: location: '.*/dog/9\.png' cannot be looked at: No such"
    ):
        load(pets(folder))
    assert "'dog/9.png' cannot be read as an image" in refusal(pets(folder))


def test_faults_of_a_folder_name_the_file(folder: Path) -> None:
    Image.new("L", (9, 9)).save(folder / "dog" / "4.png")
    assert "'dog/4.png' is 9 x 9 pixels and '1.png' 6 x 5; make all of one size" in refusal(pets(folder))
    (folder / "dog" / "4.png").write_bytes(b"no image")
    assert "'dog/4.png' cannot be read as an image" in refusal(pets(folder))
    Image.fromarray(np.zeros((5, 6), np.uint16)).save(folder / "dog" / "4.png")
    assert "'dog/4.png' has pixels of the mode 'I;16', not 8 bits" in refusal(pets(folder))
    (folder / "dog" / "4.png").rename(folder / "dog" / "4.txt")
    assert "'dog/4.txt' is no image" in refusal(pets(folder))
    (folder / "dog" / "4.txt").unlink()
    (folder / "eel").mkdir()
    assert "the folder 'eel' is empty" in refusal(pets(folder))
    (folder / "eel").rmdir()
    (folder / "notes.md").touch()
    assert "'notes.md' is no folder; there is one for each class" in refusal(pets(folder))
    card = Dataset("none", "file", "none", file=str(folder.parent / "mine.yaml"))
    (folder.parent / "none").mkdir()
    assert "it has no sub-folders" in refusal(card)


TRAIN = "a,c,y\n1.5,u,no\n2.5,v,yes\n3.5,u,no\n"


def test_a_second_file_is_the_test_part(card_over: CardOf) -> None:
    card_over("y,c,a\nyes,w,9\nno,u,\n", "test.csv")
    data = load(card_over(TRAIN, "train.csv", test="test.csv"))
    assert np.array_equal(features(data)["a"], [1.5, 2.5, 3.5, 9, np.nan], equal_nan=True)
    assert list(features(data)["c"]) == ["u", "v", "u", "w", "u"]
    assert list(data.y) == [0, 1, 0, 1, 0]
    (own,) = data.own
    assert (own.repeat, own.fold, list(own.train), list(own.test)) == (0, 0, [0, 1, 2], [3, 4])


def test_arrays_come_in_pairs_too(card_over: CardOf, tmp_path: Path) -> None:
    card = card_over(b"", "train.npz", test="test.npz")
    for name, n_rows in (("train", 3), ("test", 2)):
        np.savez(tmp_path / f"{name}.npz", X=np.ones((n_rows, 4, 4)), y=np.arange(n_rows))
    raw = files.read(card)
    assert np.asarray(raw.inputs).shape == (5, 4, 4)
    assert list(np.asarray(raw.target)) == [0, 1, 2, 0, 1]
    assert list(raw.own[0].test) == [3, 4]
    np.savez(tmp_path / "test.npz", X=np.ones((2, 5, 5)), y=np.arange(2))
    assert "test: the rows of 'train.npz' have the shape (4, 4) and those of 'test.npz' (5, 5)" in refusal(
        card
    )


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("a,c\n1,u\n", "'test.csv' has no column 'y', so its predictions cannot be scored; leave out 'test'"),
        ("a,y\n1,no\n", "only 'train.csv' has 'c'; both files need the same columns"),
        ("a,c,d,e,y\n1,u,2,3,no\n", "only 'test.csv' has 'd', 'e'; both files need the same columns"),
        ("a,c,y\n1\n", "cannot be read as csv: line 2 has 1 values"),
    ],
)
def test_a_test_file_that_does_not_fit_is_refused(card_over: CardOf, test: str, message: str) -> None:
    card_over(test, "test.csv")
    card = card_over(TRAIN, "train.csv", test="test.csv")
    found = refusal(card)
    assert found.startswith(f"{card.file}: test: ")
    assert message in found


def test_a_test_file_is_there_and_is_the_only_split(card_over: CardOf) -> None:
    assert "test: there is no file" in refusal(card_over(TRAIN, "train.csv", test="tset.csv"))
    card_over(TRAIN, "test.csv")
    found = refusal(card_over(TRAIN, "train.csv", test="test.csv", split="c"))
    assert "test: the column of 'split' says which rows are for testing already" in found


def test_the_stamp_changes_with_the_files(card_over: CardOf, tmp_path: Path) -> None:
    card_over(TRAIN.replace("1", "7"), "test.csv")
    card = card_over(TRAIN, "train.csv", test="test.csv")
    stamps = [files.stamp(card)]
    (tmp_path / "test.csv").write_text(TRAIN)
    stamps.append(files.stamp(card))
    # As many bytes, within one tick of the clock.
    (tmp_path / "test.csv").write_text(TRAIN.replace("1", "4"))
    stamps.append(files.stamp(card))
    assert len(set(stamps)) == 3
    os.utime(tmp_path / "test.csv", ns=(1, 1))
    assert files.stamp(card) == stamps[-1]
    with pytest.raises(RequestError, match=r"mine\.yaml: test: there is no file '.*/no\.csv'"):
        files.stamp(card_over(TRAIN, "none.csv", test="no.csv"))


def test_the_stamp_of_a_large_file_needs_no_look_into_it(card_over: CardOf, tmp_path: Path) -> None:
    card = card_over(TRAIN + "9,z,no\n" * 200_000)
    before = files.stamp(card)
    assert files.stamp(card) == before
    state = os.stat(tmp_path / "t.csv")
    with (tmp_path / "t.csv").open("r+") as file:
        file.write("b")
    os.utime(tmp_path / "t.csv", ns=(state.st_atime_ns, state.st_mtime_ns))
    assert files.stamp(card) != before


def test_the_stamp_of_a_folder_changes_with_its_files(folder: Path) -> None:
    stamps = {files.stamp(pets(folder))}
    (folder / "dog" / "3.bmp").rename(folder / "dog" / "4.bmp")
    stamps.add(files.stamp(pets(folder)))
    (folder / "dog" / "4.bmp").rename(folder / "cat" / "4.bmp")
    stamps.add(files.stamp(pets(folder)))
    assert len(stamps) == 3
    assert files.stamp(pets(folder)) in stamps
