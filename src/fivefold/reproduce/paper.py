"""The report: what was done, what was found, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fivefold.data.experts import REAL_C
from fivefold.data.versions import EXPERT_STYLES
from fivefold.evaluate.report import Block, Heading, Paragraph, Picture, Table
from fivefold.reproduce.comparisons import claims, every_model, experts_apart, summary_table
from fivefold.reproduce.dimensions import layer_table
from fivefold.reproduce.facts import Facts
from fivefold.reproduce.findings import Finding
from fivefold.reproduce.results import Judged, Result, mean_psnr
from fivefold.reproduce.runs import RUNS, experts_of

FIVEK_TRAINING_PHOTOS = 4500
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
        *claims(found, exhibits),
        *every_model(facts, results, untouched),
        *experts_apart(facts, apart),
        *_side_by_side(exhibits),
        *_limits(facts, results),
    ]


def _summary(
    facts: Facts,
    results: Mapping[str, Result],
    untouched: Sequence[Judged],
    found: Sequence[Finding],
) -> Iterator[Block]:
    words = [
        f"{_made(results)} on {_photos(facts)}"
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
    yield summary_table(found)


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
        words=(0, 1),
    )


def _side_by_side(exhibits: Mapping[str, Picture]) -> Iterator[Block]:
    if "Figure 3" in exhibits:
        yield Heading("Untouched photos through the models")
        yield exhibits["Figure 3"]


def _limits(facts: Facts, results: Mapping[str, Result]) -> Iterator[Block]:
    limits = [
        *(_shortness(facts, result) for result in list(results.values())[:1]),
        "Each run was made once, with one seed.",
        "Held-out figures are of 8-bit results at the pictures' own size.",
    ]
    if facts.modelled:
        limits.append(
            "The modelled experts change colours the same way everywhere in a photo and agree with "
            "themselves more than people do, which makes them easier to learn."
        )
    if facts.real_photos:
        limits.append(
            "The real expert C's inputs were rendered in other ways than the photos that the runs "
            "learned from, and he is a person; figures against him say how far the runs carry over."
        )
    yield Heading("Limits")
    yield Paragraph(" ".join(limits))


def _shortness(facts: Facts, result: Result) -> str:
    """How a run's steps compare with those on all of FiveK's training photos."""
    experts, config = len(experts_of(result.config)), result.config
    steps = result.epochs[-1]["steps"]
    full = FIVEK_TRAINING_PHOTOS * experts // config.batch_size * config.epochs
    if steps >= full:
        return "The runs took as many steps as on all of FiveK's training photos."
    return (
        f"FiveK has {FIVEK_TRAINING_PHOTOS:,} training photos, these runs had "
        f"{facts.training_photos}: they took {steps / full:.1%} of the steps at the same rates, "
        "so that what needs long training cannot show."
    )


def _made(results: Mapping[str, Result]) -> str:
    if len(results) == len(RUNS):
        return f"All {len(RUNS)} of the paper's runs were made"
    return f"Of the paper's {len(RUNS)} runs {len(results)} were made"


def _photos(facts: Facts) -> str:
    whose = "modelled experts" if facts.modelled else "the experts' own versions"
    return f"{facts.training_photos} photos with {whose}"


def _several(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
