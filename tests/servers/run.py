"""Runs unpacked servers on loopback with folders of their own; each ends with its `with` block."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import debian

IS_ROOT = os.getuid() == 0


@dataclass(frozen=True, kw_only=True)
class Server:
    """A foreign server that answers on 127.0.0.1."""

    port: int
    home: Path
    process: subprocess.Popen[bytes]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def listening() -> set[tuple[str, int]]:
    """Give every TCP address that somebody listens on, but for what another test worker runs.

    Workers run side by side, each with servers of its own. A server that was left behind has lost
    its worker, so it counts.
    """
    theirs = _sockets_of_other_workers()
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] not in theirs:
                address, port = columns[1].split(":")
                found.add((address, int(port, 16)))
    return found


def _sockets_of_other_workers() -> set[str]:
    """Inodes of the sockets that this worker's siblings and their children hold."""
    me, controller = os.getpid(), os.getppid()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return set()
    below: dict[int, list[int]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            stat = (process / "stat").read_text().rpartition(")")[2].split()
            below.setdefault(int(stat[1]), []).append(int(process.name))
    family = [child for child in below.get(controller, []) if child != me]
    for pid in family:
        family.extend(below.get(pid, []))
    return {inode for pid in family for inode in _sockets_of(pid)}


def _sockets_of(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for held in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if (name := str(held.readlink())).startswith("socket:["):
                    yield name[8:-1]


def needs(package: str) -> Path:
    """Give the program, or skip the test with one line."""
    found = debian.program(package)
    if found is None:
        pytest.skip(f"Debian's {package} is not unpacked here (make tools)")
    return found


@contextmanager
def folder(user: str | None = None) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="openletter-server-"))
    home.chmod(0o755)
    if user and IS_ROOT:
        shutil.chown(home, user)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str | Path], *, home: Path, port: int, user: str | None = None
) -> Iterator[Server]:
    """Start it, wait until it answers, and end its whole group afterwards."""
    become = {}
    if user and IS_ROOT:
        entry = pwd.getpwnam(user)
        become = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    with (home / "out").open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=home,
            env=debian.environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **become,
        )
    try:
        _wait(process, port, home)
        yield Server(port=port, home=home, process=process)
    finally:
        end(process)


def _wait(process: subprocess.Popen[bytes], port: int, home: Path) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    told = "\n".join(
        path.read_text(errors="replace") for path in (home / "out", home / "log") if path.exists()
    )
    pytest.fail(f"the server did not answer: {told[-1500:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    """End it and wait; its children let go of the port a moment later."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def still_listening(before: set[tuple[str, int]], *, patience: float = 5) -> set[tuple[str, int]]:
    """Give what listens now and did not before, once it had a moment to let go."""
    deadline = time.monotonic() + patience
    while (found := listening() - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


POSTFIX_SERVICES = """\
127.0.0.1:{port} inet n - n - 20 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
POSTFIX_QUEUES = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming"),
    *("private", "saved", "maildrop", "public", "pid", "trace"),
)


@contextmanager
def postfix(
    *,
    port: int = 0,
    settings: Mapping[str, str] | None = None,
    home: Path | None = None,
    more: tuple[str, str] = ("", ""),
) -> Iterator[Server]:
    """Run Postfix's master with its own queue; it discards mail unless `settings` say otherwise.

    Its log is `server.home / "log"`. `more`: lines for main.cf and master.cf. Give `home` to keep the queue over a kill and a new start.
    """
    master = needs("postfix")
    if not IS_ROOT:
        pytest.skip("Postfix's master runs as root only")
    port = port or free_port()
    with folder() if home is None else _kept(home) as here:
        _lay_postfix(here, port, settings or {})
        for name, lines in zip(("main.cf", "master.cf"), more, strict=True):
            with (here / "etc" / name).open("a") as file:
                file.write(lines)
        command = [master, "-c", here / "etc", "-d"]
        with running(command, home=here, port=port) as server:
            yield server


@contextmanager
def _kept(home: Path) -> Iterator[Path]:
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    yield home


def _lay_postfix(home: Path, port: int, settings: Mapping[str, str]) -> None:
    """Lay out configuration and queue; existing users stand in for postfix and postdrop."""
    sbin, share = debian.UNPACKED / "usr/sbin", debian.UNPACKED / "usr/lib/postfix"
    for name in ("etc", "data", *(f"queue/{queue}" for queue in POSTFIX_QUEUES)):
        (home / name).mkdir(mode=0o755, parents=True, exist_ok=True)
        if name not in {"etc", "queue/pid"}:
            shutil.chown(home / name, "mail")
    values = {
        "compatibility_level": "3.6",
        "queue_directory": str(home / "queue"),
        "data_directory": str(home / "data"),
        "command_directory": str(sbin),
        "daemon_directory": str(share / "sbin"),
        "shlib_directory": str(share),
        "meta_directory": str(debian.UNPACKED / "etc/postfix"),
        "import_environment": f"LD_LIBRARY_PATH={debian.environment()['LD_LIBRARY_PATH']} MAIL_CONFIG",
        "mail_owner": "mail",
        "setgid_group": "games",
        "default_privs": "nobody",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "myhostname": "mx.test",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
        "default_transport": "discard",
        "relay_transport": "discard",
        "alias_maps": "",
        "alias_database": "",
        "smtp_dns_support_level": "disabled",
        "smtp_host_lookup": "native",
        "maillog_file": str(home / "log"),
        "maillog_file_prefixes": str(home),
        **settings,
    }
    lines = [f"{name} = {value}" for name, value in values.items()]
    (home / "etc" / "main.cf").write_text("\n".join(lines) + "\n")
    (home / "etc" / "master.cf").write_text(POSTFIX_SERVICES.format(port=port))


@contextmanager
def squid(*, is_open: bool) -> Iterator[Server]:
    """Run a forward proxy that lets everybody through, or nobody."""
    program, port = needs("squid"), free_port()
    share = debian.UNPACKED / "usr/share/squid"
    with folder("nobody") as home:
        (home / "mime").write_text(". unknown anything 1 - text/plain - - -\n")
        (home / "conf").write_text(
            f"http_port 127.0.0.1:{port}\nhttp_access {'allow' if is_open else 'deny'} all\n"
            f"cache deny all\ncache_log {home}/log\naccess_log stdio:{home}/access\n"
            f"pid_filename {home}/pid\ncoredump_dir {home}\nicon_directory {share}/icons\n"
            f"mime_table {home}/mime\nerror_directory {debian.UNPACKED}/usr/share/squid-langpack/en\n"
            f"unlinkd_program {debian.UNPACKED}/usr/lib/squid/unlinkd\n"
            "shutdown_lifetime 0 seconds\npinger_enable off\nnetdb_filename none\n"
        )
        command = [program, "-N", "-n", f"sq{port}", "-f", home / "conf"]
        with running(command, home=home, port=port, user="nobody") as server:
            yield server


@contextmanager
def rbldnsd(zone: str, lines: Sequence[str]) -> Iterator[Server]:
    """Answer DNS for one made-up zone, from lines in rbldnsd's own format."""
    program, port = needs("rbldnsd"), free_port()
    with folder("nobody") as home:
        (home / "zone").write_text("\n".join(lines) + "\n")
        command = [program, "-n", "-b", f"127.0.0.1/{port}", f"{zone}:ip4set:{home / 'zone'}"]
        become = {"user": "nobody"} if IS_ROOT else {}
        with (home / "out").open("wb") as out:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=home,
                env=debian.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                **become,
            )
        try:
            time.sleep(0.3)
            assert process.poll() is None, (home / "out").read_text()
            yield Server(port=port, home=home, process=process)
        finally:
            end(process)
