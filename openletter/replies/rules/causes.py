"""Why a mail did not arrive: from the status code (RFC 3463), then from the server's words."""

from __future__ import annotations

import re

from openletter.replies.rules.kinds import Cause
from openletter.replies.rules.phrases import any_of
from openletter.wire.dsn import first_smtp_code, first_status

_STATUS: dict[str, Cause] = {
    "1.1": Cause.USER_UNKNOWN, "1.10": Cause.ACCEPTS_NO_MAIL, "1.2": Cause.HOST_UNKNOWN,
    "1.3": Cause.USER_UNKNOWN, "1.6": Cause.MOVED, "4.4": Cause.HOST_UNKNOWN,
    "1.8": Cause.POLICY, "1.7": Cause.POLICY, "2.1": Cause.DISABLED, "2.2": Cause.MAILBOX_FULL,
    "2.3": Cause.TOO_BIG, "3.4": Cause.TOO_BIG, "3.0": Cause.SYSTEM, "3.1": Cause.MAILBOX_FULL,
    "3.2": Cause.SYSTEM, "3.3": Cause.SYSTEM, "3.5": Cause.SYSTEM, "4.1": Cause.NETWORK,
    "4.2": Cause.NETWORK, "4.3": Cause.NETWORK, "4.5": Cause.SYSTEM, "4.6": Cause.NETWORK,
    "4.7": Cause.EXPIRED, "5.3": Cause.POLICY, "5.4": Cause.SYSTEM,
}  # fmt: skip
_CLASSES = {"6": Cause.POLICY, "7": Cause.POLICY}
_VAGUE = frozenset({"0.0", "1.0", "2.0", "4.0", "4.4", "5.0", "5.1", "5.2", "7.0", "7.1"})
"""Codes that servers give for anything: their words are asked first."""


_WORDS: tuple[tuple[Cause, re.Pattern[str]], ...] = (
    (
        Cause.MAILBOX_FULL,
        any_of(r"""
            over ?-?quota
            quota (?:exceed|violat|usage|full)
            exceed\w* (?:\w+ )?quota
            mail ?box (?:is |size )?(?:full|exceed|over)
            (?:mail)?box full
            (?:disk|storage|mail) ?(?:space |)quota
            not enough (?:storage )?space
            insufficient (?:system storage|space|disk)
            too many messages on this mailbox
            exceeded (?:storage|the local limit|space)
            account is full
            is full
            mailbox exceeds allowed size
            number of messages in recipient
            超过
            espacio en casilla
            postfach (?:ist )?voll
            boîte pleine
            mailbox vol\b
            over disk quota
            quota\b.*\bexceeded
            too much mail data
        """),
    ),
    (
        Cause.TOO_BIG,
        any_of(r"""
            message (?:\w+ ){0,3}(?:too (?:big|large)|exceeds)
            size limit
            too large
            message file too big
            (?:exceed\w*|over) (?:the )?(?:maximum|fixed|max)\b.{0,30}size
            exceeds? size limit
            maximum message size
        """),
    ),
    (
        Cause.POLICY,
        any_of(r"""
            \bspam\b
            too many recipients
            \bblocked\b
            black ?list
            block ?list
            \bdnsbl\b
            \brbl\b
            spamhaus
            spamcop
            reputation
            \bspf\b
            dmarc
            dkim\b
            policy
            not (?:rfc )?compliant
            content (?:reject|filter|not)
            prohibited
            virus
            \bptr\b
            reverse dns
            without (?:a )?(?:valid )?rdns
            access denied
            relay(?:ing)? (?:is )?(?:not permitted|denied|access|not allowed|prohibited)
            we do not relay
            not permitted to relay
            bad header
            header error
            invalid ip for sending
            poor .{0,20}reputation
            too many (?:connections|hops?)
            rate limit
            unsolicited
            \bbulk\b
            junk
            sender (?:address )?(?:rejected|verif)
            not accepted from
            domain of sender
            authenticat
            \btls\b
            greylist
            requires? confirmation
            not authori[sz]ed
            suspicious
            abus
            surbl
            uribl
            message (?:was |has been )?(?:rejected|refused|blocked) (?:due to|because of|\
              by) .{0,30}(?:content|filter)
            transaction failed.*(?:ip|spam)
            administrative(?:ly)? (?:prohibit|den)
        """),
    ),
    (
        Cause.DISABLED,
        any_of(r"""
            (?:account|mailbox|user|address|recipient).{0,40}(?:disabled|suspended|inactive|\
              locked|expired|discontinued|deactivated)
            (?:disabled|suspended|inactive) (?:recipient|mailbox|user|account)
            not (?:currently )?active
            ha expirado
            temporarily (?:blocked|locked)
        """),
    ),
    (
        Cause.ACCEPTS_NO_MAIL,
        any_of(r"""
            null mx
            does(?:n't| not) accept (?:any )?(?:e?mail|smtp)
            no longer accepts? mail
            mail not accepted
            \b556\b.{0,60}not accept
        """),
    ),
    (
        Cause.HOST_UNKNOWN,
        any_of(r"""
            host (?:or domain name )?(?:unknown|not found)
            unknown host
            no such domain
            domain (?:name )?(?:does not|doesn't) exist
            unrouteable (?:mail )?(?:domain|address)
            domain not found
            name (?:service error|server:|not found)
            couldn'?t find any host
            unknown (?:mail )?domain
            nxdomain
            invalid domain
            bad destination (?:host|system)
            dns error.*not found
            cannot resolve
            no mx (?:or|record)
            illegal host
            no route to domain
            domain\b.{0,60}\b(?:couldn't|could not) be found
        """),
    ),
    (
        Cause.MOVED,
        any_of(r"""
            has (?:been )?moved
            no longer (?:on|at|with|employed)
            has left
        """),
    ),
    (
        Cause.USER_UNKNOWN,
        any_of(r"""
            (?:user|recipient|mailbox|address|account|addressee|mail ?drop|username)s? (?:is |\
              was |name is |name )?(?:unknown|not (?:found|known|recogni[sz]ed|exist|listed|\
              valid)|invalid|unavailable)
            unknown (?:\w+ ){0,3}(?:user|recipient|address|account|local ?-?part|mailbox|email)
            no such (?:\w+ ){0,2}(?:user|recipient|address|mailbox|account|person|local|\
              e-?mail|here)
            (?:does(?:n't| not)|did not) (?:\w+ )?(?:exist|have an? )
            n'existe pas
            bestaat niet
            invalid (?:\w+ ){0,2}(?:recipient|mailbox|user|address|account)
            not a (?:valid|known) (?:\w+ )?(?:user|mailbox|recipient|address)
            no (?:mailbox|account|user|recipient|email|valid recipients?)\b
            not listed in
            isn't (?:a valid|known|listed)
            not our customer
            account (?:has been )?(?:closed|deleted|removed)
            bad (?:destination )?(?:mailbox|address)
            user (?:\S+ )?(?:is )?not (?:found|known|local|exist)
            unable to (?:find|locate)
            could ?n[o']t find (?:the )?(?:user|recipient)
            recipient(?: address)? (?:was )?(?:rejected|not found|not recogni[sz]ed)
            not\s+our\s+user
            inexistente
            não existe
            no existe
            unbekannt
            onbekend
            inconnu
            address (?:rejected|unknown|invalid|error)
            unknown or illegal
            mailbox (?:unavailable|not found|does)
            no matches? (?:to|for)
            user reject
            nicht gefunden
            existiert nicht
            адрес\w* не (?:существует|найден)
            нет такого
            does not like recipient
            undeliverable address
            is not a valid
            that's not a valid user
            该用户不存在
            用户不存在
            无此用户
            宛先不明
            存在しません
            user doesn't have
            can(?:not|'t) be (?:found|verified)
            illegal alias
            unknown alias
        """),
    ),
    (
        Cause.EXPIRED,
        any_of(r"""
            message (?:has )?(?:expired|timed out)
            retry time(?:out)?
            too long in (?:the )?queue
            in the queue too long
            could not deliver for the last
            not been collected
            delivery time expired
            retry timeout exceeded
            delivery expired
            failed \d+ attempts
        """),
    ),
    (
        Cause.NETWORK,
        any_of(r"""
            timed? ?-?out
            connection (?:refused|dropped|reset|closed|lost|died)
            no route to host
            (?:mail )?loop
            unreachable
            could not (?:connect|initiate)
            hop count
            network (?:error|failure)
            can't connect
            lost connection
            could not be contacted
        """),
    ),
    (
        Cause.SYSTEM,
        any_of(r"""
            local (?:configuration )?error
            internal (?:system|server) error
            system (?:error|config)
            service unavailable
            temporar
            resources
            can't create
            mail(?:er)? (?:system )?error
            try again
            exit
            procmail
            pipe to
        """),
    ),
)  # fmt: skip


_NAMES = re.compile(
    r"(?i)[^\s<>@]{1,64}@[^\s<>]{1,255}|\bhost [\w-]{1,63}(?:\.[\w-]{1,63}){1,9}"
    r"|\S{1,255}\[[\d.:a-f]+\]"
)
"""Mailboxes and hosts say nothing about the cause; ours are called abuse@ to begin with."""
_TRY_AGAIN = re.compile(r"host not\s+found, try again|temporary (?:lookup|name)", re.IGNORECASE)
_TENANT_REFUSES = re.compile(r"(?i)5\.4\.1 .{0,80}recipient address rejected: access denied")
"""How one large host says that a recipient does not exist."""
_NO_MAIL = re.compile(
    r"host does(?:n't| not) accept (?:any )?(?:e?mail|smtp)|null mx|no smtp service", re.IGNORECASE
)


def cause_of(status: str, words: str) -> Cause:
    """Status first; words where the status is vague or missing."""
    words = _NAMES.sub(" ", words[:2000])
    tail = status[2:]
    if _TENANT_REFUSES.search(words):
        return Cause.USER_UNKNOWN
    if _NO_MAIL.search(words):
        return Cause.ACCEPTS_NO_MAIL
    if _TRY_AGAIN.search(words):
        return Cause.NETWORK
    if status and tail not in _VAGUE:
        known = _STATUS.get(tail) or _CLASSES.get(tail.partition(".")[0])
        if known is not None and not (known is Cause.USER_UNKNOWN and _is_about_us(words)):
            return known
    said = cause_in_words(words)
    if said is not None:
        return said
    if tail in _STATUS:
        return _STATUS[tail]
    return _CLASSES.get(tail.partition(".")[0], Cause.UNCLEAR)


def _is_about_us(words: str) -> bool:
    """Some servers say 5.1.1 for whatever they refuse; full mailboxes are no dead ones."""
    return cause_in_words(words) in (Cause.MAILBOX_FULL, Cause.POLICY, Cause.TOO_BIG)


def cause_in_words(words: str) -> Cause | None:
    return next((cause for cause, pattern in _WORDS if pattern.search(words)), None)


def status_in_words(words: str) -> str:
    """An RFC 3463 code in the text; else the class that an SMTP code tells (550 -> 5.0.0)."""
    status = first_status(words)
    if status:
        return status
    code = first_smtp_code(words)
    return f"{code[0]}.0.0" if code[:1] in ("4", "5") else ""
