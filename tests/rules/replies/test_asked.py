"""What a letter asks its reader to answer is what the reader of replies understands."""

from __future__ import annotations

import pytest

from openletter.letters import library
from openletter.replies.rules.asked import INTENTS, asked_for
from openletter.replies.rules.classify import classify
from openletter.replies.rules.kinds import SURE, Intent, Kind
from openletter.replies.rules.people import intent_of
from tests.letter_samples import some_facts, written

LABELS = {tag: wording.labels for tag, wording in library.wordings(library.FRAME).items()}
WORDS = [
    pytest.param(labels[f"reply-{key}"], intent, id=f"{tag}-{key}")
    for tag, labels in LABELS.items()
    for key, intent in INTENTS.items()
]


@pytest.mark.parametrize(("word", "intent"), WORDS)
def test_each_word_is_understood_in_each_language(word: str, intent: Intent) -> None:
    for said in (
        word, word.upper(), f"{word.capitalize()}.", f'"{word}"', f"«{word}»\n\nA. Nobody",
        f"{word}: 7K3Q-D9MX, 192.0.2.17", f"2001:db8::1 {word}", f"\n\n{word}\n-- \nA. Nobody",
    ):  # fmt: skip
        assert intent_of(said) == (intent, 0.9), said


@pytest.mark.parametrize(("word", "intent"), WORDS)
def test_a_word_in_doubt_is_a_question(word: str, intent: Intent) -> None:
    other = LABELS["en"]["reply-closed" if intent is not Intent.FIXED else "reply-not-ours"]
    assert intent_of(f"{word}?")[0] is Intent.QUESTION
    assert intent_of(f"{word} 7K3Q-D9MX\n{other} 9PX2-0ABC")[0] is Intent.QUESTION


@pytest.mark.parametrize("tag", library.languages())
def test_an_answer_above_our_own_letter_is_read(tag: str) -> None:
    facts = some_facts(languages=tuple(dict.fromkeys((tag, "en"))))
    letter = written(facts)
    quoted = "\n".join(f"> {line}" for line in letter.body.splitlines())
    for key, intent in INTENTS.items():
        text = f"{LABELS[tag][f'reply-{key}']}\n\n{quoted}\n"
        raw = (
            "From: a@network.example\nTo: reply@campaign.example\nSubject: Re: letter\n"
            "Date: Mon, 02 Mar 2026 12:00:00 +0000\nMessage-ID: <1@network.example>\n"
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
            f"Content-Transfer-Encoding: 8bit\n\n{text}"
        )
        found = classify(raw.encode())
        assert (found.kind, found.intent) == (Kind.HUMAN, intent), (tag, key)
        assert found.confidence >= SURE


def test_no_word_means_two_things_whatever_its_accents() -> None:
    for tag, labels in LABELS.items():
        for key, intent in INTENTS.items():
            assert asked_for(labels[f"reply-{key}"]) == {intent}, (tag, key)


def test_a_word_among_others_is_not_taken_for_an_answer() -> None:
    assert asked_for("We closed nothing.\nNot closed") == frozenset()
    assert asked_for("line\n" * 8 + "closed") == frozenset()
    assert asked_for("ferme\nKAPATILDI") == asked_for("fermé\nkapatıldı")


def test_a_word_with_a_question_mark_of_its_language_is_a_question() -> None:
    for mark in ("?", "？", "؟"):
        assert intent_of(f"closed{mark}")[0] is Intent.QUESTION
    for word in ("έκλεισε", "διακοπή"):
        for mark in (";", " ;", "\u037e"):
            assert intent_of(f"{word}{mark}")[0] is Intent.QUESTION, (word, mark)
        assert intent_of(word)[0] is not Intent.QUESTION
    assert intent_of("closed; thanks.\nclosed")[0] is Intent.FIXED
