from __future__ import annotations

import hashlib
import io
import json
import pickle
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fivefold.data.encoded import decode
from fivefold.data.parquet import (
    StoredPicture,
    is_parquet_set,
    open_with_datasets,
    read_parquet,
    verify_parquet,
    write_parquet,
)
from fivefold.data.versions import EXPERT_STYLES, PhotoVersions, share, styles_of
from fivefold.errors import DataError, PhotoReadError

pytest.importorskip("pyarrow")


def png(seed: int, size: tuple[int, int] = (48, 32)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def photos_in(folder: Path, count: int = 7) -> list[PhotoVersions]:
    """``count`` photos; photo 2 lacks expert B, photo 3 has a mask, photo 4 no expert at all."""
    folder.mkdir(exist_ok=True)
    photos = []
    for n in range(1, count + 1):
        files = {}
        for i, name in enumerate(["input", *EXPERT_STYLES, "mask"]):
            files[name] = folder / f"{n}-{name}.png"
            files[name].write_bytes(png(100 * n + i))
        targets = {s: files[s] for s in EXPERT_STYLES if (n, s) != (2, "expert_b") and n != 4}
        mask = files["mask"] if n == 3 else None
        photos.append(PhotoVersions(f"a{n:04d}", files["input"], targets, "developed", mask))
    return photos


@pytest.fixture
def photos(tmp_path: Path) -> list[PhotoVersions]:
    return photos_in(tmp_path / "files")


def contents(photos: list[PhotoVersions]) -> list[object]:
    return [
        (
            photo.id,
            photo.rendition,
            photo.input.read_bytes(),
            {style: target.read_bytes() for style, target in photo.targets.items()},
            photo.mask.read_bytes() if photo.mask is not None else None,
        )
        for photo in photos
    ]


@pytest.mark.parametrize("shards", [1, 3, 7])
def test_a_set_comes_back(photos: list[PhotoVersions], tmp_path: Path, shards: int) -> None:
    """Every picture is stored byte for byte, and what a photo does not have stays absent."""
    out = tmp_path / "set"
    write_parquet(photos, out, shards=shards)
    assert is_parquet_set(out)
    assert len(list(out.glob("*.parquet"))) == shards
    assert not list(out.glob("*.part"))
    assert contents(read_parquet(out)) == contents(photos)


def test_pictures_decode(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """A stored picture decodes like the file that it came from."""
    write_parquet(photos, tmp_path / "set")
    for stored, file in zip(read_parquet(tmp_path / "set"), photos, strict=True):
        np.testing.assert_array_equal(decode(stored.input).pixels, decode(file.input).pixels)


def test_the_published_splits_are_columns(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """Each row says which part of each split it is in; photos outside of FiveK are in none."""
    import pyarrow.parquet as pq

    mine = PhotoVersions("DSC_1", photos[0].input)
    write_parquet([*photos, mine], tmp_path / "set", shards=1)
    rows = pq.read_table(tmp_path / "set", columns=["id", "split"]).to_pylist()
    splits = {row["id"]: row["split"] for row in rows}
    assert splits["a0004"] == {"lut3d": "test", "dpe": "train", "upe": "train"}
    assert splits["DSC_1"] == {"lut3d": None, "dpe": None, "upe": None}


def test_datasets_opens_it(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """Hugging Face ``datasets`` streams the files as they are and decodes the pictures."""
    pytest.importorskip("datasets")
    write_parquet(photos, tmp_path / "set", shards=4)
    rows = {row["id"]: row for row in open_with_datasets(tmp_path / "set")}
    assert sorted(rows) == [photo.id for photo in photos]
    picture = rows["a0002"]["expert_c"]
    assert isinstance(picture, Image.Image)
    np.testing.assert_array_equal(np.asarray(picture), decode(photos[1].targets["expert_c"]).pixels)
    assert rows["a0002"]["expert_b"] is None
    assert rows["a0004"]["split"]["lut3d"] == "test"


def test_datasets_shares_it_out(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """Two processes together see every photo once."""
    pytest.importorskip("datasets")
    write_parquet(photos, tmp_path / "set", shards=4)
    shares = [
        [row["id"] for row in open_with_datasets(tmp_path / "set", rank=rank, world_size=2)]
        for rank in range(2)
    ]
    assert sorted(shares[0] + shares[1]) == [photo.id for photo in photos]
    assert shares[0]
    assert shares[1]


def test_many_threads_read_at_once(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """Readers in several threads do not disturb each other."""
    write_parquet(photos, tmp_path / "set", shards=2)
    stored = read_parquet(tmp_path / "set") * 40
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda photo: photo.input.read_bytes(), stored))
    assert read == [photo.input.read_bytes() for photo in photos] * 40


def test_another_process_reads_it(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """A picture's address can be sent to a worker process, which opens the file itself."""
    write_parquet(photos, tmp_path / "set", shards=2)
    address = pickle.dumps(read_parquet(tmp_path / "set")[4].targets["expert_d"])
    program = (
        "import pickle, sys, hashlib\n"
        "address = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "print(hashlib.sha256(address.read_bytes()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, address.hex()], capture_output=True, text=True, check=True
    )
    expected = hashlib.sha256(photos[4].targets["expert_d"].read_bytes()).hexdigest()
    assert done.stdout.strip() == expected


def test_a_flipped_byte_is_noticed(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """Damage is told by the hashes of the files, and by the checksum of the page when read."""
    out = tmp_path / "set"
    write_parquet(photos, out, shards=1)
    assert verify_parquet(out) == []
    (path,) = out.glob("*.parquet")
    content = bytearray(path.read_bytes())
    at = content.find(photos[2].targets["expert_e"].read_bytes()) + 60
    content[at] ^= 1
    path.write_bytes(content)
    assert verify_parquet(out) == [f"{path}: was changed"]
    damaged = StoredPicture(path, 2, "expert_e")
    with pytest.raises(DataError, match=r"row 2, expert_e"):
        damaged.read_bytes()
    path.unlink()
    assert verify_parquet(out) == [f"{path}: is missing"]
    with pytest.raises(DataError, match=r"\.parquet"):
        read_parquet(out)


def test_a_set_is_not_overwritten(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """Writing over a set would mix two."""
    write_parquet(photos, tmp_path / "set")
    with pytest.raises(DataError, match="holds a set already"):
        write_parquet(photos[:2], tmp_path / "set")


def test_an_interrupted_set_is_no_set(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """The index comes last: without it nothing is taken for a set, and writing starts over."""
    lost = PhotoVersions("a0008", tmp_path / "lost.png")
    with pytest.raises(DataError, match=r"lost\.png"):
        write_parquet([*photos, lost], tmp_path / "set", shards=2)
    assert not is_parquet_set(tmp_path / "set")
    write_parquet(photos, tmp_path / "set", shards=2)
    assert len(read_parquet(tmp_path / "set")) == 7


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', '{"format": 1, "files": [{}]}'])
def test_a_damaged_index_is_told(tmp_path: Path, content: str) -> None:
    """The message names the file."""
    (tmp_path / "_photos.json").write_text(content)
    with pytest.raises(DataError, match=r"_photos\.json"):
        read_parquet(tmp_path)


def test_mistakes_of_the_caller(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """No photo, too many files, and styles that would hide a column."""
    with pytest.raises(ValueError, match="at least one"):
        write_parquet([], tmp_path / "set")
    with pytest.raises(ValueError, match="1 to 7, received 8"):
        write_parquet(photos, tmp_path / "set", shards=8)
    with pytest.raises(ValueError, match="mask"):
        write_parquet([PhotoVersions("x", photos[0].input, {"mask": photos[0].input})], tmp_path)


def test_progress(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """Every photo is counted once."""
    seen: list[tuple[int, int]] = []
    write_parquet(photos, tmp_path / "set", shards=3, on_photo=lambda *n: seen.append(n))
    assert seen == [(n, 7) for n in range(1, 8)]


def test_the_index_lists_files_and_hashes(photos: list[PhotoVersions], tmp_path: Path) -> None:
    """Anyone can check the files without this program."""
    out = tmp_path / "set"
    write_parquet(photos, out, shards=2)
    index = json.loads((out / "_photos.json").read_text())
    assert index["styles"] == list(EXPERT_STYLES)
    for facts in index["files"]:
        content = (out / facts["name"]).read_bytes()
        assert facts["sha256"] == hashlib.sha256(content).hexdigest()
    assert sum(facts["rows"] for facts in index["files"]) == 7


@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
def test_shares_are_fair_and_disjoint(photos: list[PhotoVersions], world_size: int) -> None:
    """Every process gets equally many, no photo twice, and at most a few are left out."""
    shares = [
        [p.id for p in share(photos, rank=rank, world_size=world_size, seed=3, epoch=1)]
        for rank in range(world_size)
    ]
    assert {len(s) for s in shares} == {7 // world_size}
    assert Counter(chain(*shares)).most_common(1)[0][1] == 1


def test_orders_are_a_function_of_seed_and_epoch(photos: list[PhotoVersions]) -> None:
    """Same arguments, same order; another epoch or seed, another; no seed, the set's own."""

    def order(**options: int) -> list[str]:
        return [photo.id for photo in share(photos, **options)]

    assert order(seed=1, epoch=2) == order(seed=1, epoch=2)
    assert order(seed=1, epoch=2) != order(seed=1, epoch=3)
    assert order(seed=1) != order(seed=2)
    assert order() == [photo.id for photo in photos]
    with pytest.raises(ValueError, match="rank must be 0 to 1, received 2"):
        list(share(photos, rank=2, world_size=2))


def test_styles_list_experts_first(photos: list[PhotoVersions]) -> None:
    """Columns and tables come in one order everywhere."""
    odd = PhotoVersions("x", photos[0].input, {"a_look": photos[0].input})
    assert styles_of([odd, *photos]) == [*EXPERT_STYLES, "a_look"]


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    """Decoding a file that went away names it."""
    with pytest.raises(PhotoReadError, match=r"gone\.png"):
        decode(tmp_path / "gone.png")
