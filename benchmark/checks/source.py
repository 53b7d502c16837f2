"""Where in its sources a component is to be looked at."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path

from benchmark.config import resolve, targets
from benchmark.errors import RequestError
from benchmark.spec import Component

__all__ = ["line_of", "place_of"]


def line_of(component: Component, method: str = "") -> str:
    """``FILE:LINE`` of a method of the component's class, or else of the class.

    Its YAML where neither is in a file, and for ``yaml``.
    """
    if method == "yaml":
        return _shown(component.file)
    try:
        found = resolve(str(component.make["_target_"]), component.file)
    except RequestError:
        return _shown(component.file)
    for part in (inspect.unwrap(vars(found).get(method, found)), found):
        try:
            file, line = inspect.getsourcefile(part), inspect.getsourcelines(part)[1]
        except (TypeError, OSError):  # written in C, or inherited from what is
            continue
        if file:
            return f"{_shown(file)}:{line}"
    return _shown(component.file)


def place_of(component: Component, frames: traceback.StackSummary) -> str:
    """``FILE:LINE`` of the innermost frame that is in the component's own file; empty without one."""
    own = {file for target in targets(component.make) if (file := _file_of(target))}
    inside = [frame for frame in frames if str(Path(frame.filename).resolve()) in own]
    return f"{_shown(inside[-1].filename)}:{inside[-1].lineno}" if inside else ""


def _file_of(target: str) -> str:
    try:
        return str(Path(inspect.getsourcefile(resolve(target, target)) or "").resolve())
    except (RequestError, TypeError):
        return ""


def _shown(file: str) -> str:
    """Below the current folder where it is there: it is what an editor is given."""
    path = Path(file).resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
