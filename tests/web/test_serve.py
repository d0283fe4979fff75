"""The command ``fivefold serve``."""

from __future__ import annotations

import builtins
import signal
import socket
import subprocess
import sys

import pytest
from tests.web.conftest import running
from tests.web.http_client import ask

from fivefold.cli import main
from fivefold.errors import FivefoldError
from fivefold.web import serve


def test_it_serves_and_stops_on_ctrl_c(bundles):
    """The printed address answers; Ctrl-C ends with code 0 and without a trace."""
    with running("--port", "0", "--bundle", str(bundles[0])) as (address, process):
        assert ask(address, "/health").json["experts"] == ["consensus"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_several_bundles_are_offered_in_order(bundles):
    """The first bundle named is the default, and each is called as its manifest says."""
    chosen = [word for path in reversed(bundles) for word in ("--bundle", str(path))]
    with running("--port", "0", *chosen) as (address, _):
        assert ask(address, "/health").json["experts"] == ["a", "consensus"]


def test_a_made_up_token_is_printed_in_the_address(bundles):
    """``--token`` without a value makes one up, which the printed link carries."""
    with running("--port", "0", "--bundle", str(bundles[0]), "--token") as (address, _):
        place, _, token = address.partition("/#token=")
        assert len(token) >= 20
        assert ask(place, "/metrics").status == 401
        assert ask(place, "/metrics", headers={"Authorization": f"Bearer {token}"}).status == 200


def test_a_token_can_come_from_the_environment(bundles, monkeypatch):
    """A token in the variable is used, so that it need not stand in the process list."""
    monkeypatch.setenv(serve.TOKEN_VARIABLE, "from-the-environment")
    with running("--port", "0", "--bundle", str(bundles[0])) as (address, _):
        assert address.endswith("/#token=from-the-environment")


def test_an_open_door_is_mentioned(bundles):
    """Listening for other machines without a token is possible, and is said."""
    with running("--port", "0", "--host", "0.0.0.0", "--bundle", str(bundles[0])) as (_, process):
        assert "--token" in process.stderr.readline()


def test_a_taken_port_is_said_in_one_line(bundles, capsys):
    """Another program at the port: exit code 1 and a line that names it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "--port", str(port), "--bundle", str(bundles[0])]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"127.0.0.1:{port}: address already in use" in said


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--workers", "0"], "workers"),
        (["--queue", "-1"], "queue"),
        (["--max-megapixels", "0"], "max_pixels"),
        (["--port", "x"], "--port"),
    ],
)
def test_wrong_limits_are_refused(arguments, word, capsys):
    """Exit code 2 with the limit's name, before anything is loaded."""
    with pytest.raises(SystemExit, match="2"):
        main(["serve", *arguments])
    assert word in capsys.readouterr().err


def test_a_missing_bundle_is_said(tmp_path, capsys):
    """Exit code 1 and a line that names the file."""
    assert main(["serve", "--port", "0", "--bundle", str(tmp_path / "no.fivefold")]) == 1
    assert "no.fivefold" in capsys.readouterr().err


def test_two_bundles_of_one_name_are_refused(bundles):
    """Requests could not tell them apart."""
    with pytest.raises(FivefoldError, match="called consensus"):
        serve.load_experts([str(bundles[0])] * 2, workers=1)


def test_without_the_extra_it_says_what_to_install(bundles, monkeypatch, capsys):
    """Where uvicorn is missing the command says which extra brings it."""
    real = builtins.__import__

    def without(name, *rest, **options):
        if name == "uvicorn":
            raise ImportError("No module named 'uvicorn'", name="uvicorn")
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["serve", "--bundle", str(bundles[0])]) == 1
    assert "pip install 'fivefold[web]'" in capsys.readouterr().err


def test_addresses_that_browsers_understand(monkeypatch):
    """IPv6 in brackets; for all interfaces this machine's name instead of 0.0.0.0."""
    with socket.create_server(("0.0.0.0", 0)) as listener:
        monkeypatch.setattr(socket, "gethostname", lambda: "box")
        port = listener.getsockname()[1]
        assert serve.page_address(listener, None) == f"http://box:{port}/"
    with serve.listen("::1", 0) as listener:
        port = listener.getsockname()[1]
        assert serve.page_address(listener, "t") == f"http://[::1]:{port}/#token=t"


def test_starting_the_command_line_stays_light():
    """``fivefold --help`` loads neither the web framework nor what it needs."""
    code = (
        "import sys, fivefold.cli, fivefold.cli.serve, fivefold.web.serve\n"
        "print({'starlette', 'uvicorn', 'numpy', 'ssl'} & sys.modules.keys())"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "set()"
