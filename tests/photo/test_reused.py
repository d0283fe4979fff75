"""Memory is used again, but never while anybody sees it."""

from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
import simplejpeg

from fivefold.errors import PhotoReadError
from fivefold.photo import reused
from fivefold.photo.files import read_photo
from fivefold.photo.reused import ReusedMemory

MB = 1 << 20

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="memory comes back when the collector runs"
)


def test_memory_comes_back_with_the_last_view() -> None:
    """An array's memory is taken again only once no view of it is left, whatever kind of view."""
    memory = ReusedMemory()
    first = memory.empty((1024, 1024, 3))
    address = first.ctypes.data
    views = [first[3:, ::-1], memoryview(first), first.reshape(-1), np.frombuffer(first, np.uint16)]
    del first
    while views:
        assert memory.idle_bytes == 0
        assert memory.empty((1024, 1024, 3)).ctypes.data != address
        del memory._idle[:]
        views.pop()
    assert memory.idle_bytes == 3 * MB
    assert memory.empty((1024, 512, 5)).ctypes.data == address


def test_it_is_an_ordinary_array() -> None:
    """Of the shape asked for, writable, contiguous and aligned, small ones too."""
    memory = ReusedMemory()
    for shape in ((1, 1, 3), (700, 900, 3), (1 << 20,)):
        for _ in range(2):
            array = memory.empty(shape)
            assert (array.shape, array.dtype) == (shape, np.uint8)
            assert array.flags.c_contiguous
            assert array.flags.writeable
            array[:] = 7
            del array


def test_what_is_kept_is_bounded() -> None:
    """No more than was said is idle, and what no picture fits goes after a while."""
    memory = ReusedMemory(most_idle_bytes=10 * MB)
    arrays = [memory.empty((4 * MB,)) for _ in range(5)]
    del arrays
    assert memory.idle_bytes == 8 * MB
    small = memory.empty((MB,))
    assert small.base is not None
    assert memory.idle_bytes == 4 * MB  # a block four times as large is not for it
    memory.empty((20 * MB,))
    assert memory.idle_bytes == 0


def test_garbage_may_be_collected_at_any_moment() -> None:
    """An array in a circle of references comes back when the collector finds it."""
    memory = ReusedMemory()
    circle: list[object] = [memory.empty((2 * MB,))]
    circle.append(circle)
    del circle
    gc.collect()
    assert memory.idle_bytes == 2 * MB


def test_threads_never_share() -> None:
    """What a thread writes into its array stays there until it lets go of it."""
    memory = ReusedMemory()

    def write_and_look(number: int) -> bool:
        array = memory.empty((MB + number,))
        array[:] = number
        return bool((array == number).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write_and_look, range(200)))


def coded(colour: int) -> bytes:
    picture = np.full((600, 800, 3), colour, np.uint8)
    data: bytes = simplejpeg.encode_jpeg(picture, 95)
    return data


def test_photos_that_are_held_stay_as_they_are() -> None:
    """A photo's pixels do not change when others are read, enhanced and let go."""
    held = [read_photo(coded(colour)) for colour in (40, 80)]
    for colour in range(90, 250, 10):
        other = read_photo(coded(colour))
        assert np.abs(other.pixels.astype(int) - colour).max() <= 1
        other.pixels[:] = 0
    for photo, colour in zip(held, (40, 80), strict=True):
        assert np.abs(photo.pixels.astype(int) - colour).max() <= 1


def test_a_damaged_photo_shows_nothing_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that ends early is refused; one with stray bytes gives its own pixels alone."""
    monkeypatch.setattr(reused, "pictures", ReusedMemory())
    secret = read_photo(coded(200))
    del secret
    assert reused.pictures.idle_bytes > 0
    with pytest.raises(PhotoReadError, match="truncated"):
        read_photo(coded(20)[:-600])
    noisy = coded(20)
    scan = noisy.index(b"\xff\xda")
    photo = read_photo(BytesIO(noisy[:scan] + b"stray" + noisy[scan:]))
    assert np.abs(photo.pixels.astype(int) - 20).max() <= 1
