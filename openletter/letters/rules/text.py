"""The letter's words: local language first, English below, commands once, then what is yours alone.

Above the line "for you only" stands nothing that a stranger may not read, so that a letter about
one address can be passed on as it is; a letter about several is passed on part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from string import ascii_uppercase

from openletter.guides.layout import fill as fill_columns
from openletter.guides.letter import block
from openletter.guides.model import Guide
from openletter.guides.values import Values
from openletter.letters.rules import rows
from openletter.letters.rules.facts import CaseFacts, LetterFacts, RowState, one_line, ranges
from openletter.letters.rules.typeset import RULE, THIN, typeset
from openletter.letters.rules.wording import Wording, fill
from openletter.words import WaveKind, print_reference

FindGuide = Callable[[str, str], Guide]
"""(guide's id, language) -> the guide, in English where it is not translated."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The two documents that a language's letter is made from."""

    kind: Wording
    frame: Wording

    def passage(self, name: str, holds: frozenset[str]) -> str:
        return self.kind.passage(name, holds) or self.frame.passage(name, holds)


@lru_cache(maxsize=1024)
def _set_once(text: str) -> str:
    """A passage without placeholders, typeset once; nothing of a letter is in it."""
    return typeset(text) if text else ""


@lru_cache(maxsize=64)
def _names(texts: Texts) -> dict[str, str]:
    lines = texts.passage("labels", frozenset()).splitlines()
    labels = dict(line.split(": ", 1) for line in lines)
    keys = ("open-relay", "open-http-proxy", "open-socks", "exit-only")
    return labels | {key: texts.passage("weakness", frozenset({key})) for key in keys}


@dataclass(frozen=True, kw_only=True)
class Written:
    """A letter in words: subject, text, and the attached table where there is one."""

    subject: str
    body: str
    table: str = ""
    table_name: str = ""


def write(facts: LetterFacts, *, texts: Mapping[str, Texts], guide: FindGuide) -> Written:
    """The letter in all its languages."""
    pens = [
        _Pen(facts=facts, language=tag, texts=texts[tag], guide=guide, is_first=number == 0)
        for number, tag in enumerate(facts.languages)
    ]
    first, *others = pens
    parts = [pen.passage("below") for pen in others]
    parts += first.document()
    for pen in others:
        parts += [THIN, *pen.document()]
    parts += _for_you(pens)
    return Written(
        subject=first.subject(),
        body="\n\n".join(part for part in parts if part) + "\n",
        table=rows.as_csv(facts, language=first.language) if facts.has_attachment else "",
        table_name=rows.file_name(facts) if facts.has_attachment else "",
    )


def _for_you(pens: list[_Pen]) -> Iterator[str]:
    """What opens everything of this mailbox; each link once, whatever the languages."""
    facts, tag = pens[0].facts, pens[0].language.lower()
    lines = "\n".join(pen.passage("for-you") for pen in pens)
    yield f"{RULE}\n{lines}\n{RULE}"
    if facts.is_one and facts.kind in (WaveKind.UPDATE, WaveKind.REMINDER):
        yield from (pen.passage("earlier") for pen in pens)
    said = "\n".join(pen.passage("for-you-all") for pen in pens)
    yield f"{said}\n{facts.site}/{tag}/l/{facts.secret}"
    said = "\n".join(pen.passage("for-you-stop") for pen in pens)
    yield f"{said}\n{facts.site}/o/{facts.stop_token}"


def _authority_key(facts: LetterFacts) -> str:
    if facts.authority:
        return "authority"
    return "responder" if facts.responder else "no-authority"


def _earlier(facts: LetterFacts) -> dict[str, str]:
    """What a later letter says of the ones before, and of each state how many and which."""
    if facts.earlier is None:
        return {}
    values = {
        "earlier_date": facts.earlier.sent_at.strftime("%Y-%m-%d"),
        "earlier_reference": print_reference(facts.earlier.reference),
    }
    for state in RowState:
        name, numbers = state.replace("-", "_"), facts.numbers(state)
        values |= {name: str(len(numbers)), f"{name}_rows": ranges(numbers)}
    return values


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Cases that are closed in the same way."""

    cases: tuple[CaseFacts, ...]

    @property
    def sample(self) -> CaseFacts:
        return self.cases[0]

    @property
    def is_named(self) -> bool:
        return not self.sample.exit_only and self.sample.guide_id != "unknown"

    def values(self, *, ip: str) -> Values:
        """The port that all its cases share; what differs stays a blank in the commands."""
        ports = {case.ports for case in self.cases}
        shared = next(iter(ports))[:1] if len(ports) == 1 else ()
        return Values(ip=ip, port=shared[0] if shared else None)


def parts_of(cases: tuple[CaseFacts, ...]) -> list[_Part]:
    """Grouped by the way to close them, recognised products first, exits last."""
    groups: dict[tuple[bool, bool, str, str], list[CaseFacts]] = {}
    for case in cases:
        key = (case.exit_only, case.guide_id == "unknown", case.guide_id, case.weakness.value)
        groups.setdefault(key, []).append(case)
    return [_Part(cases=tuple(groups[key])) for key in sorted(groups)]


@dataclass(frozen=True, kw_only=True)
class _Pen:
    """Writes one language's document of one letter."""

    facts: LetterFacts
    language: str
    texts: Texts
    guide: FindGuide
    is_first: bool

    def document(self) -> list[str]:
        kind = self.facts.kind
        parts = [self.passage(name) for name in ("exercise-note", "greeting", "opening")]
        if kind is WaveKind.CLOSING:
            parts += [self.passage("became"), self.evidence(), self.passage("thanks")]
            parts += [self.passage("no-more"), self.passage("who"), self.passage("genuine")]
            return [*parts, self.legal(), self.goodbye()]
        told = self.passage("earlier") if not self.facts.is_one else ""
        parts += [told, self.evidence()] if kind is WaveKind.REMINDER else [self.evidence(), told]
        parts.append(self.passage("ask"))
        if kind is not WaveKind.CORRECTION:
            parts += [*self.steps(), self.passage("why"), self.passage("not-yours")]
        parts += [self.passage("who"), self.passage("genuine"), self.passage("stop")]
        return [*parts, self.legal(), self.goodbye()]

    def subject(self) -> str:
        text = fill(self.texts.passage("subject", self.holds), self.values)
        return f"{one_line(text)} [{print_reference(self.facts.printed_reference)}]"

    def passage(self, name: str) -> str:
        text = self.texts.passage(name, self.holds)
        if "{" not in text:
            return _set_once(text)
        return typeset(fill(text, self.values))

    def goodbye(self) -> str:
        text = fill(self.texts.passage("goodbye", self.holds), self.values)
        return "\n".join(fill_columns(line) for line in text.split("\n"))

    def legal(self) -> str:
        """The partner's approved lines, in this language or else not at all."""
        return self.passage("legal") if self.facts.writer.legal.get(self.language) else ""

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
                "named" if _Part(cases=facts.cases[:1]).is_named else "nameless",
                _authority_key(facts),
                "together" if facts.together_with else "alone",
                *(["exercise"] if facts.exercise else []),
                *(f"some-{state}" for state in RowState if facts.numbers(state)),
            }
        )

    @cached_property
    def values(self) -> dict[str, str]:
        facts, case = self.facts, self.facts.cases[0]
        values = {
            "ip": case.ip,
            "number": str(len(facts.cases)),
            "reference": print_reference(facts.printed_reference),
            "link": rows.page_of(facts, case, self.language),
            "genuine": f"{facts.site}/{self.language.lower()}/genuine",
            "partner": one_line(facts.writer.name),
            "partners": ", ".join(one_line(name) for name in facts.together_with),
            "email": facts.writer.email,
            "campaign": one_line(facts.campaign),
            "authority": one_line(facts.authority),
            "responder": one_line(facts.responder),
            "domain": facts.domain,
            "introduced": case.introduced,
            "legal": facts.writer.legal.get(self.language, ""),
            "file": rows.file_name(facts),
        }
        return values | _earlier(facts)

    @property
    def names(self) -> dict[str, str]:
        """Labels, and the name of each weakness, in this language."""
        return _names(self.texts)

    def evidence(self) -> str:
        facts, names = self.facts, self.names
        if facts.kind is WaveKind.CLOSING and not facts.has_attachment:
            return rows.became(facts, names) if self.is_first else self.passage("rows-above")
        if facts.is_one:
            return rows.one_case(facts.cases[0], names)
        if facts.has_attachment:
            return rows.summary(facts, names, file=rows.file_name(facts))
        if not self.is_first:
            return self.passage("rows-above")
        return rows.numbered(facts, names, self.language)

    def steps(self) -> Iterator[str]:
        """How to close: one block, or one for each way that the letter's cases need."""
        parts = parts_of(self.facts.cases)
        yield self.passage("fix-intro")
        for letter, part in zip(ascii_uppercase, parts, strict=False):
            if not self.facts.is_one:
                text = fill(
                    self.texts.passage("fix-part", self._part_holds(part)),
                    {"number": str(len(part.cases)), "product": self._product(part)},
                )
                yield fill_columns(text, first=f"{letter}. ", rest="   ")
            yield self._block(part, mark="" if self.facts.is_one else f"{letter} ")

    @property
    def _only_address(self) -> str:
        """The steps of a letter about several are passed on with one row: they name no address."""
        addresses = {case.ip for case in self.facts.cases}
        return addresses.pop() if len(addresses) == 1 else ""

    def _part_holds(self, part: _Part) -> frozenset[str]:
        return frozenset({rows.weakness_key(part.sample), "named" if part.is_named else "nameless"})

    def _product(self, part: _Part) -> str:
        return self.guide(part.sample.guide_id, self.language).product

    def _block(self, part: _Part, *, mark: str) -> str:
        if part.sample.exit_only:
            return self.passage("exit-steps")
        pointer = "" if self.is_first else self.texts.passage("pointer", frozenset())
        return block(
            self.guide(part.sample.guide_id, self.language),
            values=part.values(ip=self._only_address),
            weakness=part.sample.weakness,
            pointer=pointer.replace("{step}", mark + "{step}"),
        )
