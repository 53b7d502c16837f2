"""Running text that becomes Markdown or LaTeX, and what it cites as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from benchmark.report.tables import escape_latex, escape_markdown

__all__ = ["References", "as_latex", "as_markdown", "bibtex", "cited", "name_key", "used"]

References = Mapping[str, str]
"""Where something comes from, ``arXiv:…`` or an address, by the key that text cites."""

_MARK = re.compile(r"⟦([a-z0-9-]+)⟧")
_DOI = re.compile(r"https?://(?:dx\.)?doi\.org/(.+)")


def cited(name: str, references: References) -> str:
    """``name`` with a mark that becomes a citation, or one for each of its parts (``adamw+cosine``)."""
    keys = [key for part in name.split("+") if (key := name_key(part)) in references]
    return " ".join([name, *(f"⟦{key}⟧" for key in keys)])


def used(paragraphs: Iterable[str], references: References) -> dict[str, str]:
    """The references that some paragraphs cite."""
    marked = {key for text in paragraphs for key in _MARK.findall(text)}
    return {key: source for key, source in sorted(references.items()) if key in marked}


def name_key(name: str) -> str:
    """A name as BibTeX takes it for a key."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def as_markdown(paragraphs: Iterable[str], references: References) -> str:
    """Paragraphs whose citations pandoc reads: ``[@key]``."""
    return "\n\n".join(_rendered(text, references, escape_markdown, "[@{}]") for text in paragraphs) + "\n"


def as_latex(paragraphs: Iterable[str], references: References) -> str:
    r"""Paragraphs that cite with ``\citep``, as natbib has it."""
    return (
        "\n\n".join(_rendered(text, references, escape_latex, r"\citep{{{}}}") for text in paragraphs) + "\n"
    )


def bibtex(references: References) -> str:
    """An entry for each reference with the identifier that it is known by.

    Titles, authors and years are not known here: a reference manager completes an entry from its ``eprint``,
    ``doi`` or ``url``.
    """
    return "\n".join(_entry(key, source) for key, source in sorted(references.items()))


def _entry(key: str, source: str) -> str:
    arxiv = re.match(r"arXiv:([\w./-]+)", source)
    doi = _DOI.match(source)
    if arxiv:
        number = arxiv[1]
        known = {"eprint": number, "archiveprefix": "arXiv", "url": f"https://arxiv.org/abs/{number}"}
    elif doi:
        known = {"doi": doi[1], "url": source}
    else:
        known = {"url": source}
    fields = "".join(f"  {name} = {{{_literal(value)}}},\n" for name, value in known.items())
    return f"@misc{{{key},\n{fields}}}\n"


def _literal(value: str) -> str:
    """A value as BibTeX and the package url pass it on; what could end the entry is percent-encoded."""
    return re.sub(r"[\s{}\\\"$]", lambda found: f"%{ord(found[0]):02X}", value)


def _rendered(text: str, references: References, escape: Callable[[str], str], citation: str) -> str:
    """``text`` escaped, and its marks as citations, where they are among the references."""
    parts, end = [], 0
    for mark in _MARK.finditer(text):
        if mark[1] in references:
            parts += [escape(text[end : mark.start()]), citation.format(mark[1])]
            end = mark.end()
    return "".join([*parts, escape(text[end:])])
