"""For whom a contact acts: the network's user, a provider, somebody above; and so which text.

Registries do not say it plainly. The status of the block, the kind of organisation, whose
contact record it is and the names tell; unknown reads as provider, because "please pass it on,
or close it if it is yours" is right for both.
"""

from __future__ import annotations

import re

from openletter.contacts.rules import names
from openletter.wire.registry import Party, Place, Registration, Source, Subject
from openletter.words import Reader, Scope

_SERVES = re.compile(
    r"\b(tele\w*|internet\w*|isp|host\w*|cloud\w*|communicat\w*|comunica\w*|kommunika\w*|"
    r"broadband|cable|wireless|fib(er|re)\w*|mobile|networks?|networking|net|online|data ?cent\w*|"
    r"colo\w*|vps|servers?|carrier|satellite|provider|backbone|transit|ix)\b|"
    r"\w(net|tel|telecom|hosting|link|com)\b",
    re.IGNORECASE,
)
_PASSED_ON = re.compile("alloc|partitioned|aggregated|anycast")
_LARGE = {4: 2**12, 6: 2**92}
"""A /20 or a /36: where no status is told, only those who serve others hold so much."""
_USES = re.compile(
    r"\b(universi\w*|college|school|schule|ecole|escuela|colegio|institut\w*|academ\w*|hospital|"
    r"clinic\w*|bank\w*|banco|ministry|ministerio|ministere|ministerium|city of|county|"
    r"municip\w*|gemeente|prefeitura|government|govern\w*|gobierno|museum|library|church|hotel|"
    r"parliament|police|army|navy|insurance|assurance|versicherung)\b",
    re.IGNORECASE,
)


def scope_of(found: Registration, *, mailbox: str, object_: str) -> Scope:
    """The scope of one address of a registration."""
    own = _scope_of_holder(found)
    if own is not Scope.END_USER and _is_elsewhere(found, mailbox):
        return Scope.UPSTREAM
    if own is Scope.END_USER and _is_inherited(found, mailbox, object_):
        return Scope.PROVIDER
    return own


def reader_of(scope: Scope, *, level: int) -> Reader:
    """Which of the texts: only the user of the very network is asked to close the server."""
    if scope is Scope.CSIRT:
        return Reader.CSIRT
    return Reader.OWNER if scope is Scope.END_USER and level == 0 else Reader.PROVIDER


def _scope_of_holder(found: Registration) -> Scope:
    status = found.status.lower()
    holder = found.holder
    named = f"{holder.name} {found.name if not holder.name else ''}"
    if holder.kind.upper() in ("LIR", "RIR") or _PASSED_ON.search(status):
        return Scope.PROVIDER
    if _USES.search(named):
        return Scope.END_USER
    if found.subject is Subject.AUTNUM:
        return Scope.PROVIDER
    if "assign" in status:
        return Scope.PROVIDER if _SERVES.search(holder.name) else Scope.END_USER
    if not status and found.first is not None and found.size >= _LARGE[found.first.version]:
        return Scope.PROVIDER
    return Scope.PROVIDER if _SERVES.search(named) else Scope.UNKNOWN


def _is_elsewhere(found: Registration, mailbox: str) -> bool:
    """The holder's own boxes lie in another house's domain than this one."""
    domain = mailbox.rpartition("@")[2]
    own = [
        written.value.rpartition("@")[2].strip().lower()
        for written in found.written
        if written.party is Party.ORG and written.place is Place.CONTACT and "@" in written.value
    ]
    return bool(own) and all(names.is_other_brand(domain, each) for each in own)


def _is_inherited(found: Registration, mailbox: str, object_: str) -> bool:
    """RIPE's assigned blocks rarely have an organisation: their abuse contact is the LIR's.

    Unless a contact of the block itself has the same box.
    """
    if found.registry != "ripencc" or found.holder.handle or found.source is Source.RPSL:
        return False
    return not any(
        written.object != object_ and written.value.strip().lower() == mailbox
        for written in found.written
    )
