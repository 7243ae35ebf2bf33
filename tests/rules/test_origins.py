"""Who repeats whom, and how many voices are left (mission R6)."""

from __future__ import annotations

import time
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.evidence import sourcebook
from openletter.evidence.rules import origins as rules
from openletter.evidence.rules.formerly import groups
from openletter.evidence.rules.origins import Origins, Voice

PACKAGED = sourcebook.packaged().origins()


def voices(*families: str, origins: Origins = PACKAGED) -> tuple[str, ...]:
    """Who is left of these; `name*` speaks of bare addresses here."""
    return origins.voices(Voice(name.rstrip("*"), not name.endswith("*")) for name in families)


@pytest.mark.parametrize(
    ("families", "count"),
    [
        ("shadowserver", 1),
        ("shadowserver example-dnsbl*", 2),
        ("shadowserver free-proxy-list spysme", 3),
        ("free-proxy-list spysme monosans", 2),
        ("shadowserver free-proxy-list monosans", 2),
        ("shadowserver shadowserver-blocklist*", 1),
        ("shadowserver abusehub", 1),
        # Nobody knows whose these are.
        ("xarf unnamed-list", 1),
        ("xarf unnamed-csv unnamed-zone* unnamed-list", 1),
        ("shadowserver unnamed-csv", 1),
        ("shadowserver unnamed-list", 1),
        ("shadowserver xarf", 1),
        ("spysme unnamed-zone*", 1),
        ("partner-checks unnamed-list", 1),
        # A list of bare addresses has no ports that anybody could take from it.
        ("example-dnsbl* unnamed-list", 2),
        ("example-dnsbl* unnamed-list*", 1),
        ("example-dnsbl* unnamed-zone*", 1),
        ("example-dnsbl* xarf unnamed-csv unnamed-list", 2),
        # They take nobody else's voice away.
        ("shadowserver example-dnsbl* unnamed-list xarf monosans unnamed-zone*", 3),
        ("family-of-nobody other-family", 2),
    ],
)
def test_who_is_a_voice_of_his_own(families: str, count: int) -> None:
    found = voices(*families.split())
    assert len(found) == count, found


def test_named_sources_stand_for_their_voice() -> None:
    assert voices("unnamed-csv", "shadowserver") == ("shadowserver",)
    assert voices("xarf", "spysme", "unnamed-zone*") == ("spysme",)


def test_one_operator_is_one_voice_and_so_are_copies_of_his_lists() -> None:
    origins = Origins(
        operators={"a": frozenset({"firm"}), "b": frozenset({"firm"})},
        copies={"copy": frozenset({"a"})},
    )
    assert voices("a", "b", "other", origins=origins) == ("a", "other")
    assert len(voices("copy", "b", origins=origins)) == 1


def test_a_copy_of_a_copy_and_two_copies_of_a_third_are_one_voice() -> None:
    chain = Origins(copies={"a": frozenset({"b"}), "b": frozenset({"c"})})
    assert len(voices("a", "c", origins=chain)) == 1
    third = Origins(copies={"a": frozenset({"c"}), "b": frozenset({"c"})})
    assert len(voices("a", "b", origins=third)) == 1
    both = Origins(copies={"a": frozenset({"b"}), "b": frozenset({"a"})})
    assert voices("a", "b", origins=both) == ("a",)


def test_a_list_that_copies_two_does_not_join_them() -> None:
    joined = {"m": frozenset({"a", "b"})}
    assert voices("a", "b", "m", origins=Origins(copies=joined)) == ("a", "b")
    assert groups({"a", "b", "m"}, joined) == {"a"}


def test_what_has_no_name_could_be_a_copy_of_a_copy() -> None:
    """A list of bare addresses that is made from one with ports hides where the port is from."""
    origins = Origins(
        copies={"zone": frozenset({"list"})},
        unnamed=frozenset({"u"}),
        portless=frozenset({"zone"}),
    )
    assert len(voices("zone*", "u", origins=origins)) == 1
    apart = Origins(unnamed=frozenset({"u"}), portless=frozenset({"zone"}))
    assert len(voices("zone*", "u", origins=apart)) == 2


NAMES = "abcdefgh"
FAMILIES = st.sampled_from(NAMES)
ORIGINS = st.builds(
    Origins,
    copies=st.dictionaries(FAMILIES, st.frozensets(FAMILIES, max_size=3), max_size=6),
    operators=st.dictionaries(FAMILIES, st.frozensets(st.sampled_from("xy"), max_size=1)),
    unnamed=st.frozensets(FAMILIES, max_size=4),
    portless=st.frozensets(FAMILIES, max_size=5),
)
SPEAKING = st.lists(st.builds(Voice, FAMILIES, st.booleans()), max_size=8)


def by_trying(speaking: list[Voice], origins: Origins) -> int:
    """The largest set, found by looking at all of them."""
    ports: dict[str, bool] = {}
    for voice in speaking:
        ports[voice.family] = ports.get(voice.family, False) or voice.names_port
    all_of_them = [Voice(family, names) for family, names in ports.items()]
    return max(
        size
        for size in range(len(all_of_them) + 1)
        for some in combinations(all_of_them, size)
        if not any(origins.repeats(one, other) for one, other in combinations(some, 2))
    )


@given(SPEAKING, ORIGINS)
def test_it_is_the_largest_set_of_which_no_two_repeat_each_other(
    speaking: list[Voice], origins: Origins
) -> None:
    found = origins.voices(speaking)
    ports = {voice.family for voice in speaking if voice.names_port}
    chosen = [Voice(family, family in ports) for family in found]
    assert {voice.family for voice in speaking} >= set(found)
    assert not any(origins.repeats(one, other) for one, other in combinations(chosen, 2))
    assert len(found) == by_trying(speaking, origins)


@given(st.builds(Voice, FAMILIES, st.booleans()), st.builds(Voice, FAMILIES), ORIGINS)
def test_repeating_is_mutual(one: Voice, other: Voice, origins: Origins) -> None:
    assert origins.repeats(one, other) is origins.repeats(other, one)
    assert origins.repeats(one, one)


@given(SPEAKING, st.randoms(use_true_random=False), ORIGINS)
def test_neither_order_nor_saying_it_twice_matters(
    speaking: list[Voice], random: object, origins: Origins
) -> None:
    shuffled = sorted([*speaking, *speaking], key=lambda _: random.random())  # type: ignore[attr-defined]
    assert origins.voices(shuffled) == origins.voices(speaking)


@given(SPEAKING, SPEAKING, ORIGINS)
def test_who_joins_takes_no_voice_away(
    speaking: list[Voice], more: list[Voice], origins: Origins
) -> None:
    before, after = origins.voices(speaking), origins.voices([*speaking, *more])
    assert len(before) <= len(after) <= len(before) + len({voice.family for voice in more})


@given(SPEAKING, ORIGINS, st.data())
def test_a_copy_adds_nothing(speaking: list[Voice], origins: Origins, data: st.DataObject) -> None:
    """Whatever its maker says of it, and whoever else copies from it or from whom it copies."""
    if not speaking:
        return
    copied = data.draw(st.sampled_from(speaking))
    ports = any(one.names_port for one in speaking if one.family == copied.family)
    fresh = Origins(
        copies={**origins.copies, "mirror": frozenset({copied.family})},
        operators=origins.operators,
        unnamed=origins.unnamed
        | ({"mirror"} if copied.family in origins.unnamed or data.draw(st.booleans()) else set()),
        portless=origins.portless | ({"mirror"} if data.draw(st.booleans()) else set()),
    )
    mirror = Voice(
        "mirror", ports if copied.family in origins.unnamed else data.draw(st.booleans())
    )
    before = fresh.voices(speaking)
    assert len(fresh.voices([*speaking, mirror])) == len(before)


@given(SPEAKING, SPEAKING, ORIGINS)
def test_to_know_more_of_copies_never_adds_a_voice(
    speaking: list[Voice], other: list[Voice], origins: Origins
) -> None:
    pairs = {one.family: frozenset({two.family}) for one, two in zip(speaking, other, strict=False)}
    copies = {name: origins.copies.get(name, frozenset()) | of for name, of in pairs.items()}
    more = Origins(
        copies={**origins.copies, **copies}, operators=origins.operators,
        unnamed=origins.unnamed, portless=origins.portless,
    )  # fmt: skip
    assert len(more.voices(speaking)) <= len(origins.voices(speaking))


def a_ring(length: int, *, step: int) -> Origins:
    """Each copies those a few places further: nothing to be seen without searching."""
    return Origins(
        copies={
            f"f{at:04}": frozenset({f"x{at:04}", f"x{(at + step) % length:04}"})
            for at in range(length)
        }
    )


@pytest.mark.parametrize("length", [47, 48, 49, 500])
def test_many_families_end_soon_and_are_never_counted_too_often(length: int) -> None:
    origins = a_ring(length, step=7 if length % 7 else 5)
    speaking = [Voice(f"f{at:04}") for at in range(length)]
    begun = time.monotonic()
    found = origins.voices(speaking)
    assert time.monotonic() - begun < 5
    chosen = [Voice(name) for name in found[:60]]
    assert not any(origins.repeats(one, other) for one, other in combinations(chosen, 2))
    assert length // 3 <= len(found) <= length // 2


def test_a_search_that_takes_too_long_finds_too_little_never_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copies = {
        f"f{at:02}": frozenset(
            f"x{min(at, other):02}-{max(at, other):02}"
            for other in range(48)
            if (at * other * 31 + at + other) % 5 < 2
        )
        for at in range(48)
    }
    speaking = [Voice(name) for name in copies]
    whole = Origins(copies=copies).voices(speaking)
    monkeypatch.setattr(rules, "BRANCHES", 1)
    cut = Origins(copies=copies)
    found = cut.voices(speaking)
    assert 0 < len(found) <= len(whole)
    chosen = [Voice(name) for name in found]
    assert not any(cut.repeats(one, other) for one, other in combinations(chosen, 2))
