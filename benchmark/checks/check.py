"""What a check is, and what it says when it does not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmark.checks.subject import Subject
from benchmark.execute.limits import pin_threads
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
    """Something that every component of some slots promises."""

    function: Callable[[Subject], None]
    """Raises CheckFailed; its name is the rule's, the first line of its docstring the rule in words."""
    applies: Callable[[Subject], bool] = _always
    """Whether a component promises it; read off what it declares."""
    slow: Callable[[Subject], bool] | bool = False
    """Whether it takes more than about a second."""


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
        return self.rule.function.__name__

    @property
    def about(self) -> str:
        """What must hold, in one line."""
        return (self.rule.function.__doc__ or "").partition("\n")[0]

    @property
    def slow(self) -> bool:
        """Whether it may take more than about a second."""
        return self.rule.slow if isinstance(self.rule.slow, bool) else self.rule.slow(self.subject)

    def run(self) -> None:
        """Do nothing where the rule holds; on one thread, as components run in a study.

        Raises
        ------
        CheckFailed
            Names the component and the check, and says what was expected and what was seen.
        """
        pin_threads()
        where = f"{self.component.slot} {self.component.name}: {self.name}"
        try:
            self.rule.function(self.subject)
        except CheckFailed as error:
            raise CheckFailed(f"{where}: {error}") from error
        except Exception as error:  # a component's code may raise anything
            raise CheckFailed(f"{where}: {type(error).__name__}: {error}") from error
