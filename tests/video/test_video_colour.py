"""Frames come to the model's RGB by the right matrix and range, and back without loss."""

from __future__ import annotations

import numpy as np
import pytest
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from clips import picture
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefold.errors import UnsupportedVideoError
from fivefold.video.colour import Converter, FrameColours, display_matrix, quarter_turns

WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def planes(frame: VideoFrame) -> list[np.ndarray]:
    """The samples of each plane, writeable."""
    dtype = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    return [
        np.ndarray((p.height, p.width), dtype, p, strides=(p.line_size, dtype().itemsize))
        for p in frame.planes
    ]


def flat(rgb: np.ndarray, matrix: int, range_: int, pixel_format: str) -> VideoFrame:
    """A frame of one colour, by the equations of ITU-R BT.601, BT.709 and BT.2020."""
    kr, kb = WEIGHTS[matrix]
    r, g, b = rgb
    y = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    frame = VideoFrame(64, 48, pixel_format)
    bits = frame.format.components[0].bits
    limited = (16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr)
    scale = 2 ** (bits - 8)
    full = tuple(v * (2**bits - 1) + o for v, o in ((y, 0), (cb, 2**bits / 2), (cr, 2**bits / 2)))
    codes = [v * scale for v in limited] if range_ == 1 else full
    for samples, code in zip(planes(frame), codes, strict=True):
        samples[:] = round(code)
    frame.colorspace, frame.color_range = matrix, range_
    frame.color_primaries = frame.color_trc = 1
    return frame


def converter(frame: VideoFrame, coded: str | None = None) -> Converter:
    colours = FrameColours.of(frame, "clip.mp4")
    return Converter(colours, frame.width, frame.height, coded or frame.format.name)


@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("range_", [1, 2])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuv444p12le"])
def test_colours_are_those_of_the_standards(matrix: int, range_: int, pixel_format: str) -> None:
    """The eight bars of 75 % and some greys, in every matrix, range and depth, to 2 of 255."""
    bars = [[r, g, b] for r in (0, 0.75) for g in (0, 0.75) for b in (0, 0.75)]
    for rgb in np.array([*bars, [0.02] * 3, [0.5] * 3, [1.0] * 3]):
        frame = flat(rgb, matrix, range_, pixel_format)
        _, photo = converter(frame).to_rgb(frame)
        scale = 255 if photo.pixels.dtype == np.uint8 else 65535
        assert np.abs(photo.pixels / scale - rgb).max() < 2 / 255


@settings(max_examples=25)
@given(
    st.sampled_from(["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "gray"]),
    st.integers(16, 70),
    st.integers(16, 50),
    st.sampled_from([1, 2]),
    st.integers(0, 1000),
)
def test_a_frame_that_is_not_changed_comes_back(
    pixel_format: str, width: int, height: int, range_: int, seed: int
) -> None:
    """To RGB and back: luma to one code, chroma to two.

    Where a side is odd and chroma is shared, the last sample of chroma stands for less than the
    others, and swscale spreads that over all: there only luma is compared.
    """
    source = VideoFrame.from_ndarray(np.ascontiguousarray(picture(width, height, seed)), "rgb24")
    frame = VideoReformatter().reformat(
        source,
        format=pixel_format,
        src_color_range=2,
        dst_colorspace=1,
        dst_color_range=range_,
        interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND,
    )
    frame.colorspace, frame.color_range = 1, range_
    frame.color_primaries = frame.color_trc = 1
    one = converter(frame)
    rgb, photo = one.to_rgb(frame)
    assert photo.pixels.shape == (height, width, 3)
    back = one.to_coded(rgb, is_rgb=True)
    assert back.format.name == pixel_format
    code = 2 ** (frame.format.components[0].bits - 8)
    is_even = width % 2 == height % 2 == 0
    pairs = list(zip(planes(frame), planes(back), (1, 2, 2), strict=False))
    for before, after, limit in pairs if is_even else pairs[:1]:
        assert np.abs(before.astype(int) - after.astype(int)).max() <= limit * code


@pytest.mark.parametrize(("range_", "expected"), [(1, 110 * 255 / 219), (2, 126)])
@pytest.mark.parametrize("pixel_format", ["gray", "gray10le"])
def test_grey_has_a_range_too(pixel_format: str, range_: int, expected: float) -> None:
    """FFmpeg takes all grey for full range; limited codes are undone all the same, and redone."""
    frame = VideoFrame(33, 17, pixel_format)
    code = 126 << (frame.format.components[0].bits - 8)
    planes(frame)[0][:] = code
    frame.color_range, frame.pts = range_, 7
    one = converter(frame)
    rgb, photo = one.to_rgb(frame)
    scale = 1 if photo.pixels.dtype == np.uint8 else 256
    assert photo.pixels.mean() / scale == pytest.approx(expected, abs=0.6)
    back = one.to_coded(rgb, is_rgb=True)
    assert (back.format.name, back.pts) == (pixel_format, 7)
    assert np.abs(planes(back)[0].astype(int) - code).max() <= (pixel_format == "gray10le")
    assert (planes(one.to_coded(frame, is_rgb=False))[0] == code).all()


def test_changes_in_place_reach_the_frame() -> None:
    """The photo's pixels are the frame's memory, also where its rows are padded."""
    frame = flat(np.array([0.25, 0.5, 0.75]), 1, 1, "yuv444p")
    one = converter(frame)
    rgb, photo = one.to_rgb(frame)
    photo.pixels[:] = 128
    luma = planes(one.to_coded(rgb, is_rgb=True))[0]
    assert set(luma.ravel().tolist()) == {126}


def test_what_is_not_stated_is_taken_as_players_do() -> None:
    """BT.601 below 720 rows, BT.709 from there on; limited range; sRGB's curve and primaries."""
    for height, matrix in ((480, 6), (719, 6), (720, 1), (2160, 1)):
        frame = VideoFrame(64, height, "yuv420p")
        colours = FrameColours.of(frame, "clip.mp4")
        assert (colours.matrix_used, colours.range_used) == (matrix, 1)
        assert colours.icc_profile is None
        assert (colours.primaries, colours.transfer, colours.matrix, colours.range) == (2, 2, 2, 0)


def test_jpeg_s_pixel_formats_have_full_range() -> None:
    """``yuvj420p`` says so by its name alone."""
    assert FrameColours.of(VideoFrame(64, 48, "yuvj420p"), "clip").range == 2


@pytest.mark.parametrize(
    ("transfer", "words"), [(16, "PQ"), (18, "HLG"), (9, "unknown curve"), (10, "unknown curve")]
)
def test_hdr_and_unknown_curves_are_refused(transfer: int, words: str) -> None:
    """In one line that names the video and the curve."""
    frame = VideoFrame(64, 48, "yuv420p10le")
    frame.color_trc = transfer
    with pytest.raises(UnsupportedVideoError, match=f"^clip.mp4: .*{words}"):
        FrameColours.of(frame, "clip.mp4")


@pytest.mark.parametrize("matrix", [8, 10, 14])
def test_unknown_matrices_are_refused(matrix: int) -> None:
    """YCgCo, BT.2020 of constant luminance, ICtCp: one line."""
    frame = VideoFrame(64, 48, "yuv420p")
    frame.colorspace = matrix
    with pytest.raises(UnsupportedVideoError, match=rf"^clip.mp4: .*matrix \({matrix}\)$"):
        FrameColours.of(frame, "clip.mp4")


def test_other_primaries_go_the_way_of_photos() -> None:
    """BT.2020 SDR and BT.601 get a profile; BT.709 has none, and its pixels stay."""
    frame = VideoFrame(64, 1080, "yuv420p10le")
    frame.color_primaries, frame.color_trc = 9, 14
    assert FrameColours.of(frame, "clip").icc_profile is not None
    frame.color_primaries, frame.color_trc = 1, 1
    assert FrameColours.of(frame, "clip").icc_profile is None


def test_greyscale_and_palettes_are_told_apart() -> None:
    """Both have one component; only one of them is grey."""
    for name, is_grey in (("gray", True), ("gray10le", True), ("pal8", False), ("yuv420p", False)):
        assert FrameColours.of(VideoFrame(64, 48, name), "clip").is_greyscale == is_grey


def test_rgb_becomes_bt709_where_the_codec_has_no_rgb() -> None:
    """And the result says so."""
    frame = VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), "rgb24")
    one = converter(frame, "yuv444p")
    assert one.matrix == 1
    rgb, _ = one.to_rgb(frame)
    assert [p[0, 0] for p in planes(one.to_coded(rgb, is_rgb=True))] == [128, 128, 128]


def test_a_frame_of_another_size_is_scaled() -> None:
    """A stream may change its size; the result has one."""
    one = converter(VideoFrame(64, 48, "yuv420p"))
    rgb, photo = one.to_rgb(VideoFrame(128, 96, "yuv420p"))
    assert photo.pixels.shape == (48, 64, 3)
    assert (one.to_coded(rgb, is_rgb=True).width, rgb.height) == (64, 48)


def test_a_frame_without_a_matrix_stands_upright() -> None:
    """No side data: nothing to turn."""
    frame = VideoFrame(64, 48, "yuv420p")
    assert Type.DISPLAYMATRIX not in frame.side_data
    assert (display_matrix(frame), quarter_turns(frame)) == (None, 0)
