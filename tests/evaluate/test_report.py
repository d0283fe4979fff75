"""A report is the same document as Markdown and as a page that needs nothing else."""

import base64
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fivefold.evaluate.report import Heading, Paragraph, Picture, Table, to_html, to_markdown

BLOCKS = [
    Heading("Data & method"),
    Paragraph("Less than **5 %** of `a<b>` counts."),
    Table("Scores.", ("run", "PSNR"), [("`small`", "21.5"), ("a|b", "**22.1**")], words=(0,)),
    Picture("What it shows.", "figures/x.svg", 'A "curve"'),
]


class _Page(HTMLParser):
    """What a page is made of, and that its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.left: list[str] = []
        self._cell_is_left = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.sources += [str(named[key]) for key in ("src", "href") if key in named]
        if tag in ("td", "th"):
            self._cell_is_left = named.get("class") == "w"
            self.left += [""] * self._cell_is_left
        if tag not in ("meta", "img", "!doctype"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"td", "th"} & set(self.open) and self._cell_is_left:
            self.left[-1] += data


def test_markdown_has_every_part() -> None:
    """Headings, text, a table whose cells cannot break it, and the picture by its file."""
    text = to_markdown("A title", BLOCKS)
    assert text.startswith("# A title\n\n## Data & method\n\nLess than **5 %** of `a<b>` counts.")
    assert "| run | PSNR |\n| :-- | --: |\n| `small` | 21.5 |\n| a\\|b | **22.1** |" in text
    assert '![A "curve"](figures/x.svg)\n\nWhat it shows.' in text


def test_page_is_self_contained(tmp_path: Path) -> None:
    """All pictures are inside; text is escaped; every element is closed."""
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/x.svg").write_bytes(b"<svg/>")
    page = _Page()
    page.feed(to_html("A title", BLOCKS, tmp_path))
    assert not page.open
    encoded = base64.b64encode(b"<svg/>").decode()
    assert page.sources == [f"data:image/svg+xml;base64,{encoded}"]
    assert "Less than 5 % of a<b> counts." in page.text
    assert "Data & method" in page.text
    assert page.left == ["run", "small", "a|b"]


def test_wrong_parts_are_the_callers_mistake(tmp_path: Path) -> None:
    """A row of another length and a picture of another format are refused."""
    with pytest.raises(ValueError, match="must have 2 cells"):
        Table("", ("a", "b"), [("1",)])
    (tmp_path / "x.tif").write_bytes(b"")
    with pytest.raises(ValueError, match=r"must be one of .svg, .png, .jpg, received 'x.tif'"):
        to_html("", [Picture("", "x.tif", "")], tmp_path)
