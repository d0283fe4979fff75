"""A whole batch: what is settled is skipped, the rest enhanced here or on a cluster, all noted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing

from fivefold.cluster.here import enhance_here
from fivefold.cluster.manifest import Manifest
from fivefold.cluster.on_ray import enhance_on_ray, ray_cluster
from fivefold.cluster.outcome import RemoteOutcome
from fivefold.cluster.plan import RemotePlan, RemoteTask
from fivefold.errors import BundleError
from fivefold.photo.threads import available_threads
from fivefold.runtime.batch import Settings
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.enhancer import Enhancer, find_bundle
from fivefold.runtime.journal import Recipe, model_sha256


def run_batch(
    plan: RemotePlan,
    settings: Settings,
    *,
    bundle: str | os.PathLike[str] | None = None,
    expert: str | None = None,
    cluster: str | None = None,
    jobs: int | None = None,
) -> Iterator[RemoteOutcome]:
    """Enhance the photos of a plan, and tell what became of each as soon as it is known.

    Whatever happens to this process or to others, a result is there whole or not at all, and no
    photo is told twice. With ``settings.skip_existing`` or ``update`` a batch goes on where an
    earlier one was interrupted: see :meth:`fivefold.cluster.manifest.Manifest.settled`.

    Args:
        plan: What to read and where to write.
        settings: How to enhance and write.
        bundle: The model; see :func:`fivefold.runtime.enhancer.find_bundle`.
        expert: Whose style, one of the bundle's or a blend.
        cluster: Address of a Ray cluster, see :func:`fivefold.cluster.on_ray.ray_cluster`; by
            default the threads of this machine do it.
        jobs: How many photos to work on at a time; by default one for each core.

    Yields:
        An outcome for each task: first those that were settled, then in the order in which they
        end.

    Raises:
        BundleError: If the bundle cannot be used, or does not have the style.
        PhotoError: If the manifest cannot be read or written.
        ClusterError, MissingExtraError: If the cluster cannot be used.
    """
    path = find_bundle(bundle)
    model = Bundle.read(path)
    cores = available_threads()
    enhancer = _enhancer(model, expert, threads=max(1, cores // (jobs or cores)))
    with ExitStack() as stack:
        if cluster is not None:
            stack.enter_context(ray_cluster(cluster, cores=jobs))
        manifest = None
        if plan.folder is not None:
            manifest = stack.enter_context(Manifest(plan.folder, _recipe(model, expert, settings)))
        tasks = []
        for task, settled in _settled(plan, settings, manifest):
            if settled is None:
                tasks.append(task)
            else:
                yield settled
        if not tasks:
            return
        if cluster is not None:
            content = path.read_bytes()
            outcomes = enhance_on_ray(tasks, content, settings, expert=expert, jobs=jobs)
        else:
            outcomes = enhance_here(tasks, lambda: enhancer, settings, jobs=jobs)
        for outcome in stack.enter_context(closing(outcomes)):
            if manifest is not None:
                manifest.add(outcome)
            yield outcome


def _settled(
    plan: RemotePlan, settings: Settings, manifest: Manifest | None
) -> Iterator[tuple[RemoteTask, RemoteOutcome | None]]:
    """Each photo, with its outcome if it is not to be tried."""
    goes_on = settings.skip_existing or settings.update
    earlier = manifest.read() if manifest is not None and goes_on else {}
    for task in plan.tasks:
        settled = None
        if goes_on and manifest is not None:
            settled = manifest.settled(task, earlier.get(task.source), update=settings.update)
        elif goes_on and task.has_result:
            settled = RemoteOutcome(task.source, task.target, task.version, skipped=True)
        yield task, settled


def _enhancer(model: Bundle, expert: str | None, *, threads: int) -> Enhancer:
    try:
        return Enhancer(model, expert=expert, threads=threads)
    except ValueError as error:
        raise BundleError(f"{model.source}: {error}") from error


def _recipe(model: Bundle, expert: str | None, settings: Settings) -> Recipe:
    return Recipe(
        model=f"{model.manifest.name} {expert or ''}".strip(),
        model_sha256=model_sha256(model),
        strength=settings.strength,
        quality=settings.quality,
        bit_depth=settings.bit_depth,
        strip_metadata=settings.strip_metadata,
        note=settings.note,
    )
