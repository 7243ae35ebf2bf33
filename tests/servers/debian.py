"""Unpacks Debian's packages below .cache/debian, never installs them: `python -m tests.servers.debian`.

Nothing of theirs is started by itself, no user is made, nothing in /etc is read or written.
Where apt can't download, the tests that need a server are skipped with one line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "debian"
UNPACKED = CACHE / "root"
WANTED = {
    "dnsperf": "usr/bin/dnsperf",
    "gpgv": "usr/bin/gpgv",
    "libmail-dkim-perl": "usr/share/perl5/Mail/DKIM.pm",
    "libmail-spf-perl": "usr/share/perl5/Mail/SPF.pm",
    "opendkim-tools": "usr/sbin/opendkim-testmsg",
    "postfix": "usr/lib/postfix/sbin/master",
    "postgresql-15": "usr/lib/postgresql/15/bin/initdb",
    "rbldnsd": "usr/sbin/rbldnsd",
    "rspamd": "usr/bin/rspamd",
    "spamassassin": "usr/share/perl5/Mail/SpamAssassin.pm",
    "squid": "usr/sbin/squid",
    "swaks": "usr/bin/swaks",
    "unbound": "usr/sbin/unbound",
}


def program(package: str) -> Path | None:
    """Give a package's program if it is unpacked."""
    found = UNPACKED / WANTED[package]
    return found if found.exists() else None


def environment() -> dict[str, str]:
    """Give the environment in which unpacked programs find their libraries."""
    machine = os.uname().machine
    folders = [UNPACKED / "usr/lib" / f"{machine}-linux-gnu", UNPACKED / "usr/lib/postfix"]
    folders.append(UNPACKED / "usr/lib/rspamd")
    folders.append(UNPACKED / "lib" / f"{machine}-linux-gnu")
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(str(folder) for folder in folders)}


def with_what_it_needs(package: str) -> list[str]:
    """Name the package and what an installation would bring along here."""
    command = ["apt-get", "install", "--simulate", "-y", "--no-install-recommends", package]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    needed = [line.split()[1] for line in told.splitlines() if line.startswith("Inst ")]
    return sorted({package, *needed})


def unpack(package: str) -> str:
    """Download and unpack one package; say what went wrong, or nothing."""
    archives = CACHE / "archives" / package
    archives.mkdir(parents=True, exist_ok=True)
    names = with_what_it_needs(package)
    command = ["apt-get", "download", "-q", *names]
    done = subprocess.run(command, cwd=archives, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "apt-get failed"
    for archive in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(archive), str(UNPACKED)], check=True)
        archive.unlink()
    return "" if program(package) else "it holds no such program"


def main() -> int:
    """Unpack what is missing; a failure costs tests, so it is said, and nothing ends."""
    UNPACKED.mkdir(parents=True, exist_ok=True)
    for package in WANTED:
        if program(package):
            continue
        if (CACHE / f"no-{package}").exists() and not os.environ.get("RETRY"):
            continue
        problem = unpack(package)
        told = f"not to be had, its tests are skipped ({problem})" if problem else "unpacked"
        sys.stderr.write(f"tools: {package}: {told}\n")
        if problem:
            (CACHE / f"no-{package}").write_text(problem)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
