"""The text that somebody passes on: one case's own reference and link, nothing about the reader.

The links are read from the letter's stored bytes: nowhere else do they exist in the open, and
reading makes no new ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from email import policy
from email.parser import BytesParser
from urllib.parse import quote

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openletter.cases.models import Case
from openletter.evidence.models import Observation
from openletter.evidence.telling import last_told, ports_told
from openletter.frame import labels
from openletter.letters.models import Letter, LetterCase
from openletter.site.holders import evidence_by_case
from openletter.words import Weakness, print_reference, secret_hash

LINK = re.compile(r"/c/([a-z2-7]{20})\b", re.IGNORECASE)
LONGEST_MAILTO = 1_800
"""Mail programs and browsers cut longer ones without a word."""


def _texts(raw: bytes) -> Iterable[str]:
    message = BytesParser(policy=policy.default).parsebytes(raw)
    for part in message.walk():
        if part.get_content_maintype() == "text":
            content = part.get_content()
            yield content if isinstance(content, str) else ""


def printed_links(letter: Letter) -> Mapping[bytes, str]:
    """Secret by hash of every case link that stands in the letter."""
    found = {secret.lower() for text in _texts(bytes(letter.raw)) for secret in LINK.findall(text)}
    return {secret_hash(secret): secret for secret in found}


def secrets_of(letter: Letter, rows: Iterable[LetterCase]) -> dict[int, str]:
    """Secret by case id, as printed in this letter."""
    printed = printed_links(letter)
    hashes = {row.case_id: bytes(row.link.secret_hash) for row in rows}
    return {case: printed[held] for case, held in hashes.items() if held in printed}


def _lines(case: Case, secret: str | None, rows: Sequence[Observation]) -> list[str]:
    ports = ", ".join(str(port) for port in ports_told(case.finding, rows))
    seen = last_told(rows)
    told = [
        _("Address: {address}").format(address=case.ip),
        _("What is wrong: {weakness}").format(weakness=labels.WEAKNESS[Weakness(case.weakness)]),
    ]
    if ports:
        told.append(_("Port: {ports}").format(ports=ports))
    if seen:
        at = f"{seen.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        told.append(_("Last seen: {time}").format(time=at))
    told.append(_("Reference: {reference}").format(reference=print_reference(case.reference)))
    if secret:
        told.append(f"{settings.SITE_ADDRESS}{reverse('site:case', args=[secret])}")
    return told


def text_of(cases: Sequence[Case], *, secrets: Mapping[int, str]) -> str:
    """What is wrong, how to close it, where to answer, how to see that it is real."""
    told = evidence_by_case(cases)
    blocks = ["\n".join(_lines(case, secrets.get(case.id), told[case.id])) for case in cases]
    opening = ngettext(
        "Public databases say that anybody on the internet can use a server at this address. "
        "Please close it, or pass this on to whoever looks after it.",
        "Public databases say that anybody on the internet can use servers at these addresses. "
        "Please close them, or pass this on to whoever looks after them.",
        len(cases),
    )
    closing = [
        ngettext(
            "The link shows this one address, how to close it, and takes your answer.",
            "Each link shows one address, how to close it, and takes your answer.",
            len(cases),
        ),
        _("Is this real? Check it with the reference and the address:"),
        f"{settings.SITE_ADDRESS}{reverse('site:genuine')}",
    ]
    return "\n\n".join([opening, *blocks, "\n".join(closing)])


def mailto_of(text: str, subject: str) -> str:
    """A link that opens the reader's own mail program; empty where the text is too long for one."""
    link = (
        f"mailto:?subject={quote(subject)}&body={quote(text.replace(chr(10), chr(13) + chr(10)))}"
    )
    return link if len(link) <= LONGEST_MAILTO else ""
