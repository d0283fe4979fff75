"""What /openapi.json promises, tried with requests made up from it."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from tests.web.conftest import encoded, picture

schemathesis = pytest.importorskip("schemathesis")

from schemathesis import GenerationMode  # noqa: E402
from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402

EXAMPLES = int(os.environ.get("FIVEFOLD_CONTRACT_EXAMPLES", "15"))
WORK = ("/enhance", "/grid", "/preview", "/check")

some = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def api(service):
    """The description, as the tool understands it."""
    return schemathesis.openapi.from_url(f"{service}/openapi.json")


@pytest.mark.parametrize("path", WORK)
def test_what_is_described_is_accepted(api, path):
    """A photo with any parameters that the description allows is answered as described."""
    photo = {"file": encoded(picture(24, 16))}

    @some
    @given(api[path]["POST"].as_strategy(body=photo, media_type="multipart/form-data"))
    def try_it(case):
        # Which format holds how many bits is told in words: schemas speak of one parameter each.
        is_deep = str(case.query.get("bit_depth")) == "16"
        assume(not (is_deep and case.query.get("format") in ("jpeg", "webp")))
        assert case.call_and_validate(timeout=20).status_code == 200

    try_it()


@pytest.mark.parametrize("path", WORK)
@pytest.mark.parametrize("mode", GenerationMode)
def test_what_is_no_photo_is_refused_as_described(api, path, mode):
    """Whatever else is sent gets a documented status, type and body, never a server error."""
    # That a body is a photo is more than a schema can say, so refusing it is no fault.
    excluded = [positive_data_acceptance]

    @some
    @given(api[path]["POST"].as_strategy(mode))
    def try_it(case):
        case.call_and_validate(excluded_checks=excluded, timeout=20)

    try_it()


@pytest.mark.parametrize("path", ["/health", "/metrics"])
def test_figures_are_as_described(api, path):
    """The service's own documents have the described status, type and content."""

    @some
    @given(api[path]["GET"].as_strategy())
    def try_it(case):
        assert case.call_and_validate(timeout=20).status_code == 200

    try_it()
