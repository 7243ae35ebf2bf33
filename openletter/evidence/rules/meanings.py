"""What a row says, and with what weight: by its code, tags or words, or its feed's subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from openletter.evidence.rules.feeds import Feed, Meaning
from openletter.wire.feedrow import FeedRow
from openletter.words import Judgement, Weakness

COMMON_TAGS: Mapping[str, Weakness] = {
    "http": Weakness.OPEN_HTTP_PROXY, "https": Weakness.OPEN_HTTP_PROXY,
    "socks": Weakness.OPEN_SOCKS, "socks4": Weakness.OPEN_SOCKS, "socks4a": Weakness.OPEN_SOCKS,
    "socks5": Weakness.OPEN_SOCKS, "socks5h": Weakness.OPEN_SOCKS,
    "open-relay": Weakness.OPEN_RELAY, "open-http-proxy": Weakness.OPEN_HTTP_PROXY,
    "open-socks": Weakness.OPEN_SOCKS,
}  # fmt: skip
RANK = {Judgement.REACHABLE_ONLY: 0, Judgement.CORROBORATES: 1, Judgement.ACCEPT: 2}


def meanings_of(row: FeedRow, feed: Feed, *, only_by_tag: bool = False) -> list[Meaning]:
    """What a row says: by its code, else its tags, its words, or what the feed is about."""
    if feed.verdicts:
        return _by_verdict(row, feed)
    if feed.codes and row.code:
        found = list(feed.codes.get(row.code, (_UNKNOWN_CODE,)))
    else:
        found = _by_tags(row.tags, feed) or _by_phrase(row.says, feed)
    if not found:
        found = _unsaid(row, feed, only_by_tag=only_by_tag)
    refusal = next((d for d in feed.downgrades if row.facts.get(d.fact, "") in d.values), None)
    if refusal is not None:
        found = [replace(refusal.meaning, weakness=meaning.weakness) for meaning in found]
    if row.sign_in:
        found = [_asks(meaning) for meaning in found]
    if len(found) == 1:
        return found
    return list({meaning.weakness: meaning for meaning in reversed(found)}.values())[::-1]


def _asks(meaning: Meaning) -> Meaning:
    """A list that names a user and password says itself that not everybody may come in."""
    if meaning.worth is not Judgement.ACCEPT:
        return meaning
    return replace(meaning, worth=Judgement.REACHABLE_ONLY, reason="asks-for-sign-in")


def _by_verdict(row: FeedRow, feed: Feed) -> list[Meaning]:
    """A check says for what it looked (the tags) and what it found there (the code)."""
    told = feed.verdicts.get(row.code)
    worth, reason = told if told is not None else (Judgement.CORROBORATES, "unknown-code")
    return [replace(about, worth=worth, reason=reason) for about in _by_tags(row.tags, feed)]


_UNKNOWN_CODE = Meaning(worth=Judgement.CORROBORATES, reason="unknown-code")
_NO_KIND = Meaning(worth=Judgement.CORROBORATES, reason="no-weakness-named")


def _by_tags(tags: Iterable[str], feed: Feed) -> list[Meaning]:
    found: list[Meaning] = []
    for tag in tags:
        if tag in feed.tags:
            found.extend(feed.tags[tag])
        elif tag in COMMON_TAGS and not feed.tags:
            found.append(Meaning(weakness=COMMON_TAGS[tag]))
    return sorted(found, key=lambda meaning: RANK[meaning.worth])


def _by_phrase(says: str, feed: Feed) -> list[Meaning]:
    low = says.lower()
    return [meaning for phrase, told in feed.phrases.items() if phrase in low for meaning in told]


def _unsaid(row: FeedRow, feed: Feed, *, only_by_tag: bool) -> list[Meaning]:
    """The row names nothing we know: the feed's subject, or an unnamed kind, or not ours."""
    if only_by_tag:
        return []
    if feed.weakness:
        return [Meaning(weakness=weakness) for weakness in feed.weakness]
    if row.code:
        return [_UNKNOWN_CODE]
    capped = feed.worth is not Judgement.ACCEPT
    return [_NO_KIND] if capped or not row.tags else []
