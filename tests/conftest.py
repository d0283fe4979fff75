"""What several tests start from."""

import csv
import faulthandler
import sys
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

# A busy machine is slow, not wrong.
settings.register_profile("fivefold", deadline=None)
settings.load_profile("fivefold")

TEARDOWN_S = 300


@pytest.fixture
def study_pack(tmp_path: Path) -> Path:
    """A small study pack in the published layout, made of random pictures.

    Ten styled photos with six labels each, and eight FiveK pairs of which four have a mask. The
    targets are a fixed, learnable change of the inputs: brighter, and warmer for expert E.
    """
    random = np.random.default_rng(7)
    pack = tmp_path / "pack"

    def save(path: Path, pixels: np.ndarray) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return f"{path.parent.name}/{path.name}"

    def picture(height: int, width: int) -> np.ndarray:
        coarse = random.integers(20, 160, (4, 4, 3), dtype=np.uint8)
        return np.asarray(Image.fromarray(coarse).resize((width, height)))

    def brighter(pixels: np.ndarray, red: float = 1.0) -> np.ndarray:
        gains = np.array([1.4 * red, 1.4, 1.4])
        return np.clip(pixels * gains, 0, 255).astype(np.uint8)

    targets = ("fivek_c", "expert_a", "expert_b", "expert_c", "expert_d", "expert_e")
    rows = []
    for i in range(10):
        pixels = picture(30 + i, 40)
        row = {"photo": f"p{i:02}", "input": save(pack / f"styled/input/p{i:02}.png", pixels)}
        for target in targets:
            result = brighter(pixels, red=1.05 if target == "expert_e" else 1.0)
            row[target] = save(pack / f"styled/{target}/p{i:02}.png", result)
        rows.append(row)
    _write_csv(pack / "styled/styled.csv", rows)

    rows = []
    for i in range(8):
        pixels = picture(32, 48)
        name = f"a{i:04}.png"
        mask = np.full((32, 48), 255, np.uint8)
        mask[:8] = 0
        rows.append(
            {
                "id": f"a{i:04}",
                "input": save(pack / "fivek_pairs/input" / name, pixels),
                "expert_c": save(pack / "fivek_pairs/expert_c" / name, brighter(pixels)),
                "mask": save(pack / "fivek_pairs/mask" / name, mask) if i % 2 else "",
                "kind": "reconstructed" if i % 2 else "real",
            }
        )
    _write_csv(pack / "fivek_pairs/pairs.csv", rows)
    return pack


def _write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Limit what comes after a test: pytest watches a test only until it has failed."""
    faulthandler.dump_traceback_later(TEARDOWN_S, exit=True, file=sys.__stderr__)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
