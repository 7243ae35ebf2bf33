"""Which guide a case's page shows, and its first steps with the case's own address and port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import get_language

from openletter.cases.models import Case
from openletter.evidence.models import Observation
from openletter.evidence.telling import ports_told
from openletter.guides import library
from openletter.guides.recognise import UNKNOWN
from openletter.guides.values import Values
from openletter.letters.gather import recognised
from openletter.site.reading import FIRST_STEPS, ReadSection, read
from openletter.words import Weakness


@dataclass(frozen=True, kw_only=True)
class Fix:
    """The first steps for one case."""

    guide_id: str
    product: str
    recognised: bool
    in_english: bool
    sections: Sequence[ReadSection]


def fix_for(case: Case, seen: Sequence[Observation]) -> Fix:
    """Typed values go into the commands: the address and a port of the finding, never a banner."""
    found = recognised(Weakness(case.weakness), seen)
    language = get_language() or "en"
    guide = library.guide(found.guide_id if found else UNKNOWN, language=language)
    ports = ports_told(case.finding, seen)
    values = Values(ip=str(case.ip), port=ports[0] if ports else None, proto="tcp")
    steps = [section for key in FIRST_STEPS if (section := guide.section(key))]
    return Fix(
        guide_id=guide.id,
        product=found.cut if found else "",
        recognised=found is not None,
        in_english=guide.language != language,
        sections=read(steps, values=values, weakness=Weakness(case.weakness), prefix="fix-"),
    )
