"""Who may ask, what an answer says to browsers, and what it does not say to anybody."""

from __future__ import annotations

import logging

import pytest
from tests.web.conftest import encoded, hosted, picture
from tests.web.http_client import ask


@pytest.fixture(scope="module")
def png() -> bytes:
    return encoded(picture(20, 20))


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:9", "192.168.0.7:80"])
def test_own_names_and_numbers_are_answered(service, host):
    """Addresses as numbers, and the names of this machine, reach the service."""
    assert ask(service, "/health", headers={"Host": host}).status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[::1].evil.org"])
def test_a_strange_name_is_refused(service, host):
    """A name that somebody's DNS points at this machine cannot be used to read answers."""
    assert ask(service, "/health", headers={"Host": host}).status == 421


def test_a_name_can_be_allowed(experts):
    """``hosts`` adds a name, as a proxy needs it."""
    with hosted(experts, hosts=frozenset({"photos.example"})) as address:
        assert ask(address, "/health", headers={"Host": "Photos.Example:443"}).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_other_sites_pages_are_refused(service, png, origin):
    """A page of another origin cannot make a visitor's browser use the service."""
    assert ask(service, "/enhance", png, {"Origin": origin}).status == 403


def test_the_own_page_is_not_refused(service, png):
    """The origin that the page itself sends passes."""
    assert ask(service, "/enhance", png, {"Origin": service}).status == 200


def test_a_token_is_asked_for_where_it_costs(experts, png):
    """With a token, work and figures need it; the page, its health and its description do not."""
    with hosted(experts, token="right-token") as address:
        for path in ("/", "/health", "/openapi.json"):
            assert ask(address, path).status == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "right-token"}):
            reply = ask(address, "/enhance", png, headers)
            assert reply.status == 401
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")
            assert ask(address, "/metrics", headers=headers).status == 401
        right = {"Authorization": "Bearer right-token"}
        assert ask(address, "/enhance", png, right).status == 200
        assert ask(address, "/metrics", headers=right).status == 200
        document = ask(address, "/openapi.json").json
        assert document["paths"]["/grid"]["post"]["security"] == [{"token": []}]


@pytest.mark.parametrize("path", ["/", "/health", "/nothing", "/enhance"])
def test_every_answer_tells_browsers_what_to_keep_to(service, path):
    """Policy, no sniffing, no frames, no referrer: on pages, answers and refusals alike."""
    headers = ask(service, path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "server" not in headers
    assert headers["Cache-Control"] in ("no-store", "no-cache")


def test_an_error_inside_is_not_told_outside(experts, png, monkeypatch, caplog):
    """A bug gives 500 with a number; the trace with paths is in the log under that number."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret at /home/somebody/photos")

    monkeypatch.setattr("fivefold.web.jobs.encode_photo", fail)
    with hosted(experts) as address, caplog.at_level(logging.ERROR, "fivefold.web"):
        reply = ask(address, "/enhance", png)
    assert reply.status == 500
    assert b"secret" not in reply.content
    assert b"/" not in reply.content
    number = reply.json["detail"].rstrip(".").split()[-1]
    assert f"error {number}" in caplog.text
    assert "secret at /home/somebody/photos" in caplog.text
