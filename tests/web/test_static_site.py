"""The static edition: the whole of it in a browser, from a host that only hands out files."""

from __future__ import annotations

import functools
import http.server
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.web.browser import NO_WEBGL, visiting
from tests.web.conftest import encoded, picture
from tests.web.node import build

from fivefold.kernels import reference
from fivefold.photo.files import read_photo
from fivefold.photo.image import Photo
from fivefold.web import static_site


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory, bundles) -> Path:
    """The folder."""
    folder = tmp_path_factory.mktemp("host") / "deep" / "down"
    build("build:static", folder)
    chosen = [word for path in bundles for word in ("--bundle", str(path))]
    assert static_site.main([str(folder), *chosen]) == 0
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where a plain file server has it, not at the root."""
    handler = functools.partial(_Quiet, directory=str(site.parents[1]))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/deep/down/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return picture(420, 300)


@pytest.fixture(scope="module")
def photo(tmp_path_factory, pixels) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    path.write_bytes(encoded(pixels))
    return path


def expected(enhancer, pixels: np.ndarray, strength: float = 1) -> np.ndarray:
    grid = enhancer.predict(Photo(pixels)).with_strength(strength)
    return reference.render(pixels, grid)


def difference(received: np.ndarray, wanted: np.ndarray) -> int:
    assert received.shape == wanted.shape
    return int(np.abs(received.astype(int) - wanted.astype(int)).max())


def save(visit) -> tuple[str, bytes]:
    with visit.page.expect_download() as download:
        visit.page.click("#save")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_no_photo_leaves_the_device(browser, address, photo):
    """Only the site's own files are asked for, nothing is sent, and the page works cut off."""
    with visiting(browser, address) as visit:
        methods = []
        visit.page.on("request", lambda request: methods.append(request.method))
        visit.pick(photo)
        visit.until("ready")
        visit.page.wait_for_function("() => !document.querySelector('.pending')")
        visit.context.set_offline(True)
        visit.pick(photo)
        visit.until("ready")
        save(visit)
        assert set(methods) == {"GET"}
        assert [url for url in visit.requested if not url.startswith((address, "blob:"))] == []
        policy = visit.page.get_attribute("meta[http-equiv=Content-Security-Policy]", "content")
        assert "default-src 'none'" in policy
        assert "connect-src 'self';" in policy
        assert "never leave this device" in visit.page.text_content("#promise")


@pytest.mark.parametrize("scripts", [(), (NO_WEBGL,)], ids=["webgl2", "canvas"])
def test_the_network_in_the_browser_is_the_network(
    browser, address, experts, photo, pixels, scripts
):
    """The picture is the reference's within 2 codes, for both experts: the grid is the same."""
    with visiting(browser, address, *scripts) as visit:
        visit.pick(photo)
        visit.until("ready")
        box = visit.place()
        assert difference(visit.shown(box), expected(experts["consensus"], pixels)) <= 2
        visit.page.get_by_label("Expert A").check()
        visit.page.fill("#strength", "60")
        visit.settle()
        assert difference(visit.shown(box), expected(experts["a"], pixels, 0.6)) <= 2


def test_the_saved_file_is_exact(browser, address, experts, photo, pixels):
    """Saved at full resolution by the page itself: the reference's codes, within rounding."""
    with visiting(browser, address) as visit:
        visit.pick(photo)
        visit.until("ready")
        visit.page.fill("#strength", "130")
        visit.settle()
        name, content = save(visit)
        assert name == "photo_enhanced.png"
        wanted = expected(experts["consensus"], pixels, 1.3)
        assert difference(read_photo(content).pixels, wanted) <= 1


def test_a_jpeg_keeps_its_metadata(browser, address, tmp_path):
    """EXIF goes along; orientation and thumbnail, which would no longer be true, do not."""
    exif = Image.Exif()
    exif[0x010F] = "Camera Works"
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    path = tmp_path / "turned.jpg"
    path.write_bytes(encoded(picture(90, 60), "JPEG", exif=exif, quality=95))
    with visiting(browser, address) as visit:
        visit.pick(path)
        visit.until("ready")
        name, content = save(visit)
    assert name == "turned_enhanced.jpg"
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (60, 90)
        received = image.getexif()
        assert received[0x010F] == "Camera Works"
        assert received[0x0112] == 1
        assert received.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"


def test_greys_stay_grey(browser, address, tmp_path):
    """A photo without colour gets none."""
    path = tmp_path / "grey.png"
    path.write_bytes(encoded(picture(200, 150)[..., 0]))
    with visiting(browser, address) as visit:
        visit.pick(path)
        visit.until("ready")
        assert np.ptp(visit.enhanced().astype(int), axis=-1).max() <= 1


def test_what_this_browser_cannot_open_is_said(browser, address, tmp_path):
    """There is nobody to ask for a preview, so the page says which files work."""
    path = tmp_path / "deep.tif"
    path.write_bytes(encoded(picture(20, 20), "TIFF"))
    with visiting(browser, address) as visit:
        visit.pick(path)
        visit.until("failed")
        assert "JPEG, PNG and WebP" in visit.page.inner_text("#failure-text")


def test_bundles_must_differ_in_name(tmp_path, bundles, capsys):
    """Two bundles of one name cannot both be offered: exit code 1 and a line that says so."""
    twice = ["--bundle", str(bundles[0])] * 2
    assert static_site.main([str(tmp_path), *twice]) == 1
    assert "different names" in capsys.readouterr().err
