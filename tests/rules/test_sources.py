"""Sources are data: what a definition may say, and what those that come with openletter say."""

from __future__ import annotations

from pathlib import Path

import pytest

from openletter.evidence import sourcebook
from openletter.evidence.rules.definitions import BadDefinitionError, read_definition
from openletter.evidence.rules.feeds import Format
from openletter.words import Judgement, Role, Weakness

GOOD = {"id": "wacht", "name": "Wacht", "family": "wacht"}


def test_every_packaged_source_is_whole() -> None:
    feeds = list(sourcebook.packaged())
    assert len({feed.id for feed in feeds}) == len(feeds) >= 15
    for feed in feeds:
        assert feed.name
        assert feed.family
        assert feed.citation or feed.made_up or feed.family.startswith("unnamed"), feed.id


def test_no_code_of_a_list_opens_what_it_does_not_name() -> None:
    for feed in sourcebook.packaged():
        for code, meanings in feed.codes.items():
            for meaning in meanings:
                if meaning.worth is Judgement.ACCEPT:
                    assert meaning.weakness is not None, f"{feed.id} {code}"


@pytest.mark.parametrize(
    "feed_id",
    [
        "shadowserver-population-http-proxy",
        "shadowserver-population6-http-proxy",
        "shadowserver-scan-smtp",
        "shadowserver-scan6-smtp",
        "shadowserver-scan-smtp-vulnerable",
        "shadowserver-scan6-smtp-vulnerable",
    ],
)
def test_reports_of_reachable_servers_are_capped(feed_id: str) -> None:
    feed = sourcebook.packaged().get(feed_id)
    assert feed is not None
    assert feed.worth is Judgement.REACHABLE_ONLY


def test_lists_of_where_traffic_leaves_say_so() -> None:
    book = sourcebook.packaged()
    assert {book.get(name).role for name in ("dronebl", "efnetrbl", "sblam")} == {Role.EXIT}  # type: ignore[union-attr]
    assert book.get("unnamed-zone").role is Role.UNKNOWN  # type: ignore[union-attr]


def test_a_definition_says_all_it_says() -> None:
    (feed,) = read_definition(
        {
            **GOOD,
            "format": "rbldnsd",
            "role": "unknown",
            "copies": ["other"],
            "codes": {"127.0.0.9": {"weakness": ["open-socks", "open-http-proxy"]}},
            "terms": {"redistribute": False, "note": "x"},
            "fillers": ["11.22.33.0/24"],
            "dated": {"pattern": "made (?P<time>.*)"},
        }
    )
    assert (feed.format, feed.copies) == (Format.RBLDNSD, ("other",))
    assert [meaning.weakness for meaning in feed.codes["127.0.0.9"]] == [
        Weakness.OPEN_SOCKS,
        Weakness.OPEN_HTTP_PROXY,
    ]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"colour": "red"}, "colour"),
        ({"id": ""}, "id"),
        ({"id": "No Slug"}, "slug"),
        ({"family": 3}, "family"),
        ({"worth": "reject"}, "worth"),
        ({"worth": "splendid"}, "splendid"),
        ({"weakness": ["open-door"]}, "open-door"),
        ({"weakness": "open-relay"}, "list"),
        ({"copies": [1]}, "copies"),
        ({"made_up": "yes"}, "made_up"),
        ({"codes": []}, "codes"),
        ({"codes": {"2": "relay"}}, "codes"),
        ({"downgrades": {}}, "downgrades"),
        ({"dated": {"pattern": "made .*"}}, "time"),
        ({"feeds": {}}, "feeds"),
        ({"role": "door"}, "door"),
        ({"marks": ["("]}, "unterminated|missing"),
        ({"fillers": ["everything"]}, "everything"),
    ],
)
def test_what_a_definition_may_not_say_is_named(change: dict[str, object], word: str) -> None:
    with pytest.raises(Exception, match=word):
        read_definition({**GOOD, **change})


def test_a_folder_of_definitions_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('id = "dronebl"\nname = "Mine"\nfamily = "mine"\n')
    book = sourcebook.with_folder(sourcebook.packaged(), tmp_path)
    assert book.get("dronebl").family == "mine"  # type: ignore[union-attr]
    (tmp_path / "b.toml").write_text("not toml")
    with pytest.raises(BadDefinitionError, match=r"b\.toml"):
        sourcebook.with_folder(sourcebook.packaged(), tmp_path)
