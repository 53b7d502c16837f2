"""Bundles that mean harm: a line that says what is wrong, never a traceback, and nothing of them is run."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmark.api import verify
from benchmark.cli import main
from benchmark.errors import RequestError
from benchmark.publish import layout
from benchmark.publish.archive import Files
from benchmark.texts.publishing import verification
from tests.publish.conftest import Forge, edited

LEAVES: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**12,
    1e308,
    "",
    "<script>alert(1)</script>",
    "=cmd|'/c calc'!A1",
    "\x1b[2J\r\n",
    "'; DROP TABLE records; --",
    "../../etc/passwd",
    "\U0001f4a3" * 5000,
    [],
    {},
    [None],
    {"_target_": "os.system", "command": "touch harmed"},
)


def harmless(place: Path) -> str:
    """What is said of a bundle; that it is said in an orderly way is asserted."""
    try:
        found = verify(place)
    except RequestError as error:
        assert "\n" not in str(error)
        return str(error)
    said = verification(found)
    assert all(line.isprintable() for line in said.splitlines())
    json.dumps(found.to_json())
    return said


def places(values: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every leaf and every branch of a JSON document."""
    yield at
    if isinstance(values, dict):
        for key, value in values.items():
            yield from places(value, (*at, key))
    elif isinstance(values, list):
        for number, value in enumerate(values[:3]):
            yield from places(value, (*at, number))


def put(values: Any, at: tuple[Any, ...], leaf: Any) -> None:
    for key in at[:-1]:
        values = values[key]
    values[at[-1]] = leaf


@pytest.mark.parametrize(
    "count", [40, pytest.param(250, marks=pytest.mark.all), pytest.param(2000, marks=pytest.mark.full)]
)
def test_any_value_anywhere_is_refused_in_a_line(
    content: Files, forged: Forge, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn = random.Random(count)
    names = (layout.STUDY, layout.STUDY, layout.VERDICT, layout.CLAIMS, layout.ENVIRONMENT)
    every = {name: [at for at in places(json.loads(content[name])) if at] for name in set(names)}
    for _ in range(count):
        name = drawn.choice(names)
        at, leaf = drawn.choice(every[name]), drawn.choice(LEAVES)
        place = forged({name: edited(content[name], partial(put, at=at, leaf=leaf))})
        try:
            harmless(place)
        except Exception as error:  # the case must be told
            raise AssertionError(f"{name}: {at} = {str(leaf)[:60]!r}") from error
    assert not (tmp_path / "harmed").exists()


def damaged(content: Files, drawn: random.Random) -> dict[str, bytes]:
    """One file of a bundle with bytes changed, cut, repeated, or those of another file."""
    name, other = drawn.choice([*content]), drawn.choice([*content])
    old, new = content[name], bytearray(content[name])
    at, length = drawn.randrange(len(old)), drawn.randrange(1, 200)
    match drawn.randrange(6):
        case 0:
            new[at] ^= 1 << drawn.randrange(8)
        case 1:
            del new[at : at + length]
        case 2:
            new[at:at] = new[at : at + length]
        case 3:
            new[at : at + length] = drawn.randbytes(length)
        case 4:
            del new[at:]
        case _:
            new = bytearray(content[other])
    return {name: bytes(new)}


@pytest.mark.parametrize(
    "count", [60, pytest.param(400, marks=pytest.mark.all), pytest.param(2000, marks=pytest.mark.full)]
)
def test_any_bytes_anywhere_are_refused_in_a_line(content: Files, forged: Forge, count: int) -> None:
    """The checksums are those of the damaged files; SHA256SUMS itself is not damaged here."""
    drawn = random.Random(count)
    whole = {name: text for name, text in content.items() if name != layout.CHECKSUMS}
    for number in range(count):
        changed = damaged(whole, drawn)
        place = forged({**changed})
        try:
            harmless(place)
            for command in (
                ["diff", str(place), str(place)],
                ["export", str(place), "--out", f"{place}-out"],
            ):
                if drawn.random() < 0.1:
                    assert main(command) in (0, 2)
        except Exception as error:  # the case must be told
            raise AssertionError(f"{number}: {[*changed]}") from error


@pytest.mark.parametrize("name", [name for name in layout.FILES if name != layout.CHECKSUMS])
def test_a_pickle_is_one_under_no_name(name: str, forged: Forge, tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return Path.write_text, (tmp_path / "harmed", "x")

    said = harmless(forged({name: pickle.dumps(Harm())}))
    assert name in said
    assert not (tmp_path / "harmed").exists()


def test_code_in_a_bundle_is_not_imported(forged: Forge, tmp_path: Path) -> None:
    source = "sources/components/estimator/mine.py"
    harmful = f"from pathlib import Path\nPath({str(tmp_path / 'harmed')!r}).touch()\n".encode()
    said = harmless(
        forged({source: harmful, "sources/components/estimator/mine.yaml": b"!!python/object:os.system x"})
    )
    assert source in said
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("target", ["os.system", "builtins.eval", "subprocess.Popen"])
def test_a_target_of_the_standard_library_is_named(target: str, content: Files, forged: Forge) -> None:
    def change(values: Any) -> None:
        values["components"]["knn"][0]["make"]["_target_"] = target

    assert target in harmless(forged({layout.STUDY: edited(content[layout.STUDY], change)}))


@pytest.mark.parametrize(
    "text",
    [
        b'{"schema": 1' + b', "a": [' * 100_000,
        b'{"schema": 1, "schema": 1}\n',
        b'{"schema": NaN}\n',
        b'{"schema": 1e999}\n',
        b'{"schema": ' + b"9" * 5000 + b"}\n",
        b'{"schema": "\\ud800"}\n',
        b"\xff\xfe",
        b"[]\n",
        b"",
    ],
    ids=["deep", "twice", "nan", "infinite", "long", "surrogate", "bytes", "list", "empty"],
)
@pytest.mark.parametrize("name", [layout.STUDY, layout.VERDICT, layout.CLAIMS, layout.ENVIRONMENT])
def test_no_json_is_one_line(name: str, text: bytes, forged: Forge) -> None:
    assert name in harmless(forged({name: text}))
