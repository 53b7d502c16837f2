"""The page of a study while it runs: a template, and a server that shows it to this machine alone."""

from __future__ import annotations

from benchmark.publish.live.server import serve
from benchmark.publish.live.state import Arm, Failure, Provisional, State

__all__ = ["Arm", "Failure", "Provisional", "State", "serve"]
