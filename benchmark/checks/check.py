"""What a check is, and what it says when it does not hold."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmark.checks.source import line_of, place_of
from benchmark.checks.subject import Subject
from benchmark.execute.limits import pin_threads
from benchmark.findings import Finding, Severity
from benchmark.spec import Component

__all__ = ["Check", "CheckFailed", "Rule", "expect"]


class CheckFailed(AssertionError):
    """A component does not keep a promise; the message says what was expected and what was seen."""


def expect(holds: Any, expected: str, seen: object = "") -> None:
    """Fail unless something holds.

    Raises
    ------
    CheckFailed
        Says what was expected, and what was seen instead.
    """
    if not holds:
        raise CheckFailed(f"expected {expected}" + (f"; saw {seen}" if str(seen) else ""))


def _always(subject: Subject) -> bool:
    return subject is not None


@dataclass(frozen=True)
class Rule:
    """Something that every component of some slots promises.

    The name of ``function`` is the rule's. The first line of its docstring says what must hold, what comes
    after an empty line why that matters.
    """

    function: Callable[[Subject], str | None]
    """Raises CheckFailed; may return what it measured, which is then a note."""
    applies: Callable[[Subject], bool] = _always
    """Whether a component promises it; read off what it declares."""
    slow: Callable[[Subject], bool] | bool = False
    """Whether it takes more than about a second."""
    severity: Severity = "error"
    """Of its finding. What is not an error fails no test."""
    look: str = ""
    """The method to look at where it does not hold and no line of the component raised; empty: the class.
    ``yaml``: its file in the catalog."""
    advice: str = ""
    """The next thing to try where it does not hold."""
    causes: tuple[str, ...] = ()
    """Rules that explain this one's finding when they do not hold either."""

    @property
    def name(self) -> str:
        """Unique among the rules of a slot."""
        return self.function.__name__

    @property
    def about(self) -> str:
        """What must hold, in one line."""
        return self._paragraphs[0]

    @property
    def why(self) -> str:
        """Why it matters; empty where that is plain."""
        return " ".join(" ".join(self._paragraphs[1:]).split())

    @property
    def _paragraphs(self) -> list[str]:
        return (self.function.__doc__ or "").strip().split("\n\n")


@dataclass(frozen=True, eq=False)
class Check:
    """One rule for one component."""

    rule: Rule
    subject: Subject

    @property
    def component(self) -> Component:
        """What is checked."""
        return self.subject.component

    @property
    def name(self) -> str:
        """The rule's, unique among the checks of a component."""
        return self.rule.name

    @property
    def about(self) -> str:
        """What must hold, in one line."""
        return self.rule.about

    @property
    def slow(self) -> bool:
        """Whether it may take more than about a second."""
        return self.rule.slow if isinstance(self.rule.slow, bool) else self.rule.slow(self.subject)

    def run(self) -> None:
        """Do nothing where the rule holds, or is none that makes an error; on one thread, as in a study.

        Raises
        ------
        CheckFailed
            Names the component and the check, and says what was expected and what was seen.
        """
        found = self.finding()
        if found is not None and found.severity == "error":
            raise CheckFailed(f"{found.subject}: {self.name}: {found.seen}")

    def finding(self) -> Finding | None:
        """What is to be said where the rule does not hold, or has measured something; else None."""
        pin_threads()
        who = f"{self.component.slot} {self.component.name}"
        try:
            measured = self.rule.function(self.subject)
        except CheckFailed as error:
            seen, look = str(error), line_of(self.component, self.rule.look)
        except Exception as error:  # a component's code may raise anything
            seen = " ".join(f"{type(error).__name__}: {error}".split())
            look = place_of(self.component, traceback.extract_tb(error.__traceback__)) or line_of(
                self.component, self.rule.look
            )
        else:
            return None if measured is None else Finding(self.name, "note", who, measured)
        why = self.rule.why or self.about
        return Finding(self.name, self.rule.severity, who, seen, why, look, self.rule.advice)
