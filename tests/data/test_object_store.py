"""A Parquet set in an object store: every process reads its own part, and only that."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_parquet import contents, photos_in

from fivefold.data.addresses import data_path
from fivefold.data.parquet import open_with_datasets, read_parquet, write_parquet
from fivefold.data.sets import open_set
from fivefold.data.versions import PhotoVersions
from fivefold.errors import DataError
from s3_server import bucket, s3_server, session_environment

__all__ = ["bucket", "s3_server", "session_environment"]

pytest.importorskip("upath", reason="universal-pathlib is not installed: fivefold[s3]")

PROGRAM = """
import hashlib, json, sys
import s3fs.core
from fivefold.data.addresses import data_path
from fivefold.data.parquet import read_parquet
from fivefold.data.versions import share

fetched = 0
plain = s3fs.core.S3File._fetch_range

def fetch_range(self, start, end):
    global fetched
    fetched += end - start
    return plain(self, start, end)

s3fs.core.S3File._fetch_range = fetch_range
photos = read_parquet(data_path(sys.argv[1]))
footers = fetched
read = {}
for photo in share(photos, rank=int(sys.argv[2]), world_size=2, seed=5, epoch=1):
    for name, picture in {"input": photo.input, **photo.targets}.items():
        read[f"{photo.id} {name}"] = hashlib.sha256(picture.read_bytes()).hexdigest()
print(json.dumps({"read": read, "footers": footers, "pictures": fetched - footers}))
"""


@pytest.fixture
def stored(bucket: str, tmp_path: Path) -> tuple[list[PhotoVersions], str]:
    """Eight photos, and the address of a set of them in four files."""
    import fsspec

    photos = photos_in(tmp_path / "files", 8)
    write_parquet(photos, tmp_path / "set", shards=4)
    fsspec.filesystem("s3").put(str(tmp_path / "set"), f"{bucket}/set", recursive=True)
    return photos, f"{bucket}/set"


def test_a_set_reads_as_on_disk(stored: tuple[list[PhotoVersions], str]) -> None:
    """Byte for byte, and what a photo does not have stays absent."""
    photos, address = stored
    assert contents(read_parquet(data_path(address))) == contents(photos)
    assert len(open_set(data_path(address)).photos) == 8


def test_ranks_read_their_own_parts(stored: tuple[list[PhotoVersions], str]) -> None:
    """Two processes read every picture of every photo, none both of them, and not much besides."""
    photos, address = stored
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, address, str(rank)], stdout=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    first, second = (json.loads(process.communicate(timeout=120)[0]) for process in processes)
    assert not set(first["read"]) & set(second["read"])
    expected = {f"{photo.id} input" for photo in photos}
    expected |= {f"{photo.id} {style}" for photo in photos for style in photo.targets}
    assert set(first["read"]) | set(second["read"]) == expected
    whole = sum(
        len(picture.read_bytes())
        for photo in photos
        for picture in (photo.input, *photo.targets.values())
    )
    together = first["pictures"] + second["pictures"]
    assert whole < together < 1.2 * whole


def test_datasets_streams_from_the_store(stored: tuple[list[PhotoVersions], str]) -> None:
    """Hugging Face ``datasets`` shares the files out as it does on disk."""
    pytest.importorskip("datasets")
    photos, address = stored
    shares = [
        [row["id"] for row in open_with_datasets(data_path(address), rank=rank, world_size=2)]
        for rank in range(2)
    ]
    assert sorted(shares[0] + shares[1]) == [photo.id for photo in photos]
    assert shares[0]
    assert shares[1]


def test_training_from_the_store_is_training_from_disk(
    stored: tuple[list[PhotoVersions], str], tmp_path: Path
) -> None:
    """The same weights, bit for bit; pictures are fetched by worker processes."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("accelerate")
    from fivefold.model.weights import load_weights
    from fivefold.train.config import Source, TrainConfig
    from fivefold.train.loop import train

    config = TrainConfig(
        name="stored", preset="small", sources=(Source("set", targets=("expert_c",)),), epochs=1
    )
    weights = []
    for name, data in (("disk", tmp_path / "set"), ("store", data_path(stored[1]))):
        train(config, data, tmp_path / name, workers=1, show_progress=False)
        weights.append(load_weights(tmp_path / name / "weights.safetensors")[0].state_dict())
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name


def test_the_page_of_many_machines_runs(stored: tuple[list[PhotoVersions], str]) -> None:
    """The Python that it shows reads a set at the address that it names."""
    import fsspec

    store = fsspec.filesystem("s3")
    if not store.exists("bucket"):
        store.mkdir("bucket")
    store.copy(stored[1], "s3://bucket/set", recursive=True)
    page = Path(__file__).parents[2] / "docs/training_many_machines.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(example, page.name, "exec"), names)
    assert names["photos"]
    assert names["rows"]


def test_what_is_no_set_is_told(bucket: str) -> None:
    """Folders of pictures are read from local disks only; the message says so."""
    import fsspec

    with pytest.raises(DataError, match="no such file"):
        open_set(data_path(f"{bucket}/none"))
    fsspec.filesystem("s3").pipe_file(f"{bucket}/in/a.jpg", b"x")
    with pytest.raises(DataError, match="local disks only"):
        open_set(data_path(f"{bucket}/in"))
    with pytest.raises(DataError, match="nothing://x"):
        data_path("nothing://x")
