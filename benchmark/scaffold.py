"""Starts a component: a Python file and its YAML that work as they are, and the command that tries them."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import jinja2
import yaml

import components
from benchmark.catalog import open_catalog
from benchmark.errors import RequestError, nearest
from benchmark.spec import SLOTS

__all__ = ["scaffold", "trial"]

_QUICK = (
    "tasks=[iris,engel]",
    "references=[]",
    "protocol.splits.folds=2",
    "protocol.tuning.trials=2",
    "protocol.budget.amount=100",
)
"""Two tasks, one of classes and one of numbers, in seconds: to see that it runs, not whether it helps."""

_RIVALS: Mapping[str, tuple[str, str]] = {
    "preprocessor": ("standard", "mlp"),
    "architecture": ("mlp", "mlp"),
    "activation": ("relu", "mlp"),
    "loss": ("likelihood", "mlp"),
    "optimizer": ("adamw", "mlp"),
    "schedule": ("constant", "mlp"),
    "booster": ("lightgbm", "lightgbm"),
    "weak_learner": ("own_tree", "lightgbm"),
    "estimator": ("random_forest", "random_forest"),
}
"""Baseline and host of the first try, by slot."""


def scaffold(slot: str, name: str, into: Path) -> str:
    """What to tell the person, once ``into/components/<slot>/<name>.py`` and ``.yaml`` are written.

    Raises
    ------
    RequestError
        For an unknown slot, a name that will not do or is taken, or a folder that cannot be written to;
        then nothing has been written.
    """
    if slot not in SLOTS:
        raise RequestError(f"there is no slot '{slot}'; {nearest(slot, SLOTS)}")
    class_name = _class_name(name)
    code, card = (into / "components" / slot / f"{name}{suffix}" for suffix in (".py", ".yaml"))
    _check_free(slot, name, (code, card))
    _write({code: _render(slot, "py", name, class_name), card: _render(slot, "yaml", name, class_name)})
    return "\n".join(
        [
            f"wrote {code}: the algorithm, {class_name}; edit it",
            f"wrote {card}: its arguments, the space they are tuned in, its source",
            "try it, for seconds:",
            f"  {shlex.join(['swapbench', *trial(slot, name, into)])}",
        ]
    )


def trial(slot: str, name: str, into: Path) -> list[str]:
    """The arguments of a command that runs a component of the folder ``into`` in a small study."""
    baseline, host = _RIVALS[slot]
    varied = [] if slot == "optimizer" else [f"slot={slot}", "question=null"]
    arms = [f"candidates=[{name}]", f"baselines=[{baseline}]", f"hosts=[{host}]"]
    return ["run", "study=demo", *varied, *arms, *_QUICK, "--config-dir", str(into)]


def _class_name(name: str) -> str:
    """The name as people write classes; refused where Python or YAML would read it as something else."""
    class_name = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is not None
    taken = keyword.iskeyword(name) or keyword.iskeyword(class_name)
    # Hydra reads nan and inf in an override as numbers.
    if not plain or taken or yaml.safe_load(name) != name or name.lower() in ("nan", "inf"):
        raise RequestError(
            f"NAME {name!r} cannot name a Python file; "
            f"take letters, digits and underscores, such as my_{_stem(name)}"
        )
    return class_name


def _stem(name: str) -> str:
    """What is left of a name in letters, digits and single underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "part"


def _check_free(slot: str, name: str, files: tuple[Path, ...]) -> None:
    """Refuse to write over a file, and a name that the catalog or a module of the slot has already."""
    for file in files:
        if file.exists():
            raise RequestError(f"{file} exists already; choose another NAME, or remove it first")
    catalog = open_catalog()
    if name in catalog.files[slot]:
        raise RequestError(
            f"the {slot} '{name}' is there already: {catalog.path(slot, name)}; choose another NAME"
        )
    for folder in components.__path__:
        module = Path(folder) / slot / f"{name}.py"
        if module.exists():
            raise RequestError(f"the module '{name}' is there already: {module}; choose another NAME")


def _render(slot: str, suffix: str, name: str, class_name: str) -> str:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # source text, not a page
    )
    return templates.get_template(f"{slot}.{suffix}.jinja").render(name=name, class_name=class_name)


def _write(texts: Mapping[Path, str]) -> None:
    """Write all files or none."""
    written: list[Path] = []
    try:
        for file, text in texts.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as stream:
                written.append(file)
                stream.write(text)
    except OSError as error:
        for file in written:
            file.unlink()
        raise RequestError(f"cannot write {error.filename or file}: {error.strerror}") from error
