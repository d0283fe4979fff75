"""Docstrings for the site: what Sphinx calls roles become links, where there is something to link.

Docstrings say ``:class:`~fivefold.Photo```, which editors understand too; MkDocs does not.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|data|func|meth|mod|attr):`(?P<short>~)?(?P<name>[\w.]+)`")


def linked(text: str) -> str:
    """The text with a link for each role; a name that the site does not describe stays a name."""
    return _ROLE.sub(_link, text)


def _link(role: re.Match[str]) -> str:
    name = role["name"]
    shown = name.rpartition(".")[2] if role["short"] else name
    return f'<autoref identifier="{name}" optional><code>{shown}</code></autoref>'


class Roles(griffe.Extension):
    """Rewrites each docstring as it is read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by Griffe for every module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = linked(obj.docstring.value)
