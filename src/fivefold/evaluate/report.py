"""A document of paragraphs, tables and figures, as Markdown and as one self-contained web page.

Text may hold ```code``` and ``**bold**``; everything else is shown as it is.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
_STYLE = """\
body { font: 16px/1.55 Georgia, "Times New Roman", serif; color: #222; background: #fff;
       max-width: 58rem; margin: 2.5rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
figure, .table { margin: 1.6rem 0; overflow-x: auto; } img { max-width: 100%; height: auto; }
figcaption, caption { font-size: .9rem; color: #444; text-align: left; padding: .4rem 0; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #e2e2e2; }
th { border-bottom: 1px solid #777; } .w { text-align: left; }
code { font: .85em ui-monospace, Consolas, monospace; }
"""


@dataclass(frozen=True)
class Heading:
    """The title of a section."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Figures in rows.

    Attributes:
        caption: What they are, with their units.
        header: A title for each column.
        rows: A text for each column.
        words: The columns, from 0, that hold words and start at the left; figures end at the right.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = (0,)

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"a row must have {len(self.header)} cells, received {row!r}")


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes:
        caption: What it shows.
        file: Relative to the document's folder; an SVG, PNG or JPEG.
        alternative: For those who cannot see it.
    """

    caption: str
    file: str
    alternative: str


Block = Heading | Paragraph | Table | Picture


def to_markdown(title: str, blocks: Sequence[Block]) -> str:
    """The document as Markdown; pictures are referred to by their files."""
    return "\n\n".join([f"# {title}", *map(_markdown_of, blocks)]) + "\n"


def to_html(title: str, blocks: Sequence[Block], folder: Path) -> str:
    """The document as one web page that needs no other file.

    Args:
        title: Of the document.
        blocks: Its parts, in order.
        folder: Where the pictures' files are, which become part of the page.

    Raises:
        ValueError: For a picture of another format.
        OSError: If a picture cannot be read.
    """
    body = "\n".join(_html_of(block, folder) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{html.escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def _markdown_of(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Paragraph(text):
            return text
        case Picture(caption, file, alternative):
            return f"![{alternative}]({file})\n\n{caption}"
        case Table(caption, header, rows, words):
            rule = [":--" if column in words else "--:" for column in range(len(header))]
            lines = [_markdown_row(cells) for cells in (header, rule, *rows)]
            return caption + "\n\n" + "\n".join(lines)


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _html_of(block: Block, folder: Path) -> str:
    match block:
        case Heading(text):
            return f"<h2>{_html_text(text)}</h2>"
        case Paragraph(text):
            return f"<p>{_html_text(text)}</p>"
        case Picture(caption, file, alternative):
            return (
                f'<figure><img src="{_data_uri(folder / file)}" alt="{html.escape(alternative)}">'
                f"<figcaption>{_html_text(caption)}</figcaption></figure>"
            )
        case Table(caption, header, rows, words):
            head = _html_cells("th", header, words)
            body = "\n".join(f"<tr>{_html_cells('td', row, words)}</tr>" for row in rows)
            return (
                f'<div class="table"><table><caption>{_html_text(caption)}</caption>\n'
                f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
            )


def _html_cells(element: str, cells: Sequence[str], words: Sequence[int]) -> str:
    return "".join(
        f"<{element}{' class=w' * (column in words)}>{_html_text(cell)}</{element}>"
        for column, cell in enumerate(cells)
    )


def _html_text(text: str) -> str:
    escaped = html.escape(text, quote=False)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escaped)


def _data_uri(picture: Path) -> str:
    media_type = _MEDIA_TYPES.get(picture.suffix.lower())
    if media_type is None:
        raise ValueError(
            f"a picture must be one of {', '.join(_MEDIA_TYPES)}, received {picture.name!r}"
        )
    return f"data:{media_type};base64,{base64.b64encode(picture.read_bytes()).decode('ascii')}"
