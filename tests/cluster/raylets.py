"""Several machines of a Ray cluster on this one: a program that other tests start and tell.

It prints the cluster's address, and then obeys the words ``add`` and ``remove``, a line each, until
its input ends.
"""

import sys

from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    nodes = [cluster.add_node(**NODE)]
    cluster.wait_for_nodes()
    say(cluster.address)
    try:
        for word in sys.stdin:
            if word.strip() == "add":
                nodes.append(cluster.add_node(**NODE))
                cluster.wait_for_nodes()
            else:
                cluster.remove_node(nodes.pop(), allow_graceful=False)
            say("done")
    finally:
        cluster.shutdown()


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
