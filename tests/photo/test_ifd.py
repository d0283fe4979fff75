"""Directories of TIFF and EXIF: what is written is read, and damage is survived."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_samples import exif_block
from PIL import Image

from fivefold.photo import exif, ifd

fields = st.dictionaries(
    st.integers(1, 0xFFFF).filter(lambda tag: tag not in ifd.POINTERS),
    st.builds(
        ifd.Field, st.sampled_from([ifd.ASCII, ifd.UNDEFINED]), st.binary(min_size=1, max_size=40)
    ),
    max_size=12,
)


def plain(directory: ifd.Directory) -> dict[object, object]:
    """Fields and children without their places."""
    return {
        **{tag: (f.kind, f.data) for tag, f in directory.fields.items()},
        **{("below", tag): plain(child) for tag, child in directory.children.items()},
    }


@given(top=fields, below=fields, gps=fields, big=st.booleans(), order=st.sampled_from("<>"))
def test_trees_come_back(top, below, gps, big, order):
    """Any tree of fields, in both byte orders and both widths, is parsed as it was written."""
    tree = ifd.Directory(
        top, {ifd.EXIF_POINTER: ifd.Directory(below), ifd.GPS_POINTER: ifd.Directory(gps)}
    )
    layout, back = ifd.parse(ifd.serialise(ifd.Layout(order, big), tree))
    assert layout == ifd.Layout(order, big)
    assert plain(back) == plain(tree)
    assert not back.is_cut


@given(top=fields, value=st.binary(min_size=1, max_size=30), order=st.sampled_from("<>"))
def test_setting_a_field_moves_nothing(top, value, order):
    """The new field is there, all others too, and every old byte behind the header is in place."""
    top.pop(700, None)
    block = ifd.serialise(ifd.Layout(order), ifd.Directory(dict(top)))
    changed = ifd.with_field(block, 700, ifd.Field(ifd.UNDEFINED, value))
    assert changed[8 : len(block)] == block[8:]
    _, back = ifd.parse(changed)
    assert plain(back) == plain(ifd.Directory({**top, 700: ifd.Field(ifd.UNDEFINED, value)}))


def test_setting_a_field_keeps_pillow_happy():
    """Pillow reads the changed block of a camera with all its directories."""
    changed = ifd.with_field(exif_block(), 305, ifd.Field(ifd.ASCII, b"fivefold\0"))
    parsed = Image.Exif()
    parsed.load(changed)
    assert parsed[305] == "fivefold"
    assert parsed[0x010F] == "Maker"
    assert parsed.get_ifd(0x8825)[1] == "N"


@settings(max_examples=300)
@given(block=st.binary(max_size=200), start=st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*"]))
def test_rubbish_is_an_error_or_a_directory(block, start):
    """No bytes make the parser fail in any other way than IfdError."""
    try:
        _, directory = ifd.parse(start + block)
    except ifd.IfdError:
        return
    assert isinstance(directory, ifd.Directory)
    exif.describe_upright(start + block, 10, 20)
    exif.thumbnail_place(start + block)


def test_loops_end():
    """A directory whose EXIF pointer points to itself is read once."""
    entry = struct.pack("<HHII", ifd.EXIF_POINTER, ifd.LONG, 1, 8)
    _, directory = ifd.parse(b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 8))
    assert directory.children == {}


@pytest.mark.parametrize("stated", [0, 9, 255])
def test_senseless_orientations_mean_upright(stated):
    """Orientation values outside 1…8 are taken as 1."""
    value = ifd.Field(ifd.SHORT, struct.pack("<H", stated))
    block = ifd.serialise(ifd.Layout(), ifd.Directory({exif.ORIENTATION: value}))
    assert exif.orientation(block) == 1
