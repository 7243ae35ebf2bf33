"""Who writes letters with the wordings and guides at hand: the text, its parts, its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from openletter.guides.direction import led
from openletter.letters.rules import rows, text
from openletter.letters.rules.attached import attached
from openletter.letters.rules.facts import CaseFacts, LetterFacts
from openletter.letters.rules.text import FindGuide, Written
from openletter.letters.rules.ways import Way
from openletter.letters.rules.wording import Texts
from openletter.words import LANGUAGES, WaveKind


@dataclass(frozen=True, kw_only=True)
class Author:
    """`texts` finds the documents of a kind and language, `guide` a guide in a language."""

    texts: Callable[[WaveKind, str], Texts]
    guide: FindGuide

    def write(self, facts: LetterFacts) -> Written:
        """The letter with all that is attached to it."""
        files = attached(
            facts, language=facts.languages[0], pass_on=lambda case: self.pass_on(facts, case)
        )
        return replace(self.letter(facts), files=files)

    def letter(self, facts: LetterFacts) -> Written:
        """The letter alone."""
        return text.write(facts, texts=self._of(facts.kind, facts), guide=self.guide)

    def pass_on(self, facts: LetterFacts, case: CaseFacts) -> str:
        """What a provider sends on unchanged to the customer of this case."""
        first = self._of(WaveKind.FIRST, facts)
        return text.text_to_pass_on(facts, case, texts=first, guide=self.guide)

    def way(self, facts: LetterFacts, place: int, way: Way, *, language: str) -> list[str]:
        """One block of steps of a letter about several cases, with what stands above it."""
        own = self.texts(facts.kind, language)
        return text.way_to_close(facts, place, way, language=language, texts=own, guide=self.guide)

    def rows(self, facts: LetterFacts) -> str:
        """The rows of a letter about several cases, in its first language."""
        language = facts.languages[0]
        names = self.texts(facts.kind, language).frame.labels
        is_rtl = LANGUAGES[language].is_right_to_left
        if facts.kind is WaveKind.CLOSING:
            said = rows.became(facts, names, rtl=is_rtl)
        else:
            said = rows.numbered(facts, names, language=language)
        return led(said) if is_rtl else said

    def _of(self, kind: WaveKind, facts: LetterFacts) -> Mapping[str, Texts]:
        return {tag: self.texts(kind, tag) for tag in facts.languages}
