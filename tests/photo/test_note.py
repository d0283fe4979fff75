"""The note of what was done, and the way to leave everything out."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photo_samples import IPTC, PROFILES, XMP, exif_block, random_photo
from PIL import Image

from fivefold.photo.files import encode_photo, read_photo
from fivefold.photo.image import Metadata
from fivefold.photo.note import NAMESPACE, note_of, with_note, without_metadata

DONE = {"Software": "fivefold 1.2", "Model": "consensus", "Strength": "0.8"}
printable = st.text(st.characters(exclude_categories=("C", "Z")), max_size=20)


@given(st.dictionaries(st.sampled_from(["Software", "Model", "Strength", "Expert"]), printable))
def test_notes_come_back(properties):
    """Any values, with quotes and angle brackets, are read as they were noted."""
    assert note_of(with_note(random_photo((4, 4)), properties)) == properties


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "JXL"])
def test_notes_go_through_files(file_format):
    """The note is found again in a file of every format."""
    photo = with_note(random_photo(), DONE)
    assert note_of(read_photo(encode_photo(photo, format=file_format))) == DONE


@pytest.mark.parametrize("packet", [None, XMP])
def test_the_packet_is_sound_xml(packet):
    """An XML parser finds the properties in our namespace, and what was there before."""
    photo = with_note(replace(random_photo((4, 4)), metadata=Metadata(xmp=packet)), DONE)
    root = ET.fromstring(photo.metadata.xmp.decode())
    described = root.findall(".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    found = {k: v for d in described for k, v in d.attrib.items()}
    assert found[f"{{{NAMESPACE}}}Model"] == "consensus"
    if packet is not None:
        assert found["{http://purl.org/dc/elements/1.1/}format"] == "café"


def test_a_second_note_replaces_the_first():
    """Enhancing twice leaves one note, and the rest of the packet as it was."""
    photo = replace(random_photo((4, 4)), metadata=Metadata(xmp=XMP))
    twice = with_note(with_note(photo, {"Model": "a", "Strength": "1"}), DONE)
    assert note_of(twice) == DONE
    assert twice.metadata == with_note(photo, DONE).metadata


def test_software_field_is_filled_but_never_overwritten():
    """EXIF gets the program's name where it names none; a camera's firmware stays."""

    def software(block: bytes) -> str | None:
        parsed = Image.Exif()
        parsed.load(block)
        assert parsed[0x010F] == "Maker"
        return parsed.get(305)

    photo = replace(random_photo((4, 4)), metadata=Metadata(exif=exif_block()))
    noted = with_note(photo, DONE)
    assert software(noted.metadata.exif) == "fivefold 1.2"
    again = with_note(noted, {"Software": "other"})
    assert software(again.metadata.exif) == "fivefold 1.2"


@pytest.mark.parametrize("packet", [XMP.decode().encode("utf-16"), b"rubbish", b""])
def test_other_packets_are_left_alone(packet):
    """UTF-16 and damaged packets stay byte for byte."""
    photo = replace(random_photo((4, 4)), metadata=Metadata(xmp=packet))
    assert with_note(photo, DONE).metadata.xmp == packet


def test_names_are_checked():
    """A property whose name would break the packet is refused."""
    with pytest.raises(ValueError, match="received 'a b'"):
        with_note(random_photo((4, 4)), {"a b": "c"})


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_stripping_leaves_nothing_but_the_profile(file_format):
    """No EXIF, XMP, IPTC, text or density is in the file; colours keep their meaning."""
    metadata = Metadata(
        exif_block(), XMP, IPTC, density_dpi=(300.0, 300.0), texts=(("Author", "me"),)
    )
    photo = replace(random_photo(), metadata=metadata, icc_profile=PROFILES["Adobe RGB"])
    coded = encode_photo(without_metadata(photo), format=file_format)
    for trace in (b"Maker", b"xmpmeta", b"caption", b"Author", b"GPS"):
        assert trace not in coded
    back = read_photo(coded)
    assert back.metadata == Metadata()
    assert back.icc_profile == PROFILES["Adobe RGB"]
