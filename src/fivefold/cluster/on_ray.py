"""The same photos on all machines of a Ray cluster, through Ray Data.

Ray Data gives each process a few photos at a time and gives those of a process or machine that was
lost to another. What the lost one had finished, and what it may have died of, is known to one
actor beside the driver (:class:`fivefold.cluster.attempts.Attempts`).
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from typing import Any

from fivefold import errors
from fivefold.cluster.attempts import MAX_ATTEMPTS, Attempts
from fivefold.cluster.outcome import RemoteOutcome
from fivefold.cluster.plan import RemoteTask
from fivefold.cluster.work import MAX_PHOTO_S, work_through
from fivefold.errors import ClusterError, FivefoldError, MissingExtraError
from fivefold.photo.files import one_line
from fivefold.runtime.batch import Settings
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.enhancer import Enhancer
from fivefold.version import VERSION

_PHOTOS_A_BLOCK = 32
_BLOCKS_A_CORE = 4
_KNOCK_S = 10.0
_ERROR_LINE = re.compile(r"[\w.]+(Error|Exception): ")


@dataclass(frozen=True)
class _Order:
    """What a worker has to know beside its photos."""

    bundle: Any
    expert: str | None
    ledger: Any
    settings: Settings
    version: str
    max_attempts: int
    max_photo_s: float


@contextmanager
def ray_cluster(address: str, *, cores: int | None = None) -> Iterator[None]:
    """Be connected to a Ray cluster; one that this process was connected to already is left open.

    Args:
        address: ``"local"`` starts Ray on this machine, for as long as the context lasts;
            otherwise what ``ray.init`` takes: ``HOST:PORT``, or ``"auto"`` for the cluster that
            this machine is in.
        cores: Of a local cluster; by default all.

    Raises:
        MissingExtraError: If Ray is not installed.
        ClusterError: If the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns about it
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".*")  # else it writes on our stdout
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError("Ray", "ray") from error
    if ray.is_initialized():
        yield
        return
    _check_reachable(address)
    here = {"num_cpus": cores, "include_dashboard": False} if address == "local" else {}
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **here)
    except Exception as error:  # ConnectionError, ValueError, RuntimeError, gRPC's own
        raise ClusterError(f"{address}: {_first_line(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Knock before Ray does, which goes on knocking for minutes.

    Raises:
        ClusterError: If nobody opens.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S).close()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ClusterError(f"{address}: {one_line(reason)}") from error


def enhance_on_ray(
    tasks: Sequence[RemoteTask],
    bundle: bytes,
    settings: Settings,
    *,
    expert: str | None = None,
    jobs: int | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    max_photo_s: float = MAX_PHOTO_S,
) -> Generator[RemoteOutcome, None, None]:
    """Enhance photos on the cluster that this process is connected to.

    Every worker is a process with one core and one photo at a time. A lost process or machine is
    made up for by the others; a photo that was under way when its worker died counts one attempt.

    Args:
        tasks: What to read and where to write; every machine must reach the addresses.
        bundle: The content of the bundle's file, which is sent to every machine.
        settings: How to enhance and write.
        expert: Whose style, one of the bundle's or a blend.
        jobs: How many photos to work on at a time; by default as many as there are cores.
        max_attempts: A photo that so many workers died of is told as poisoned.
        max_photo_s: A photo that takes longer to enhance counts as deadly.

    Yields:
        One outcome for each task.

    Raises:
        BundleError: If the bundle cannot be used.
        ClusterError: If the cluster is lost, or its machines have another fivefold.
    """
    import ray
    import ray.data

    _be_quiet()
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    actor = ray.remote(num_cpus=0, scheduling_strategy=_here(), max_restarts=0)(Attempts).remote()
    order = _Order(
        ray.put(bundle),
        expert,
        actor,
        replace(settings, threads=1),
        VERSION,
        max_attempts,
        max_photo_s,
    )
    blocks = max(len(tasks) // _PHOTOS_A_BLOCK, min(len(tasks), jobs or cores) * _BLOCKS_A_CORE)
    rows = ray.data.from_items(
        [task.as_row() for task in tasks], override_num_blocks=max(1, min(blocks, len(tasks)))
    )
    # Ray Data tries again for ever; the ledger counts what matters, the attempts at each photo.
    outcomes = rows.map_batches(
        _enhance_block,
        batch_size=None,
        fn_kwargs={"order": order},
        num_cpus=1,
        concurrency=jobs,
    )
    awaited = {task.source for task in tasks}
    try:
        for block in outcomes.iter_batches(batch_size=None, prefetch_batches=0):
            _raise_first(block["error"])
            arrived = [RemoteOutcome.of_json(line) for line in block["outcome"]]
            actor.forget.remote([outcome.source for outcome in arrived])
            for outcome in arrived:
                if outcome.source in awaited:
                    awaited.remove(outcome.source)
                    yield outcome
    except ray.exceptions.RayError as error:
        raise ClusterError(f"the cluster failed: {_cause(error)}") from error
    finally:
        ray.kill(actor)  # workers that wait for the next batch would keep it
    if awaited:
        raise ClusterError(f"the cluster told nothing about {len(awaited)} photos")


def _enhance_block(block: dict[str, Any], order: _Order) -> dict[str, list[str]]:
    """What a worker does with its share: outcomes, or what stands in the way of all photos."""
    try:
        outcomes = [outcome.to_json() for outcome in _outcomes(block, order)]
    except FivefoldError as error:  # Ray would bring no more of it than its text
        return {"outcome": [""], "error": [f"{type(error).__name__} {error}"]}
    return {"outcome": outcomes, "error": [""] * len(outcomes)}


def _outcomes(block: dict[str, Any], order: _Order) -> Iterator[RemoteOutcome]:
    if order.version != VERSION:
        raise ClusterError(
            f"a machine of the cluster has fivefold {VERSION}, "
            f"this one {order.version}; they must agree"
        )
    columns = {name: column.tolist() for name, column in block.items()}
    tasks = [
        RemoteTask.of_row(dict(zip(columns, values, strict=True)))
        for values in zip(*columns.values(), strict=True)
    ]
    return work_through(
        tasks,
        lambda: _enhancer(order.bundle, order.expert),
        order.settings,
        ledger=_RemoteLedger(order.ledger),
        max_attempts=order.max_attempts,
        max_photo_s=order.max_photo_s,
    )


@lru_cache(maxsize=1)
def _enhancer(bundle: Any, expert: str | None) -> Enhancer:
    """The enhancer of this process, made for its first photo and kept for all that follow."""
    import ray

    return Enhancer(Bundle.read(BytesIO(ray.get(bundle))), expert=expert, threads=1)


class _RemoteLedger:
    """The actor that knows of all attempts, seen from a worker."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def begin(self, source: str) -> tuple[int, str | None]:
        import ray

        answer: tuple[int, str | None] = ray.get(self._actor.begin.remote(source))
        return answer

    def passed(self, source: str) -> None:
        self._actor.passed.remote(source)

    def end(self, source: str, outcome: str) -> None:
        import ray

        # Waited for, in the thread that stores: the process may die of the next photo at once.
        ray.get(self._actor.end.remote(source, outcome))


def _here() -> Any:
    """On the driver's own machine: if that is lost, so is the whole batch."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


def _be_quiet() -> None:
    """Progress is the command's own; Ray's logs stay in its folder of logs."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


def _raise_first(told: Iterable[str]) -> None:
    """Raise the error that a worker told, if one did."""
    for line in told:
        if line:
            name, _, reason = line.partition(" ")
            raise getattr(errors, name, ClusterError)(reason)


def _cause(error: Exception) -> str:
    """The line that matters in the several tracebacks that Ray brings as one text."""
    causes = [
        line
        for line in str(error).splitlines()
        if _ERROR_LINE.match(line) and "UserCodeException" not in line
    ]
    return one_line(causes[-1]) if causes else _first_line(error)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return one_line(lines[0] if lines else type(error).__name__)
