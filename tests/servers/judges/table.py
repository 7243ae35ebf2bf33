"""Writes docs/filter-scores.md: what both filters say of every letter that is built.

.venv/bin/python -m tests.servers.judges.table [--few] [LANGUAGE ...]
"""

from __future__ import annotations

import gzip
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import cycle, product
from typing import Any

from openletter.letters import library, preview
from openletter.words import Reader, WaveKind
from tests.samples import ROOT
from tests.servers import debian
from tests.servers.judges import court, filtered

FILE = ROOT / "docs" / "filter-scores.md"
IS_WHOLE = "--few" not in sys.argv
"""SpamAssassin takes half a second a letter; with `--few` it sees one for each reader of each kind."""
FILTERS = ("spamassassin", "rspamd")
SPOILT = ("unsigned", "shouting subject", "Reply-To at freemail")
Scores = dict[str, dict[str, dict[str, Any]]]
"""Filter -> name of the letter -> score and rules."""
HEAD = """\
# What spam filters say of our letters

Written by `.venv/bin/python -m tests.servers.judges.table` on {date}: SpamAssassin {spamassassin} (spam from 5.0)
and rspamd {rspamd} (greylists from 4, marks from 6, rejects from 15), Debian's packages with their stock rules and scores,
offline. No blocklist, no learnt words, no fuzzy sums, no allowlist, no score changed. The letters go out as a
partner's campaign sends them, from a made-up domain whose SPF, DKIM, DMARC, MX and PTR records stand in a DNS of the
test's own ([tests/servers/judges](../tests/servers/judges)). Reputation can't be seen offline: what is shown is how a
letter is built. The bar is 0 in both.

{count} letters for rspamd: each kind, reader and subject in each language, and for each kind and reader one about 60
addresses with its table attached. {few} of them for SpamAssassin: {shown}.
Shown is the highest score of each kind. The last three columns show that the filters look: the first letter unsigned,
with a shouting subject, and with its answers going to a freemail address.

"""


def main(languages: list[str]) -> int:
    if missing := [why for name in FILTERS if (why := court.why_not(name))]:
        sys.stderr.write(f"{missing[0]}\n")
        return 1
    chosen = languages or list(library.languages())
    with ThreadPoolExecutor(2) as pool:
        rows = dict(zip(chosen, pool.map(scores_of, chosen), strict=True))
    FILE.write_text(_page(rows), encoding="utf-8")
    worst = max(one["score"] for _, one in _letters(rows))
    sys.stderr.write(f"written: {FILE.relative_to(ROOT)}, worst score {worst}\n")
    return int(worst > 0)


def scores_of(language: str) -> Scores:
    """Every letter of a language, and three ways to spoil its first one."""
    signed_with, now = filtered.signing_keys(), datetime.now(UTC)
    pile = filtered.pile_of(language, signed_with=signed_with, now=now)
    first = filtered.draft(preview.Asked(language=language), now=now)
    letters = (
        first.received(()),
        first.shouting().received(signed_with),
        first.answered_at_freemail().received(signed_with),
    )
    pile |= zip(SPOILT, letters, strict=True)
    records = filtered.records(signed_with)
    few = {name: raw for name, raw in pile.items() if name in SPOILT or _is_in_turn(name)}
    shown = {"spamassassin": pile if IS_WHOLE else few, "rspamd": pile}
    return {
        by: court.judged(letters, by=by, records=records, patience=900)
        for by, letters in shown.items()
    }


def _is_in_turn(name: str) -> bool:
    """One subject for each kind and reader, another one in each."""
    turns = zip(product(library.kinds(), Reader), cycle(preview.SUBJECTS), strict=False)
    return any(name.endswith(f"/{to}-{kind}-{about}.eml") for (kind, to), about in turns)


def _page(rows: dict[str, Scores]) -> str:
    versions = {package: _version(package) for package in FILTERS}
    date = datetime.now(UTC).date().isoformat()
    count = sum(1 for _ in _letters(rows, "rspamd"))
    few = sum(1 for _ in _letters(rows, "spamassassin"))
    kinds = library.kinds()
    shown = "all" if IS_WHOLE else "each kind and reader in each language, the subjects in turn"
    said = {"date": date, "count": f"{count:,}", "few": f"{few:,}", "shown": shown}
    lines = [HEAD.format(**said, **versions)]
    for by in FILTERS:
        titles = ["language", *kinds, *SPOILT]
        lines += [f"## {by}\n\n| {' | '.join(titles)} |\n|{'---|' * len(titles)}\n"]
        lines += [_line(tag, scores[by], kinds) for tag, scores in rows.items()]
        lines += ["\n", _why(rows, by), _above(rows, by), "\n"]
    return "".join(lines).rstrip("\n") + "\n"


def _line(tag: str, told: dict[str, dict[str, Any]], kinds: tuple[WaveKind, ...]) -> str:
    highest = [max(told[name]["score"] for name in told if f"-{kind}-" in name) for kind in kinds]
    cells = [*highest, *(told[name]["score"] for name in SPOILT)]
    return f"| {tag} | {' | '.join(f'{cell + 0.0:+.2f}' for cell in cells)} |\n"


def _letters(rows: dict[str, Scores], by: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for scores in rows.values():
        for judge in [by] if by else FILTERS:
            told = scores[judge].items()
            yield from ((judge, one) for name, one in told if name not in SPOILT)


def _why(rows: dict[str, Scores], by: str) -> str:
    """Which rules made these scores, and in how many letters."""
    found = [one["rules"] for name, one in _letters(rows) if name == by]
    scores: dict[str, list[float]] = defaultdict(list)
    for rules in found:
        for rule, score in rules.items():
            scores[rule].append(score)
    moved = [
        f"{rule} {_from_to(given)} in {'all' if len(given) == len(found) else f'{len(given):,}'}"
        for rule, given in sorted(scores.items(), key=lambda one: -len(one[1]))
        if max(map(abs, given)) >= 0.01
    ]
    return f"Moved by: {', '.join(moved)}.\n"


def _from_to(scores: list[float]) -> str:
    low, high = min(scores), max(scores)
    return f"{low:+g}" if low == high else f"{low:+g} to {high:+g}"


def _above(rows: dict[str, Scores], by: str) -> str:
    """Which languages miss the bar, in how many letters, and by which rule."""
    found = {
        tag: [one for name, one in scores[by].items() if name not in SPOILT and one["score"] > 0]
        for tag, scores in rows.items()
    }
    missed = {tag: letters for tag, letters in found.items() if letters}
    if not missed:
        return "\nEvery letter is at or below 0.\n"
    said = (
        f"{tag} ({len(letters)} of {len(rows[tag][by]) - len(SPOILT)}, up to "
        f"{max(one['score'] for one in letters):+.2f})"
        for tag, letters in missed.items()
    )
    return f"\n**Above 0:** {', '.join(said)}. {_because(missed)}\n"


def _because(missed: dict[str, list[dict[str, Any]]]) -> str:
    """The rules that lift those letters over the bar."""
    lifting = sorted(
        {rule for letters in missed.values() for one in letters for rule in one["rules"]
         if one["rules"][rule] >= one["score"]}
    )  # fmt: skip
    return f"Lifted by {', '.join(lifting)}."


def _version(package: str) -> str:
    """Debian's version of the unpacked package, from its changelog."""
    file = debian.UNPACKED / "usr/share/doc" / package / "changelog.Debian.gz"
    with gzip.open(file, "rt", encoding="utf-8") as text:
        return text.readline().split("(")[1].split(")")[0]


if __name__ == "__main__":
    raise SystemExit(main([name for name in sys.argv[1:] if name != "--few"]))
