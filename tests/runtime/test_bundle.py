"""A bundle comes back as it was written, and anything else is refused in one clear line."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.errors import BundleDamagedError, BundleError, BundleFormatError
from fivefold.kernels.grid import Guide
from fivefold.runtime import enhancer
from fivefold.runtime.bundle import Bundle, write_bundle
from fivefold.runtime.enhancer import Enhancer, find_bundle
from fivefold.runtime.manifest import Part
from fivefold.runtime.stored_parts import stored_parts
from tiny_bundle import FACTS as FACTS_OF_TINY

FACTS = {"name": "x", "preset": "small", "licence": "CC0-1.0", "card": "# Card\n"}


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    """The parts as an archive in memory, as they are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    file.seek(0)
    return file


def with_right_hashes(parts: dict[str, bytes]) -> dict[str, bytes]:
    """The parts with a manifest that describes them as they are now."""
    manifest = json.loads(parts["manifest.json"])
    for name in manifest["parts"]:
        part = Part.of(parts[name])
        manifest["parts"][name] = {"sha256": part.sha256, "size_bytes": part.size_bytes}
    return {**parts, "manifest.json": json.dumps(manifest).encode()}


def with_manifest(path: Path, **changes: object) -> io.BytesIO:
    parts = parts_of(path)
    manifest = {**json.loads(parts["manifest.json"]), **changes}
    return archive_of({**parts, "manifest.json": json.dumps(manifest).encode()})


def refusal(source: object, error: type[BundleError] = BundleDamagedError) -> str:
    with pytest.raises(error) as caught:
        Bundle.read(source)
    message = str(caught.value)
    assert type(caught.value) is error
    assert "\n" not in message
    return message


def same_guide(one: Guide, other: Guide) -> bool:
    arrays = ("matrix", "matrix_bias", "slopes", "thresholds")
    same = all(np.array_equal(getattr(one, a), getattr(other, a)) for a in arrays)
    return same and one.bias == other.bias


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    numbers=st.lists(
        st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=109, max_size=109
    ),
    network=st.binary(max_size=200),
    card=st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
    steps=st.integers(),
)
def test_round_trip(
    tmp_path: Path, numbers: list[float], network: bytes, card: str, steps: int
) -> None:
    """Network, guide (to the last bit), card and facts come back as they were written."""
    values = np.array(numbers[:108], np.float32)
    guide = Guide(
        values[:9].reshape(3, 3),
        values[9:12],
        values[12:60].reshape(3, 16),
        values[60:].reshape(3, 16),
        bias=numbers[108],
    )
    path = tmp_path / "x.fivefold"
    written = write_bundle(
        path, **{**FACTS, "card": card}, network=network, guide=guide, training={"steps": steps}
    )
    bundle = Bundle.read(path)
    assert bundle.network == network
    assert bundle.card == card
    assert bundle.manifest == written
    assert bundle.manifest.training == {"steps": steps}
    assert bundle.source == str(path)
    assert same_guide(bundle.guide, guide)


def test_reads_from_a_file_object(bundle_path: Path) -> None:
    """An open file serves as well as a path."""
    with bundle_path.open("rb") as file:
        assert Bundle.read(file).manifest == Bundle.read(bundle_path).manifest


def test_equal_contents_give_equal_bytes(bundle_path: Path, tmp_path: Path, network: bytes) -> None:
    """Writing the same bundle twice gives the same file, so that its hash means something."""
    again = tmp_path / "again.fivefold"
    bundle = Bundle.read(bundle_path)
    manifest = bundle.manifest
    write_bundle(
        again,
        name=manifest.name,
        preset=manifest.preset,
        licence=manifest.licence,
        network=network,
        guide=bundle.guide,
        card=bundle.card,
    )
    assert again.read_bytes() == bundle_path.read_bytes()


def test_a_bundle_as_it_was_written_is_read_without_zipfile(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts are those that zipfile reads; any other archive is left to zipfile."""
    content = bundle_path.read_bytes()
    limits = dict.fromkeys(parts_of(bundle_path), 1 << 28)
    assert stored_parts(io.BytesIO(content), limits) == parts_of(bundle_path)
    for other in (
        content[:-1],
        content + b"\0",
        b"PK" + content,
        b"",
        content[: len(content) // 2],
    ):
        assert stored_parts(io.BytesIO(other), limits) is None
    repacked = archive_of(parts_of(bundle_path), zipfile.ZIP_DEFLATED)
    assert stored_parts(repacked, limits) is None
    assert stored_parts(io.BytesIO(content), {**limits, "network.onnx": 10}) is None
    monkeypatch.setitem(sys.modules, "zipfile", None)
    assert Bundle.read(bundle_path).card == FACTS_OF_TINY["card"]


def test_a_bundle_of_the_package_is_read_without_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What installed it has compared its hash; damage is found by checksums, as is a cut."""
    content = find_bundle().read_bytes()
    copy = tmp_path / "consensus.fivefold"
    copy.write_bytes(content)
    monkeypatch.setattr(enhancer, "_SHIPPED", tmp_path)
    monkeypatch.setitem(sys.modules, "hashlib", None)
    assert Enhancer.load().styles[0] == "consensus"
    middle = len(content) // 2
    changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for damaged in (content[:-1], content[:middle], changed):
        copy.write_bytes(damaged)
        with pytest.raises(BundleDamagedError, match=r"truncated|damaged"):
            Enhancer.load()


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_flipped_byte_is_refused_or_harmless(
    bundle_path: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """After any single byte is changed the bundle is refused, or reads exactly as before."""
    content = bytearray(bundle_path.read_bytes())
    # The network fills most of the file: look at what surrounds it as often as at itself.
    position = data.draw(
        st.integers(0, len(content) - 1)
        | st.integers(0, 1500)
        | st.integers(len(content) - 700, len(content) - 1)
    )
    content[position] ^= data.draw(st.integers(1, 255))
    before = Bundle.read(bundle_path)
    changed = tmp_path / "changed.fivefold"
    changed.write_bytes(content)
    for source, is_installed in ((io.BytesIO(content), False), (changed, False), (changed, True)):
        try:
            after = Bundle.read(source, is_installed=is_installed)
        except BundleError:
            continue
        assert after.manifest == before.manifest
        assert after.network == before.network
        assert after.card == before.card
        assert same_guide(after.guide, before.guide)


@settings(max_examples=60, deadline=None)
@given(kept=st.floats(0, 1, exclude_max=True))
def test_every_truncation_is_refused(bundle_path: Path, kept: float) -> None:
    """A bundle cut short anywhere is damaged."""
    content = bundle_path.read_bytes()
    refusal(io.BytesIO(content[: int(len(content) * kept)]))


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=400))
def test_random_bytes_are_no_bundle(content: bytes) -> None:
    """Arbitrary bytes are refused, whatever they are."""
    refusal(io.BytesIO(content))


def test_messages_name_the_file_and_the_reason(bundle_path: Path, tmp_path: Path) -> None:
    """The three common accidents are told apart: missing, another kind of file, cut short."""
    missing = tmp_path / "missing.fivefold"
    assert refusal(missing, BundleError) == f"{missing}: No such file or directory"
    other = tmp_path / "other.fivefold"
    other.write_text("hello")
    assert refusal(other) == f"{other}: not a fivefold bundle"
    other.write_bytes(b"")
    assert refusal(other) == f"{other}: the file is empty"
    other.write_bytes(bundle_path.read_bytes()[:-100])
    assert refusal(other) == f"{other}: truncated"


def test_a_newer_format_says_how_to_upgrade(bundle_path: Path) -> None:
    """A bundle of format 2 is not damaged: the user's program is too old."""
    message = refusal(with_manifest(bundle_path, format_version=2, novelty=1), BundleFormatError)
    assert "written by a newer fivefold" in message
    assert "pip install -U fivefold" in message


@pytest.mark.parametrize("version", [None, 0, -1, "1", 1.0, True])
def test_a_format_version_that_is_no_version_is_damage(bundle_path: Path, version: object) -> None:
    """Only a whole number from 1 is a version."""
    assert "is not a version" in refusal(with_manifest(bundle_path, format_version=version))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "../x"),
        ("name", 3),
        ("preset", ""),
        ("licence", "two\nlines"),
        ("created_by", "\x1b[31mred"),
        ("training", [1]),
        ("input_size_px", 512),
        ("surprise", 1),
        ("parts", {}),
        ("parts", ["network.onnx"]),
        ("parts", {"network.onnx": {"sha256": "0", "size_bytes": 1}}),
    ],
)
def test_a_manifest_with_a_wrong_value_is_refused(
    bundle_path: Path, key: str, value: object
) -> None:
    """Every fact is checked, and nothing can smuggle escape sequences to a terminal."""
    message = refusal(with_manifest(bundle_path, **{key: value}))
    assert "manifest.json" in message
    assert message.isprintable()


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000, '{"format_version": NaN}', "\udcff"])
def test_a_manifest_that_is_no_json_object_is_refused(bundle_path: Path, text: str) -> None:
    """Broken, deeply nested or non-standard JSON is damage, not a crash."""
    content = text.encode(errors="surrogateescape")
    assert "manifest.json" in refusal(archive_of({"manifest.json": content}))


@pytest.mark.parametrize("part", ["manifest.json", "network.onnx", "guide.json", "MODEL_CARD.md"])
def test_a_missing_part_is_named(bundle_path: Path, part: str) -> None:
    """The message says which part is not there."""
    parts = parts_of(bundle_path)
    del parts[part]
    assert f"{part} is missing" in refusal(archive_of(parts))


@pytest.mark.parametrize("part", ["network.onnx", "guide.json", "MODEL_CARD.md"])
def test_a_part_that_was_exchanged_does_not_match_its_hash(bundle_path: Path, part: str) -> None:
    """An archive repaired around a changed part is refused all the same."""
    parts = parts_of(bundle_path)
    changed = archive_of({**parts, part: parts[part] + b" "})
    assert f"{part} does not match its hash" in refusal(changed)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a\\..\\b", "C:evil", "network2.onnx"])
def test_unknown_parts_and_path_tricks_are_refused(bundle_path: Path, name: str) -> None:
    """Only the four known names are accepted; nothing is ever unpacked."""
    file = archive_of({**parts_of(bundle_path), name: b""})
    assert "unknown to this fivefold" in refusal(file, BundleFormatError)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_part_that_occurs_twice_is_refused(bundle_path: Path) -> None:
    """Two parts of one name would leave open which one counts."""
    file = io.BytesIO(bundle_path.read_bytes())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("network.onnx", b"other")
    file.seek(0)
    assert "occurs twice" in refusal(file)


def test_a_zip_bomb_is_refused_before_it_is_inflated(bundle_path: Path) -> None:
    """A compressed part is refused, whatever it would become."""
    parts = {**parts_of(bundle_path), "network.onnx": bytes(50_000_000)}
    file = archive_of(with_right_hashes(parts), zipfile.ZIP_DEFLATED)
    assert len(file.getvalue()) < 200_000
    assert "is compressed" in refusal(file)


def test_a_part_beyond_its_limit_is_refused(bundle_path: Path) -> None:
    """A card of two megabytes is no card."""
    parts = {**parts_of(bundle_path), "MODEL_CARD.md": bytes(2 << 20)}
    assert "MODEL_CARD.md is too large" in refusal(archive_of(with_right_hashes(parts)))


def test_a_file_beyond_the_limit_is_not_read_to_its_end(bundle_path: Path) -> None:
    """No more is read than a bundle can have."""

    class Endless(io.RawIOBase):
        name = "endless.fivefold"

        def read(self, size: int = -1) -> bytes:
            assert 0 < size < 300 << 20
            return bytes(size)

    assert refusal(Endless()) == "endless.fivefold: too large for a fivefold bundle"


@pytest.mark.parametrize(
    ("array", "value", "said"),
    [
        ("bias", 1e400, "finite"),
        ("slopes", [[1e300] * 16] * 3, "finite"),
        ("slopes", [[1.0] * 15] * 3, "shape"),
        ("slopes", [[1.0] * 16, [1.0]], ""),
        ("matrix", "abc", "numbers"),
        ("matrix", [[True] * 3] * 3, "numbers"),
        ("bias", [1.0], "one number"),
        ("extra", 1.0, "must have"),
    ],
)
def test_a_guide_that_cannot_be_right_is_refused(
    bundle_path: Path, array: str, value: object, said: str
) -> None:
    """Shapes, kinds and finiteness of the guide are checked even if its hash is right."""
    parts = parts_of(bundle_path)
    guide = {**json.loads(parts["guide.json"]), array: value}
    text = json.dumps(guide).replace("Infinity", "1e400")
    assert said in refusal(archive_of(with_right_hashes({**parts, "guide.json": text.encode()})))


def test_a_guide_with_nan_is_refused(bundle_path: Path) -> None:
    """NaN is not standard JSON."""
    parts = parts_of(bundle_path)
    text = parts["guide.json"].replace(b'"bias": 0.0', b'"bias": NaN')
    assert "NaN" in refusal(archive_of(with_right_hashes({**parts, "guide.json": text})))


def test_writing_into_a_missing_folder_is_said(tmp_path: Path, network: bytes) -> None:
    """A path that cannot be written is a BundleError that names it."""
    path = tmp_path / "missing" / "x.fivefold"
    with pytest.raises(BundleError, match="cannot be written"):
        write_bundle(path, **FACTS, network=network, guide=Guide.identity())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": "Has Spaces"}, ValueError),
        ({"licence": ""}, ValueError),
        ({"training": {"loss": float("nan")}}, ValueError),
        ({"training": {"model": object()}}, TypeError),
        ({"card": "x" * (2 << 20)}, ValueError),
    ],
)
def test_wrong_facts_are_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, object], error: type[Exception]
) -> None:
    """What could not be read back is not written."""
    path = tmp_path / "x.fivefold"
    with pytest.raises(error):
        write_bundle(path, **{**FACTS, **change}, network=b"", guide=Guide.identity())
    assert not any(tmp_path.iterdir())
