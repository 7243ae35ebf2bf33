"""Three made-up networks in which a guide is followed to the letter, on the real server.

    outside  203.0.113.66, and a web site at 198.51.100.80
    server   203.0.113.10 outside, 10.10.0.1 inside: the reader's machine
    lan      10.10.0.5: the reader's own office

Everything lives in namespaces of one process: mounts over /usr, /etc and /var that hold the
unpacked packages, networks without a way out, process numbers of its own. When it ends, all ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import debian

VALUES = {
    "ip": "203.0.113.10", "host": "203.0.113.10", "inside": "10.10.0.1", "lan": "10.10.0.0/24",
    "domain": "shop.test", "foreign": "probe@elsewhere.test", "user": "alice", "family": "4",
    "proto": "tcp",
}  # fmt: skip

SETUP = r"""
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
for d in usr etc var; do
  mkdir -p /mnt/$d /mnt/.$d
  mount -t overlay overlay -o lowerdir="$UNPACKED/$d":/$d,upperdir=/mnt/$d,workdir=/mnt/.$d /$d
done
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mkdir -p /run/netns
echo '198.51.100.80 example.com' >> /etc/hosts
for n in outside lan; do ip netns add $n; ip -n $n link set lo up; done
ip link set lo up
ip link add ext0 type veth peer name e0 netns outside
ip link add lan0 type veth peer name l0 netns lan
ip addr add 203.0.113.10/24 dev ext0; ip addr add 10.10.0.1/24 dev lan0
ip -n outside addr add 203.0.113.66/24 dev e0; ip -n outside addr add 198.51.100.80/32 dev lo
ip -n lan addr add 10.10.0.5/24 dev l0
ip link set ext0 up; ip link set lan0 up
ip -n outside link set e0 up; ip -n lan link set l0 up
ip route add 198.51.100.0/24 via 203.0.113.66
mkdir -p /mnt/site; echo '<h1>Example Domain</h1>' > /mnt/site/index.html
ip netns exec outside "$PYTHON" -m http.server -d /mnt/site -b 198.51.100.80 80 >/dev/null 2>&1 &
echo ready
exec sleep infinity
"""


@dataclass(frozen=True, kw_only=True)
class Laboratory:
    """The running networks; `pid` is the first process in them."""

    pid: int

    def type(self, command: str, *, where: str = "server", patience: float = 40) -> str:
        """Type a command somewhere and give everything that it printed."""
        enter = ["nsenter", "-t", str(self.pid), "-m", "-n", "-p"]
        place = [] if where == "server" else ["ip", "netns", "exec", where]
        try:
            done = subprocess.run(
                [*enter, *place, "bash", "-c", command],
                capture_output=True, stdin=subprocess.DEVNULL, timeout=patience, check=False,
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                     "HOME": "/root", "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            return (late.stdout or b"").decode(errors="replace") + "\nNO ANSWER IN TIME"
        return (done.stdout + done.stderr).decode(errors="replace")


def why_not() -> str:
    """Give the reason why there can be no laboratory here, or nothing."""
    if os.getuid() != 0:
        return "only root may make networks"
    for package in ("postfix", "squid", "swaks"):
        if debian.program(package) is None:
            return f"Debian's {package} is not unpacked here (make tools)"
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "true"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "no namespaces here"


@contextmanager
def laboratory() -> Iterator[Laboratory]:
    """Make the networks; they and all that runs in them end with the block."""
    outer = subprocess.Popen(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
         "bash", "-c", SETUP],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "UNPACKED": str(debian.UNPACKED), "PYTHON": sys.executable},
    )  # fmt: skip
    try:
        assert outer.stdout is not None
        if outer.stdout.readline().strip() != "ready":
            told = outer.stderr.read() if outer.stderr else ""
            raise RuntimeError(f"the laboratory did not start: {told.strip()[-400:]}")
        yield Laboratory(pid=_first_child(outer.pid))
    finally:
        outer.kill()
        outer.wait()
        for pipe in (outer.stdout, outer.stderr):
            if pipe is not None:
                pipe.close()


def _first_child(pid: int) -> int:
    for _ in range(50):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.05)
    raise RuntimeError("the laboratory has no first process")
