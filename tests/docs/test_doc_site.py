"""The documentation as a site: made from the code, whole, and on its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from doc_blocks import ROOT

import fivefold
from fivefold import cli

pytest.importorskip("mkdocs", reason="the docs extra is not installed")
pytest.importorskip("mkdocstrings", reason="the docs extra is not installed")
sys.path.insert(0, str(ROOT / "docs/site"))

import pages
import roles


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as ``make docs`` builds it: a warning is a failure.

    Not with ``--quiet``: warnings that are not logged are not counted either.
    """
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir"]
    built = subprocess.run(
        [*command, str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_no_other_host_is_asked_for_anything(site: Path) -> None:
    """Scripts, styles, fonts and pictures all come with the site."""
    asked = r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=[\"']?(?:https?:)?//[^\"' >]+"
    found = 0
    for page in site.rglob("*.html"):
        assert not re.findall(asked, page.read_text(encoding="utf-8")), page
        found += 1
    assert found > 20
    for style in site.rglob("*.css"):
        assert not re.findall(r"url\([\"']?(?:https?:)?//", style.read_text(encoding="utf-8"))


def test_the_reference_is_complete(site: Path) -> None:
    """Every verb with every option, and every public name of the package."""
    shown = (site / "reference/command_line.html").read_text(encoding="utf-8")
    for verb in cli.VERBS:
        assert f'id="fivefold-{verb}"' in shown
        (_, parser), *_ = pages._verbs(cli.parser((verb,)))
        for action in parser._actions:
            for option in action.option_strings:
                assert option in shown
    described = (site / "reference/python.html").read_text(encoding="utf-8")
    for name in set(fivefold.__all__) - {"__version__"}:
        home = getattr(fivefold, name).__module__
        assert f'id="fivefold.{name}"' in described or f'id="{home}.{name}"' in described, name


def test_a_verb_is_told_whole() -> None:
    """Usage, examples and what follows them: sentences with links, commands as commands."""
    (_, parser), *_ = pages._verbs(cli.parser(("train",)))
    text = pages._described(parser)
    assert "```text\nfivefold train [-h] --data SET --run DIR" in text
    assert "\nfivefold train my.toml --data SET --run runs/mine  " in text
    assert "[training.md](../training.md)" in text
    assert "```text\naccelerate launch -m fivefold.train" in text
    assert "\nNone\n" not in pages.command_line()


def test_links_between_files_hold_in_the_site() -> None:
    """Within docs/ as they are, elsewhere to the page made of it, else as a path to look up."""
    known = {"formats.md", "changelog.md", "model_card.md", "reproduction/README.md"}

    def moved(markdown: str, page: str) -> str:
        return pages.with_site_links(markdown, page, known)

    assert moved("[a](formats.md#x)", "web.md") == "[a](formats.md#x)"
    assert moved("[a](../formats.md)", "reproduction/README.md") == "[a](../formats.md)"
    assert moved("[a](docs/formats.md)", "changelog.md") == "[a](formats.md)"
    assert moved("[a](../CHANGELOG.md)", "web.md") == "[a](changelog.md)"
    card = "../src/fivefold/weights/consensus.md"
    assert moved(f"[card]({card})", "web.md") == "[card](model_card.md)"
    assert moved("[bench](../benchmarks/kernel.py)", "x.md") == "bench (`benchmarks/kernel.py`)"
    assert moved("[a](https://x.org/b.md)", "web.md") == "[a](https://x.org/b.md)"
    assert moved("[a](#here)", "web.md") == "[a](#here)"


def test_a_link_to_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """With a warning, at which a strict build fails."""
    pages.with_site_links("[a](../nothing.txt)", "web.md", set())
    (record,) = caplog.records
    assert "web.md links to ../nothing.txt, which does not exist" in record.getMessage()


def test_roles_become_links_or_names() -> None:
    """The short form shows the last part, and both are code; everything else stays."""
    assert roles.linked("a :class:`~fivefold.Photo`.") == (
        'a <autoref identifier="fivefold.Photo" optional><code>Photo</code></autoref>.'
    )
    assert "<code>a.b</code>" in roles.linked(":func:`a.b`")
    assert roles.linked("``x`` and :ref:`y`") == "``x`` and :ref:`y`"
