"""The HTTP service: what comes back for what is sent."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image
from tests.web.conftest import encoded, hosted, picture
from tests.web.http_client import ask, form

from fivefold.kernels import reference
from fivefold.photo.files import read_photo
from fivefold.photo.image import Photo
from fivefold.photo.note import note_of
from fivefold.version import VERSION
from fivefold.web.grid_format import unpack_grid
from fivefold.web.parameters import FORMATS


@pytest.fixture(scope="module")
def png() -> bytes:
    return encoded(picture(61, 47))


def expected(experts, content: bytes, expert: str = "consensus", strength: float = 1) -> Photo:
    enhancer = experts[expert]
    photo = read_photo(content)
    return enhancer.render(photo, enhancer.predict(photo), strength=strength)


@pytest.mark.parametrize("way", ["body", "form"])
def test_a_photo_comes_back_as_the_enhancer_makes_it(service, experts, png, way):
    """POST /enhance gives the enhancer's own pixels, for a raw body and for a form's file."""
    body, headers = (png, {}) if way == "body" else form(png)
    reply = ask(service, "/enhance", body, headers)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "image/png"
    assert np.array_equal(read_photo(reply.content).pixels, expected(experts, png).pixels)


def test_parameters_choose_expert_and_strength(service, experts, png):
    """``expert`` and ``strength`` do what the enhancer does with them; 0 is the photo itself."""
    reply = ask(service, "/enhance?expert=a&strength=-0.4", png)
    assert np.array_equal(
        read_photo(reply.content).pixels, expected(experts, png, "a", -0.4).pixels
    )
    untouched = ask(service, "/enhance?strength=0", png)
    assert np.array_equal(read_photo(untouched.content).pixels, read_photo(png).pixels)


def test_format_quality_and_depth_are_the_ones_asked_for(service, png):
    """The answer is of the format, quality and depth in the address, named accordingly."""
    body, headers = form(png, "IMG 1.png")
    small, large = (
        ask(service, f"/enhance?format=jpeg&quality={quality}", body, headers)
        for quality in (20, 95)
    )
    assert small.headers["Content-Type"] == large.headers["Content-Type"] == "image/jpeg"
    assert len(small.content) < 0.7 * len(large.content)
    assert "IMG%201_enhanced.jpg" in small.headers["Content-Disposition"]
    deep = ask(service, "/enhance?format=tiff&bit_depth=16", png)
    assert read_photo(deep.content).pixels.dtype == np.uint16


def test_a_depth_that_the_format_does_not_hold_is_refused(service, png):
    """400 in the words of the command line, whether the format is stated or the photo's own."""
    jpeg = encoded(picture(61, 47), "JPEG")
    for query, body in (("format=webp&", png), ("format=jpeg&", png), ("", jpeg)):
        reply = ask(service, f"/enhance?{query}bit_depth=16", body)
        assert reply.status == 400
        name = "webp" if "webp" in query else "jpeg"
        assert reply.json["detail"] == f"bit_depth 16: {name} holds 8 bits."
    assert ask(service, "/enhance?format=png&bit_depth=16", jpeg).status == 200
    assert ask(service, "/enhance?bit_depth=8", jpeg).status == 200


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_asked_for(service, png, name):
    """Each format of the description is written, and read back as such, in the same colours."""
    reply = ask(service, f"/enhance?format={name}&strength=0", png)
    assert reply.status == 200, reply.content
    photo = read_photo(reply.content)
    assert (photo.format or "").lower() == name
    assert np.abs(photo.pixels.mean((0, 1)) - picture(61, 47).mean((0, 1))).max() < 2


def test_metadata_and_orientation_survive(service):
    """EXIF comes back, the photo stands upright, and nothing asks to turn it again."""
    exif = Image.Exif()
    exif[0x010F] = "Camera Works"
    exif[0x0112] = 6
    body = encoded(picture(60, 40), "JPEG", exif=exif, quality=95, subsampling=0)
    with Image.open(io.BytesIO(ask(service, "/enhance", body).content)) as received:
        assert received.size == (40, 60)
        assert received.getexif()[0x010F] == "Camera Works"
        assert received.getexif().get(0x0112, 1) == 1


def test_what_was_done_is_noted_unless_it_is_not_to_be(blending, png):
    """Results carry the note that the command line's carry; ``note=false`` leaves it out."""
    reply = ask(blending, "/enhance?expert=a&strength=0.8", png)
    note = note_of(read_photo(reply.content))
    assert note == {"Software": f"fivefold {VERSION}", "Model": "tiny (a 1)", "Strength": "0.8"}
    assert note_of(read_photo(ask(blending, "/enhance?note=true", png).content))
    bare = read_photo(ask(blending, "/enhance?note=false", png).content)
    assert bare.metadata == read_photo(png).metadata


@pytest.mark.parametrize("expert", ["consensus", "a"])
def test_a_grid_renders_to_the_enhanced_photo(service, experts, png, expert):
    """POST /grid gives what the reference needs to make the same picture."""
    reply = ask(service, f"/grid?expert={expert}", png)
    assert reply.headers["Content-Type"] == "application/vnd.fivefold.grid"
    grid = unpack_grid(reply.content)
    rendered = reference.render(read_photo(png).pixels, grid)
    difference = np.abs(rendered.astype(int) - expected(experts, png, expert).pixels.astype(int))
    assert difference.max() <= 1


@pytest.fixture(scope="module")
def blending(styled, experts):
    """The address of a service with three styles of one model, and a model of one."""
    offered = {style: styled.in_style(style) for style in styled.styles}
    with hosted({**offered, "alone": experts["a"]}) as address:
        yield address


@pytest.mark.parametrize("blend", ["a=0.5,b=0.5", "a,b", " consensus = 1, b=-.25", "b=2"])
def test_experts_can_be_blended(blending, styled, png, blend):
    """``expert`` takes the text of ``--expert``, for pictures and grids, and does the same."""
    query = urlencode({"expert": blend})
    wanted = styled.in_style(blend)
    reply = ask(blending, f"/enhance?{query}", png)
    assert reply.status == 200
    assert np.array_equal(read_photo(reply.content).pixels, wanted(read_photo(png)).pixels)
    grid = unpack_grid(ask(blending, f"/grid?{query}", png).content)
    assert np.array_equal(grid.coefficients, wanted.predict(read_photo(png)).coefficients)


@pytest.mark.parametrize(
    ("blend", "reason"),
    [
        ("a=0.5,z=0.5", "must be one of consensus, a, b, alone, or a blend of these"),
        ("a=0.5,alone=0.5", "a and alone are of two models, which do not blend"),
        ("a=1,b=-1", "the weights of a blend must have a sum"),
        ("a=1,a=2", "named twice"),
        ("a=x", "expected a style, or NAME=WEIGHT,NAME=WEIGHT"),
        ("a=1," * 1000, "at most 1000 characters"),
        ("a=1\n,", "expected a style"),
    ],
)
def test_impossible_blends_are_refused_in_a_line(blending, png, blend, reason):
    """400 with the reason, in one line that is not long."""
    for path in ("/enhance", "/grid"):
        reply = ask(blending, f"{path}?{urlencode({'expert': blend})}", png)
        assert reply.status == 400
        detail = reply.json["detail"]
        assert detail.startswith("expert: ")
        assert reason in detail
        assert detail.isprintable()
        assert len(detail) < 1200


def test_blends_are_described(blending):
    """The description's pattern holds for blends of what can be blended, and for nothing else."""
    document = ask(blending, "/openapi.json").json
    for path in ("/enhance", "/grid"):
        (schema,) = (
            parameter["schema"]
            for parameter in document["paths"][path]["post"]["parameters"]
            if parameter["name"] == "expert"
        )
        names, blend = schema["anyOf"]
        assert names["enum"] == ["consensus", "a", "b", "alone"]
        for text in ("a=0.5,b=0.5", "consensus=1,b=-0.25", *blend["examples"]):
            assert re.fullmatch(blend["pattern"], text)
        for text in ("alone=1", "a=0.5,", "a=,b=1", "z=1"):
            assert not re.fullmatch(blend["pattern"], text)


def test_a_thumbnail_is_enough_for_a_grid(service):
    """A photo reduced to 256 × 256 as the network sees it gives the grid of the whole photo."""
    from fivefold.photo.resize import thumbnail

    pixels = picture(640, 400)
    whole = unpack_grid(ask(service, "/grid", encoded(pixels)).content)
    small = np.rint(255 * thumbnail(pixels)).astype(np.uint8)
    reduced = unpack_grid(ask(service, "/grid", encoded(small)).content)
    assert np.abs(whole.coefficients - reduced.coefficients).max() < 1e-4


def test_a_preview_is_visible_in_every_browser(service):
    """POST /preview makes a JPEG, or a PNG where there is transparency, no larger than asked."""
    deep = io.BytesIO()
    import tifffile

    tifffile.imwrite(deep, (picture(300, 200).astype(np.uint16) * 257), photometric="rgb")
    reply = ask(service, "/preview?max_side_px=120", deep.getvalue())
    assert reply.headers["Content-Type"] == "image/jpeg"
    with Image.open(io.BytesIO(reply.content)) as preview:
        assert preview.size == (120, 80)
    alpha = np.dstack([picture(50, 40), np.full((40, 50), 128, np.uint8)])
    reply = ask(service, "/preview", encoded(alpha))
    assert reply.headers["Content-Type"] == "image/png"
    assert read_photo(reply.content).alpha.max() == 128
    assert "Content-Disposition" not in reply.headers


@pytest.mark.parametrize(
    ("file_format", "status", "reason"),
    [
        ("BMP", 422, "not a picture, or of a format that is not handled"),
        ("GIF", 422, "not a picture, or of a format that is not handled"),
        ("animation", 415, "an animated WebP, not a photo"),
        ("CMYK", 415, "CMYK without a colour profile; convert it to RGB first"),
    ],
)
def test_the_start_of_a_file_tells_what_cannot_be_enhanced(service, file_format, status, reason):
    """POST /check gives /enhance's own answer for a file of which it gets the beginning only."""
    pixels = picture(300, 200)
    if file_format == "animation":
        buffer = io.BytesIO()
        first, second = Image.fromarray(pixels), Image.fromarray(255 - pixels)
        first.save(buffer, "WEBP", save_all=True, append_images=[second])
        content = buffer.getvalue()
    elif file_format == "CMYK":
        buffer = io.BytesIO()
        Image.fromarray(pixels).convert("CMYK").save(buffer, "JPEG")
        content = buffer.getvalue()
    else:
        content = encoded(pixels, file_format)
    for path, body in (("/check", content[:2000]), ("/check", content), ("/enhance", content)):
        reply = ask(service, path, *form(body, f"x.{file_format}"))
        assert (reply.status, reply.json["detail"]) == (status, f"x.{file_format}: {reason}")


def test_the_start_of_a_photo_is_no_reason_to_refuse_it(service):
    """POST /check names the format of a photo that goes on beyond what was sent."""
    for file_format in ("JPEG", "PNG", "WEBP", "TIFF"):
        reply = ask(service, "/check", encoded(picture(300, 200), file_format)[:2000])
        assert (reply.status, reply.json) == (200, {"format": file_format.lower()})


def test_health_tells_what_the_page_needs(service):
    """GET /health names version, experts with the default first, and limits."""
    health = ask(service, "/health").json
    assert health["status"] == "ok"
    assert health["experts"] == ["consensus", "a"]
    assert health["max_pixels"] > 0
    assert health["needs_token"] is False


def test_metrics_count_what_was_done(service, png):
    """GET /metrics is Prometheus's format, and its counters grow by what was asked for."""

    def value(name: str) -> float:
        lines = ask(service, "/metrics").content.decode().splitlines()
        return next((float(line.split(" ")[-1]) for line in lines if line.startswith(name)), 0.0)

    names = (
        'fivefold_requests_total{path="/grid",status="200"}',
        'fivefold_request_seconds_count{path="/grid"}',
        "fivefold_photo_pixels_total",
        'fivefold_requests_total{path="other",status="404"}',
    )
    before = [value(name) for name in names]
    ask(service, "/grid", png)
    ask(service, "/no/such/place")
    assert [value(name) for name in names] == [
        before[0] + 1,
        before[1] + 1,
        before[2] + 61 * 47,
        before[3] + 1,
    ]
    assert value("fivefold_photos_running") == 0


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("strength=2", "strength"),
        ("strength=nan", "strength"),
        ("strength=1_0", "strength"),
        ("strength=", "strength"),
        ("expert=f", "expert"),
        ("format=gif", "format"),
        ("quality=0", "quality"),
        ("quality=9.5", "quality"),
        ("bit_depth=12", "bit_depth"),
        ("note=no", "note"),
        ("strenght=1", "strenght"),
        ("strength=1&strength=0", "strength"),
    ],
)
def test_wrong_parameters_are_named(service, png, query, word):
    """A parameter that is wrong, unknown or doubled is refused with its name, not guessed at."""
    reply = ask(service, f"/enhance?{query}", png)
    assert reply.status == 400
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert word in reply.json["detail"]


def test_addresses_and_methods_that_do_not_exist_are_refused_alike(service):
    """404 and 405 are problem documents too, and 405 says what is allowed."""
    missing = ask(service, "/nothing")
    assert (missing.status, missing.json["status"]) == (404, 404)
    wrong = ask(service, "/enhance")
    assert (wrong.status, wrong.json["status"]) == (405, 405)
    assert wrong.headers["Allow"] == "POST"


def test_the_page_and_its_files_are_served(service):
    """Every file of the page has its type, and is not sent twice to who has it."""
    static = Path(__file__).parents[2] / "src/fivefold/web/static"
    types = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/"}
    for path in static.rglob("*.*"):
        name = path.relative_to(static).as_posix()
        reply = ask(service, "/" if name == "index.html" else f"/{name}")
        assert reply.content == path.read_bytes()
        assert reply.headers["Content-Type"].startswith(types[path.suffix])
        again = ask(
            service,
            f"/{name}".removesuffix("index.html"),
            headers={"If-None-Match": reply.headers["ETag"]},
        )
        assert (again.status, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/../serve.py", "/assets/../../serve.py", "/%2e%2e/serve.py", "/assets/", "/static"]
)
def test_nothing_but_the_page_can_be_read(service, path):
    """No way leads from the page's address to other files."""
    assert ask(service, path).status == 404


def test_the_description_is_complete(service):
    """/openapi.json describes every route of the service, and its parameters' limits."""
    document = json.loads(ask(service, "/openapi.json").content)
    assert document["paths"].keys() == {
        "/enhance",
        "/grid",
        "/preview",
        "/check",
        "/health",
        "/metrics",
    }
    parameters = document["paths"]["/enhance"]["post"]["parameters"]
    by_name = {parameter["name"]: parameter["schema"] for parameter in parameters}
    assert by_name["expert"]["enum"] == ["consensus", "a"]
    assert (by_name["strength"]["minimum"], by_name["strength"]["maximum"]) == (-1.5, 1.5)
