"""For whom a contact acts: the network's user, a provider, somebody above; and so which text.

Registries do not say it plainly. The status of the block, the kind of organisation, whose
contact record it is and the names tell; unknown reads as provider, because "please pass it on,
or close it if it is yours" is right for both.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

from openletter.contacts.rules import names
from openletter.wire.registry import Party, Place, Registration, Source, Subject, Written
from openletter.words import Reader, Scope

_SERVES = re.compile(
    r"\b(tele\w*|internet\w*|isp|host\w*|cloud\w*|communicat\w*|comunica\w*|kommunika\w*|"
    r"broadband|cable|wireless|fib(er|re)\w*|mobile|networks?|networking|net|online|data ?cent\w*|"
    r"colo\w*|vps|servers?|carrier|satellite|provider|backbone|transit|ix)\b|"
    r"\w(net|tel|telecom|hosting|link|com)\b",
    re.IGNORECASE,
)
_POOL = re.compile(
    r"(?<![a-z])(x?dsl|adsl|vdsl|pools?|dial-?(up|in)|dynamic(ip)?|pppo[ea]|dhcp|residential|"
    r"broadband|ftt[hxbc]|docsis|cable|hfc|customers?|subscribers?|clients?|cgn(at)?|lte|gprs|"
    r"umts|3g|4g|5g|mobile|wifi|wlan|hotspot|vps|hosting|colo(cation)?|dedicated|cloud|vpn)"
    r"(?![a-z])",
    re.IGNORECASE,
)
"""Names of networks whose addresses go to customers."""
_OWN_USE = re.compile(
    r"(?<![a-z])(corporate|corp-?net|office|headquarters?|hq|intern(al)?|lan|intranet|campus|"
    r"enterprise)(?![a-z])",
    re.IGNORECASE,
)
"""Names of networks that their holder, even a provider, uses himself."""
_ADMINISTERS = re.compile(
    r"\b(ip|ipv[46]|address|network|lir|internet) ?-?(maint\w*|adm\w*|manage\w*|registr\w*|"
    r"team|operations?|engineering)|\b(hostmaster|noc|lir|network operations?)\b",
    re.IGNORECASE,
)
"""Contact records of those who give addresses out."""
_ARIN_CUSTOMER = re.compile(r"C\d{5,9}", re.IGNORECASE)
_OF_A_RECORD = frozenset({"admin-c", "tech-c", "owner-c", "mnt-by", "mnt-lower"})
"""Roles of records that a network points to, and that may be its provider's."""
_PASSED_ON = re.compile("alloc|partitioned|aggregated|anycast")
_LARGE = {4: 2**12, 6: 2**92}
"""A /20 or a /36: whatever the status, only those who serve others hold so much."""
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
    if own is Scope.END_USER and _is_of_another(found, mailbox):
        return Scope.UPSTREAM
    is_own_use = _OWN_USE.search(found.name) is not None
    if own is Scope.END_USER and not is_own_use and _is_inherited(found, mailbox, object_):
        return Scope.PROVIDER
    return own


def traits_of(found: Registration) -> Hashable:
    """What of a network's name and size `scope_of` looks at, the same for many of one holder.

    Whoever judges a name or a size in this module by anything else adds it here.
    """
    if not found.holder.name or found.subject is not Subject.NETWORK:
        return found.name, _is_large(found)
    own_use, pool = _OWN_USE.search(found.name), _POOL.search(found.name)
    return own_use is not None, pool is not None, _is_large(found)


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
        return _scope_of_autnum(found)
    if "assign" in status:
        return _scope_of_assigned(found)
    if not status and _is_large(found):
        return Scope.PROVIDER
    serves = _SERVES.search(named) or _POOL.search(found.name)
    return Scope.PROVIDER if serves else Scope.UNKNOWN


def _scope_of_autnum(found: Registration) -> Scope:
    """Who serves others keeps a desk for abuse apart, or is called a network's name."""
    desks = {each.object for each in found.written if each.place is not Place.NOTICE}
    is_everything = len(desks) == 1 and any(
        each.place is Place.ABUSE_BOX or each.place is Place.ABUSE_ROLE for each in found.written
    )
    serves = _SERVES.search(f"{found.holder.name} {found.name}")
    return Scope.END_USER if is_everything and not serves else Scope.PROVIDER


def _scope_of_assigned(found: Registration) -> Scope:
    """Given to its user, unless name or size say that the user gives it to others."""
    name = found.holder.name
    is_named = bool(name) and name not in (found.holder.handle, found.handle)
    if _OWN_USE.search(found.name):
        return Scope.END_USER
    if _SERVES.search(name) or _POOL.search(found.name) or _is_large(found):
        return Scope.PROVIDER
    administered = any(_ADMINISTERS.search(each.party_name) for each in found.written)
    return Scope.PROVIDER if administered and not is_named else Scope.END_USER


def _is_large(found: Registration) -> bool:
    return found.first is not None and found.size >= _LARGE[found.first.version]


def _is_elsewhere(found: Registration, mailbox: str) -> bool:
    """The holder's own boxes lie in another house's domain than this one."""
    domain = mailbox.rpartition("@")[2]
    own = [
        written.value.rpartition("@")[2].strip().lower()
        for written in found.written
        if written.party is Party.ORG and written.place is Place.CONTACT and "@" in written.value
    ]
    return bool(own) and all(names.is_other_brand(domain, each) for each in own)


def _is_of_another(found: Registration, mailbox: str) -> bool:
    """The user has boxes in his own house, and this one is of whoever gave him the network."""
    own = [
        written.value.rpartition("@")[2].strip().lower()
        for written in found.written
        if "@" in written.value and written.role not in _OF_A_RECORD and _is_own(written)
    ]
    domain = mailbox.rpartition("@")[2]
    return bool(own) and all(names.is_other_brand(domain, each) for each in own)


def _is_own(written: Written) -> bool:
    """A box of the organisation itself, or the one that is declared for the network's abuse."""
    is_organisations = written.party is Party.ORG and written.place is Place.CONTACT
    return is_organisations or written.place is Place.ABUSE_BOX


def _is_inherited(found: Registration, mailbox: str, object_: str) -> bool:
    """The contact is the provider's: the network itself names none.

    RIPE's assigned blocks rarely have an organisation (unless a contact of the block itself has
    the same box), and ARIN's customers (handles C and digits) never have contacts of their own.
    """
    if found.registry == "arin":
        return _ARIN_CUSTOMER.fullmatch(found.holder.handle) is not None
    if found.registry != "ripencc" or found.holder.handle or found.source is Source.RPSL:
        return False
    return not any(
        written.object != object_ and written.value.strip().lower() == mailbox
        for written in found.written
    )
