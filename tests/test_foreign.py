"""Somebody else's table: every usual form gives the same records, and a bad one gets one line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import benchmark
from benchmark.errors import RequestError
from benchmark.foreign import Asked, complete, read, read_table

LONG = """dataset,method,error
a,x,0.2
a,y,0.1
b,x,0.4
b,y,0.5
"""
WIDE = "dataset,x,y\na,0.2,0.1\nb,0.4,0.5\n"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file with this text."""

    def write(text: str, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def errors(records: pd.DataFrame) -> dict[tuple[str, str], float]:
    """The error by (component, task)."""
    keys = zip(records["component"], records["task"], strict=True)
    return dict(zip(keys, records["error"], strict=True))


EXPECTED = {("x", "a"): 0.2, ("y", "a"): 0.1, ("x", "b"): 0.4, ("y", "b"): 0.5}


@pytest.mark.parametrize(
    ("name", "text", "asked"),
    [
        ("long", LONG, {}),
        ("other words", LONG.replace("dataset,method,error", "Data Set,ALGORITHM,Test-Error"), {}),
        (
            "named columns",
            LONG.replace("dataset,method,error", "place,who,how bad"),
            {"columns": {"dataset": "place", "method": "WHO", "error": "how bad"}},
        ),
        ("semicolons", LONG.replace(",", ";"), {}),
        ("tabs", LONG.replace(",", "\t"), {}),
        ("decimal commas", LONG.replace(",", ";").replace("0.", "0,"), {}),
        ("windows", "\ufeff" + LONG.replace("\n", "\r\n"), {}),
        ("row numbers", "\n".join(f"{n or ''},{one}" for n, one in enumerate(LONG.splitlines())), {}),
        ("a further column", "\n".join(f"{one},z" for one in LONG.splitlines()), {}),
        ("spaces and quotes", LONG.replace("a,x", '"a" , x ').replace("0.4", " 0.4"), {}),
        ("scores", LONG.replace("0.2", "0.8").replace("0.1", "0.9").replace("0.4", "0.6"), {"score": 1}),
        ("percentages", "dataset,method,acc\na,x,80\na,y,90\nb,x,60\nb,y,50\n", {"score": 100}),
        ("wide", WIDE, {"wide": True}),
        ("wide, without being told", WIDE, {"methods": ["x", "y"]}),
        ("wide, with the index of a frame", WIDE.replace("dataset", ""), {"wide": True}),
        ("wide, any word for a data set", WIDE.replace("dataset", "Where"), {"wide": True}),
        ("some rows", LONG.replace("\n", ",1\n").replace("error,1", "error,kind") + "a,x,9,2\n", "where"),
    ],
)
def test_every_usual_form_gives_the_same_records(
    name: str, text: str, asked: dict[str, object] | str, write: Write
) -> None:
    if asked == "where":
        asked = {"where": {"kind": "1"}}
    assert isinstance(asked, dict)
    if best := asked.pop("score", None):
        column = "acc" if "acc" in text else "error"
        asked |= {"higher_is_better": True, "best": float(str(best)), "columns": {"score": column}}
    found = read(write(text), Asked(**asked))  # type: ignore[arg-type]
    scale = 100 if name == "percentages" else 1
    assert errors(found.records) == pytest.approx({key: scale * value for key, value in EXPECTED.items()})
    assert found.methods == ("x", "y")
    assert set(found.records["status"]) == {"ok"}


def test_packed_parquet_and_frames_read_alike(tmp_path: Path) -> None:
    frame = pd.DataFrame({"dataset": [1, 1, 2, 2], "method": list("xyxy"), "error": [0.2, 0.1, 0.4, 0.5]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.set_index("dataset").to_parquet(tmp_path / "indexed.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    assert read(tmp_path / "t.csv.gz", Asked()).name == "t"
    tables = ["t.parquet", "indexed.parquet", "t.csv", "t.csv.gz"]
    expected = read_table(frame)
    for one in tables:
        pd.testing.assert_frame_equal(read_table(tmp_path / one), expected, obj=one)


def test_what_was_inferred_is_said(write: Write) -> None:
    (read_as,) = read(write(LONG), Asked()).notes
    assert read_as == "read as: dataset=dataset, method=method, error=error"
    told = {"dataset": "dataset", "method": "method", "error": "error"}
    assert read(write(LONG), Asked(columns=told)).notes == ()
    notes = read(write("run;x;y\n1;0,5;0,25\n2;0,5;0,5\n"), Asked(wide=True)).notes
    assert notes == (
        "read as: seed=run, one column per method: x, y, their values errors, smaller is better",
        "read as separated by semicolons, 0,5 as 0.5",
        "no column names data sets: all rows are of one, 't'",
    )
    extra = "\n".join(f"{one},z" for one in LONG.splitlines())
    assert read(write(extra), Asked()).notes[-1] == "not read: z"


def test_what_did_not_end_in_a_number_is_a_failure(write: Write) -> None:
    cells = ["", "NaN", "inf", "-inf", "n/a", "None", "-"]
    rows = "".join(f"d{number},x,{cell}\nd{number},y,0.5\n" for number, cell in enumerate(cells))
    records = read(write("dataset,method,error\n" + rows), Asked()).records
    assert records.loc[records["component"] == "x", "error"].isna().all()
    assert list(records["status"]) == ["failed", "ok"] * len(cells)


def test_splits_seeds_and_seconds_find_their_columns(write: Write) -> None:
    text = "Task,Model,Host,Rep,Fold,Seed,Loss,Fit Time,n_train,n_test\na,x,h,0,1,7,.5,3,90,10\n"
    found = read(write(text), Asked())
    (row,) = found.records.to_dict("records")
    assert row == {
        "component": "x",
        "task": "a",
        "host": "h",
        "repeat": 0,
        "fold": 1,
        "seed": 7,
        "error": 0.5,
        "status": "ok",
        "fit_seconds": 3.0,
        "n_train": 90.0,
        "n_test": 10.0,
    }
    two = read(
        write("d,m,i,j,e\na,x,1,2,0\n"), Asked({"dataset": "d", "method": "m", "split": "i,j", "error": "e"})
    )
    assert two.records[["repeat", "fold"]].to_numpy().tolist() == [[1, 2]]
    assert (
        read(write(LONG), Asked(test_to_train=0.25))
        .records[["n_test", "n_train"]]
        .eval("n_test / n_train")
        .eq(0.25)
        .all()
    )


@pytest.mark.parametrize(
    ("text", "asked", "line"),
    [
        ("", {}, "no comma, semicolon or tab"),
        ("dataset,method,error\n", {}, "t.csv: the table has no rows"),
        ("just one column\n1\n", {}, "no comma, semicolon or tab"),
        ("a;b,c\n1;2,3\n", {}, "as many of two of them"),
        ("a,b,a\n1,2,3\n", {}, "two columns are called 'a'"),
        (LONG + "a,x,0.1,9\n", {}, "no table of even rows"),
        ("dataset,method,error\na,x,0.1,9\n", {}, "more cells than the header has names"),
        (LONG + '"a,x', {}, "no table of even rows"),
        (
            LONG.replace("dataset", "place"),
            {},
            "no column names the data sets: --dataset COL (left are place)",
        ),
        (LONG.replace("method", "who"), {}, "no column names the methods: --method COL, or --wide"),
        (LONG.replace("error", "value"), {}, "no column is known as error: --error COL (left are value)"),
        (LONG.replace("error", "accuracy"), {}, "a score? --score accuracy --higher-is-better"),
        (
            LONG.replace("error", "rmse"),
            {"higher_is_better": True},
            "no column is known as score: --score COL",
        ),
        (LONG.replace("dataset,method", "task,dataset"), {}, "'task', 'dataset' could each be the dataset"),
        (LONG, {"columns": {"error": "eror"}}, "no column 'eror' (--error), did you mean 'error'?"),
        (
            LONG,
            {"columns": {"seed": "error", "error": "error"}},
            "column 'error' cannot be both seed and error",
        ),
        (LONG, {"columns": {"score": "error"}}, "--score error --higher-is-better makes errors of scores"),
        (LONG, {"columns": {"error": "error"}, "higher_is_better": True}, "--score error --higher-is-better"),
        (LONG, {"columns": {"error": "error", "score": "error"}}, "--error and --score"),
        (LONG, {"best": 1.0}, "--best 1 is of scores: it goes with --higher-is-better"),
        (LONG, {"columns": {"splt": "error"}}, "said to be the 'splt', did you mean 'split'?"),
        (LONG, {"columns": {"split": "a,b,c"}}, "--split a,b,c: one column, or two such as Rep,Fold"),
        (LONG, {"wide": True, "columns": {"error": "error"}}, "--error error: with --wide"),
        (LONG, {"where": {"dataset": "c"}}, "no 'c' in column 'dataset', choose from a, b"),
        (LONG, {"where": {"datset": "c"}}, "no column 'datset' (--where), did you mean 'dataset'?"),
        (LONG, {"ignore": ["errr"]}, "no column 'errr' (--ignore), did you mean 'error'?"),
        (
            LONG.replace("0.1", "oops"),
            {},
            "column 'error', row 2: 'oops' is no number; the cell of a failed run",
        ),
        (LONG.replace("0.1", "-0.1"), {}, "column 'error', row 2: -0.1 is below 0"),
        (LONG.replace("b,x", ",x"), {}, "column 'dataset' is empty in 1 row, first in row 3"),
        (LONG + "a,x,0.3\n", {}, "1 row repeats a cell, first component=x task=a (rows 1 and 5)"),
        (WIDE, {"wide": True, "columns": {"dataset": "x"}}, "column 'dataset', row 1: 'a' is no number"),
        (WIDE, {"methods": ["x"], "columns": {"error": "y"}}, "each has a column of its own"),
        ("a,b,x\nu,v,1\n", {"wide": True}, "no column names the data sets: --dataset COL (left are a, b)"),
        ("dataset\tseed\na\t1\n", {"wide": True}, "no column is left to be a method"),
        (LONG, {"test_to_train": 0.0}, "--test-to-train 0: test rows divided by training rows, above 0"),
        (LONG.replace(",", ";").replace("0.1", "0,1"), {}, "both '0,1' and '0.2' stand for numbers"),
    ],
)
def test_a_bad_table_or_request_gets_one_line(
    text: str, asked: dict[str, object], line: str, write: Write
) -> None:
    with pytest.raises(RequestError) as refused:
        read(write(text), Asked(**asked))  # type: ignore[arg-type]
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("t.pkl", b"", "a table is a file called .csv"),
        ("t.csv", b"\xff\xfe\x00", "no UTF-8 text"),
        ("t.csv.gz", b"no gzip", "cannot be unpacked"),
        ("t.parquet", b"no parquet", "no Parquet table"),
        ("none.csv", None, "there is no such file"),
    ],
)
def test_a_file_that_is_no_table_gets_one_line(
    name: str, content: bytes | None, line: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RequestError, match=line):
        read(tmp_path / name, Asked())


@pytest.mark.parametrize(
    ("best", "line"),
    [
        (None, r"row 2: 93 is above --best 1; for percentages write --best 100"),
        (50.0, r"row 2: 93 is above --best 50; write the highest score there can be"),
    ],
)
def test_scores_above_the_best_are_refused(best: float | None, line: str, write: Write) -> None:
    path = write("dataset,method,acc\na,x,.8\na,y,93\n")
    with pytest.raises(RequestError, match=line):
        read(path, Asked(higher_is_better=True, best=best))


def test_a_score_that_rounding_puts_above_the_best_is_the_best(write: Write) -> None:
    path = write("dataset,method,acc\na,x,1.0000000000000002\na,y,1\n")
    assert list(read(path, Asked(higher_is_better=True)).records["error"]) == [0.0, 0.0]


def test_what_would_tell_repeated_rows_apart_is_named(write: Write) -> None:
    rows = "".join(f"a,{one},0.{number},{number}\n" for one in "xy" for number in (1, 2))
    with pytest.raises(RequestError, match=r"\(column 'trial' would: --seed trial\)"):
        read(write("dataset,method,error,trial\n" + rows), Asked())


def test_rows_that_are_not_there_are_refused_or_counted(write: Write) -> None:
    path = write(LONG.replace("b,y,0.5\n", "b,z,0.5\n"))
    with pytest.raises(
        RequestError, match=r"1 of 4 results are not there: y lacks dataset=b; --missing fail"
    ):
        read_table(path, methods=["x", "y"])
    with pytest.raises(RequestError, match=r"--missing fial: did you mean 'fail'\?"):
        read_table(path, methods=["x", "y"], missing="fial")
    failed = read_table(path, methods=["x", "y"], missing="fail")
    added = failed.iloc[-1]
    assert (added["component"], added["task"], added["status"]) == ("y", "b", "failed")
    assert np.isnan(added["error"]) and len(failed) == 5
    dropped = read_table(path, methods=["x", "y"], missing="drop")
    assert set(dropped["task"]) == {"a"}
    with pytest.raises(RequestError, match="no block is there for all of the 2 methods: y has 1, z has 1"):
        read_table(path, methods=["y", "z"], missing="drop")
    with pytest.raises(RequestError, match="no method 'w', choose from x, y, z"):
        read_table(path, methods=["w"])


def test_only_the_methods_compared_need_every_block(write: Write) -> None:
    found = read(write(LONG + "c,z,0.3\n"), Asked())
    assert complete(found.records, ["x", "y"], "refuse", "t").missing == 0
    whole = complete(found.records, found.methods, "fail", "t")
    assert (whole.missing, whole.dropped, len(whole.records)) == (4, 0, 9)


def test_records_give_the_verdict_of_compare(write: Write) -> None:
    rows = "".join(f"d{n},x,{0.2 + n / 100}\nd{n},y,{(0.2 + n / 100) * 0.8}\n" for n in range(8))
    records = benchmark.read_table(write("dataset,method,error\n" + rows))
    assert benchmark.compare(records, "y", "x").effect.mean == pytest.approx(0.2)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6)
CELLS = st.one_of(
    NAMES, st.floats().map(str), st.integers(-3, 3).map(str), st.sampled_from(["", '"', "a", "b"])
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELLS, max_size=5), max_size=6),
    header=st.lists(st.sampled_from(["dataset", "method", "error", "seed", "x", ""]), max_size=5),
    mark=st.sampled_from(",;\t"),
    wide=st.booleans(),
    scores=st.booleans(),
    missing=st.sampled_from(["refuse", "fail", "drop"]),
)
def test_any_text_is_read_or_refused_in_one_line(
    rows: list[list[str]],
    header: list[str],
    mark: str,
    wide: bool,
    scores: bool,
    missing: str,
    tmp_path: Path,
) -> None:
    path = tmp_path / "any.csv"
    path.write_text("\n".join(mark.join(row) for row in [header, *rows]), encoding="utf-8")
    try:
        found = read_table(path, wide=wide, higher_is_better=scores, missing=missing)
    except RequestError as refused:
        assert len(str(refused).splitlines()) == 1
    else:
        assert (found["error"].dropna() >= 0).all() and np.isfinite(found["error"].dropna()).all()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), name=st.sampled_from(["t.csv", "t.csv.gz", "t.parquet"]))
def test_any_bytes_are_refused_in_one_line(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RequestError) as refused:
        read_table(tmp_path / name)
    assert len(str(refused.value).splitlines()) == 1
