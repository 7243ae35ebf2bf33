"""Installs Debian's packages where nobody is disturbed: `python -m tests.servers.images`.

A namespace of mounts, networks and processes gets overlays over /usr, /etc and /var. There dpkg
installs a guide's packages with all their scripts, as on a reader's machine, no service starts,
and what was written is kept below .cache/debian/images. The machine itself is not changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers import registries
from tests.servers.debian import CACHE
from tests.servers.products import PRODUCTS

IMAGES = CACHE / "images"
INSTALL = r"""
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
for d in usr etc var; do
  mkdir -p /mnt/$d /mnt/.$d
  mount -t overlay overlay -o lowerdir=/$d,upperdir=/mnt/$d,workdir=/mnt/.$d /$d
done
mount -t tmpfs tmpfs /run
ip link set lo up
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
# twice: a package that must find another one ready before it is unpacked is refused the first time
for attempt in 1 2; do
  dpkg -i --force-confnew "$ARCHIVES"/*.deb </dev/null >/mnt/log 2>&1 && break
  test $attempt = 1 || { tail -n 20 /mnt/log; exit 1; }
done
for d in usr etc var; do cp -a /mnt/$d "$IMAGE/"; done
"""
TRIAL = (
    "mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && mkdir /mnt/up /mnt/work && "
    "mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work /etc"
)


def image(name: str) -> Path | None:
    """Give a product's installed tree if it was made with the packages that are named today."""
    marker = IMAGES / name / ".holds"
    wanted = PRODUCTS[name].holds
    return IMAGES / name if marker.exists() and marker.read_text() == wanted else None


def make(name: str) -> str:
    """Install a product's packages into an image of their own; say what went wrong, or nothing."""
    product = PRODUCTS[name]
    place = IMAGES / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        if told := _download(product.needs, Path(folder)):
            return told
        done = subprocess.run(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
             "bash", "-c", INSTALL],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "HOME": "/root",
                 "ARCHIVES": folder, "IMAGE": str(place)},
        )  # fmt: skip
    if done.returncode:
        return (done.stdout + done.stderr).strip()[-300:] or "dpkg failed"
    if told := registries.add(place, wheels=product.wheels, modules=product.modules):
        return told
    (place / ".holds").write_text(product.holds)
    return ""


def _download(packages: tuple[str, ...], folder: Path) -> str:
    (folder / "partial").mkdir()
    done = subprocess.run(
        ["apt-get", "install", "--download-only", "--reinstall", "-y", "-qq",
         "--no-install-recommends", "-o", f"Dir::Cache::archives={folder}",
         "-o", "APT::Sandbox::User=root", *packages],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stderr.strip()[-300:] or "apt-get failed" if done.returncode else ""


def why_not() -> str:
    """Give the reason why nothing can be installed in a namespace here, or nothing."""
    if os.getuid() != 0:
        return "only root may make networks"
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "bash", "-c",
         TRIAL],
        capture_output=True, check=False,
    )  # fmt: skip
    return "" if tried.returncode == 0 else "no namespaces with overlays here"


def main() -> int:
    """Make the images that are missing; a failure costs tests, so it is said, and nothing ends."""
    if reason := why_not():
        sys.stderr.write(f"tools: the guides' servers are not to be had ({reason})\n")
        return 0
    for name in PRODUCTS:
        failed = CACHE / f"no-image-{name}"
        if image(name) or (failed.exists() and not os.environ.get("RETRY")):
            continue
        problem = make(name)
        told = f"not to be had, its guide is not followed ({problem})" if problem else "ready"
        sys.stderr.write(f"tools: {name} for its guide: {told}\n")
        if problem:
            failed.write_text(problem)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
