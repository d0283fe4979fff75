"""A set of photos as Parquet files: a row a photo, its pictures as they are encoded.

::

    SET/photos-00000-of-00004.parquet …    columns below, one row to a row group
    SET/_photos.json                       the files, their rows and hashes

Columns: ``id``; ``split``, the photo's part in each published split; ``rendition``; ``input``;
one column for each style (``expert_a`` …); ``mask`` where the set has masks. The files carry the
features of Hugging Face ``datasets``, which opens them as they are, pictures decoded.

A row group of one row makes any picture of any photo one read of just its bytes, from a file mapped
into memory or a range of an object in a store: training draws photos in any order, on any number of
workers and machines, without an index of its own and without a copy of the set. What photos there
are is in the files' footers.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.data.addresses import is_remote
from fivefold.data.splits import SPLITS, part_of
from fivefold.data.versions import PhotoVersions, styles_of
from fivefold.errors import DataError, MissingExtraError
from fivefold.photo.atomic import write_atomically

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa
    import pyarrow.parquet as pq

INDEX = "_photos.json"  # readers of Parquet folders pass over names like this
FORMAT = 1
SHARD_BYTES = 512 * 1024 * 1024
_FACTS = ("id", "split", "rendition")
_MASK = "mask"
_INPUT = "input"


@dataclass(frozen=True, order=True)
class StoredPicture:
    """A picture in a Parquet file; as good as a path to it.

    Attributes:
        file: The Parquet file.
        row: Of the file, from 0.
        column: ``"input"``, a style, or ``"mask"``.
    """

    file: Path
    row: int
    column: str

    def read_bytes(self) -> bytes:
        """The bytes of the picture's file.

        Raises:
            DataError: If the Parquet file is missing or damaged.
        """
        try:
            group = _mapped(self.file).read_row_group(
                self.row, columns=[self.column], use_threads=False
            )
            content: bytes = group.column(0)[0]["bytes"].as_py()
        except (OSError, ValueError, IndexError) as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"{self}: {reason}") from error
        return content

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}, {self.column}"


def write_parquet(
    photos: Sequence[PhotoVersions],
    out: Path,
    *,
    shards: int | None = None,
    on_photo: Callable[[int, int], None] = lambda *_: None,
) -> None:
    """Write a set; its pictures are stored as they are encoded, byte for byte.

    Args:
        photos: The set. Photos go round the files, so that each file is a fair sample.
        out: The folder; it may not hold another set.
        shards: How many files; by default as many as make them half a gibibyte each. Give at
            least one for each worker that will stream the set.
        on_photo: Called with the number of photos written, and in all.

    Raises:
        DataError: If ``out`` holds a set, cannot be written, or a picture cannot be read.
        ValueError: For no photo, fewer photos than shards, or a style with a reserved name.
        MissingExtraError: If pyarrow is not installed.
    """
    parquet = _pyarrow_parquet()
    styles = styles_of(photos)
    reserved = {*_FACTS, _INPUT, _MASK} & set(styles)
    if reserved:
        raise ValueError(f"styles must not be {sorted(reserved)}, which are columns of every set")
    if not photos:
        raise ValueError("photos must be at least one, received none")
    shards = shards or _shards_for(photos)
    if not 1 <= shards <= len(photos):
        raise ValueError(f"shards must be 1 to {len(photos)}, received {shards}")
    if (out / INDEX).exists():
        raise DataError(f"{out}: holds a set already; choose another folder")
    has_mask = any(photo.mask is not None for photo in photos)
    schema = _schema(styles, has_mask=has_mask)
    files = []
    written = 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        for shard in range(shards):
            rows = photos[shard::shards]
            path = out / f"photos-{shard:05d}-of-{shards:05d}.parquet"
            part = path.with_name(path.name + ".part")
            with parquet.ParquetWriter(
                part,
                schema,
                compression="none",  # pictures are compressed already
                use_dictionary=False,
                write_page_checksum=True,
            ) as writer:
                for photo in rows:
                    writer.write_table(_row(photo, schema), row_group_size=1)
                    written += 1
                    on_photo(written, len(photos))
            part.replace(path)
            files.append(_facts_of(path, len(rows)))
        index = {"format": FORMAT, "styles": styles, "files": files}
        write_atomically(out / INDEX, [json.dumps(index, indent=2).encode()])
    except OSError as error:
        raise DataError(f"{out}: {error.strerror or error}") from error


def read_parquet(folder: Path) -> list[PhotoVersions]:
    """The photos of a set, sorted by id; pictures stay in their files until they are read.

    Raises:
        DataError: If there is no set, or it is damaged.
        MissingExtraError: If pyarrow is not installed.
    """
    photos = []
    for path, facts in _files(folder):
        try:
            file = _mapped(path)
            names = [name for name in file.schema_arrow.names if name not in _FACTS]
            # Which cells are empty is in the columns' metadata: no picture is read for it.
            nulls = [_empty_cells(file, row) for row in range(file.num_row_groups)]
            ids, renditions = (_texts(file, name) for name in ("id", "rendition"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: {str(error).splitlines()[0]}") from error
        if file.num_row_groups != facts["rows"]:
            raise DataError(f"{path}: has {file.num_row_groups} photos, not {facts['rows']}")
        for row, (photo_id, rendition) in enumerate(zip(ids, renditions, strict=True)):
            cells = {
                name: StoredPicture(path, row, name) for name in names if name not in nulls[row]
            }
            photos.append(
                PhotoVersions(
                    id=photo_id,
                    input=cells.pop(_INPUT),
                    mask=cells.pop(_MASK, None),
                    targets=cells,
                    rendition=rendition,
                )
            )
    return sorted(photos, key=lambda photo: (photo.id, photo.rendition))


def verify_parquet(folder: Path) -> list[str]:
    """Compare every file of a set with its recorded hash; a line for each that differs.

    Raises:
        DataError: If there is no set.
    """
    problems = []
    for path, facts in _files(folder):
        if not path.is_file():
            problems.append(f"{path}: is missing")
        elif _facts_of(path, facts["rows"]) != facts:
            problems.append(f"{path}: was changed")
    return problems


def open_with_datasets(
    folder: Path, *, rank: int = 0, world_size: int = 1
) -> datasets.IterableDataset:
    """Stream a set with Hugging Face ``datasets``, without a copy in its cache.

    Args:
        folder: Of the set.
        rank: Of this process.
        world_size: Processes in all; files are shared out where their number is a multiple.

    Raises:
        DataError: If there is no set.
        MissingExtraError: If ``datasets`` is not installed.
    """
    files = [str(path) for path, _ in _files(folder)]
    try:
        from datasets import load_dataset
        from datasets.distributed import split_dataset_by_node
    except ImportError as error:
        raise MissingExtraError("Hugging Face datasets", "data") from error
    rows = load_dataset("parquet", data_files={"photos": files}, split="photos", streaming=True)
    return split_dataset_by_node(rows, rank=rank, world_size=world_size)


def is_parquet_set(folder: Path) -> bool:
    """Whether a folder holds a set written by :func:`write_parquet`."""
    return (folder / INDEX).is_file()


def _shards_for(photos: Sequence[PhotoVersions]) -> int:
    """So many that a file has half a gibibyte, judged by the first photo of every hundred."""
    sample = photos[::100]
    mean = sum(len(c.read_bytes()) for p in sample for c in _cells(p).values()) / len(sample)
    return min(len(photos), max(1, round(mean * len(photos) / SHARD_BYTES)))


def _cells(photo: PhotoVersions) -> dict[str, Any]:
    masks = {} if photo.mask is None else {_MASK: photo.mask}
    return {_INPUT: photo.input, **photo.targets, **masks}


def _schema(styles: Sequence[str], *, has_mask: bool) -> pa.Schema:
    import pyarrow as pa

    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    text = {"dtype": "string", "_type": "Value"}
    names = [_INPUT, *styles, *([_MASK] if has_mask else [])]
    features = {
        "id": text,
        "split": dict.fromkeys(SPLITS, text),
        "rendition": text,
        **{name: {"_type": "Image"} for name in names},
    }
    fields = [
        ("id", pa.string()),
        ("split", pa.struct([(split, pa.string()) for split in SPLITS])),
        ("rendition", pa.string()),
        *((name, picture) for name in names),
    ]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def _row(photo: PhotoVersions, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    values: dict[str, Any] = dict.fromkeys(schema.names)
    values["id"], values["rendition"] = photo.id, photo.rendition
    values["split"] = {split: part_of(photo.id, split) for split in SPLITS}
    for name, picture in _cells(photo).items():
        try:
            values[name] = {"bytes": picture.read_bytes(), "path": f"{photo.id}.{name}"}
        except OSError as error:
            raise DataError(f"{picture}: {error.strerror}") from error
    return pa.Table.from_pylist([values], schema=schema)


def _facts_of(path: Path, rows: int) -> dict[str, Any]:
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"name": path.name, "rows": rows, "size_bytes": path.stat().st_size, "sha256": sha256}


def _files(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    path = folder / INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise DataError(f"{path}: is of format {index['format']}, not {FORMAT}")
        return [(folder / Path(facts["name"]).name, facts) for facts in index["files"]]
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or 'no such file'}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path}: is damaged") from error


def _empty_cells(file: pq.ParquetFile, row: int) -> set[str]:
    """The picture columns in which a row holds nothing, by their counts of nulls."""
    group = file.metadata.row_group(row)
    columns = (group.column(i) for i in range(group.num_columns))
    return {
        column.path_in_schema.split(".")[0]
        for column in columns
        if column.path_in_schema.endswith(".bytes") and column.statistics.null_count
    }


def _texts(file: pq.ParquetFile, column: str) -> list[str]:
    """A column of short texts: from the footer, where one text in a row group is its minimum."""
    groups = (file.metadata.row_group(row) for row in range(file.num_row_groups))
    names = [file.metadata.schema.column(i).path for i in range(file.metadata.num_columns)]
    index = names.index(column)
    found = [group.column(index).statistics for group in groups]
    if all(facts is not None and facts.has_min_max and facts.min == facts.max for facts in found):
        return [str(facts.min) for facts in found]
    texts: list[str] = file.read(columns=[column], use_threads=False).column(0).to_pylist()
    return texts


_local = threading.local()


def _mapped(path: Path) -> pq.ParquetFile:
    """A file mapped into memory, once a thread: readers must not be shared between threads.

    One in a store is kept open instead, once a process too, since connections do not survive a
    fork; only the ranges that are asked for are fetched.
    """
    files: dict[tuple[int, Path], tuple[int, pq.ParquetFile]]
    files = _local.__dict__.setdefault("files", {})
    key = (os.getpid(), path)
    changed_at = 0 if is_remote(path) else path.stat().st_mtime_ns
    if key not in files or files[key][0] != changed_at:
        source: Any = path
        if is_remote(path):
            source = source.fs.open(source.path, "rb", cache_type="none")
        file = _pyarrow_parquet().ParquetFile(
            source, memory_map=True, page_checksum_verification=True
        )
        files[key] = changed_at, file
    return files[key][1]


def _pyarrow_parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("Parquet (pyarrow)", "data") from error
    return pyarrow.parquet
