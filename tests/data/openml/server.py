"""An OpenML server on the loopback interface, with faults to order, and a small task for it to serve."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

XMLNS = 'xmlns:oml="http://openml.org/openml"'
API = "/api/v1/xml"

Files = dict[str, bytes]
"""By their name inside a server's folder: ``tasks/1/task.xml``."""
Columns = dict[str, tuple[str, list[str], dict[str, str]]]
"""Type in ARFF, values as ARFF writes them, and what else ``features.xml`` says, by name."""
Fault = Callable[["Handler", bytes], None]
"""Answers in place of the server; gets the body that it would have sent."""


def error_xml(code: int, message: str) -> bytes:
    """How OpenML says that it will not."""
    return (
        f"<oml:error {XMLNS}><oml:code>{code}</oml:code><oml:message>{message}</oml:message>"
        "<oml:additional_information></oml:additional_information></oml:error>"
    ).encode()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Any

    def do_GET(self) -> None:
        served: OpenmlServer = self.server.served
        served.requests.append(self.path)
        path = self.path.partition("?")[0]
        body = served.routes.get(path)
        fault = next((served.faults[key] for key in served.faults if re.search(key, path)), None)
        if fault is not None:
            fault(self, body or b"")
        elif body is None:
            self.answer(error_xml(151, "Unknown task"), status=412)
        else:
            self.answer(body)

    def answer(self, body: bytes, status: int = 200, length: int | None = None) -> None:
        """Send ``body``, announced as ``length`` bytes."""
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def refuse(status: int, body: bytes) -> Fault:
    return lambda handler, _: handler.answer(body, status)


def instead(change: Callable[[bytes], bytes]) -> Fault:
    """A whole answer that is not what it should be."""
    return lambda handler, body: handler.answer(change(body))


def break_off(handler: Handler, body: bytes) -> None:
    """Half of the body, and the connection is closed."""
    handler.answer(body[: len(body) // 2], length=len(body))


def hang_up(handler: Handler, _: bytes) -> None:
    """No answer at all."""
    handler.close_connection = True


def stall(handler: Handler, _: bytes) -> None:
    """Silence."""
    handler.server.served.over.wait(20)


def stall_midway(handler: Handler, body: bytes) -> None:
    """Half of the body, then silence."""
    handler.answer(body[: len(body) // 2], length=len(body))
    handler.wfile.flush()
    handler.server.served.over.wait(20)


class OpenmlServer:
    """Serves files of a cache as OpenML does; use it in a ``with`` statement."""

    def __init__(self, files: Mapping[str, bytes], suites: Mapping[int, bytes] | None = None) -> None:
        self.requests: list[str] = []
        """Every path that was asked for, with its query."""
        self.faults: dict[str, Fault] = {}
        """By a regular expression that the path contains."""
        self.over = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        setattr(self.http, "served", self)  # noqa: B010
        self.root = f"http://127.0.0.1:{self.http.server_port}"
        self.routes = routes(files, self.root)
        self.routes |= {f"{API}/study/{number}": body for number, body in (suites or {}).items()}

    @property
    def url(self) -> str:
        """What SWAPBENCH_OPENML_SERVER is to say."""
        return self.root + API

    def asked(self) -> list[str]:
        """What was asked for since the last call, by the last word that tells: ``task``, ``data``, …"""
        kinds = {
            "/task/": "task",
            "/data/features/": "features",
            "/download/": "arff",
            "/api_splits/": "splits",
            "/study/": "suite",
            "/data/": "data",
        }
        asked = [next(kind for part, kind in kinds.items() if part in path) for path in self.requests]
        self.requests.clear()
        return asked

    def as_served(self, name: str, files: Files) -> bytes:
        """What this server answers where ``files`` are asked for ``name``."""
        ((_, body),) = routes({name: files[name]}, self.root).items()
        return body

    def __enter__(self) -> OpenmlServer:
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop; a second time does nothing."""
        if not self.over.is_set():
            self.over.set()
            self.http.shutdown()
            self.http.server_close()


def routes(files: Mapping[str, bytes], root: str) -> Files:
    """What is served at which path, with the addresses inside the XML files made this server's."""
    served: Files = {}
    for name, body in files.items():
        kind, number, file = name.split("/")
        data, splits = f"/data/v1/download/{number}/x.arff", f"/api_splits/get/{number}/x.arff"
        if file == "description.xml":
            body = re.sub(rb"<oml:(parquet|minio)_url>.*?</oml:\1_url>", b"", body)
            body = re.sub(rb"(<oml:url>).*?(</oml:url>)", rf"\g<1>{root}{data}\2".encode(), body)
        if file == "task.xml":
            link = rb"(<oml:data_splits_url>).*?(</oml:data_splits_url>)"
            body = re.sub(link, rf"\g<1>{root}{splits}\2".encode(), body)
        path = {
            "task.xml": f"{API}/task/{number}",
            "description.xml": f"{API}/data/{number}",
            "features.xml": f"{API}/data/features/{number}",
            "qualities.xml": f"{API}/data/qualities/{number}",
            "dataset.arff": data,
            "datasplits.arff": splits,
        }.get(file)
        if path is not None:
            served[path] = body
    return served


def cached(folder: Path, task: int, data_set: int) -> Files:
    """The files of a task in a server's folder of a cache."""
    parts = (f"tasks/{task}", f"datasets/{data_set}")
    return {f"{part}/{file.name}": file.read_bytes() for part in parts for file in (folder / part).iterdir()}


def suite_xml(number: int, tasks: list[int], entity: str = "task") -> bytes:
    listed = "".join(f"<oml:task_id>{task}</oml:task_id>" for task in tasks)
    inside = f"<oml:tasks>{listed}</oml:tasks>" if tasks else ""
    return (
        f"<oml:study {XMLNS}><oml:id>{number}</oml:id><oml:main_entity_type>{entity}</oml:main_entity_type>"
        "<oml:name>small</oml:name><oml:description>d</oml:description><oml:status>active</oml:status>"
        "<oml:creation_date>2020-01-01</oml:creation_date><oml:creator>1</oml:creator>"
        f"{inside}</oml:study>"
    ).encode()


@dataclass
class SmallTask:
    """A task of 12 rows that has everything that OpenML may declare; change it, and take its files."""

    number: int = 1
    data_set: int = 7
    kind: int = 1
    kind_name: str = "Supervised Classification"
    target: str = "Class"
    format: str = "ARFF"
    procedure: str = "crossvalidation"
    n_repeats: int = 2
    n_folds: int = 3
    checksum: bool = True
    description: str = "<oml:row_id_attribute>id</oml:row_id_attribute>"
    columns: Columns = field(default_factory=lambda: COLUMNS)
    arff: str = ""
    """The data, where it is not made of ``columns``."""

    def files(self) -> Files:
        arff = (self.arff or self._arff()).encode()
        stated = hashlib.md5(arff).hexdigest() if self.checksum else ""
        return {
            f"tasks/{self.number}/task.xml": self._task().encode(),
            f"tasks/{self.number}/datasplits.arff": self._splits().encode(),
            f"datasets/{self.data_set}/description.xml": self._description(stated).encode(),
            f"datasets/{self.data_set}/features.xml": self._features().encode(),
            f"datasets/{self.data_set}/dataset.arff": arff,
        }

    @property
    def n_rows(self) -> int:
        return max(len(values) for _, values, _ in self.columns.values())

    def _arff(self) -> str:
        header = "\n".join(f"@attribute '{name}' {kind}" for name, (kind, _, _) in self.columns.items())
        rows = zip(*(values for _, values, _ in self.columns.values()), strict=True)
        return f"@relation small\n{header}\n@data\n" + "\n".join(map(",".join, rows)) + "\n"

    def _splits(self) -> str:
        lines = [
            f"{'TEST' if (row + repeat) % self.n_folds == fold else 'TRAIN'},{row},{repeat},{fold}"
            for repeat in range(self.n_repeats)
            for fold in range(self.n_folds)
            for row in range(self.n_rows)
        ]
        names = "@attribute rowid numeric\n@attribute repeat numeric\n@attribute fold numeric"
        header = "@relation small_splits\n@attribute type {TRAIN,TEST}\n" + names
        return header + "\n@data\n" + "\n".join(lines) + "\n"

    def _task(self) -> str:
        numbers = {"number_repeats": self.n_repeats, "number_folds": self.n_folds}
        said = "".join(f'<oml:parameter name="{k}">{v}</oml:parameter>' for k, v in numbers.items())
        return (
            f"<oml:task {XMLNS}><oml:task_id>{self.number}</oml:task_id>"
            f"<oml:task_type_id>{self.kind}</oml:task_type_id><oml:task_type>{self.kind_name}</oml:task_type>"
            f'<oml:input name="source_data"><oml:data_set><oml:data_set_id>{self.data_set}</oml:data_set_id>'
            f"<oml:target_feature>{self.target}</oml:target_feature></oml:data_set></oml:input>"
            '<oml:input name="estimation_procedure"><oml:estimation_procedure>'
            f"<oml:id>1</oml:id><oml:type>{self.procedure}</oml:type>"
            f"<oml:data_splits_url>x</oml:data_splits_url>{said}"
            "</oml:estimation_procedure></oml:input></oml:task>"
        )

    def _description(self, checksum: str) -> str:
        stated = f"<oml:md5_checksum>{checksum}</oml:md5_checksum>" if checksum else ""
        return (
            f"<oml:data_set_description {XMLNS}><oml:id>{self.data_set}</oml:id>"
            "<oml:name>Small-Data.v2</oml:name><oml:version>1</oml:version><oml:description>d</oml:description>"
            f"<oml:format>{self.format}</oml:format><oml:url>x</oml:url>{self.description}{stated}"
            "</oml:data_set_description>"
        )

    def _features(self) -> str:
        features = []
        for index, (name, (kind, _, said)) in enumerate(self.columns.items()):
            labels = re.findall(r"[\w -]+", kind) if kind.startswith("{") else []
            declared = "nominal" if labels else {"string": "string"}.get(kind, "numeric")
            said = {"index": str(index), "name": name, "data_type": declared} | said
            inside = "".join(f"<oml:{key}>{value}</oml:{key}>" for key, value in said.items())
            inside += "".join(f"<oml:nominal_value>{label}</oml:nominal_value>" for label in labels)
            features.append(f"<oml:feature>{inside}</oml:feature>")
        return f"<oml:data_features {XMLNS}>{''.join(features)}</oml:data_features>"


COLUMNS: Columns = {
    "id": ("numeric", [str(row) for row in range(12)], {}),
    "size": ("real", ["1.5", "?", "3", "-4", "5", "6", "7", "8", "9", "10", "11", "12"], {}),
    "count": ("integer", [str(90 + row) for row in range(12)], {}),
    "empty": ("real", ["?"] * 12, {}),
    "colour": ("{red,blue,never}", ["red", "?", "blue"] * 4, {}),
    "flag": ("{TRUE,FALSE}", ["TRUE", "FALSE", "?"] * 4, {}),
    "memo": ("string", ["'a b'", "c", "?"] * 4, {}),
    "old": ("numeric", ["1", "2"] * 6, {"is_ignore": "true"}),
    "Class": ("{no,yes,never}", ["yes", "no", "no", "yes"] * 2 + ["?", "yes", "no", "no"], {}),
}
