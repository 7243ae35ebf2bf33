"""A translation is checked in one go: every fault by line and passage, plural variants allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.cli import app
from openletter.letters import library
from openletter.letters.rules.checking import check
from openletter.letters.rules.plurals import categories, category
from openletter.letters.rules.text import REPLIES
from openletter.letters.rules.wording import Wording, parse
from openletter.words import LANGUAGES

ENGLISH = """+++
+++
## subject (one)
Open at {ip}

## subject
{number} servers are open

## ask
# What we ask
- Answer this mail (UTC).

## labels
ip: Address
reply-closed: closed
reply-stop: stop
only-you: FOR YOU ONLY
"""
SOURCE = parse(ENGLISH, kind="first", language="en")
POLISH = f"""+++
source = "{SOURCE.digest}"
status = "draft"
reviewed-by = ""
+++
## subject (one)
Otwarte: {{ip}}

## subject (n-few)
{{number}} serwery

## subject
{{number}} serwerów

## ask
# O co prosimy
- Proszę odpowiedzieć (UTC).

## labels
ip: Adres
reply-closed: zamknięte
reply-stop: dość
only-you: TYLKO DLA CIEBIE
"""


def said_of(text: str, *, language: str = "pl", source: Wording = SOURCE) -> list[str]:
    return [str(one) for one in check(text, kind="first", language=language, source=source)]


def test_a_right_translation_may_have_its_own_plural_variants() -> None:
    assert said_of(POLISH) == []
    read = parse(POLISH, kind="first", language="pl")
    for number, wanted in ((2, "serwery"), (5, "serwerów"), (22, "serwery"), (25, "serwerów")):
        assert wanted in read.passage("subject", frozenset({"more", category("pl", number)}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((SOURCE.digest, "0" * 64), "2: stale: the English is now"),
        (("Otwarte: {ip}", "Otwarte"), "6: passage subject (one): {ip} is missing"),
        (("{number} serwerów", "{number} {ip}"), "12: passage subject: {ip} is not in the English"),
        (("{number} serwery\n", "serwery\n"), "9: passage subject (n-few): {number} is missing"),
        (("(n-few)", "(n-two)"), "9: passage subject (n-two): pl has no plural category n-two"),
        (("## subject (n-few)", "## subject"), "9: passage subject: stands twice"),
        (("## subject\n", "## subject (n-many)\n"), "the last variant of a passage has no plural"),
        (("## subject (one)", "## subject (more)"), "here stands subject (one) in the English"),
        (("# O co", "O co"), "lines are built as ['text', '-'], in the English as ['#', '-']"),
        (("(UTC)", "(czas)"), "passage ask: UTC stays as it is"),
        (("Otwarte:", "Otwarte\u200e:"), "a control character U+200E"),
        (("Otwarte: {ip}", "{ip}"), "6: passage subject (one): empty"),
        (("- Proszę odpowiedzieć", "- Answer this mail"), ""),
        (("ip: Adres", "address: Adres"), "label ip is expected, found address"),
        (
            ("ip: Adres", "ip: Adres, o który chodzi w tym liście"),
            "20: passage ip: 1 to 26 columns",
        ),
        (("reply-stop: dość", "reply-stop: Zamknięte"), "two reply words are the same"),
        (("+++\n## subject (one)", "+++\nx\n## subject (one)"), "not a passage's heading"),
        (('status = "draft"', "status = draft"), "front matter"),
        (("{ip}", "{ipp}"), "unknown ipp"),
    ],
)
def test_each_fault_is_said_with_its_place(change: tuple[str, str], said: str) -> None:
    assert change[0] in POLISH
    assert said in "\n".join(said_of(POLISH.replace(*change, 1)))


def test_what_was_left_in_english_or_left_out_is_seen() -> None:
    english = ENGLISH.split("+++\n", 2)[2]
    left = "\n".join(said_of(POLISH.split("## subject (one)", maxsplit=1)[0] + english))
    assert "passage subject: still in English" in left
    cut = said_of(POLISH.split("## labels", maxsplit=1)[0])
    assert cut == ["0: passage labels: missing at the end of the file"]


def test_every_language_has_its_plural_categories() -> None:
    assert {tag: sorted(categories(tag)) for tag in ("ja", "nl", "cs", "ar")} == {
        "ja": [], "nl": ["n-one"], "cs": ["n-few", "n-many", "n-one"],
        "ar": ["n-few", "n-many", "n-one", "n-two", "n-zero"],
    }  # fmt: skip
    for tag in LANGUAGES:
        assert category(tag, 1).startswith("n-")


def test_no_word_that_a_letter_asks_for_means_two_things() -> None:
    words = library.reply_words()
    assert tuple(words) == tuple(name.replace("_", "-") for name in REPLIES)
    everything = [word.casefold() for asked in words.values() for word in asked]
    assert len(everything) == len(set(everything))


def test_the_command_lists_checks_and_stamps(tmp_path: Path) -> None:
    run = CliRunner()
    shown = run.invoke(app, ["letter", "wordings"])
    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) == len(LANGUAGES)
    file = tmp_path / "update" / "nl.md"
    file.parent.mkdir()
    right = library.sources("update")["nl"]
    file.write_text(right.replace(library.english("update").digest, ""), encoding="utf-8")
    stale = run.invoke(app, ["letter", "wordings", "--check", str(file)])
    assert stale.exit_code == 2
    assert f"{file}:2: stale" in stale.output
    assert run.invoke(app, ["letter", "wordings", "--stamp", str(file)]).exit_code == 0
    assert file.read_text(encoding="utf-8") == right
    assert run.invoke(app, ["letter", "wordings", "--check", str(tmp_path / "x/nl.md")]).exit_code
