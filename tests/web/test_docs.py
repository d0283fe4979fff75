"""docs/web.md says what is true."""

from __future__ import annotations

import re
from pathlib import Path

from tests.web.conftest import encoded, picture

from fivefold.web import parameters

TEXT = (Path(__file__).parents[2] / "docs/web.md").read_text(encoding="utf-8")


def test_the_python_example_runs(service, tmp_path, monkeypatch):
    """The example for rendering a grid works as it stands, at the address of a real service."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "photo.jpg").write_bytes(encoded(picture(60, 40), "JPEG"))
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(code.replace("http://127.0.0.1:8555", service), names)
    assert names["enhanced"].shape == (40, 60, 3)


def test_every_option_and_parameter_is_documented():
    """Each option of the command, each parameter and each status of the service is in the text."""
    import argparse

    from fivefold.web.openapi import describe
    from fivefold.web.serve import add_serve_arguments
    from fivefold.web.settings import Settings

    parser = argparse.ArgumentParser(add_help=False)
    add_serve_arguments(parser)
    options = re.findall(r"--[a-z-]+", parser.format_help())
    for option in set(options):
        assert option in TEXT, option
    document = describe(["consensus"], Settings())
    for path, operations in document["paths"].items():
        assert f"`{next(iter(operations)).upper()} {path}`" in TEXT
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                assert f"`{parameter['name']}`" in TEXT
    for status in document["components"]["responses"]:
        assert status == "500" or re.search(rf"\b{status}\b", TEXT), status
    for name in parameters.FORMATS:
        assert f"`{name}`" in TEXT
