"""A JPEG decoded in pieces is what libjpeg-turbo decodes in one piece, or is left to it."""

from __future__ import annotations

import io
import os
import sys

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_mutations import mutated
from PIL import Image

from fivefold.errors import PhotoError, PhotoReadError
from fivefold.photo import jpeg, jpeg_pieces, reused
from fivefold.photo.files import read_photo
from fivefold.photo.jpeg_baseline import read_baseline

native = pytest.importorskip("fivefold._native")

CONTENTS = ("noise", "smooth", "extremes", "flat", "mixed")
SAMPLINGS = ("444", "422", "420", "440", "411", "Gray")
_MUTATIONS = int(os.environ.get("FIVEFOLD_SOAK", "400"))


def picture(content: str, height_px: int, width_px: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (height_px, width_px, 3)
    noise = rng.integers(0, 256, shape)
    y, x = np.mgrid[:height_px, :width_px] / max(height_px, width_px)
    smooth = 255 * np.stack([y, x, (np.sin(9 * x + 7 * y) + 1) / 2], axis=2)
    if content == "smooth":
        return smooth.astype(np.uint8)
    if content == "extremes":  # neighbouring blocks differ by all that they can
        blocks = rng.integers(0, 2, (height_px // 8 + 1, width_px // 8 + 1, 3)) * 255
        return np.kron(blocks, np.ones((8, 8, 1)))[:height_px, :width_px].astype(np.uint8)
    if content == "flat":
        return np.full(shape, rng.integers(0, 256, 3), np.uint8)
    if content == "mixed":
        return np.where(smooth < 128, noise, smooth).astype(np.uint8)
    return noise.astype(np.uint8)


def by_pillow(pixels: np.ndarray, sampling: str, **options: object) -> bytes:
    image = Image.fromarray(pixels)
    if sampling == "Gray":
        image = image.convert("L")
    else:
        options["subsampling"] = ("444", "422", "420").index(sampling)
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def by_turbo(pixels: np.ndarray, sampling: str, quality: int) -> bytes:
    space = "RGB"
    if sampling == "Gray":
        pixels, space = np.ascontiguousarray(pixels[..., :1]), "GRAY"
    coded: bytes = simplejpeg.encode_jpeg(pixels, quality, space, sampling)
    return coded


def in_pieces(data: bytes, threads: int) -> np.ndarray | None:
    height_px, width_px, colour_space, _ = simplejpeg.decode_jpeg_header(data)
    channels = 1 if colour_space.upper().startswith("GRAY") else 3
    pixels = np.full((height_px, width_px, channels), 77, np.uint8)
    space = "GRAY" if channels == 1 else "RGB"
    return pixels if jpeg_pieces.decode(data, space, pixels, threads) else None


def in_one_piece(data: bytes) -> np.ndarray:
    _, _, colour_space, _ = simplejpeg.decode_jpeg_header(data)
    space = "GRAY" if colour_space.upper().startswith("GRAY") else "RGB"
    pixels: np.ndarray = simplejpeg.decode_jpeg(data, space)
    return pixels


def count_cuts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The pieces that are cut off from now on."""
    pieces: list[tuple[int, int]] = []
    cut_off = jpeg_pieces._Pieces.cut_off

    def noted(self: jpeg_pieces._Pieces) -> tuple[int, int]:
        first, last = cut_off(self)
        if first < last:
            pieces.append((first, last))
        return first, last

    monkeypatch.setattr(jpeg_pieces._Pieces, "cut_off", noted)
    return pieces


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("quality", [1, 30, 75, 95, 100])
def test_pieces_are_the_whole(sampling, content, quality, monkeypatch):
    """Every sampling, with blocks of all kinds and of every coarseness, cut in several places."""
    pieces = count_cuts(monkeypatch)
    data = by_turbo(picture(content, 331, 171), sampling, quality)
    for threads in (2, 5):
        del pieces[:]
        np.testing.assert_array_equal(in_pieces(data, threads), in_one_piece(data))
        assert len(pieces) > 3
        ends = [last for _, last in sorted(pieces)]
        assert [first for first, _ in sorted(pieces)] == [0, *ends[:-1]]


@settings(max_examples=150, deadline=None)
@given(
    content=st.sampled_from(CONTENTS),
    sampling=st.sampled_from(SAMPLINGS),
    quality=st.integers(1, 100),
    height_px=st.integers(1, 400),
    width_px=st.integers(1, 130),
    threads=st.integers(1, 9),
)
def test_pictures_of_any_size(content, sampling, quality, height_px, width_px, threads):
    """Also those that end within a unit, and those of fewer rows than there are threads."""
    data = by_turbo(picture(content, height_px, width_px, quality), sampling, quality)
    np.testing.assert_array_equal(in_pieces(data, threads), in_one_piece(data))


@settings(max_examples=200, deadline=None)
@given(
    content=st.sampled_from(CONTENTS),
    sampling=st.sampled_from(["444", "422", "420", "Gray"]),
    quality=st.integers(1, 100),
    height_px=st.integers(60, 300),
    width_px=st.integers(1, 100),
    optimize=st.booleans(),
    restart=st.sampled_from([{}, {"blocks": 0}, {"rows": 1}, {"rows": 2}, {"rows": 5}])
    | st.builds(lambda n: {"blocks": n}, st.integers(1, 60)),
    threads=st.integers(2, 6),
)
def test_optimised_tables_and_restarts(
    content, sampling, quality, height_px, width_px, optimize, restart, threads
):
    """With no more codes than the picture needs, and restart markers anywhere or nowhere."""
    options = {f"restart_marker_{unit}": count for unit, count in restart.items()}
    pixels = picture(content, height_px, width_px, quality)
    data = by_pillow(pixels, sampling, quality=quality, optimize=optimize, **options)
    np.testing.assert_array_equal(in_pieces(data, threads), in_one_piece(data))


@pytest.mark.parametrize("sampling", ["444", "422", "420", "Gray"])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_restarts_at_rows_are_cut_at(sampling, rows, monkeypatch):
    """Where markers stand at the ends of rows, several pieces begin at them."""
    pieces = count_cuts(monkeypatch)
    pixels = picture("mixed", 420, 100)
    data = by_pillow(pixels, sampling, quality=90, restart_marker_rows=rows)
    np.testing.assert_array_equal(in_pieces(data, 3), in_one_piece(data))
    assert len(pieces) > 3
    assert all(first % rows == 0 for first, _ in pieces)


def test_three_restarts_a_row(monkeypatch):
    """Units between markers that divide a row make no difference."""
    pieces = count_cuts(monkeypatch)
    data = by_pillow(picture("mixed", 420, 96), "420", quality=90, restart_marker_blocks=2)
    np.testing.assert_array_equal(in_pieces(data, 3), in_one_piece(data))
    assert len(pieces) > 3


def test_rgb_components():
    """Files that store red, green and blue as such are told by their headers, also in pieces."""
    image = Image.fromarray(picture("mixed", 200, 90))
    file = io.BytesIO()
    image.save(file, "JPEG", keep_rgb=True, quality=95)
    data = file.getvalue()
    np.testing.assert_array_equal(in_pieces(data, 3), in_one_piece(data))


def test_a_missing_code_moves_the_cut(monkeypatch):
    """Rows whose first difference from zero has no code in the file's own table begin no piece."""
    rows = np.arange(40)
    # Steps of one or none, which in the second half lead far from all that has a code.
    levels = 128 + 3 + np.where(rows < 20, rows % 2, rows - 19)
    pixels = np.repeat(levels, 8)[:, None, None] * np.ones((1, 8, 3))
    data = by_pillow(pixels.astype(np.uint8), "Gray", quality=100, optimize=True)
    pieces = count_cuts(monkeypatch)
    np.testing.assert_array_equal(in_pieces(data, 2), in_one_piece(data))
    assert [first for first, _ in sorted(pieces)] == [0, 4]


def unusual() -> dict[str, bytes]:
    pixels = picture("mixed", 160, 120)
    plain = by_turbo(pixels, "420", 90)
    scan = plain.index(b"\xff\xda")
    middle = (scan + len(plain)) // 2
    restarts = by_pillow(pixels, "420", quality=90, restart_marker_rows=1)
    third = restarts.index(b"\xff\xd2")
    return {
        "progressive": by_pillow(pixels, "420", quality=90, progressive=True),
        "truncated": plain[:middle],
        "without an end": plain[:-2],
        "a marker in the data": plain[:middle] + b"\xff\xd3" + plain[middle:],
        "bytes before the end": plain[:-2] + b"\x12\x34" + plain[-2:],
        "a unit too many": plain[:-2] + plain[middle:],
        "a restart marker lost": restarts[:third] + restarts[third + 2 :],
        "restart markers out of order": restarts.replace(b"\xff\xd3", b"\xff\xd5"),
        "two starts": plain[:2] + b"\xff\xd8\0\2" + plain[2:],
        "a wrong spectrum": plain[: scan + 11] + b"\1" + plain[scan + 12 :],
    }


@pytest.mark.parametrize("name", unusual())
def test_what_is_unusual_is_left_alone(name):
    """Anything but one sound sequential scan is decoded as a whole."""
    data = unusual()[name]
    pixels = np.zeros((160, 120, 3), np.uint8)
    assert not jpeg_pieces.decode(data, "RGB", pixels, 3)


def test_a_complaint_about_a_piece_is_enough(monkeypatch):
    """If libjpeg finds fault with any piece, the file is decoded as a whole."""
    data = by_turbo(picture("mixed", 400, 300), "420", 90)
    whole = in_one_piece(data)
    decode, calls = simplejpeg.decode_jpeg, []

    def complains(file: bytes, *args: object, **options: object) -> np.ndarray:
        calls.append(len(file))
        if len(calls) == 4:
            raise ValueError("Corrupt JPEG data")
        return decode(file, *args, **options)

    monkeypatch.setattr(jpeg, "_LEAST_PIXELS_FOR_PIECES", 0)
    monkeypatch.setattr(simplejpeg, "decode_jpeg", complains)
    np.testing.assert_array_equal(read_photo(data, threads=2).pixels, whole)
    assert calls[-1] == len(data)


def outcome(data: bytes, threads: int) -> tuple[str, bytes]:
    try:
        photo = read_photo(data, threads=threads, max_pixels=1_000_000)
    except PhotoError as error:
        return f"{type(error).__name__}: {error}", b""
    return str(photo.pixels.shape) + str(photo.coding), photo.pixels.tobytes()


def test_damaged_files_come_out_as_from_one_thread(monkeypatch):
    """The same pixels or the same words, whatever is changed in a file."""
    monkeypatch.setattr(jpeg, "_LEAST_PIXELS_FOR_PIECES", 0)
    pixels = picture("mixed", 130, 90)
    files = [
        by_turbo(pixels, "420", 85),
        by_turbo(pixels, "444", 60),
        by_pillow(pixels, "420", quality=80, restart_marker_rows=2),
        by_pillow(pixels, "422", quality=80, optimize=True),
        by_pillow(pixels, "Gray", quality=80, restart_marker_blocks=4),
    ]
    for seed in range(_MUTATIONS):
        data = mutated(files[seed % len(files)], seed)
        assert outcome(data, 3) == outcome(data, 1), seed


def test_one_thread_and_small_pictures_take_the_plain_way(monkeypatch):
    """Pieces cost something, which a folder's photos on all cores should not pay."""
    monkeypatch.setattr(jpeg_pieces, "decode", lambda *_: pytest.fail("decoded in pieces"))
    large, small = (
        by_turbo(picture("flat", *size), "420", 50) for size in ((1200, 1000), (90, 80))
    )
    read_photo(large, threads=1)
    read_photo(small, threads=4)


def test_no_threads_are_refused():
    """As for writing."""
    with pytest.raises(ValueError, match="threads must be at least 1, received 0"):
        read_photo(by_turbo(picture("flat", 9, 9), "420", 50), threads=0)


def test_without_compiled_kernels(monkeypatch):
    """The plain way is there."""
    monkeypatch.setitem(sys.modules, "fivefold._native", None)
    monkeypatch.setattr(jpeg, "_LEAST_PIXELS_FOR_PIECES", 0)
    data = by_turbo(picture("mixed", 200, 90), "420", 90)
    assert in_pieces(data, 2) is None
    np.testing.assert_array_equal(read_photo(data, threads=2).pixels, in_one_piece(data))


def test_the_scanner_refuses_what_would_lead_it_astray():
    """Tables, components and sizes that no JPEG has are refused; unknown places give nothing."""
    data = by_turbo(picture("smooth", 80, 60), "420", 90)
    baseline = read_baseline(data)
    tables = baseline.dc_tables, baseline.ac_tables

    def scan(**changes: object) -> object:
        arguments: dict[str, object] = {
            "begin": baseline.scan_at,
            "mcus_across": baseline.units_across,
            "mcu_rows": baseline.unit_rows,
            "restart_interval": 0,
            "components": baseline.blocks,
            "dc_tables": tables[0],
            "ac_tables": tables[1],
        }
        return native.JpegScan(data, **{**arguments, **changes})

    for changes in (
        {"begin": len(data) + 1},
        {"mcus_across": 0},
        {"mcu_rows": 8193},
        {"restart_interval": -1},
        {"components": b""},
        {"components": b"\0\1\3"},
        {"components": bytes(11)},
        {"dc_tables": tables[0][:2]},
        {"dc_tables": [b"\xff" * 40] * 3},
        {"dc_tables": [tables[1][0]] * 3},
        {"ac_tables": [t[:-1] for t in tables[1]]},
    ):
        with pytest.raises(ValueError, match=r"must|no component|unusual"):
            scan(**changes)
    sound = scan()
    header = baseline.header(16), baseline.scan_header
    for rows in ((0, 1), (-1, 2), (3, 3), (2, 1), (0, 99)):
        assert sound.cut(*header, *rows) is None
    assert sound.find_cut(0, True) is None
    assert sound.find_cut(2, True) == 2
    assert sound.cut(*header, 1, 2) is not None
    assert sound.cut(*header, 2, 5) is None
    assert sound.find_cut(99, False) == baseline.unit_rows
    assert scan(begin=len(data)).find_cut(1, False) is None
    assert scan(mcus_across=8192, mcu_rows=8192).find_cut(5, False) is None


def test_memory_of_a_refused_file_shows_nothing_of_another(monkeypatch):
    """A file that is found damaged after some pieces were decoded gives an error, and no pixels."""
    monkeypatch.setattr(reused, "pictures", reused.ReusedMemory())
    monkeypatch.setattr(jpeg, "_LEAST_PIXELS_FOR_PIECES", 0)
    data = by_turbo(picture("noise", 800, 600), "420", 90)
    with pytest.raises(PhotoReadError, match="truncated"):
        read_photo(data[: len(data) * 3 // 4], threads=2)
