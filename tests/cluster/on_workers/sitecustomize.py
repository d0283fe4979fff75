"""What the tests add to the processes of a Ray cluster: photos that kill, and a log of attempts."""

import os
import signal
import sys
import time
from pathlib import Path

if any("default_worker" in word for word in sys.orig_argv):
    from fivefold.cluster import work

    plain = work.read_photo
    log = Path(os.environ["FIVEFOLD_TEST_LOG"])
    pause_s = float(os.environ["FIVEFOLD_TEST_PAUSE_S"])

    def read_photo(data, *, name, threads):
        with log.open("a") as lines:
            lines.write(f"{os.getpid()} {name}\n")
        if data.startswith(b"kills its worker"):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(pause_s)
        return plain(data, name=name, threads=threads)

    work.read_photo = read_photo
