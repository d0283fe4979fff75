"""The package's public face: its names, and what using it does not load."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fivefold
from fivefold.bench.contest import program
from fivefold.kernels import engine
from tiny_bundle import bundle_path, network

__all__ = ["bundle_path", "network"]


def loaded_by(code: str, *arguments: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after running ``code``."""
    code += "\nimport sys\nprint('\\n', *{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", code, *arguments]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return set(out.splitlines()[-1].split())


def test_every_public_name_is_there() -> None:
    """``__all__`` is sorted, complete for ``dir``, and each name resolves and is documented."""
    assert fivefold.__all__ == sorted(fivefold.__all__)
    assert set(fivefold.__all__) <= set(dir(fivefold))
    for name in fivefold.__all__:
        value = getattr(fivefold, name)
        assert isinstance(value, str) or value.__doc__


def test_type_checkers_see_the_same_names() -> None:
    """What is resolved lazily is also imported for type checkers, name by name."""
    source = ast.parse(Path(fivefold.__file__).read_text())
    (block,) = (node for node in source.body if isinstance(node, ast.If))
    seen = {"__version__"}
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                seen.add(alias.name)
                home = sys.modules[getattr(fivefold, alias.name).__module__]
                assert home.__name__ == node.module
    assert seen == set(fivefold.__all__)


def test_every_error_is_public() -> None:
    """Who catches an error can name it."""
    from fivefold import errors

    kinds = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert kinds <= set(fivefold.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The message is the usual one."""
    with pytest.raises(AttributeError, match="module 'fivefold' has no attribute 'nothing'"):
        _ = fivefold.nothing


def test_import_loads_nothing_heavy() -> None:
    """``import fivefold`` costs next to nothing."""
    assert not {"numpy", "PIL", "onnxruntime", "torch"} & loaded_by("import fivefold")


def test_enhancing_never_imports_torch(bundle_path: Path, tmp_path: Path) -> None:
    """Neither the command nor the library load torch, or any tool of development."""
    code = """
import sys
import numpy as np
import fivefold
from fivefold.cli import main

bundle, folder = sys.argv[1:]
photo = fivefold.Photo(np.full((20, 30, 3), 100, np.uint8))
fivefold.write_photo(photo, folder + "/a.jpg")
assert main(["enhance", folder, "--bundle", bundle, "-o", folder + "/out"]) == 0
assert main(["info", "--json"]) == 0
assert fivefold.Enhancer.load(bundle)(photo, 0.5).pixels.mean() > 100
for name in fivefold.__all__:
    getattr(fivefold, name)
"""
    loaded = loaded_by(code, str(bundle_path), str(tmp_path))
    assert {"numpy", "onnxruntime"} <= loaded
    assert not {"torch", "onnx", "safetensors", "accelerate", "pytest", "scipy"} & loaded


def test_one_photo_loads_little(tmp_path: Path) -> None:
    """The command on a JPEG loads nothing that takes longer to start than the photo takes."""
    code = """
import sys
import numpy as np
import fivefold
from fivefold.cli import main

path = sys.argv[1] + "/photo.jpg"
fivefold.write_photo(fivefold.Photo(np.full((20, 30, 3), 100, np.uint8)), path)
assert main(["enhance", path]) == 0
"""
    loaded = loaded_by(code, str(tmp_path))
    slow = {"onnxruntime", "PIL", "imagecodecs", "tifffile", "tqdm", "email", "http", "ssl", "csv"}
    assert not slow & loaded


def test_one_photo_is_decoded_before_the_model_is_loaded(tmp_path: Path) -> None:
    """What decodes is imported first, so that the rest loads meanwhile; what is not used, never."""
    photo = tmp_path / "photo.jpg"
    fivefold.write_photo(fivefold.Photo(np.full((20, 30, 3), 100, np.uint8)), photo)
    code = "import sys; from fivefold.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    command = [sys.executable, "-c", code, "enhance", str(photo), "-o", str(tmp_path / "out.jpg")]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert loaded.index("fivefold.photo.jpeg") < loaded.index("fivefold.runtime.enhancer")
    assert loaded.index("simplejpeg") < loaded.index("fivefold.runtime.bundle")
    unused = {
        "fivefold.kernels.reference",
        "fivefold.kernels.tiled",
        "fivefold.photo.cmyk",
        "fivefold.runtime.device",
        "fivefold.runtime.journal",
        "hashlib",
        "traceback",
        "zipfile",
    }
    assert not unused & {*loaded}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Python and NumPy take other memory")
@pytest.mark.skipif(engine.NATIVE_MISSING is not None, reason="ONNX Runtime takes far more")
def test_one_photo_takes_two_and_a_half_times_its_pixels(tmp_path: Path) -> None:
    """On two cores, of 12 megapixels: with Python, the model, and the file as read and written."""
    photo, target = tmp_path / "photo.jpg", tmp_path / "out.jpg"
    pixels = np.random.default_rng(3).integers(0, 255, (60, 80, 3), np.uint8)
    pixels = pixels.repeat(50, axis=0).repeat(50, axis=1)  # as detailed as photos: 2 MB
    fivefold.write_photo(fivefold.Photo(pixels), photo)
    command = [sys.executable, "-m", "fivefold", "enhance", str(photo), "-o", str(target)]
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, sorted(cores)[:2])
        sample = program("fivefold", command)()
    finally:
        os.sched_setaffinity(0, cores)
    assert target.exists()
    assert sample.peak_bytes <= 2.5 * pixels.nbytes


def test_the_program_ends_with_the_exit_code(tmp_path: Path) -> None:
    """Its short way out writes everything and keeps the code, as the ordinary one does."""
    command = [sys.executable, "-m", "fivefold"]
    for arguments, code in (
        (["enhance", str(tmp_path / "missing.jpg")], 1),
        (["enhance", "--strength", "7", "x.jpg"], 2),
        (["enhance", "--dry-run", str(tmp_path)], 0),
        (["info"], 0),
    ):
        ran = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert ran.returncode == code
        assert bool(ran.stderr) == (code != 0)
