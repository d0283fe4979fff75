"""What ``fivefold enhance`` says in a photo about itself, and what it leaves out when asked."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

from command import Result
from PIL import Image

from fivefold.photo.files import read_photo
from fivefold.photo.note import note_of

Run = Callable[..., Result]

ARTIST = 0x013B


def photo_with_artist(path: Path) -> Path:
    exif = Image.Exif()
    exif[ARTIST] = "Somebody"
    Image.new("RGB", (40, 30), (90, 80, 70)).save(path, exif=exif)
    return path


def test_a_result_says_what_was_done(fivefold: Run, tmp_path: Path) -> None:
    """Program, model and strength stand in XMP, and the photo's own EXIF stays."""
    source = photo_with_artist(tmp_path / "a.jpg")
    assert fivefold("enhance", source, "-o", tmp_path / "b.jpg", "--strength", "0.5").code == 0
    note = note_of(read_photo(tmp_path / "b.jpg"))
    assert note["Software"] == f"fivefold {importlib.metadata.version('fivefold')}"
    assert note["Strength"] == "0.5"
    assert note["Model"]
    with Image.open(tmp_path / "b.jpg") as result:
        assert result.getexif()[ARTIST] == "Somebody"


def test_the_note_can_be_left_out(fivefold: Run, tmp_path: Path) -> None:
    """With ``--no-note`` the metadata is the photo's own and nothing else."""
    source = photo_with_artist(tmp_path / "a.jpg")
    assert fivefold("enhance", source, "-o", tmp_path / "b.jpg", "--no-note").code == 0
    result = read_photo(tmp_path / "b.jpg")
    assert note_of(result) == {}
    assert result.metadata == read_photo(source).metadata


def test_metadata_can_be_stripped(fivefold: Run, tmp_path: Path) -> None:
    """With ``--strip-metadata`` neither EXIF nor XMP is left."""
    source = photo_with_artist(tmp_path / "a.jpg")
    assert fivefold("enhance", source, "-o", tmp_path / "b.jpg", "--strip-metadata").code == 0
    metadata = read_photo(tmp_path / "b.jpg").metadata
    assert (metadata.exif, metadata.xmp, metadata.iptc) == (None, None, None)
