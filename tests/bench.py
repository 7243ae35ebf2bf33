"""Measures what docs/benchmarks.md states, each beside a limit of the same run: `make bench`.

CPU time, not wall time: the machine may be busy with something else.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from openletter import __version__
from openletter.letters.rules.dkim import SigningKey, signatures
from openletter.shell import postgres

ROWS, LETTERS, ROUNDS = 50_000, 500, 5
HEADERS = [
    (name.encode(), f"{name}: {text}\r\n".encode())
    for name, text in (
        ("From", "CERT Voorbeeld <letters@example.net>"),
        ("To", "abuse@example.org"),
        ("Subject", "[192.0.2.7] [7K3Q-D9MX] Open HTTP proxy"),
        ("Date", "Mon, 02 Mar 2026 12:00:00 +0000"),
        ("Message-ID", "<one@example.net>"),
        ("Reply-To", "reply+aaaaaaaaaaaaaaaaaaaa@reply.example.net"),
    )
]


def seconds(work: Callable[[], object]) -> float:
    """Measure CPU seconds of our own process."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def child_seconds(*arguments: str) -> float:
    """Measure CPU seconds of a command of ours."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "openletter", *arguments]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def signing() -> list[str]:
    private = generate_private_key(public_exponent=65537, key_size=2048)
    key = SigningKey(domain="example.net", selector="s", private=private)
    body = b"A line of a letter, as long as such lines are.\r\n" * 120
    ours = bare = float("inf")
    for _ in range(ROUNDS):  # in turn, the best of each: a busy neighbour hits both alike
        ours = min(ours, seconds(lambda: sign_all(key, body)))
        bare = min(bare, seconds(lambda: [key.sign(body) for _ in range(LETTERS)]))
    return [row("DKIM signatures (RSA-2048)", LETTERS, ours, "bare RSA signature", bare)]


def sign_all(key: SigningKey, body: bytes) -> None:
    for _ in range(LETTERS):
        signatures(HEADERS, body, keys=[key], at=0)


def judging(folder: Path) -> list[str]:
    path = folder / "list-2026-11-02.txt"
    lines = [f"198.51.{number // 250 % 250}.{number % 250}:3128" for number in range(ROWS)]
    path.write_text("\n".join(lines) + "\n")
    start = child_seconds("version")
    ours = child_seconds("ingest", "--dry-run", "--json", str(path)) - start
    limit = seconds(lambda: [ip_address(line.split(":")[0]) for line in path.open()])
    return [
        row("rows of a plain list judged", ROWS, ours, "ip_address() of each line", limit),
        f"| `openletter version`, CPU | {start:.2f} s | | |",
    ]


def database(folder: Path) -> list[str]:
    folder.chmod(0o755)
    told = []
    for name in ("made and started", "started again"):
        begun = time.monotonic()
        postgres.start(folder / "state")
        told.append(f"| embedded PostgreSQL {name}, wall | {time.monotonic() - begun:.2f} s | | |")
        if name == "made and started":
            postgres.stop(folder / "state")
    postgres.stop(folder / "state")
    return told


def row(name: str, number: int, ours: float, limit_name: str, limit: float) -> str:
    share = f"{limit / ours:.0%}"
    return f"| {name} | {number / ours:,.0f}/s | {limit_name}: {number / limit:,.0f}/s | {share} |"


def main() -> None:
    """Print the table."""
    out = sys.stdout.write
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    out(f"`make bench`, openletter {__version__}, {time.strftime('%Y-%m-%d')}, {machine}\n\n")
    out("| what | ours | limit of the same run | share |\n|---|---|---|---|\n")
    with tempfile.TemporaryDirectory(prefix="openletter-bench-") as scratch:
        for line in [*signing(), *judging(Path(scratch)), *database(Path(scratch))]:
            out(f"{line}\n")


if __name__ == "__main__":
    main()
