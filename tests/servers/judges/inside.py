"""Runs in the namespace: names first, then the judge over the whole folder of letters.

python -m tests.servers.judges.inside JUDGE FOLDER
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.servers import debian
from tests.servers.judges import scoring

HERE = Path(__file__).parent
UNBOUND = """\
server:
  interface: 127.0.0.1
  chroot: ""
  username: ""
  directory: "{home}"
  pidfile: "{home}/pid"
  use-syslog: no
  logfile: ""
  module-config: "iterator"
  do-not-query-localhost: no
  num-threads: 1
  root-hints: ""
  local-zone: "." static
{data}
remote-control:
  control-enable: no
"""


def main(judge: str, home: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    _answer_names(home)
    verdicts = JUDGES[judge](home)
    (home / "verdicts.json").write_text(json.dumps(verdicts))


def _answer_names(home: Path) -> None:
    """Make our records all there is in the world, for every program here."""
    (home / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", home / "resolv.conf", "/etc/resolv.conf"], check=True)
    records = json.loads((home / "records.json").read_text())
    data = "\n".join(
        f"  local-data: '{name} 60 IN {kind} {value}'"
        for name, kinds in records.items()
        for kind, value in kinds.items()
    )
    (home / "unbound.conf").write_text(UNBOUND.format(home=home, data=data))
    program = debian.program("unbound")
    start([program, "-d", "-p", "-c", home / "unbound.conf"], home=home, port=53)


def start(command: list[object], *, home: Path, port: int) -> None:
    """Start a server and wait until it answers; it ends with the namespace."""
    out = home / f"out-{port}"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=file, stderr=file, cwd=home
        )
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"{command[0]} did not answer: {out.read_text(errors='replace')[-1500:]}")


def opendkim(home: Path) -> dict[str, bool]:
    """Say of each letter whether opendkim-testmsg had nothing against it."""
    verdicts = {}
    for file in sorted((home / "letters").iterdir()):
        with file.open("rb") as letter:
            done = subprocess.run(
                [str(debian.program("opendkim-tools")), "-C", "-t", str(home)], stdin=letter, check=False,
                capture_output=True,
            )  # fmt: skip
        verdicts[file.name] = done.returncode == 0
    return verdicts


def perl(home: Path) -> dict[str, dict[str, str]]:
    """Give Mail::DKIM's result of each signature, by its algorithm."""
    verdicts: dict[str, dict[str, str]] = {}
    for line in _perl("verify.pl", home).splitlines():
        file, algorithm, result = line.split("\t")
        verdicts.setdefault(file, {})[algorithm] = result
    return verdicts


def spamassassin(home: Path) -> dict[str, dict[str, object]]:
    """Give each letter's score and the rules that made it."""
    verdicts = {}
    for line in _perl("spam.pl", home).splitlines():
        file, score, rules = line.split("\t")
        verdicts[file] = {"score": float(score), "rules": scoring.read_rules(rules)}
    return verdicts


def rspamd(home: Path) -> dict[str, dict[str, object]]:
    """Give each letter's score and the symbols that made it."""
    cache = debian.CACHE / "rspamd-compiled"
    command = scoring.rspamd_command(home, debian.UNPACKED)
    scoring.lend_compiled(home, cache)
    start(command, home=home, port=scoring.RSPAMD_PORT)
    verdicts = {
        file.name: scoring.ask_rspamd(file.read_bytes())
        for file in sorted((home / "letters").iterdir())
    }
    scoring.keep_compiled(home, cache)
    return verdicts


def _perl(script: str, home: Path) -> str:
    """Run one perl process over all letters, with the unpacked modules before the system's."""
    root = debian.UNPACKED
    places = [root / "usr/share/perl5", *root.glob("usr/lib/*/perl5/5.*")]
    unpacked = root / "usr/bin/perl"
    if unpacked.exists():
        places += [*root.glob("usr/share/perl/5.*.*"), *root.glob("usr/lib/*/perl/5.*.*")]
        places += root.glob("usr/lib/*/perl-base")
    environment = {
        **os.environ, "PERL5LIB": ":".join(map(str, places)), "HOME": str(home),
    }  # fmt: skip
    command = [str(unpacked) if unpacked.exists() else "perl", HERE / script, home, root]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{script}: {done.stderr[-2000:]}")
    return done.stdout


JUDGES: dict[str, Callable[[Path], object]] = {
    "opendkim": opendkim, "perl": perl, "spamassassin": spamassassin, "rspamd": rspamd,
}  # fmt: skip

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
