"""The way from a video's own coding to the RGB that the model knows, and back.

A video states its colours by the code points of ITU-T H.273: primaries, transfer curve, the matrix
of luma and chroma, and the range of codes. FFmpeg's swscale undoes matrix and range, with chroma
repeated on the way in and averaged on the way back, so that a frame that is not changed comes back
as it was. Curve and primaries go the way of photos, see :mod:`fivefold.photo.cicp`: sRGB and BT.709
are taken as they are, other SDR spaces go through extended sRGB, HDR is refused.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type
from av.video.format import VideoFormat
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

from fivefold.errors import UnsupportedPhotoError, UnsupportedVideoError
from fivefold.photo.cicp import profile_of
from fivefold.photo.image import Photo, Pixels

_RGB = 0  # code points of MatrixCoefficients
_BT709 = 1
_UNSPECIFIED = 2
_BT601 = 6
_KNOWN_MATRICES = (_RGB, _BT709, 4, 5, _BT601, 7, 9)
_HD_HEIGHT_PX = 720  # from here on players take a video without a stated matrix as BT.709

_COLOURED = {
    "gray": "yuv420p",
    "gray10le": "yuv420p10le",
    "gray12le": "yuv420p12le",
    "gray16le": "yuv420p16le",
}

# Chroma is repeated and averaged, never filtered: what the model leaves alone stays as it was.
_TO_RGB = Interpolation.POINT | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_FROM_RGB = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP


@dataclass(frozen=True, slots=True)
class FrameColours:
    """What a frame says about its colours, and what that means.

    Attributes:
        primaries: ColourPrimaries as stated; 2 means that nothing was.
        transfer: TransferCharacteristics, likewise.
        matrix: MatrixCoefficients, likewise.
        range: 1 for limited codes (16…235 of 255), 2 for full, 0 for not stated.
        pixel_format: FFmpeg's name of the layout of samples.
        matrix_used: What is calculated with where nothing is stated: BT.709 from 720 rows on,
            BT.601 below, as players do.
        range_used: Likewise: limited.
        icc_profile: The profile that primaries and curve mean; ``None`` for sRGB and BT.709.
    """

    primaries: int
    transfer: int
    matrix: int
    range: int
    pixel_format: str
    matrix_used: int
    range_used: int
    icc_profile: bytes | None

    @staticmethod
    def of(frame: VideoFrame, name: str) -> FrameColours:
        """Read the tags of a frame.

        Args:
            frame: The first of a video.
            name: The video's, for messages.

        Raises:
            UnsupportedVideoError: For HDR curves (PQ, HLG), and for curves, primaries and
                matrices that are not known here.
        """
        try:
            icc_profile = profile_of(frame.color_primaries, frame.color_trc)
        except UnsupportedPhotoError as error:
            raise UnsupportedVideoError(f"{name}: {error}") from error
        matrix = frame.colorspace
        is_rgb = frame.format.is_rgb or frame.format.has_palette
        if is_rgb:
            used = _RGB
        elif matrix == _UNSPECIFIED:
            used = _BT709 if frame.height >= _HD_HEIGHT_PX else _BT601
        elif matrix in _KNOWN_MATRICES:
            used = matrix
        else:
            raise UnsupportedVideoError(f"{name}: colours of an unknown matrix ({matrix})")
        is_full = is_rgb or frame.format.name.startswith("yuvj")
        stated = ColorRange.JPEG if is_full else frame.color_range
        return FrameColours(
            primaries=frame.color_primaries,
            transfer=frame.color_trc,
            matrix=matrix,
            range=int(stated),
            pixel_format=frame.format.name,
            matrix_used=used,
            range_used=int(stated or ColorRange.MPEG),
            icc_profile=icc_profile,
        )

    @property
    def bits(self) -> int:
        """Bits of one sample."""
        return max(part.bits for part in VideoFormat(self.pixel_format).components)

    @property
    def is_greyscale(self) -> bool:
        """Whether there is luma only."""
        layout = VideoFormat(self.pixel_format)
        return sum(not part.is_alpha for part in layout.components) == 1 and not layout.has_palette


class Converter:
    """Frames to RGB and back; it may be called from several threads at once."""

    def __init__(self, colours: FrameColours, width_px: int, height_px: int, coded: str) -> None:
        """Say what frames are, and what they are to become.

        Args:
            colours: Of the video.
            width_px: Width of all results; a frame of another size is scaled.
            height_px: Their height.
            coded: The pixel format that the encoder takes.
        """
        self._colours = colours
        self._size = {"width": width_px, "height": height_px}
        self._coded = coded
        self._rgb = "rgb24" if colours.bits <= 8 else "rgb48le"
        self._is_rgb_coded = VideoFormat(coded).is_rgb
        matrix = colours.matrix_used
        self._matrix = _BT709 if matrix == _RGB and not self._is_rgb_coded else matrix
        self._own = threading.local()

    @property
    def matrix(self) -> int:
        """The MatrixCoefficients to state of the result, where the video's own do not hold."""
        stated = self._colours.matrix
        return stated if self._matrix == self._colours.matrix_used else self._matrix

    def to_rgb(self, frame: VideoFrame) -> tuple[VideoFrame, Photo]:
        """A frame as RGB, and the photo that lies in the same memory.

        Args:
            frame: Decoded, of any size.

        Returns:
            A frame of ``rgb24`` for up to 8 bits, ``rgb48le`` above, and its pixels as a photo,
            which may be changed in place. 16-bit codes are swscale's, who shifts full range (255
            becomes 65280): all of it within one code of 8 bits.
        """
        rgb = self._reformatter.reformat(
            self._for_swscale(frame),
            **self._size,
            format=self._rgb,
            src_colorspace=self._colours.matrix_used,
            src_color_range=self._colours.range_used,
            dst_colorspace=_BT709,  # of no effect on RGB, but RGB's own code is not accepted
            dst_color_range=ColorRange.JPEG,
            interpolation=_TO_RGB,
            threads=1,
        )
        photo = Photo(
            _pixels(rgb),
            icc_profile=self._colours.icc_profile,
            is_greyscale=self._colours.is_greyscale,
        )
        return rgb, photo

    def to_coded(self, frame: VideoFrame, *, is_rgb: bool) -> VideoFrame:
        """A frame in the coding that the encoder takes, ready for it.

        Args:
            frame: What :meth:`to_rgb` gave, or a frame as it was decoded.
            is_rgb: Which of the two.
        """
        coded = self._reformatter.reformat(
            frame if is_rgb else self._for_swscale(frame),
            **self._size,
            format=_COLOURED[self._coded] if self._is_limited_grey(self._coded) else self._coded,
            src_colorspace=_BT709 if is_rgb else self._colours.matrix_used,
            src_color_range=ColorRange.JPEG if is_rgb else self._colours.range_used,
            dst_colorspace=self._matrix or _BT709,
            dst_color_range=ColorRange.JPEG if self._is_rgb_coded else self._colours.range_used,
            interpolation=_FROM_RGB,
            threads=1,
        )
        if self._is_limited_grey(self._coded):
            coded = _luma_as(self._coded, coded)
        coded.pict_type = PictureType.NONE  # the encoder decides anew
        return coded

    def _is_limited_grey(self, pixel_format: str) -> bool:
        """Whether swscale would take it for full range, as it does with all that is grey."""
        return pixel_format in _COLOURED and self._colours.range_used == ColorRange.MPEG

    def _for_swscale(self, frame: VideoFrame) -> VideoFrame:
        name = frame.format.name
        return _luma_as(_COLOURED[name], frame) if self._is_limited_grey(name) else frame

    @property
    def _reformatter(self) -> VideoReformatter:
        """This thread's own: they keep state."""
        if not hasattr(self._own, "reformatter"):
            self._own.reformatter = VideoReformatter()
        reformatter: VideoReformatter = self._own.reformatter
        return reformatter


def display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    """The 3 × 3 matrix by which players turn a frame, row by row, if there is one."""
    by_type: Any = frame.side_data  # whose published type knows one kind only
    matrix = by_type.get(Type.DISPLAYMATRIX)
    return None if matrix is None else tuple(np.frombuffer(matrix, np.int32).tolist())


def quarter_turns(frame: VideoFrame) -> int:
    """How many quarter turns counter-clockwise bring the frame upright, 0 to 3."""
    return round(frame.rotation / 90) % 4


def _luma_as(pixel_format: str, frame: VideoFrame) -> VideoFrame:
    """A frame of another format with the same luma, and no colour."""
    result = VideoFrame(frame.width, frame.height, pixel_format)
    neutral = 1 << (result.format.components[0].bits - 1)
    for plane in range(len(result.planes)):
        _samples(result, plane)[...] = neutral if plane else _samples(frame, plane)
    result.pts, result.duration = frame.pts, frame.duration
    if frame.time_base is not None:
        result.time_base = frame.time_base
    return result


def _samples(frame: VideoFrame, index: int) -> NDArray[Any]:
    """One plane, ``(rows, columns)``, in the frame's own memory."""
    plane: Any = frame.planes[index]
    dtype: np.dtype[Any] = np.dtype(np.uint8 if frame.format.components[0].bits <= 8 else "<u2")
    samples: NDArray[Any] = np.ndarray(
        (plane.height, plane.width), dtype, plane, strides=(plane.line_size, dtype.itemsize)
    )
    return samples


def _pixels(rgb: VideoFrame) -> Pixels:
    """The samples of an RGB frame, ``(H, W, 3)``, in its own memory, whose rows may be padded."""
    plane: Any = rgb.planes[0]  # a buffer, which its published type does not say
    dtype: np.dtype[Any] = np.dtype(np.uint8 if rgb.format.name == "rgb24" else np.uint16)
    strides = (plane.line_size, 3 * dtype.itemsize, dtype.itemsize)
    pixels: NDArray[Any] = np.ndarray((rgb.height, rgb.width, 3), dtype, plane, strides=strides)
    return pixels
