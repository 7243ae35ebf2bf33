"""Three made-up networks in which a guide is followed to the letter, on the real server.

    outside  203.0.113.66; names, a web site and a mail exchanger of the world (`world`)
    server   203.0.113.10 outside, 10.10.0.1 inside: the reader's machine
    lan      10.10.0.5: the reader's own office

All three have IPv6 too: 2001:db8:f::/64 outside, 2001:db8:a::/64 inside.

Everything lives in namespaces of one process: mounts over /usr, /etc and /var that hold the
product as Debian installs it (`images`), networks without a way out, process numbers of its own.
When it ends, all ends.
"""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import images

VALUES = {
    "ip": "203.0.113.10", "host": "203.0.113.10", "inside": "10.10.0.1", "lan": "10.10.0.0/24",
    "domain": "shop.test", "foreign": "probe@elsewhere.test", "user": "alice", "family": "4",
    "proto": "tcp", "unit": "proxy", "file": "/etc/rc.local", "six": "2001:db8:f::10", "port": "1080",
}  # fmt: skip
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

SETUP = r"""
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
cat "$STANDIN" > /mnt/systemctl.py; cat "$WORLD" > /mnt/world.py; cat "$CONTAINERS" > /mnt/containers.sh
for d in usr etc var; do
  mkdir -p /mnt/$d /mnt/.$d
  mount -t overlay overlay -o lowerdir="$IMAGE/$d":/$d,upperdir=/mnt/$d,workdir=/mnt/.$d /$d
done
for d in /run /dev/shm /tmp /home; do mount -t tmpfs tmpfs $d; done
chmod 1777 /tmp /dev/shm
mkdir -p /run/netns
cat /usr/lib/tmpfiles.d/*.conf | awk '$1 ~ /^[dD]/ && $2 ~ /^\/run\// { print $2, $3, $4, $5 }' | while read -r p m u g; do
  mkdir -p "$p"; chmod "$m" "$p" 2>/dev/null || true; chown "$u:$g" "$p" 2>/dev/null || true
done
{ echo '#!/usr/bin/python3'; cat /mnt/systemctl.py; } > /usr/local/bin/systemctl; chmod 755 /usr/local/bin/systemctl
rm -f /etc/resolv.conf; echo 'nameserver 198.51.100.53' > /etc/resolv.conf
printf '127.0.0.1 localhost\n203.0.113.10 mail.shop.test shop.test\n' > /etc/hosts
for n in outside lan; do ip netns add $n; ip -n $n link set lo up; done
ip link set lo up
ip link add ext0 type veth peer name e0 netns outside
ip link add lan0 type veth peer name l0 netns lan
ip addr add 203.0.113.10/24 dev ext0; ip addr add 10.10.0.1/24 dev lan0
ip -n outside addr add 203.0.113.66/24 dev e0
for a in 25 53 80; do ip -n outside addr add 198.51.100.$a/32 dev lo; done
ip -n lan addr add 10.10.0.5/24 dev l0
ip link set ext0 up; ip link set lan0 up
ip -n outside link set e0 up; ip -n lan link set l0 up
ip -n outside addr add 2001:db8:f::66/64 dev e0 nodad; ip addr add 2001:db8:f::10/64 dev ext0 nodad
ip -n lan addr add 2001:db8:a::5/64 dev l0 nodad; ip addr add 2001:db8:a::1/64 dev lan0 nodad
ip route add default via 203.0.113.66; ip -6 route add default via 2001:db8:f::66
ip -n lan route add default via 10.10.0.1; ip -n lan -6 route add default via 2001:db8:a::1
ip -n outside route add 10.10.0.0/24 via 203.0.113.10
ip -n outside -6 route add 2001:db8:a::/64 via 2001:db8:f::10
echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
ip netns exec outside /usr/bin/python3 /mnt/world.py "$NONCE" > /mnt/world.log 2>&1 &
for i in $(seq 50); do grep -q up /mnt/world.log && break; sleep 0.1; done
grep -q up /mnt/world.log || { cat /mnt/world.log >&2; exit 1; }
echo ready
while :; do sleep 3600 & wait $!; done
"""
HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Laboratory:
    """The running networks; `pid` is the first process in them, `nonce` what its web site says."""

    pid: int
    nonce: str

    def type(self, command: str, *, where: str = "server", patience: float = 40) -> str:
        """Type a command somewhere and give everything that it printed."""
        enter = ["nsenter", "-t", str(self.pid), "-m", "-n", "-p"]
        place = [] if where == "server" else ["ip", "netns", "exec", where]
        try:
            done = subprocess.run(
                [*enter, *place, "bash", "-c", command],
                capture_output=True, stdin=subprocess.DEVNULL, timeout=patience, check=False,
                env={"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            return (late.stdout or b"").decode(errors="replace") + "\nNO ANSWER IN TIME"
        return (done.stdout + done.stderr).decode(errors="replace")


def why_not(name: str) -> str:
    """Give the reason why this product's guide can't be followed here, or nothing."""
    if reason := images.why_not():
        return reason
    return "" if images.image(name) else f"{name} could not be had from Debian (make tools)"


@contextmanager
def laboratory(name: str) -> Iterator[Laboratory]:
    """Make the networks around a product's image; they and all in them end with the block."""
    nonce = secrets.token_hex(6)
    place = images.image(name)
    assert place is not None
    outer = subprocess.Popen(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
         "bash", "-c", SETUP],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PATH": PATH, "IMAGE": str(place), "NONCE": nonce, "HOME": "/root",
             "STANDIN": str(HERE / "systemctl.py"), "WORLD": str(HERE / "world.py"),
             "CONTAINERS": str(HERE / "containers.sh")},
    )  # fmt: skip
    try:
        assert outer.stdout is not None
        if outer.stdout.readline().strip() != "ready":
            told = outer.stderr.read() if outer.stderr else ""
            raise RuntimeError(f"the laboratory did not start: {told.strip()[-400:]}")
        yield Laboratory(pid=_first_child(outer.pid), nonce=nonce)
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
