"""The letter's words: local language first, English below, commands once, then what is yours alone.

Above the line "for you only" stands nothing that a stranger may not read, so that a letter about
one address can be passed on as it is; a letter about several is passed on part by part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from openletter.guides.direction import apart, led
from openletter.guides.layout import fill as fill_columns
from openletter.guides.layout import unwrap
from openletter.guides.letter import block
from openletter.guides.model import Guide
from openletter.letters.rules import rows
from openletter.letters.rules.attached import Attachment
from openletter.letters.rules.facts import CaseFacts, LetterFacts, RowState, one_line, ranges
from openletter.letters.rules.plurals import category
from openletter.letters.rules.typeset import RULE, THIN, columns, typeset
from openletter.letters.rules.ways import Way, letter_of, ways_of
from openletter.letters.rules.wording import Texts, fill, placeholders
from openletter.words import LANGUAGES, Reader, WaveKind, on_site, print_reference

FindGuide = Callable[[str, str], Guide]
"""(guide's id, language) -> the guide, in English where it is not translated."""

_LONGEST_LIST = 140
OWN = frozenset(
    {"ip", "number", "reference", "link", "introduced", "earlier_date", "earlier_reference"}
)
"""Placeholders whose values are one letter's own."""
_NONE: frozenset[str] = frozenset()


@lru_cache(maxsize=4096)
def _set_once(text: str, values: tuple[tuple[str, str], ...] = ()) -> str:
    """A passage that many letters share, typeset once: nothing of one letter's is in it."""
    return typeset(fill(text, dict(values))) if text else ""


@lru_cache(maxsize=4096)
def _shared(text: str) -> tuple[str, ...] | None:
    """A passage's placeholders, where all of them are the same for a whole campaign."""
    names = tuple(sorted(set(placeholders(text))))
    return None if OWN & set(names) else names


@dataclass(frozen=True, kw_only=True)
class Written:
    """A letter in words: subject, text, and what is attached."""

    subject: str
    body: str
    files: tuple[Attachment, ...] = ()
    """Put to it by whoever sends it."""


def write(
    facts: LetterFacts,
    *,
    texts: Mapping[str, Texts],
    guide: FindGuide,
) -> Written:
    """The letter in all its languages, without what is attached to it."""
    pens = _pens(facts, texts=texts, guide=guide)
    return Written(subject=pens[0].subject(), body=_joined([*_documents(pens), *_for_you(pens)]))


def way_to_close(
    facts: LetterFacts,
    place: int,
    way: Way,
    *,
    language: str,
    texts: Texts,
    guide: FindGuide,
) -> list[str]:
    """Which servers a block of steps is for, and the block, as they stand in the letter."""
    is_first = language == facts.languages[0]
    pen = _Pen(facts=facts, language=language, texts=texts, guide=guide, is_first=is_first)
    return [pen.directed(part) for part in pen.way(place, way)]


def text_to_pass_on(
    facts: LetterFacts, case: CaseFacts, *, texts: Mapping[str, Texts], guide: FindGuide
) -> str:
    """What a provider sends on unchanged: a first letter to the owner about this case alone.

    Nothing of the other cases is in it, and no link but the case's own.
    """
    pens = _pens(passed_on(facts, case), texts=texts, guide=guide, is_passed_on=True)
    return _joined([pens[0].subject(), *_documents(pens)])


def passed_on(facts: LetterFacts, case: CaseFacts) -> LetterFacts:
    """The facts of a text to pass on."""
    return replace(
        facts, kind=WaveKind.FIRST, reader=Reader.OWNER, earlier=None,
        cases=(replace(case, state=RowState.NEW),),
    )  # fmt: skip


def _pens(
    facts: LetterFacts, *, texts: Mapping[str, Texts], guide: FindGuide, is_passed_on: bool = False
) -> list[_Pen]:
    """One for each language; the first knows where the law stands that it does not have."""
    head, *others = (
        _Pen(
            facts=facts, language=tag, texts=texts[tag], guide=guide, is_first=number == 0,
            is_passed_on=is_passed_on,
        )
        for number, tag in enumerate(facts.languages)
    )  # fmt: skip
    below = next((pen.passage("below") for pen in others if pen.law()), "")
    return [replace(head, law_below=below), *others]


def _documents(pens: list[_Pen]) -> list[str]:
    """One document a language, the reader's own first."""
    head, *others = pens
    parts = [pen.passage("below") for pen in others]
    parts += head.document()
    for pen in others:
        parts += [THIN, *pen.document()]
    return parts


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _for_you(pens: list[_Pen]) -> Iterator[str]:
    """What opens everything of this mailbox; each link once, whatever the languages."""
    facts = pens[0].facts
    lines = "\n".join(pen.passage("for-you") for pen in pens)
    yield f"{RULE}\n{lines}\n{RULE}"
    if facts.is_one and facts.kind in (WaveKind.UPDATE, WaveKind.REMINDER):
        yield from (pen.tally() for pen in pens)
    said = "\n".join(pen.passage("for-you-all") for pen in pens)
    yield f"{said}\n{facts.site}/{on_site(pens[0].language)}/l/{facts.secret}"
    if facts.kind is not WaveKind.CLOSING:
        said = "\n".join(pen.passage("for-you-stop") for pen in pens)
        yield f"{said}\n{facts.site}/o/{facts.stop_token}"


def _authority_key(facts: LetterFacts) -> str:
    if facts.authority:
        return "authority"
    return "responder" if facts.responder else "no-authority"


_ASKED = ("pass-on", "texts-attached", "close", "answer", "elsewhere")
"""What is asked of a reader, in this order, as far as it is asked of this one."""


@dataclass(frozen=True, kw_only=True)
class _Pen:
    """Writes one language's document of one letter."""

    facts: LetterFacts
    language: str
    texts: Texts
    guide: FindGuide
    is_first: bool
    is_passed_on: bool = False
    """For a stranger to the letter's mailbox, whose wish to stop is not his to say."""
    law_below: str = ""
    """Says in which language the law stands further down, for where this one has none."""

    def document(self) -> list[str]:
        parts = [self.passage("exercise-note"), self.passage("greeting"), self.passage("lead")]
        kind = self.facts.kind
        if kind is WaveKind.CLOSING:
            parts += self._closing()
        elif kind is WaveKind.CORRECTION:
            parts += [self.passage("opening"), self.evidence(), self.passage("ask")]
        else:
            parts += [self.passage("opening"), *self._evidence_and_tally()]
            parts += [self.ask(), *self.steps(), self.passage("why"), self.not_yours()]
        parts += [self.who(), self.genuine()]
        ends = kind is WaveKind.CLOSING or self.is_passed_on
        parts += [] if ends else [self.passage("stop")]
        parts += [self.legal(), self.goodbye()]
        return [self.directed(part) for part in parts if part]

    def _closing(self) -> list[str]:
        """What became of everything; what is still open matters as it did at first."""
        shown = [self.passage("opening"), self.tally(), self.evidence()]
        left = [self.passage("remaining"), self.passage("why")]
        still_open = left if self.facts.numbers(RowState.REMAINING) else []
        return [*shown, self.passage("thanks"), *still_open, self.passage("no-more")]

    def _evidence_and_tally(self) -> list[str]:
        """A later letter counts first what closed and what remains; then it tells what is new."""
        shown = [self.evidence(), self.passage("said")]
        if self.facts.is_one or self.facts.kind is WaveKind.FIRST:
            return shown
        return [self.tally(), *shown]

    def subject(self) -> str:
        before = self.texts.passage("before-subject", _NONE)
        text = fill(self.texts.passage("subject", self.holds), self.bare_values)
        reference = print_reference(self.facts.printed_reference)
        said = one_line(unwrap([before, text]))
        # without a small Latin letter, filters take HTTP and a reference for shouting
        mark = "" if re.search("[a-z]", said) else "ref "
        return f"{said} [{mark}{reference}]"

    def passage(self, name: str) -> str:
        text = self.texts.passage(name, self.holds)
        names = _shared(text)
        if names is None:
            return typeset(fill(text, self.values))
        return _set_once(text, tuple((key, self.values[key]) for key in names))

    def directed(self, part: str) -> str:
        return led(part) if self.is_rtl else part

    @property
    def is_rtl(self) -> bool:
        return LANGUAGES[self.language].is_right_to_left

    def tally(self) -> str:
        """How many cases of the letters so far stand how, and which by their numbers."""
        counted = ((state, self.facts.numbers(state)) for state in RowState)
        table = [
            (self.names[state], self._counted(numbers)) for state, numbers in counted if numbers
        ]
        return f"{self.passage('earlier')}\n{columns(table, rtl=self.is_rtl)}"

    def _counted(self, numbers: tuple[int, ...]) -> str:
        return f"{len(numbers)} {self._numbers(numbers)}".rstrip()

    def _numbers(self, numbers: tuple[int, ...]) -> str:
        """Which rows, where that is short enough to read."""
        said = ranges(numbers)
        return f"({self.names['row']} {said})" if len(said) <= _LONGEST_LIST else ""

    def ask(self) -> str:
        """The heading, and a numbered line for each thing that is asked of this reader."""
        left_out = "" if self.facts.attaches_texts else "texts-attached"
        said = (self.texts.passage(name, self.holds) for name in _ASKED if name != left_out)
        items = [
            fill_columns(fill(text, self.values), first=f"{number}. ", rest="   ")
            for number, text in enumerate(filter(None, said), start=1)
        ]
        return "\n".join([self.passage("ask"), *items])

    def not_yours(self) -> str:
        return f"{self._title(self.values['not_yours'])}\n{self.passage('not-yours')}"

    def _title(self, text: str) -> str:
        return _set_once(f"# {text}")

    def who(self) -> str:
        lines = (self.passage(name) for name in ("who", "partners", "questions"))
        return "\n".join(filter(None, lines))

    def genuine(self) -> str:
        names = ("ask-whom", "ask-how", "signature", "genuine-page")
        link = f"{self.facts.site}/{on_site(self.language)}/genuine"
        lines = "\n".join(self.passage(name) for name in names)
        return f"{self.passage('genuine')}\n\n{lines}\n  {link}"

    def goodbye(self) -> str:
        text = fill(self.texts.passage("goodbye", self.holds), self.values)
        return "\n".join(fill_columns(line) for line in text.split("\n"))

    def legal(self) -> str:
        """The partner's approved lines, or where they stand: never the same lines twice."""
        return self.passage("legal") if self.law() else ""

    @cached_property
    def holds(self) -> frozenset[str]:
        """The conditions that this letter fulfils."""
        facts = self.facts
        about = {rows.weakness_key(case) for case in facts.cases}
        return frozenset(
            {
                facts.reader.value,
                about.pop() if len(about) == 1 else "several",
                "one" if facts.is_one else "more",
                "attached" if facts.has_attachment else "inline",
                "named" if Way(cases=facts.cases[:1]).is_named else "nameless",
                _authority_key(facts),
                "together" if facts.together_with else "alone",
                category(self.language, len(facts.cases)),
                *(["exercise"] if facts.exercise else []),
                *(f"some-{state}" for state in RowState if facts.numbers(state)),
            }
        )

    @cached_property
    def values(self) -> Mapping[str, str]:
        """Every placeholder's value; in a right-to-left language, each apart from its sentence."""
        values = self.bare_values
        isolated = {key: apart(value) for key, value in values.items()} if self.is_rtl else values
        labels = {
            "only_you": self.names["only-you"],
            "not_yours": self.texts.passage("not-yours-title", self.holds),
            "link": rows.page_of(self.facts, self.facts.cases[0], self.language),
            "legal": self.law(),
            **{f"reply_{key}": self.names[f"reply-{key.replace('_', '-')}"] for key in REPLIES},
        }
        return {**isolated, **labels}

    def law(self) -> str:
        if own := self.facts.writer.legal.get(self.language, ""):
            return own
        return apart(self.law_below) if self.is_rtl and self.law_below else self.law_below

    @cached_property
    def bare_values(self) -> dict[str, str]:
        facts, case = self.facts, self.facts.cases[0]
        values = {
            "ip": case.ip,
            "what": self.names[rows.weakness_key(case)],
            "number": str(len(facts.cases)),
            "reference": print_reference(facts.printed_reference),
            "partner": one_line(facts.writer.name),
            "partners": ", ".join(one_line(name) for name in facts.together_with),
            "email": facts.writer.email,
            "campaign": one_line(facts.campaign),
            "authority": one_line(facts.authority),
            "responder": one_line(facts.responder),
            "domain": facts.domain,
            "introduced": case.introduced,
        }
        if facts.earlier is not None:
            values["earlier_date"] = facts.earlier.sent_at.strftime("%Y-%m-%d")
            values["earlier_reference"] = print_reference(facts.earlier.reference)
        return values

    @property
    def names(self) -> Mapping[str, str]:
        """Labels, and the names of weaknesses and states, in this language."""
        return self.texts.frame.labels

    def evidence(self) -> str:
        facts, names = self.facts, self.names
        if facts.has_attachment:
            return rows.summary(facts, names, rtl=self.is_rtl)
        if not self.is_first and not facts.is_one:
            return self.passage("rows-above")
        if facts.kind is WaveKind.CLOSING:
            return rows.became(facts, names, rtl=self.is_rtl)
        if facts.is_one:
            return rows.one_case(facts.cases[0], names, rtl=self.is_rtl)
        return rows.numbered(facts, names, language=self.language)

    def steps(self) -> Iterator[str]:
        """How to close: one block, or one for each way that the letter's cases need."""
        yield self.passage("fix-intro")
        for place, part in enumerate(ways_of(self.facts.cases)):
            yield from self.way(place, part)

    def way(self, place: int, part: Way) -> list[str]:
        if self.facts.is_one:
            return [self._block(part, mark="")]
        letter = letter_of(place)
        about = fill_columns(self._about(part), first=f"{letter}. ", rest="   ")
        return [about, self._block(part, mark=f"{letter} ")]

    def _about(self, part: Way) -> str:
        """Which servers a block is for, and which rows those are."""
        case, names = part.sample, self.names
        if part.is_named:
            said = f'{names["says"]} "{self.guide(case.guide_id, self.language).product}"'
        elif case.exit_only:
            said = names["exit-only"]
        else:
            comma = "\u060c" if self.is_rtl else ","
            said = f"{names[rows.weakness_key(case)]}{comma} {names['no-product']}"
        return f"{said} {self._numbers(tuple(one.row for one in part.cases))}".rstrip()

    @property
    def _only_address(self) -> str:
        """The steps of a letter about several are passed on with one row: they name no address."""
        addresses = {case.ip for case in self.facts.cases}
        return addresses.pop() if len(addresses) == 1 else ""

    def _block(self, part: Way, *, mark: str) -> str:
        if part.sample.exit_only:
            return self.passage("exit-steps")
        pointer = "" if self.is_first else self.texts.passage("pointer", _NONE)
        return block(
            self.guide(part.sample.guide_id, self.language),
            values=part.values(ip=self._only_address),
            weakness=part.sample.weakness,
            pointer=pointer.replace("{step}", mark + "{step}"),
        )


REPLIES = ("closed", "passed_on", "not_ours", "stop")
"""The words that a letter asks for; replies are read by the same labels."""
