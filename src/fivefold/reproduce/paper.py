"""The report: what was done, what was found, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fivefold.data.experts import REAL_C
from fivefold.data.versions import EXPERT_STYLES
from fivefold.evaluate.report import Block, Heading, Paragraph, Picture, Table
from fivefold.reproduce.dimensions import layer_table
from fivefold.reproduce.facts import Facts
from fivefold.reproduce.findings import (
    HELD_OUT,
    REAL_EXPERT_C,
    TRAINING,
    Finding,
)
from fivefold.reproduce.results import Judged, Result, mean_psnr
from fivefold.reproduce.runs import RUNS, SINGLE

TITLE = "One model of five retouchers: the eight runs, reproduced"


def write_paper(
    facts: Facts,
    results: Mapping[str, Result],
    untouched: Sequence[Judged],
    apart: Mapping[tuple[str, str], float],
    found: Sequence[Finding],
    exhibits: Mapping[str, Picture],
) -> list[Block]:
    """The report's parts, in order.

    Args:
        facts: What the study was made of.
        results: By the name of the run.
        untouched: Scores of the inputs as they are.
        apart: Mean PSNR in dB between every two experts' versions.
        found: The paper's claims, and what was found.
        exhibits: Figures 2 to 5, as far as the runs allow them.
    """
    return [
        *_summary(facts, results, untouched, found),
        *_data(facts),
        *_runs(facts, results, exhibits),
        *_network(),
        *_findings(found, exhibits),
        *_every_model(facts, results, untouched),
        *_experts(facts, apart),
        *_side_by_side(exhibits),
        *_limits(facts),
    ]


def _summary(
    facts: Facts,
    results: Mapping[str, Result],
    untouched: Sequence[Judged],
    found: Sequence[Finding],
) -> Iterator[Block]:
    words = [
        f"{len(results)} of the paper's {len(RUNS)} runs were made on {_photos(facts)}"
        f"{' (the quick version: few photos, everything else as in the full one)' * facts.quick}. "
    ]
    if "combined_lrs" in results:
        proposed = results["combined_lrs"].judged
        words.append(
            "On held-out photos the proposed model reaches "
            f"{mean_psnr(proposed, EXPERT_STYLES):.2f} dB over the five experts, where the "
            f"untouched input has {mean_psnr(untouched, EXPERT_STYLES):.2f} dB"
        )
        if facts.real_photos:
            words.append(
                f"; against the real expert C it has {mean_psnr(proposed, [REAL_C]):.2f} dB "
                f"(untouched {mean_psnr(untouched, [REAL_C]):.2f} dB)"
            )
        words.append(". ")
    words.append("The claims, and whether these runs confirm them:")
    yield Paragraph("".join(words))
    yield Table(
        "**Summary.** Confirmed means: better than every rival, by more than the 95 % interval of "
        "the paired differences.",
        ("claim", "from", *(_capital(data) for data in (TRAINING, HELD_OUT, REAL_EXPERT_C))),
        [_verdicts(finding) for finding in found],
    )


def _data(facts: Facts) -> Iterator[Block]:
    who = (
        "**The experts are modelled**: their versions are the work of published models of each "
        "expert's style, not of the people. What is said below about experts A to E is said about "
        "these models"
        if facts.modelled
        else "The experts' versions are the retouchers' own work, as the set has them"
    )
    words = [
        f"The set is {facts.set_kind}; photos with an expert's version: {facts.photos}. {who}. "
        f"Photos that the runs learn from: {facts.training_photos}; held out and scored: "
        f"{facts.held_out_photos}. Photos are held out by their ids, so that no version or "
        "rendition of a photo is on both sides: of FiveK the published test ids 4501 to 5000, of "
        "other photos one in five. "
    ]
    if facts.real_photos:
        words.append(
            f"Apart from these, {facts.real_photos} FiveK photos with the version of the real "
            "expert C are scored that no run learned from; where their inputs are reconstructed, "
            "only trustworthy pixels count. "
        )
    if facts.quick:
        words.append(
            "This is the quick version: the photos were limited to these numbers, chosen by a hash "
            "of their ids. "
        )
    if facts.impossible:
        reasons = "; ".join(f"`{name}` ({why})" for name, why in facts.impossible.items())
        words.append(f"Runs that this set does not allow: {reasons}.")
    yield Heading("Data")
    yield Paragraph("".join(words).strip())


def _runs(
    facts: Facts, results: Mapping[str, Result], exhibits: Mapping[str, Picture]
) -> Iterator[Block]:
    yield Heading("Runs")
    yield Paragraph(
        "All runs minimise the L2 loss on full-resolution pairs with Adam, at batch size 4 for 10 "
        "epochs, with batch normalisation, random flips and crops, and learned guide thresholds; "
        "the last step's weights are the result. "
        f"Computed on {facts.machine}: {_several(facts.jobs, 'run')} at a time with "
        f"{_several(facts.threads, 'thread')} each. The command took {_minutes(facts.seconds)}, "
        f"other work on the machine included, and {_minutes(facts.processor_seconds)} of processor "
        "time over all cores."
    )
    rows = []
    for name, result in results.items():
        last = result.epochs[-1]
        rates = [epoch["learning_rate"] for epoch in result.epochs]
        rate = f"{rates[0]:.0e}" if rates[0] == rates[-1] else f"{rates[0]:.0e} to {rates[-1]:.0e}"
        images = last["steps"] * result.config.batch_size
        rows.append(
            (
                f"`{name}`",
                result.config.preset,
                rate,
                str(len(result.epochs)),
                f"{last['steps']:,}",
                _minutes(result.training_seconds),
                f"{images / result.training_seconds:.0f}",
                f"{last['training']['loss']:.5f}",
                f"{last['training']['psnr']:.2f}",
            )
        )
    yield Table(
        "**Table 2.** The runs. Loss and PSNR: means over the last epoch's training crops; runs on "
        "one expert and on five have different targets, so that these are not comparable.",
        ("run", "size", "rate", "epochs", "steps", "time", "photos/s", "loss", "PSNR (dB)"),
        rows,
    )
    if "Figure 2" in exhibits:
        yield exhibits["Figure 2"]


def _network() -> Iterator[Block]:
    small, enlarged = layer_table("small"), layer_table("paper")
    rows = [
        (a.part, a.kind, a.output, f"{a.parameters:,}", b.output, f"{b.parameters:,}")
        for a, b in zip(small, enlarged, strict=True)
    ]
    totals = [f"{sum(layer.parameters for layer in layers):,}" for layers in (small, enlarged)]
    rows.append(("all", "", "", totals[0], "", totals[1]))
    yield Heading("Network")
    yield Table(
        "**Table 1.** The dimensions of every layer, read from the modules: rows × columns × "
        "channels of its output, and learned parameters. The widths of the enlarged model did not "
        "survive in our copy of the paper; every width of S, L and G doubled is our choice, fusion "
        "and prediction are as the paper's text states.",
        ("part", "layer", "original (`small`)", "parameters", "enlarged (`paper`)", "parameters"),
        rows,
    )


def _findings(found: Sequence[Finding], exhibits: Mapping[str, Picture]) -> Iterator[Block]:
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
        said = (f"{evidence.on}, **{evidence.verdict}**" for evidence in finding.evidence)
        yield Paragraph(f"{_capital('; '.join(said))}.")
        yield _evidence(finding)
        if finding.source in exhibits:
            yield exhibits[finding.source]


def _evidence(finding: Finding) -> Table:
    places = {"loss": 5, "psnr": 2}[finding.quantity]
    rows = []
    for evidence in finding.evidence:
        over = "parts of the epoch" if evidence.on == TRAINING else "photos"
        for rival, difference in evidence.differences.items():
            mean, low, high = (
                f"{value:+.{places + 1}f}"
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
    )


def _every_model(
    facts: Facts, results: Mapping[str, Result], untouched: Sequence[Judged]
) -> Iterator[Block]:
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
            f"({one - own:+.2f}); and one who follows a single expert's model where the five "
            f"would be asked gets {others:.2f} dB ({others - one:+.2f} against the model of all). "
            "In the same ten epochs the model of all experts takes five times the steps of a "
            "single expert's, as in the paper."
        )


def _experts(facts: Facts, apart: Mapping[tuple[str, str], float]) -> Iterator[Block]:
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


def _side_by_side(exhibits: Mapping[str, Picture]) -> Iterator[Block]:
    if "Figure 3" in exhibits:
        yield Heading("Untouched photos through the models")
        yield exhibits["Figure 3"]


def _limits(facts: Facts) -> Iterator[Block]:
    full = 4500
    limits = [
        f"FiveK has {full:,} training photos, these runs had {facts.training_photos}, so that "
        f"they took {facts.training_photos / full:.1%} of the paper's steps at the same rates: "
        "what needs long training cannot show."
        if facts.training_photos < full
        else "The runs had as many photos as the paper's.",
        "Each run was made once, with one seed.",
        "Held-out figures are of 8-bit results at the pictures' own size.",
    ]
    if facts.modelled:
        limits.append(
            "The modelled experts change colours the same way everywhere in a photo and agree with "
            "themselves more than people do, which makes them easier to learn."
        )
    yield Heading("Limits")
    yield Paragraph(" ".join(limits))


def _verdicts(finding: Finding) -> tuple[str, ...]:
    by_data = {evidence.on: evidence.verdict for evidence in finding.evidence}
    none = "not tested" if finding.missing else "–"
    cells = (by_data.get(data, none) for data in (TRAINING, HELD_OUT, REAL_EXPERT_C))
    return (finding.claim, finding.source, *cells)


def _marked(value: float, best: float) -> str:
    return f"**{value:.2f}**" if value == best else f"{value:.2f}"


def _photos(facts: Facts) -> str:
    whose = "modelled experts" if facts.modelled else "the experts' own versions"
    return f"{facts.training_photos} photos with {whose}"


def _several(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
