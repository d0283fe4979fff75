"""What the site has beside the files of docs/: pages made from the code, and from other files.

MkDocs calls the functions named on_… while it builds. Nothing here is run by readers of docs/.
"""

from __future__ import annotations

import argparse
import functools
import json
import posixpath
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
FROM_ELSEWHERE = {
    "changelog.md": "CHANGELOG.md",
    "credits.md": "examples/CREDITS.md",
    "model_card.md": "src/fivefold/weights/consensus.md",
}
"""Pages whose source is not in docs/, and where it is."""

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_NAMED_PAGE = re.compile(r"\bdocs/(\w+\.md)")
_log = get_plugin_logger("pages")


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the pages that are not in docs/."""
    made = {"reference/command_line.md": command_line(), "reference/http_api.md": http_api()}
    for page, source in FROM_ELSEWHERE.items():
        made[page] = (ROOT / source).read_text(encoding="utf-8")
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Point links between files of the repository to where the site has them."""
    path = page.file.src_uri
    return with_site_links(markdown, path, {file.src_uri for file in files})


def with_site_links(markdown: str, page: str, pages: set[str]) -> str:
    """A page's text with links that work in the site.

    Args:
        markdown: The text, whose links hold in the repository.
        page: Its path in the site.
        pages: All paths of the site.

    Returns:
        The text. What is linked and is not in the site becomes its path in the repository.
    """
    home = posixpath.dirname(FROM_ELSEWHERE.get(page, f"docs/{page}"))
    pages_of = {source: name for name, source in FROM_ELSEWHERE.items()}

    def link(found: re.Match[str]) -> str:
        target, hash_sign, anchor = found["target"].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        source = posixpath.normpath(posixpath.join(home, target))
        there = pages_of.get(source, source.removeprefix("docs/"))
        if there in pages and (source in pages_of or source.startswith("docs/")):
            way = posixpath.relpath(there, posixpath.dirname(page) or ".")
            return f"{found['image']}[{found['text']}]({way}{hash_sign}{anchor})"
        if not (ROOT / source).exists():
            _log.warning("%s links to %s, which does not exist", page, target)
        return f"{found['text']} (`{source}`)" if found["text"] != source else f"`{source}`"

    return _LINK.sub(link, markdown)


def command_line() -> str:
    """Every verb with its arguments and examples, from the parser itself."""
    from fivefold import cli

    parts = [
        "# Command line\n",
        "As `fivefold VERB --help` tells it. Exit codes: 0 all went well, 1 something failed (a "
        "line on stderr says what), 2 the command was wrong, 130 interrupted, 143 terminated.\n",
    ]
    for name, parser in _verbs(cli.parser()):
        level = "##" if name.count(" ") == 1 else "###"
        parts.append(f"{level} {name}\n\n{_described(parser)}")
    return "\n".join(parts)


def _verbs(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield verb.prog, verb
                yield from _verbs(verb)


def _described(parser: argparse.ArgumentParser) -> str:
    # The width decides where lines of the usage break, whatever terminal the site is built in.
    parser.formatter_class = functools.partial(argparse.HelpFormatter, width=76)
    indent = len("usage: ")
    usage = "\n".join(line[indent:] for line in parser.format_usage().splitlines())
    text = f"{parser.description}\n\n" if parser.description else ""
    text += f"```text\n{usage}\n```\n\n"
    rows = [_row(action, parser) for action in parser._actions if action.dest != "help"]
    rows = [row for row in rows if row]
    if rows:
        text += "| argument | meaning |\n| :-- | :-- |\n" + "\n".join(rows) + "\n\n"
    examples, notes = _split_epilog(parser.epilog or "")
    if examples:
        text += f"```text\n{examples}\n```\n\n"
    return text + _NAMED_PAGE.sub(r"[\1](../\1)", notes)


def _row(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
        return ""
    formatter = argparse.HelpFormatter(parser.prog)
    value = formatter._format_args(action, action.metavar or action.dest)
    if action.choices is not None and action.metavar is None:
        value = ", ".join(map(str, action.choices))
    named = ", ".join(action.option_strings)
    shown = f"`{named}` `{value}`" if named and value else f"`{named or value}`"
    meaning = formatter._expand_help(action) if action.help else ""
    return f"| {shown} | {meaning} |"


def _split_epilog(epilog: str) -> tuple[str, str]:
    """Examples, and what is said after them: sentences, and commands that are indented."""
    examples, _, notes = epilog.partition("\n\n")
    lines = [line.removeprefix("  ") for line in examples.splitlines() if line != "examples:"]
    said = ""
    for is_command, block in groupby(notes.splitlines(), key=lambda line: line.startswith("  ")):
        text = "\n".join(line.strip() for line in block)
        said += f"```text\n{text}\n```\n\n" if is_command else f"{text}\n\n"
    return "\n".join(lines), said


def http_api() -> str:
    """The service's requests and answers, from its own OpenAPI description."""
    from fivefold.runtime.bundle import Bundle
    from fivefold.runtime.enhancer import find_bundle
    from fivefold.web.openapi import describe
    from fivefold.web.settings import Settings

    styles = Bundle.read(find_bundle()).manifest.styles
    document = describe(styles, Settings(workers=1), blendable=styles)
    text = (
        "# HTTP API\n\nWhat `fivefold serve` answers; the same for programs is at "
        "`/openapi.json`. How to use it is told in [The page and the HTTP API](../web.md).\n\n"
    )
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            text += f"## {method.upper()} {path}\n\n{operation['summary']}.\n\n"
            text += operation.get("description", "") + "\n\n"
            rows = [_parameter(parameter) for parameter in operation.get("parameters", [])]
            if rows:
                text += "| parameter | values | meaning |\n| :-- | :-- | :-- |\n"
                text += "\n".join(rows) + "\n\n"
            text += "| status | answer |\n| :-- | :-- |\n"
            for status, answer in operation["responses"].items():
                meant = answer.get("description") or _component(document, answer)["description"]
                text += f"| {status} | {meant} |\n"
            text += "\n"
    return text


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    values = " or ".join(_values(kind) for kind in schema.get("anyOf", [schema]))
    if "default" in schema:
        default = schema["default"]
        values += f"; default `{json.dumps(default) if isinstance(default, bool) else default}`"
    return f"| `{parameter['name']}` | {values} | {parameter['description']} |"


def _values(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "examples" in schema:
        return f"such as `{schema['examples'][0]}`"
    if "minimum" in schema:
        return f"{schema['type']}, {schema['minimum']} to {schema['maximum']}"
    return str(schema["type"])


def _component(document: dict[str, Any], reference: dict[str, str]) -> Any:
    found: Any = document
    for step in reference["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found
