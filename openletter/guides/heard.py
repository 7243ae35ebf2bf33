"""What servers said of themselves, and what the patterns make of it.

`heard.json` holds the words of the laboratory's servers while they were open, and counts of what
tables of reports say. Nothing here is guessed: a saying is named rightly, not at all, or wrongly.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from openletter.guides import library
from openletter.guides.model import Guide
from openletter.guides.recognise import Facts, candidates, choose

_HEAD = """\
## What they say of themselves

Heard from the laboratory's servers while they were open, {date} (`python -m
tests.servers.greetings`). A saying is a greeting, a `Server` or `Via` header or a refusal's first
line. Named: it leads to this guide. A server that never names itself gets the guide for those who
don't know what runs there.

| guide | sayings | named | as another | introduces itself as |
|---|---|---|---|---|"""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One server's sayings, judged."""

    sayings: int
    named: int
    wrong: int
    cuts: tuple[str, ...]


@cache
def _record() -> Mapping[str, object]:
    stored: Mapping[str, object] = json.loads(
        (files("openletter.guides") / "heard.json").read_text(encoding="utf-8")
    )
    return stored


def facts_of(said: Mapping[str, str]) -> Facts:
    """Words by where they were said."""
    return Facts(
        banner=said.get("banner", ""), server=said.get("server", ""), via=said.get("via", "")
    )


def sayings(guide_id: str) -> list[Facts]:
    """What one guide's server said, each saying by itself."""
    servers = _record()["servers"]
    said = servers.get(guide_id, []) if isinstance(servers, Mapping) else []
    return [facts_of({str(one["on"]): str(one["text"])}) for one in said]


def judge(guide: Guide, *, guides: Iterable[Guide]) -> Heard:
    """How many of a server's sayings lead to its own guide, and how many to another one."""
    known, cuts, named, wrong = list(guides), dict[str, None](), 0, 0
    heard = sayings(guide.id)
    for facts in heard:
        found = choose(candidates(facts, guides=known))
        if found is not None:
            named += found.guide_id == guide.id
            wrong += found.guide_id != guide.id
            cuts[found.cut] = None
    return Heard(sayings=len(heard), named=named, wrong=wrong, cuts=tuple(cuts))


def count(said: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """Different sayings of a table by the product that they lead to."""
    found: Counter[str] = Counter()
    for one in said:
        match = library.recognised(facts_of(one))
        found[match.guide_id if match else "(nothing)"] += 1
    return dict(sorted(found.items()))


def table(guides: Iterable[Guide]) -> str:
    """The part of docs/guides-tested.md that says what is recognised."""
    known = list(guides)
    return "\n".join([_HEAD.format(date=_record()["date"]), *_rows(known)]) + "\n" + _samples()


def _rows(known: list[Guide]) -> Iterator[str]:
    servers = _record()["servers"]
    for guide in known:
        if isinstance(servers, Mapping) and guide.id in servers:
            heard = judge(guide, guides=known)
            yield (
                f"| {guide.id} | {heard.sayings} | {heard.named} | {heard.wrong} | "
                f"{', '.join(f'`{cut}`' for cut in heard.cuts)} |"
            )


def _samples() -> str:
    counts = _record().get("samples")
    if not isinstance(counts, Mapping):
        return ""
    named = {name: number for name, number in counts.items() if name != "(nothing)"}
    listed = ", ".join(f"{name} {number}" for name, number in named.items())
    return (
        f"\nIn the sample reports beside the project servers say {sum(counts.values())} different "
        f"things; {sum(named.values())} of them name\na product of ours ({listed}), the others "
        "none of ours or no product at all.\n"
    )
