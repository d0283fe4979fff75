"""Several machines of a Ray cluster on this one: a program that other tests start and tell.

It prints the cluster's address, and then obeys the words ``add`` and ``remove``, a line each, until
its input ends.
"""

import sys
from typing import Any

from ray.cluster_utils import Cluster

WAIT_S = 120
NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    nodes = [add_node(cluster)]
    cluster.wait_for_nodes(timeout=WAIT_S)
    say(cluster.address)
    try:
        for word in sys.stdin:
            if word.strip() == "add":
                nodes.append(add_node(cluster))
                cluster.wait_for_nodes(timeout=WAIT_S)
            else:
                cluster.remove_node(nodes.pop(), allow_graceful=False)
            say("done")
    finally:
        cluster.shutdown()


def add_node(cluster: Cluster) -> Any:
    # Ray gives a machine 30 s to start, which a busy one can miss.
    for _ in range(3):
        try:
            return cluster.add_node(**NODE)
        except Exception as error:
            sys.stderr.write(f"{error}\n")
    return cluster.add_node(**NODE)


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
