"""Every way to fail: one line that names file and reason, and nothing half done."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import tempfile
import textwrap
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from photo_samples import exif_block, pillow_file, random_photo, smooth_photo
from PIL import Image

from fivefold.errors import (
    PhotoError,
    PhotoReadError,
    PhotoTooLargeError,
    PhotoWriteError,
    UnsupportedPhotoError,
)
from fivefold.photo.atomic import PARTIAL_SUFFIX
from fivefold.photo.files import encode_photo, read_photo, write_photo

FORMATS = ["JPEG", "PNG", "TIFF", "WEBP"]


@pytest.fixture
def ordinary_folder():
    """An empty folder, in a test that runs without root's right to read and write everything."""
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() != 0:
            yield Path(name)
            return
        os.chown(name, 65534, 65534)
        os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)


def refusal(source: object, **options: object) -> str:
    """The message of the error that reading gives; it is one line."""
    with pytest.raises(PhotoError) as caught:
        read_photo(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_missing_file(tmp_path):
    """A path that does not exist is named."""
    path = tmp_path / "missing.jpg"
    assert refusal(path) == f"{path}: no such file or directory"


def test_folder(tmp_path):
    """A folder is called one."""
    assert refusal(tmp_path) == f"{tmp_path}: is a folder, not a photo"


def test_empty_file(tmp_path):
    """An empty file is called empty."""
    path = tmp_path / "empty.jpg"
    path.touch()
    assert refusal(path) == f"{path}: the file is empty"


def test_text_renamed_to_jpeg(tmp_path):
    """Text with the name of a photo is no picture."""
    path = tmp_path / "text.jpg"
    path.write_text("Dear diary,")
    assert refusal(path) == f"{path}: not a picture, or of a format that is not handled"


def test_unreadable_file(ordinary_folder):
    """A file without read permission is refused with that reason."""
    path = ordinary_folder / "secret.png"
    write_photo(smooth_photo(), path)
    path.chmod(0)
    assert refusal(path) == f"{path}: permission denied"


def test_names_with_line_breaks_stay_on_one_line(tmp_path):
    """Control characters in a name are shown as escapes."""
    assert "two\\nlines.png" in refusal(tmp_path / "two\nlines.png")


def test_the_caller_names_a_stream():
    """A stream's errors carry the name given for it."""
    assert refusal(io.BytesIO(b""), name="standard input").startswith("standard input: ")


@pytest.mark.parametrize("file_format", FORMATS)
def test_truncated_files_are_refused(file_format):
    """Cut anywhere, a file is refused: grey filling is never taken for a photo."""
    photo = replace(smooth_photo((200, 300)), icc_profile=None)
    whole = encode_photo(photo, format=file_format)
    for kept in [*range(0, len(whole), max(1, len(whole) // 40)), len(whole) - 1]:
        with pytest.raises(PhotoReadError):
            read_photo(whole[:kept])


def test_truncated_tiff_with_the_directory_first():
    """A TIFF whose strips are cut off, though its directory is whole, is refused as truncated."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, random_photo((200, 300)).pixels, photometric="rgb")
    assert "truncated" in refusal(buffer.getvalue()[:-100])


def test_progressive_jpeg_cut_between_scans_is_refused():
    """A progressive JPEG that lost its last scans is refused, not shown blurred."""
    coded = pillow_file(Image.fromarray(random_photo((99, 99)).pixels), "JPEG", progressive=True)
    read_photo(coded)
    last_scan = coded.rfind(b"\xff\xda")
    assert "truncated" in refusal(coded[:last_scan])


def test_stray_bytes_around_a_jpeg_do_no_harm():
    """Padding before a marker and trailing data are common in real files and accepted."""
    coded = encode_photo(smooth_photo(), format="JPEG")
    expected = read_photo(coded).pixels
    for dressed in (
        coded + b"trailer" * 99,
        coded[:-2] + bytes(3) + coded[-2:],
        coded[:2] + b"\xff\xff" + coded[2:],
    ):
        np.testing.assert_array_equal(read_photo(dressed).pixels, expected)


@pytest.mark.parametrize("file_format", FORMATS)
def test_pixel_limit(file_format):
    """A photo of more pixels than the limit is refused before it is decoded; at the limit not."""
    coded = encode_photo(smooth_photo((20, 30)), format=file_format)
    read_photo(coded, max_pixels=600)
    with pytest.raises(PhotoTooLargeError, match="30 × 20 pixels are more than the limit of 599"):
        read_photo(coded, max_pixels=599)


def test_decompression_bombs_are_refused_by_their_header():
    """Files of a few bytes that claim gigapixels are refused without taking memory for them."""
    png = bytearray(encode_photo(smooth_photo(), format="PNG"))
    png[16:24] = (90_000).to_bytes(4, "big") * 2
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    with pytest.raises(PhotoTooLargeError):
        read_photo(bytes(png))


def test_several_pages_are_refused():
    """A TIFF document of three pages and animated WebP are no photos; previews do not count."""
    pages = np.zeros((3, 20, 30, 3), np.uint8)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pages, photometric="rgb")
    assert "3 pages" in refusal(buffer.getvalue())
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(pages[0], photometric="rgb")
        writer.write(pages[1, ::2, ::2], photometric="rgb", subfiletype=1)
    assert read_photo(buffer.getvalue()).pixels.shape == (20, 30, 3)
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    coded = pillow_file(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    assert "animated" in refusal(coded)


def test_tiffs_of_other_colour_kinds_are_refused():
    """A TIFF of Lab colours is refused by name."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((20, 30, 3), np.uint8), photometric="cielab")
    with pytest.raises(UnsupportedPhotoError, match="CIELAB"):
        read_photo(buffer.getvalue())


def test_infinite_pixels_are_refused():
    """A floating-point TIFF with NaN is refused with that reason."""
    photo = random_photo(dtype=np.float32)
    photo.pixels[3, 4] = np.nan
    assert "not finite" in refusal(encode_photo(photo, format="TIFF"))


@pytest.mark.parametrize("format_and_size", [("JPEG", 65_501), ("WEBP", 16_384)])
def test_sides_beyond_the_format_are_refused(tmp_path, format_and_size):
    """Too long a side for JPEG or WebP is a write error that says so."""
    file_format, side_px = format_and_size
    with pytest.raises(PhotoWriteError, match="at most"):
        write_photo(random_photo((1, side_px)), tmp_path / "long", format=file_format)
    assert list(tmp_path.iterdir()) == []


def test_an_array_is_no_photo(tmp_path):
    """A bare array raises a TypeError that says what was expected, and writes nothing."""
    array = smooth_photo().pixels
    with pytest.raises(TypeError, match="expected a Photo, received ndarray"):
        write_photo(array, tmp_path / "photo.jpg")
    with pytest.raises(TypeError, match="expected a Photo, received ndarray"):
        encode_photo(array, format="JPEG")
    assert list(tmp_path.iterdir()) == []


def test_missing_target_folder(tmp_path):
    """Writing into a folder that does not exist names the target and the reason."""
    path = tmp_path / "nowhere" / "photo.jpg"
    with pytest.raises(PhotoWriteError) as caught:
        write_photo(smooth_photo(), path)
    assert str(caught.value) == f"{path}: no such file or directory"


def test_target_is_a_folder(tmp_path):
    """A folder is never replaced."""
    with pytest.raises(PhotoWriteError, match="directory"):
        write_photo(smooth_photo(), tmp_path, format="PNG")
    assert list(tmp_path.iterdir()) == []


def test_read_only_folder_and_file(ordinary_folder):
    """A folder or a file without write permission is left as it is."""
    path = ordinary_folder / "photo.png"
    write_photo(smooth_photo(), path)
    before = path.read_bytes()
    path.chmod(0o444)
    with pytest.raises(PhotoWriteError, match="permission denied"):
        write_photo(random_photo(), path)
    ordinary_folder.chmod(0o555)
    with pytest.raises(PhotoWriteError, match="permission denied"):
        write_photo(random_photo(), ordinary_folder / "other.png")
    ordinary_folder.chmod(0o755)
    assert path.read_bytes() == before
    assert [p.name for p in ordinary_folder.iterdir()] == ["photo.png"]


def in_subprocess(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script with the package importable and warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        check=False,
    )


def test_full_disk(tmp_path):
    """When the disk takes no more, the old file is intact, no partial one stays, and it is said."""
    resource = pytest.importorskip("resource")
    assert resource.RLIMIT_FSIZE
    target = tmp_path / "photo.png"
    write_photo(smooth_photo(), target)
    before = target.read_bytes()
    script = """
        import resource, signal, sys
        import numpy as np
        from fivefold.errors import PhotoWriteError
        from fivefold.photo.files import write_photo
        from fivefold.photo.image import Photo
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
        try:
            write_photo(Photo(noise), sys.argv[1])
        except PhotoWriteError as error:
            print(error)
    """
    done = in_subprocess(script, target)
    assert done.stdout == f"{target}: file too large\n", done.stderr
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_full_disk_on_a_small_file_system(tmp_path):
    """The same on a real file system of 64 KiB, where this may be mounted."""
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("only root mounts a file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        target = tmp_path / "photo.png"
        write_photo(smooth_photo(), target)
        before = target.read_bytes()
        with pytest.raises(PhotoWriteError, match="no space left on device"):
            write_photo(random_photo((300, 300)), target)
        assert target.read_bytes() == before
        assert list(tmp_path.iterdir()) == [target]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_writing_is_atomic(tmp_path, monkeypatch):
    """The target never holds part of a file: the temporary one has another name until whole."""
    target = tmp_path / "photo.png"
    seen: list[list[str]] = []
    replace_file = Path.replace

    def watched(self: Path, other: Path) -> Path:
        seen.append(sorted(p.name for p in tmp_path.iterdir()))
        assert self.read_bytes() == encode_photo(smooth_photo(), format="PNG")
        return replace_file(self, other)

    monkeypatch.setattr(Path, "replace", watched)
    write_photo(smooth_photo(), target)
    assert len(seen) == 1
    assert [name.endswith(PARTIAL_SUFFIX) for name in seen[0]] == [True]
    assert list(tmp_path.iterdir()) == [target]


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    """Ctrl-C while writing removes the temporary file."""

    def interrupt(self: Path, other: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_photo(smooth_photo(), tmp_path / "photo.png")
    assert list(tmp_path.iterdir()) == []


def test_permissions_and_links_are_kept(tmp_path):
    """Replacing a file keeps its mode; writing through a symbolic link replaces what it names."""
    path, link = tmp_path / "photo.png", tmp_path / "link.png"
    write_photo(smooth_photo(), path)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    link.symlink_to(path.name)
    write_photo(random_photo(), link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    np.testing.assert_array_equal(read_photo(path).pixels, random_photo().pixels)


def test_devices_are_written_directly():
    """/dev/null and its like are no files to replace."""
    if not Path("/dev/null").is_char_device():
        pytest.skip("no /dev/null here")
    write_photo(smooth_photo(), "/dev/null", format="PNG")
    assert Path("/dev/null").is_char_device()


def test_libraries_say_nothing(tmp_path):
    """Reading damaged files of all formats prints nothing, not even from C."""
    paths = []
    photo = replace(smooth_photo(), metadata=type(smooth_photo().metadata)(exif=exif_block()))
    for file_format in FORMATS:
        whole = encode_photo(photo, format=file_format)
        for i, damaged in enumerate([whole[:-30], whole[:60] + bytes(40) + whole[100:]]):
            path = tmp_path / f"{i}.{file_format}"
            path.write_bytes(damaged)
            paths.append(path)
    script = """
        import sys
        from fivefold.errors import PhotoError
        from fivefold.photo.files import read_photo
        for path in sys.argv[1:]:
            try:
                read_photo(path)
            except PhotoError:
                pass
    """
    done = in_subprocess(script, *paths)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_jpeg_needs_no_other_library():
    """JPEG to JPEG imports neither Pillow nor tifffile nor imagecodecs: a cold start is short."""
    script = """
        import sys
        import numpy as np
        from fivefold.photo.files import encode_photo, read_photo
        from fivefold.photo.image import Photo
        photo = Photo(np.zeros((8, 8, 3), np.uint8))
        read_photo(encode_photo(read_photo(encode_photo(photo, format="JPEG"))))
        print(sorted({"PIL", "tifffile", "imagecodecs"} & sys.modules.keys()))
    """
    assert in_subprocess(script).stdout == "[]\n"
