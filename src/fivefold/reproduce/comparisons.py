"""The part of the report that tells what was found: claims, models and experts compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fivefold.data.experts import REAL_C
from fivefold.evaluate.report import Block, Heading, Paragraph, Picture, Table
from fivefold.reproduce.facts import Facts
from fivefold.reproduce.findings import (
    HELD_OUT,
    REAL_EXPERT_C,
    TRAINING,
    Evidence,
    Finding,
)
from fivefold.reproduce.results import Judged, Result, mean_psnr
from fivefold.reproduce.runs import SINGLE


def summary_table(found: Sequence[Finding]) -> Table:
    """Every claim, and what each kind of data says about it."""
    kinds = (TRAINING, HELD_OUT, REAL_EXPERT_C)
    return Table(
        "**Summary.** Confirmed means: better than every rival, by more than the 95 % interval of "
        "the paired differences.",
        ("claim", "from", *map(_capital, kinds)),
        [_verdicts(finding) for finding in found],
        words=range(2 + len(kinds)),
    )


def claims(found: Sequence[Finding], exhibits: Mapping[str, Picture]) -> Iterator[Block]:
    """Each claim with its evidence, and the figure that it was read from."""
    yield Heading("Findings")
    yield Paragraph(
        "The paper shows curves on training data only; here each claim is also held against photos "
        "that no run learned from. Differences are paired: on training data over the same crops in "
        "the same order (all runs of all experts share their seed), elsewhere over the same photos "
        "against the same versions. Intervals are 95 % bootstrap intervals over parts of the "
        "epoch, or over photos. They say how sure a difference between these very networks is, not "
        "how another seed would turn out."
    )
    for number, finding in enumerate(found, 1):
        yield Paragraph(f"**{number}. {finding.claim}** ({finding.source} of the paper)")
        if finding.missing:
            names = ", ".join(f"`{name}`" for name in finding.missing)
            yield Paragraph(f"Not tested: it needs {names}.")
            continue
        said = [_sentence(finding, evidence) for evidence in finding.evidence]
        ahead, epochs = finding.epochs_ahead
        if epochs:
            said.append(
                f"On the held-out photos `{finding.champion}` was ahead after {ahead} of the "
                f"{epochs} epochs."
            )
        yield Paragraph(" ".join(said))
        yield _evidence(finding)
        if finding.source in exhibits:
            yield exhibits[finding.source]


def every_model(
    facts: Facts, results: Mapping[str, Result], untouched: Sequence[Judged]
) -> Iterator[Block]:
    """Every model against every expert, and what choosing among them is worth."""
    experts = list(facts.experts)
    columns = {style[-1].upper(): [style] for style in experts} | {"mean": experts}
    if facts.real_photos:
        columns["real C"] = [REAL_C]
    judged = {"untouched": untouched} | {name: r.judged for name, r in results.items()}
    figures = {
        name: {title: mean_psnr(scores, styles) for title, styles in columns.items()}
        for name, scores in judged.items()
    }
    best = {title: max(row[title] for row in figures.values()) for title in columns}
    yield Heading("Every model against every expert")
    yield Table(
        "**Table 3.** Mean PSNR in dB on held-out photos against each expert's version, and over "
        "all of them; the best of each column is bold."
        + " Real C: FiveK photos with the real expert C's version."
        * bool(facts.real_photos),
        ("model", *columns),
        [
            (name, *(_marked(row[title], best[title]) for title in columns))
            for name, row in figures.items()
        ],
    )
    singles = [name for name in SINGLE if name in figures]
    if len(singles) == len(SINGLE) and "combined" in figures:
        own = sum(figures[name][name[-1].upper()] for name in singles) / len(singles)
        one = figures["combined"]["mean"]
        others = sum(figures[name]["mean"] for name in singles) / len(singles)
        yield Paragraph(
            f"A user who knows which expert to follow, and has that expert's model, gets "
            f"{own:.2f} dB; one who takes the model of all experts gets {one:.2f} dB "
            f"({one - own:+.2f}{_proposed(figures)}); and one who follows a single expert's model "
            f"where the five would be asked gets {others:.2f} dB ({others - one:+.2f} against the "
            "model of all). "
            "In the same ten epochs the model of all experts takes five times the steps of a "
            "single expert's, as in the paper."
        )


def experts_apart(facts: Facts, apart: Mapping[tuple[str, str], float]) -> Iterator[Block]:
    """How far the experts are from each other."""
    if not apart:
        return
    letters = [style[-1].upper() for style in facts.experts]
    both_ways = {**apart, **{(b, a): figure for (a, b), figure in apart.items()}}
    rows = []
    for style, letter in zip(facts.experts, letters, strict=True):
        figures = [both_ways.get((style, other)) for other in facts.experts]
        known = [figure for figure in figures if figure is not None]
        cells = ["–" if figure is None else f"{figure:.2f}" for figure in figures]
        rows.append((letter, *cells, f"{sum(known) / len(known):.2f}" if known else "–"))
    yield Paragraph(
        "How far the experts are from each other says what these figures can mean: no single "
        "result can be near to all of them."
    )
    yield Table(
        "**Table 4.** Mean PSNR in dB between every two experts' versions of the held-out photos.",
        ("expert", *letters, "mean"),
        rows,
    )


def _sentence(finding: Finding, evidence: Evidence) -> str:
    parts = []
    for rival, difference in evidence.differences.items():
        if finding.quantity == "loss":
            amount = f"{abs(difference.mean) / evidence.values[rival]:.1%}"
        else:
            amount = f"{abs(difference.mean):.2f} dB"
        is_above = (difference.mean > 0) == (finding.quantity == "psnr")
        parts.append(f"{amount} {'above' if is_above else 'below'} `{rival}`")
    champion = evidence.values[finding.champion]
    figure = f"{champion:.5f}" if finding.quantity == "loss" else f"{champion:.2f} dB"
    *most, last = parts
    compared = f"{', '.join(most)} and {last}" if most else last
    return (
        f"{_capital(evidence.on)}: `{finding.champion}` ends at {figure}, {compared}; "
        f"**{evidence.verdict}**."
    )


def _evidence(finding: Finding) -> Table:
    places = {"loss": 5, "psnr": 2}[finding.quantity]
    rows = []
    for evidence in finding.evidence:
        over = "parts of the epoch" if evidence.on == TRAINING else "photos"
        for rival, difference in evidence.differences.items():
            mean, low, high = (
                f"{value:+.{places + 1}f}".replace("-", "−")
                for value in (difference.mean, difference.low, difference.high)
            )
            rows.append(
                (
                    evidence.on,
                    f"{evidence.values[finding.champion]:.{places}f}",
                    f"`{rival}`",
                    f"{evidence.values[rival]:.{places}f}",
                    mean,
                    f"{low} to {high}",
                    f"{difference.clusters} {over}",
                )
            )
    quantity = {"loss": "L2 loss", "psnr": "PSNR in dB"}[finding.quantity]
    return Table(
        f"{quantity}; an advantage above zero speaks for `{finding.champion}`.",
        ("on", f"`{finding.champion}`", "against", "", "advantage", "95 % interval", "over"),
        rows,
        words=(0, 2, 6),
    )


def _proposed(figures: Mapping[str, Mapping[str, float]]) -> str:
    if "combined_lrs" not in figures:
        return ""
    return f"; the proposed model {figures['combined_lrs']['mean']:.2f} dB"


def _verdicts(finding: Finding) -> tuple[str, ...]:
    by_data = {evidence.on: evidence.verdict for evidence in finding.evidence}
    none = "not tested" if finding.missing else "–"
    cells = (by_data.get(data, none) for data in (TRAINING, HELD_OUT, REAL_EXPERT_C))
    return (finding.claim, finding.source, *cells)


def _marked(value: float, best: float) -> str:
    return f"**{value:.2f}**" if value == best else f"{value:.2f}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
