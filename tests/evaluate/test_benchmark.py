from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fivefold.errors import PhotoWriteError, UnsupportedPhotoError
from fivefold.evaluate.benchmark import Benchmark, benchmark, untouched
from fivefold.evaluate.cases import Case
from fivefold.evaluate.metrics import METRICS, score
from fivefold.photo.image import Photo
from fivefold.photo.profile import build_rgb, parametric_curve


def photo(seed: int, height: int = 16, width: int = 20) -> Photo:
    random = np.random.default_rng(seed)
    return Photo(random.integers(40, 160, (height, width, 3), dtype=np.uint8))


def brighter(source: Photo, codes: int = 20) -> Photo:
    return source.with_pixels((source.pixels + np.uint8(codes)).astype(np.uint8))


def cases(count: int = 4, styles: str = "ab") -> Iterator[Case]:
    """Expert A adds 20 codes, B adds 40."""
    for n in range(count):
        before = photo(n)
        for i, style in enumerate(styles, start=1):
            yield Case(f"a{n:04d}", f"expert_{style}", before, brighter(before, 20 * i), None, "x")


def test_untouched_photos_score_their_difference() -> None:
    """20 codes everywhere are 20 log₁₀(255 / 20) dB, 40 codes 6 dB less."""
    result = benchmark(untouched, cases(), name="untouched")
    assert result.name == "untouched"
    assert [(row.id, row.style, row.kind) for row in result.rows[:2]] == [
        ("a0000", "expert_a", "x"),
        ("a0000", "expert_b", "x"),
    ]
    np.testing.assert_allclose(result.values("psnr", "expert_a"), 20 * np.log10(255 / 20))
    np.testing.assert_allclose(result.values("psnr", "expert_b"), 20 * np.log10(255 / 40))
    assert len(result.values("psnr")) == 8


def test_rows_hold_the_metrics_scores() -> None:
    """A row is what the metrics say of the result and the target, mask included."""
    before = photo(1)
    mask = np.zeros((16, 20), bool)
    mask[:, 5:15] = True
    case = Case("a", "c", before, photo(2), mask)
    (row,) = benchmark(untouched, [case]).rows
    assert row.scores == score(before.pixels, photo(2).pixels, mask)


def test_a_method_is_compared_with_its_target() -> None:
    """Whoever does what expert A does scores perfectly against A, and not against B."""
    result = benchmark(brighter, cases())
    assert set(result.values("psnr", "expert_a")) == {float("inf")}
    assert result.values("psnr", "expert_b").max() < 25


def test_a_method_by_style() -> None:
    """A model that is told whose version to make is asked for each."""
    ways = {"expert_a": brighter, "expert_b": lambda p: brighter(p, 40)}
    assert set(benchmark(ways, cases()).values("psnr")) == {float("inf")}
    with pytest.raises(KeyError, match="expert_b"):
        benchmark({"expert_a": brighter}, cases())


def test_an_input_is_enhanced_once() -> None:
    """Five versions of a photo cost one enhancement."""
    seen: list[int] = []

    def enhance(source: Photo) -> Photo:
        seen.append(id(source))
        return source

    benchmark(enhance, cases(3, "abcde"))
    assert len(seen) == 3


@pytest.mark.parametrize("jobs", [1, 4])
def test_threads_change_nothing(jobs: int) -> None:
    """Rows come in the order of the cases, however many are scored at once."""
    result = benchmark(untouched, cases(9), jobs=jobs)
    assert result == benchmark(untouched, cases(9))


def test_no_more_than_a_few_cases_are_in_memory() -> None:
    """Cases are drawn as they are needed."""
    drawn: list[int] = []
    scored: list[int] = []

    def counted() -> Iterator[Case]:
        for n, case in enumerate(cases(20)):
            drawn.append(n)
            assert len(drawn) - len(scored) <= 2 * 2 + 1
            yield case

    benchmark(untouched, counted(), jobs=2, on_case=scored.append)
    assert scored == list(range(1, 41))


def test_results_are_scored_as_8_bit_srgb() -> None:
    """Depth and colour space of a result change its score by no more than rounding."""
    before = photo(3)
    exact = benchmark(untouched, [Case("a", "c", before, photo(4))]).rows[0].scores
    linear = build_rgb(
        ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.71410)),
        parametric_curve(1.0),
        "linear",
    )
    coded = before.pixels / 255
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    for other in (
        Photo((before.pixels * np.uint16(257)).astype(np.uint16)),
        Photo((before.pixels / np.float32(255)).astype(np.float32)),
        Photo(light.astype(np.float32), icc_profile=linear),
    ):
        scores = benchmark(lambda _, o=other: o, [Case("a", "c", before, photo(4))]).rows[0].scores
        for metric in METRICS:
            assert getattr(scores, metric) == pytest.approx(getattr(exact, metric), rel=1e-3)


def test_what_fails_never_stops_the_rest() -> None:
    """A result of another size, a photo that is refused, and a wrong value are each told."""

    def enhance(source: Photo) -> Photo:
        first = int(source.pixels[0, 0, 0])
        if first == int(photo(0).pixels[0, 0, 0]):
            return Photo(source.pixels[1:])
        if first == int(photo(1).pixels[0, 0, 0]):
            raise UnsupportedPhotoError("too odd")
        if first == int(photo(2).pixels[0, 0, 0]):
            raise ValueError("not a number")
        return source

    result = benchmark(enhance, cases(4, "a"))
    assert [row.id for row in result.rows] == ["a0003"]
    assert [line.split(":")[0] for line in result.failures] == [
        "a0000, expert_a",
        "a0001, expert_a",
        "a0002, expert_a",
    ]
    assert "shapes must be equal" in result.failures[0]
    assert result.failures[1].endswith("too odd")


def test_summaries() -> None:
    """Each style, then all of them; the interval holds the mean."""
    random = np.random.default_rng(0)
    varied = [
        Case(f"a{n}", style, photo(n), brighter(photo(n), int(random.integers(5, 60))))
        for n in range(12)
        for style in ("expert_a", "expert_c")
    ]
    result = benchmark(untouched, varied)
    summaries = result.summaries(draws=200)
    assert [(s.style, s.photos) for s in summaries] == [
        ("expert_a", 12),
        ("expert_c", 12),
        ("all", 12),
    ]
    for summary in summaries:
        assert set(summary.metrics) == set(METRICS)
        interval = summary.metrics["psnr"]
        assert interval.low < interval.mean < interval.high
    means = [s.metrics["psnr"].mean for s in summaries]
    assert means[2] == pytest.approx((means[0] + means[1]) / 2)


def test_one_style_needs_no_total() -> None:
    """The same line twice would say nothing more."""
    assert [s.style for s in benchmark(untouched, cases(3, "a")).summaries()] == ["expert_a"]


def test_csv_has_a_line_for_each_case(tmp_path: Path) -> None:
    """Numbers are readable by any program, and a folder that is missing is told."""
    result = benchmark(brighter, cases(2))
    result.write_csv(tmp_path / "scores.csv")
    rows = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert [row["photo"] for row in rows] == ["a0000", "a0000", "a0001", "a0001"]
    assert list(rows[0]) == ["photo", "style", "kind", *METRICS]
    assert rows[0]["psnr"] == "inf"
    assert float(rows[1]["psnr"]) == pytest.approx(20 * np.log10(255 / 20), abs=1e-4)
    with pytest.raises(PhotoWriteError, match="gone"):
        result.write_csv(tmp_path / "gone/scores.csv")


def test_markdown() -> None:
    """A table for a report, with infinite means written as such."""
    lines = benchmark(brighter, cases(3)).markdown().splitlines()
    assert lines[0].startswith("| compared with | photos | PSNR (dB) | SSIM | ΔE76 | ΔE2000 |")
    assert lines[2].startswith("| expert_a | 3 | inf | 1.000 ± 0.000 |")
    assert lines[3].startswith("| expert_b | 3 | 22.11 ± 0.00 |")
    assert lines[4].startswith("| all | 3 | inf |")


def test_mistakes_are_told() -> None:
    """An unknown metric, and no job."""
    with pytest.raises(ValueError, match="received 'lpips'"):
        Benchmark("", [], []).values("lpips")
    with pytest.raises(ValueError, match="jobs"):
        benchmark(untouched, [], jobs=0)
    assert benchmark(untouched, []).summaries() == []
