"""An S3 server of this test run alone; run as a program, the server itself."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from started_program import start_program


@pytest.fixture(scope="session")
def session_environment() -> Iterator[pytest.MonkeyPatch]:
    """Environment variables for this and all started processes."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session")
def s3_server(session_environment: pytest.MonkeyPatch) -> Iterator[str]:
    """A running S3 server; its endpoint is where all of S3 is looked for."""
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'fivefold[s3]'")
    pytest.importorskip("moto", reason="moto, the S3 server of the tests, is not installed")
    from s3fs import S3FileSystem

    # Each module that imports this fixture has a server of its own; s3fs remembers another's.
    S3FileSystem.clear_instance_cache()
    server = start_program(Path(__file__))
    endpoint = f"http://127.0.0.1:{server.line()}"
    for name, value in (
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        session_environment.setenv(name, value)
    yield endpoint
    server.stop()


@pytest.fixture
def bucket(s3_server: str) -> str:
    """An empty bucket."""
    return new_bucket()


def new_bucket() -> str:
    import fsspec

    name = f"test-{uuid.uuid4().hex[:12]}"
    fsspec.filesystem("s3").mkdir(name)
    return f"s3://{name}"


def main() -> None:
    """Serve, print the port, and stop when the input ends."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    sys.stdout.write(f"{server.get_host_and_port()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
