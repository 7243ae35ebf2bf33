"""A letter's files by one request: table, reports, and a text for each case to be passed on.

They are made when they are asked for, of the rows that this letter named and that are still open:
a text that was right when the letter left must not be passed on once its case is closed or taken
back, or the evidence no longer says that it is open; what a source no longer lets us tell is told
no more. Numbers, references and links are those that the letter printed; a report keeps its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from openletter.guides import library as guides
from openletter.letters import approvals, library
from openletter.letters.gather import case_facts, observations_of, writer_of
from openletter.letters.models import Letter, LetterCase
from openletter.letters.rules import rows, xarf
from openletter.letters.rules.attached import Attachment
from openletter.letters.rules.facts import CaseFacts, LetterError, LetterFacts, RowState
from openletter.letters.rules.text import text_to_pass_on
from openletter.letters.vouching import vouchers_of
from openletter.words import CaseState, FindingState, Reader, WaveKind

OPEN = (CaseState.OPEN, CaseState.ANNOUNCED_FIXED)
_OF_OPEN = (WaveKind.FIRST, WaveKind.UPDATE, WaveKind.REMINDER)


def is_offered(letter: Letter) -> bool:
    """Whether a desk reads this letter, which passes its cases on."""
    return letter.reader != Reader.OWNER and letter.kind in _OF_OPEN


def files_of(letter: Letter, secrets: Mapping[int, str]) -> list[Attachment]:
    """The files as they are now; `secrets` opens each case's page, by case, as it was printed.

    Nothing where no row is open any more, or where the letter could not be written today.
    """
    named = _open_rows(letter, secrets) if is_offered(letter) else []
    try:
        facts = _facts(letter, named, secrets) if named else None
    except LetterError:
        return []
    return [] if facts is None else list(_files(letter, facts))


def _open_rows(letter: Letter, secrets: Mapping[int, str]) -> list[LetterCase]:
    found = LetterCase.objects.filter(
        letter=letter,
        case__state__in=OPEN,
        case__in=list(secrets),
        case__finding__state=FindingState.OPEN,
        case__falls_short=False,
    ).select_related("choice__case__finding", "choice__partner", "choice__holder")
    return list(found.order_by("number"))


def _facts(letter: Letter, named: Sequence[LetterCase], secrets: Mapping[int, str]) -> LetterFacts:
    campaign, partner = letter.campaign, letter.partner
    vouchers = vouchers_of(campaign)
    choices = [row.choice for row in named]
    seen = observations_of(choices)
    countries = {one.holder.country for one in choices if one.holder and one.holder.country}
    country = countries.pop() if len(countries) == 1 else ""
    spoken = tuple(tag for tag in letter.languages if tag in library.languages())
    return LetterFacts(
        kind=WaveKind.FIRST,
        reader=Reader(letter.reader),
        languages=spoken or ("en",),
        reference=letter.reference,
        secret="",
        stop_token="",
        site=campaign.site_url.rstrip("/"),
        campaign=campaign.name,
        writer=writer_of(partner),
        together_with=tuple(one.name for one in vouchers.partners if one.pk != partner.pk),
        authority=vouchers.authority(country, writer=partner.pk),
        responder="" if letter.reader == Reader.CSIRT else vouchers.responder(country),
        domain=campaign.sender_address.rpartition("@")[2].lower(),
        cases=tuple(
            replace(
                case_facts(
                    row.choice, seen[row.choice.case.finding_id], row=row.number,
                    state=RowState.REMAINING,
                ),
                secret=secrets[row.case_id],
            )
            for row in named
        ),
        exercise=campaign.exercise,
    )  # fmt: skip


def _files(letter: Letter, facts: LetterFacts) -> Iterator[Attachment]:
    name = rows.file_name(facts)
    yield Attachment(
        name=name, media="text/csv", text=rows.as_csv(facts, language=facts.languages[0])
    )
    if report := xarf.as_json(facts):
        name = name.removesuffix(".csv")
        yield Attachment(name=f"{name}.xarf.json", media="application/json", text=report)
    if _may_speak(letter, facts):
        yield from (_text(facts, case) for case in facts.cases)


def _may_speak(letter: Letter, facts: LetterFacts) -> bool:
    """The texts are first letters: in a partner's name only as it approved them."""
    if letter.campaign.exercise:
        return True
    return approvals.may_go_out(letter.partner, WaveKind.FIRST, facts.languages)


def _text(facts: LetterFacts, case: CaseFacts) -> Attachment:
    texts = {tag: library.texts(WaveKind.FIRST, tag) for tag in facts.languages}
    return Attachment(
        name=f"openletter-{case.reference.lower()}.txt",
        media="text/plain",
        text=text_to_pass_on(facts, case, texts=texts, guide=guides.for_letter),
    )
