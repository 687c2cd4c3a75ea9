"""The few fields of `references.bib` that a notebook shows: who, when, what, where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pybtex.database import Entry, Person, parse_string
from pybtex.richtext import Text

PLACES = ("journal", "booktitle", "publisher", "institution", "howpublished")


@dataclass(frozen=True)
class Reference:
    """One entry, ready to be cited: family names, full names, and the rest as plain text."""

    families: tuple[str, ...]
    authors: tuple[str, ...]
    year: str
    title: str
    place: str
    doi: str

    @property
    def who(self) -> str:
        """How text names the authors: one, two, or the first *et al.*"""
        return f"{self.families[0]} *et al.*" if len(self.families) > 2 else " and ".join(self.families)

    def line(self) -> str:
        """The entry in the list of references."""
        doi = f" [doi:{self.doi}](https://doi.org/{self.doi})" if self.doi else ""
        place = f" *{self.place}*." if self.place else ""
        return f"{', '.join(self.authors)} ({self.year}). {self.title.rstrip('.')}.{place}{doi}"


def read_references(path: Path) -> dict[str, Reference]:
    """Read the entries of a BibTeX file by their keys; none if there is no file."""
    return _read(path.read_text("utf-8")) if path.exists() else {}


@lru_cache(maxsize=1)
def _read(text: str) -> dict[str, Reference]:
    return {key: _reference(entry) for key, entry in parse_string(text, "bibtex").entries.items()}


def _reference(entry: Entry) -> Reference:
    fields, persons = entry.fields or {}, entry.persons or {}
    people = persons.get("author") or persons.get("editor") or [Person(fields.get("organization", "Anonymous"))]
    plain = {name.lower(): str(Text.from_latex(value)) for name, value in fields.items()}
    families = tuple(_words(person.rich_prelast_names + person.rich_last_names) for person in people)
    given = (_words(person.rich_first_names + person.rich_middle_names) for person in people)
    return Reference(
        families,
        tuple(f"{first} {family}".strip() for first, family in zip(given, families, strict=True)),
        plain.get("year", "n.d."),
        plain.get("title", ""),
        next((plain[name] for name in PLACES if name in plain), ""),
        plain.get("doi", ""),
    )


def _words(names: list[Text]) -> str:
    return " ".join(str(name) for name in names)
