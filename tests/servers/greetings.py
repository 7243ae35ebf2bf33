"""Hears what the laboratory's servers say of themselves: `python -m tests.servers.greetings [GUIDE...]`.

Each server is opened as its guide's laboratory opens it, and asked from outside in the ways in
which lists of open servers ask: a greeting, a page, a tunnel, nonsense. What it says goes to
`openletter/guides/heard.json`, word for word but for the time; what our patterns make of it is computed there.
`--samples FOLDER` counts what the tables of reports below a folder say.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from openletter.guides import heard, library
from openletter.guides.model import BlockRole
from openletter.guides.recognise import SPOKEN
from openletter.words import Weakness
from tests.servers.following import Follower, executed
from tests.servers.laboratory import laboratory, why_not

RECORD = Path(heard.__file__).with_name("heard.json")
GREETING = 'exec 3<>/dev/tcp/{ip}/{port} && read -r -t 8 -u 3 line && echo "$line"'
ASK_PROXY = (
    "curl -s -m 8 -o /dev/null -D - -x http://{ip}:{port} http://example.com/",
    "curl -s -m 8 -o /dev/null -D - -p -x http://{ip}:{port} http://example.com/",
    "curl -s -m 8 -o /dev/null -D - http://{ip}:{port}/",
    "printf 'HELLO\\r\\n\\r\\n' | nc -w 3 {ip} {port} | head -c 2000",
)
TIME = re.compile(r"\w{3}, \d+ \w{3} \d{4} [\d:]+ \S+?(?=;|$)")
Said = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Listener(Follower):
    """Opens a server as its guide's laboratory does, and listens instead of closing it."""

    def hear(self, case: str, lived: str) -> Iterator[Said]:
        """What it says from outside, as (where it said so, its words)."""
        self._all(BlockRole.LAB_STOP, case, lived)
        self._move_in(case, lived)
        self._all(BlockRole.OPEN, case, lived)
        self._all(BlockRole.LAB_START, case, lived)
        port = self.values.get("port", str(self.guide.ports[0]))
        ask = ASK_PROXY if Weakness.OPEN_HTTP_PROXY in self.guide.weaknesses else ()
        relay = Weakness.OPEN_RELAY in self.guide.weaknesses
        for command in (*ask, *((GREETING,) if relay else ())):
            text = self.lab.type(command.format(ip="203.0.113.10", port=port), where="outside")
            yield from _said(text, is_greeting=relay)
        self._all(BlockRole.LAB_STOP, case, lived)


def _said(text: str, *, is_greeting: bool) -> Iterator[Said]:
    lines = text.replace("\r", "").split("\n")
    if is_greeting and lines[0].startswith("220"):
        yield "banner", TIME.sub("(time)", lines[0])
    for line in lines:
        name, colon, value = line.partition(": ")
        if colon and name.lower() in {"server", "via"}:
            yield name.lower(), value.strip()
        elif re.match(r"HTTP/1\.\d [45]\d\d |(?i:proxy-agent): ", line):
            yield "banner", line.strip()


def listen(name: str) -> list[dict[str, str]]:
    """Everything one guide's server said, once each; the laboratory's own site says nothing."""
    said: Counter[Said] = Counter()
    with laboratory(name) as lab:
        listener = Listener(guide=library.guide(name), lab=lab)
        listener.set_up()
        firsts = {lived: case for case, lived in reversed(listener.pairs())}
        for lived, case in firsts.items():
            said.update(set(listener.hear(case, lived)))
    return [{"on": on, "text": text} for on, text in sorted(said)]


def of_tables(folder: Path) -> Iterator[dict[str, str]]:
    """The different things that servers said in the tables of reports below a folder."""
    seen = set()
    for file in sorted(folder.rglob("*.csv")):
        with file.open(encoding="utf-8", errors="replace", newline="") as opened:
            for row in csv.DictReader(opened):
                cells = {str(name).strip().lower(): cell for name, cell in row.items()}
                said = {on: str(cells.get(on) or "").strip() for on in SPOKEN}
                if any(said.values()) and tuple(said.values()) not in seen:
                    seen.add(tuple(said.values()))
                    yield said


def main(given: Iterable[str]) -> int:
    """Hear the servers, or those named, and keep the record; what can't be heard is said."""
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {"servers": {}}
    names = list(given)
    if names[:1] == ["--samples"]:
        record["samples"] = heard.count(of_tables(Path(names[1])))
    else:
        for name in names or [n for n in executed() if library.guide(n).is_for_letters]:
            if reason := why_not(name):
                sys.stderr.write(f"greetings: {name} is not heard ({reason})\n")
                continue
            record["servers"][name] = listen(name)
            sys.stderr.write(f"greetings: {name}: {len(record['servers'][name])} sayings\n")
        record["date"] = datetime.now(UTC).date().isoformat()
    record["servers"] = dict(sorted(record["servers"].items()))
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
