from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivefold.data.fivek import FivekHost, parse_ids, photo_id, read_index, select_files
from fivefold.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "legal").mkdir()
    (tmp_path / "legal/filesAdobe.txt").write_text("a0002-b\n\na0001-jmac_DSC1459\n")
    (tmp_path / "legal/filesAdobeMIT.txt").write_text("a0010-kme 7\r\n")
    return tmp_path


def test_the_index_is_sorted_and_knows_each_licence(folder: Path) -> None:
    """Both lists together give the photos in the order of their ids."""
    photos = read_index(folder)
    assert [p.id for p in photos] == ["a0001", "a0002", "a0010"]
    assert [p.name for p in photos] == ["a0001-jmac_DSC1459", "a0002-b", "a0010-kme 7"]
    assert photos[2].licence == "legal/LicenseAdobeMIT.txt"


@pytest.mark.parametrize(
    "line", ["a0001-x/../../../etc/passwd", "a0001\\x", "hello", "a00011-x", "b0001-x"]
)
def test_a_line_that_is_no_name_is_refused(folder: Path, line: str) -> None:
    """Names become paths, so a list from a server may not lead out of the folder."""
    (folder / "legal/filesAdobe.txt").write_text(f"a0002-b\n{line}\n")
    with pytest.raises(DataError, match=r"filesAdobe\.txt, line 2"):
        read_index(folder)


def test_an_id_listed_twice_is_refused(folder: Path) -> None:
    """Two photos of one id would be mixed up by every split."""
    (folder / "legal/filesAdobeMIT.txt").write_text("a0002-other\n")
    with pytest.raises(DataError, match="a0002 is listed twice"):
        read_index(folder)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(DataError, match=r"filesAdobe\.txt"):
        read_index(tmp_path)


def test_the_official_addresses() -> None:
    """The defaults are the published layout."""
    host = FivekHost()
    assert (
        host.rendition("a0001-jmac_DSC1459", "input").url
        == "https://data.csail.mit.edu/graphics/fivek/img/dng/a0001-jmac_DSC1459.dng"
    )
    file = host.rendition("a0010-kme 7", "e")
    assert file.url.endswith("/graphics/fivek/img/tiff16_e/a0010-kme%207.tif")
    assert file.path == "img/tiff16_e/a0010-kme 7.tif"


def test_another_rendition_is_refused() -> None:
    """There are five experts and one input."""
    with pytest.raises(ValueError, match="received 'f'"):
        FivekHost().rendition("a0001-x", "f")


@pytest.mark.parametrize("url", ["ftp://x/", "file:///", "https://x/fivek"])
def test_a_host_is_an_http_folder(url: str) -> None:
    """Anything else would fail later and less clearly."""
    with pytest.raises(ValueError, match="url must be"):
        FivekHost(url=url)


def test_files_are_selected_by_photo_and_rendition(folder: Path) -> None:
    """Photo by photo, each with the pictures asked for, in the order asked for."""
    photos = read_index(folder)
    files = select_files(photos, ["input", "c", "c"], ids={"a0010", "a0001"})
    assert [f.path for f in files] == [
        "img/dng/a0001-jmac_DSC1459.dng",
        "img/tiff16_c/a0001-jmac_DSC1459.tif",
        "img/dng/a0010-kme 7.dng",
        "img/tiff16_c/a0010-kme 7.tif",
    ]
    with pytest.raises(ValueError, match="a0099"):
        select_files(photos, ["c"], ids={"a0099"})


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("3", ["a0003"]),
        ("a0003, 1-2", ["a0001", "a0002", "a0003"]),
        ("-2", ["a0001", "a0002"]),
        ("4999-", ["a4999", "a5000"]),
        ("a0007-a0008,8", ["a0007", "a0008"]),
    ],
)
def test_ids_are_parsed(text: str, ids: list[str]) -> None:
    """Numbers and ranges, with or without the letter, open at either end."""
    assert parse_ids(text) == ids


@pytest.mark.parametrize(
    "text", ["", "-", "0", "5001", "9-3", "1,,2", "17000", "1 7", "x", "1-2-3"]
)
def test_other_ids_are_refused(text: str) -> None:
    """What was received is in the message."""
    with pytest.raises(ValueError, match="ids must"):
        parse_ids(text)


@given(st.sets(st.integers(1, 5000), min_size=1, max_size=40))
def test_ids_round_trip(numbers: set[int]) -> None:
    """A list of single numbers, in any order, comes back sorted."""
    assert parse_ids(",".join(map(str, numbers))) == [f"a{n:04d}" for n in sorted(numbers)]


def test_photo_id() -> None:
    """The id is the start of the name, and five digits are none."""
    assert photo_id("a1384-dvf_095") == "a1384"
    with pytest.raises(DataError, match="a13840"):
        photo_id("a13840")
