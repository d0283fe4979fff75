"""The page in the package is the one that its source makes."""

from __future__ import annotations

from pathlib import Path

from tests.web.node import WEB, build

STATIC = WEB.parent / "src/fivefold/web/static"


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_built_page_is_fresh(tmp_path):
    """Building web/ anew gives the very files that are in the package."""
    build("build", tmp_path / "page")
    built, shipped = files(tmp_path / "page"), files(STATIC)
    assert built.keys() == shipped.keys()
    for name, content in built.items():
        assert content == shipped[name], f"{name} is stale: run npm run build in web/"


def test_the_page_holds_no_code_and_no_address_of_others():
    """What is shipped is small, and names no host but those of standards."""
    shipped = files(STATIC)
    assert sum(map(len, shipped.values())) < 200_000
    for name, content in shipped.items():
        addresses = content.replace(b"http://www.w3.org/", b"")
        assert b"http://" not in addresses, name
        assert b"https://" not in addresses, name
