"""What tests of single rooms of the Sphinx extension share: a build of a few pages by plain Sphinx."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils


@dataclass(frozen=True)
class Built:
    """The configuration after the build, and the pages that the build wrote."""

    config: Any
    written: list[str]


@pytest.fixture
def build() -> Callable[..., Built]:
    """Build the HTML of a folder with a `conf.py`; a warning is an error."""

    def make(source: Path, **settings: Any) -> Built:
        out, written = source / "_build", []
        with patch_docutils(), docutils_namespace():
            app = Sphinx(source, source, out / "html", out / "doctrees", "html", settings, None, warningiserror=True)
            app.connect("doctree-resolved", lambda app, doctree, docname: written.append(docname))
            app.build()
        return Built(app.config, written)

    return make
