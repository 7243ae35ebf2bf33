"""How the two filters are asked: stock rules and scores, nothing allowlisted, nothing learnt."""

from __future__ import annotations

import http.client
import json
import os
import shutil
from pathlib import Path

RSPAMD_PORT = 11333
SENDER_IP = "198.18.0.25"
"""Our smarthost there: RFC 2544's range, which is nobody's and which no rule calls illegal."""
SENDER = "out.campaign.example.net"


def rspamd_command(home: Path, root: Path) -> list[object]:
    """Debian's own configuration; only the places are ours."""
    share = root / "usr/share/rspamd"
    places = {
        "CONFDIR": root / "etc/rspamd", "LOCAL_CONFDIR": home / "local", "DBDIR": home / "db",
        "RUNDIR": home, "LOGDIR": home, "SHAREDIR": share, "RULESDIR": share / "rules",
        "PLUGINSDIR": share / "plugins", "LUALIBDIR": share / "lualib", "WWWDIR": share / "www",
    }  # fmt: skip
    for folder in ("local", "db"):
        (home / folder).mkdir()
    # the one place that Debian's build has fixed; without it no language is recognised
    languages = f'lang_detection {{ languages = "{share}/languages"; }}\n'
    (home / "local" / "rspamd.conf.local").write_text(languages)
    variables = [f"--var={name}={place}" for name, place in places.items()]
    program, configuration = root / "usr/bin/rspamd", root / "etc/rspamd/rspamd.conf"
    return [program, "--insecure", "--no-fork", "-c", configuration, *variables]


def lend_compiled(home: Path, cache: Path) -> None:
    """rspamd compiles its own patterns for ten seconds when it starts for the first time."""
    for compiled in cache.glob("*.hs*"):
        (home / "db" / compiled.name).symlink_to(compiled)


def keep_compiled(home: Path, cache: Path) -> None:
    cache.mkdir(exist_ok=True)
    for compiled in (home / "db").glob("*.hs*"):
        if not compiled.is_symlink():
            fresh = cache / f".{compiled.name}.{os.getpid()}.{home.name}"
            shutil.copyfile(compiled, fresh)
            fresh.replace(cache / compiled.name)


def ask_rspamd(letter: bytes) -> dict[str, object]:
    """One letter as a mail exchanger's milter would show it."""
    envelope = _envelope(letter)
    headers = {
        "IP": SENDER_IP, "Hostname": SENDER, "Helo": SENDER, "From": envelope,
        "Rcpt": "abuse@network.example.org",
    }  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", RSPAMD_PORT, timeout=60)
    connection.request("POST", "/checkv2", body=letter, headers=headers)
    told = json.loads(connection.getresponse().read())
    connection.close()
    rules = {name: round(symbol["score"], 2) for name, symbol in told["symbols"].items()}
    return {"score": round(told["score"], 2), "rules": rules}


def _envelope(letter: bytes) -> str:
    """The envelope sender, from the Return-Path that stands first."""
    line = letter.split(b"\r\n", 1)[0].decode()
    assert line.startswith("Return-Path: <"), line
    return line.removeprefix("Return-Path: <").removesuffix(">")


def read_rules(text: str) -> dict[str, float]:
    """`NAME=score,NAME=score` as spam.pl prints it."""
    pairs = (pair.split("=") for pair in text.split(",") if pair)
    return {name: float(score) for name, score in pairs}
