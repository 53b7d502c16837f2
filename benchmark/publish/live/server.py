"""Serves the live page: for reading only, under its own address, and never in the run's way."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

import jinja2

from benchmark.errors import RequestError
from benchmark.publish.live.state import State
from benchmark.report.words import VERDICTS, counted, label, printable, ratio, seconds

__all__ = ["serve"]

_REST = 4.0
"""A state is computed anew after that many times what it took: no more than a fifth of a core."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def serve(state: Callable[[], State], host: str, port: int) -> ThreadingHTTPServer:
    """A server that is bound and not yet serving; ``server_port`` says where.

    Parameters
    ----------
    state
        Reads the study as it is now; asked by one thread at a time, and at most once a second.
    port
        0 for any that is free.

    Raises
    ------
    RequestError
        When the address cannot be used.
    """
    try:
        server = ThreadingHTTPServer((host, port), _handler(_Recent(state), host))
    except (OSError, OverflowError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        raise RequestError(
            f"{host}:{port}: cannot be served: {said}; --port 0 takes one that is free"
        ) from error
    server.daemon_threads = True
    return server


class _Recent:
    """The state, no older than a second or what computing it costs."""

    def __init__(self, state: Callable[[], State]) -> None:
        self._read, self._lock = state, threading.Lock()
        self._state: State | None = None
        self._until = 0.0

    def __call__(self) -> State:
        """The state.

        Raises
        ------
        RequestError
            Where it cannot be told; or whatever reading it raises.
        """
        if self._state is not None and not self._lock.acquire(blocking=False):
            return self._state  # somebody is computing the next one
        if self._state is None:
            self._lock.acquire()
        try:
            start = time.monotonic()
            if start >= self._until:
                try:
                    self._state = self._read()
                finally:  # a fault costs as much as an answer
                    now = time.monotonic()
                    self._until = now + max(1.0, _REST * (now - start))
            if self._state is None:
                raise RequestError("there is no answer yet; ask again")
            return self._state
        finally:
            self._lock.release()


def _is_address(name: str) -> bool:
    """Whether it is a number, which nobody can make lead elsewhere."""
    try:
        return bool(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return False


def _page() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("benchmark.publish.live", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(looks=VERDICTS, counted=counted, ratio=ratio, seconds=seconds)
    environment.filters["named"] = lambda name: label(name, 80)
    environment.filters["prose"] = lambda text: label(text, 500)
    return environment.get_template("page.html.jinja")


def _answers(state: Callable[[], State]) -> Callable[[str], tuple[str, bytes] | None]:
    """From a path to the kind and content of the answer; None where there is none."""
    page = _page()
    css = files("benchmark.report").joinpath("page.css").read_bytes()
    own = files("benchmark.publish.live")
    fixed = {
        "/live.css": ("text/css", css + own.joinpath("live.css").read_bytes()),
        "/live.js": ("text/javascript", own.joinpath("live.js").read_bytes()),
    }

    def answer(path: str) -> tuple[str, bytes] | None:
        if path == "/":
            return "text/html", page.render(state=state()).encode("utf-8", "replace")
        if path == "/state.json":
            return "application/json", json.dumps(state().to_json()).encode()
        return fixed.get(path)

    return answer


def _is_for(asked: str, host: str, port: int) -> bool:
    """Whether a browser asked for this server, and no other name that was made to lead here."""
    names, anybody = {host, "localhost", "127.0.0.1", "[::1]", f"[{host}]"}, host in ("", "0.0.0.0", "::")
    if anybody:
        names |= {socket.gethostname(), socket.getfqdn()}
    name, _, given = asked.rpartition(":")
    if not given.isdigit():  # a browser leaves out the port of the web
        name, given = asked, "80"
    return given == str(port) and (name in names or (anybody and _is_address(name)))


def _handler(state: Callable[[], State], host: str) -> type[BaseHTTPRequestHandler]:
    answer = _answers(state)

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version, timeout = "Swapbench", "", 20

        def do_GET(self) -> None:
            port = self.server.server_port  # type: ignore[attr-defined]
            if not _is_for(self.headers.get("Host", ""), host, port):
                return self._send(403, "text/plain", b"this page is served under its own address only\n")
            path = self.path.partition("?")[0]
            try:
                found = answer(path)
            except Exception as error:  # the next answer may be better; the run goes on whatever is said here
                said = " ".join(f"{type(error).__name__}: {error}".split())
                return self._send(503, "text/plain", f"no state: {printable(said[:300])}\n".encode())
            if found is None:
                return self._send(404, "text/plain", b"there is no such page\n")
            self._send(200, *found)

        def _refuse(self) -> None:
            self._send(405, "text/plain", b"this page is for reading only\n", Allow="GET, HEAD")

        do_HEAD = do_GET
        do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _refuse

        def _send(self, code: int, kind: str, content: bytes, **more: str) -> None:
            self.send_response(code)
            headers = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(content))}
            for name, value in {**headers, **_HEADERS, **more}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *parts: Any) -> None:
            """Say nothing: the terminal is for people."""

    return Handler
