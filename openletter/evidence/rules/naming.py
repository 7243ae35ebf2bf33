"""What host names and registry remarks say of an address: that it moves, that many share it.

The words are those that providers write into reverse names and registry objects, in the languages
of their countries. A name is read by its words, never by parts of words ("dynamo" is no "dyn"), and
the registered domain itself says nothing: `mail.dynamic-networks.example` is somebody's server.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address

_SHORT_SECOND = frozenset(
    {"ac", "co", "com", "edu", "gob", "gov", "gv", "ne", "net", "nom", "or", "org", "priv"}
)
_APART = re.compile(r"[^a-z0-9]+")
_DIGITS = re.compile(r"[0-9]+")


def _words(*lines: str) -> re.Pattern[str]:
    """Any of these as a whole word: no letter before or behind it."""
    return re.compile(rf"(?<![a-z])(?:{'|'.join(lines)})(?![a-z])")


_MOVES = _words(
    "dyn|dyna|dynamics?|dynip|dynamicip|ipdyn|dyn(?:adsl|dsl|pool|user|cust)|adsldyn",
    "dynamische?|dynamiques?|dynamisk|dynaaminen|d[iy]namicky|dynamiczn[yea]|dinamic[ao]?s?",
    "dinamik(?:us)?|dinamicni|dinaminis|dinamichesk(?:ij|iy)",
    "pools?|ippool|poolip|dhcpd?|dhcppool|bootp|ppp|pppo[ea]|pptp|bras|bng",
    "dial(?:pool|uppool)?|dial[-_]?(?:up|in)|dup|dul|einwahl|inbel|rtc|isdn|modems?",
    "gprs|edge|umts|hspa|hsdpa|lte|mobile?|mobiel|movil|movel|mobili|cellular|wimax|wwan",
    "hotspot|roaming|unassigned|ephemeral",
)
"""Words that are enough: such an address is given to somebody else now and then."""
_SHARES = _words(
    "cg[-_]?n(?:at)?|cgnat[-_]?pool|cgnpool|nat[-_]?cgn|lsn|nat|nat[-_]?(?:pool|gw|ip|gateway)",
    "ds[-_]?lite|aftr|mapt",
)
"""Words that are enough: many customers share such an address at once."""
_AT_HOME = _words(
    "(?:[axvsh]|sh)?dsl|cable|kabel|cabo|catv|hfc|docsis|cm|ftt[hxbp]|fiber|fibre|fibra",
    "fiberoptic|glasvezel|glasfaser|vlakno|swiatlowod|fios|g?pon|onu|ont",
    "broadband|breitband|bredband|bredbaand|bb|wireless|wlan|wifi|wisp|v?sat",
    "cust|customers?|clients?|clientes?|clienti|klant(?:en)?|kunden?|klient|klienti",
    "abo|abon|abonnes?|abonent|abonat|abonnement|subs|subscriber|assinante",
    "users?|usuarios?|usager|homes?|res|residen[tc]ial|hsd|hsi|consumer",
    "revip|ip|ipv|hosts?|node|rev|unknown|virtua|speedy",
)
"""Words of home connections and of numbering: only where the address stands in the name."""
_STAYS = _words(
    "statics?|stat|statip|ipstatic|staticip|statische?|statiques?|static[oay]|estatic[oa]",
    "staticky|statik|statisk|statyczn[ye]|fix|fixe|fixed|fixip|fij[oa]|fisso|fix[oa]|feste?",
    "vaste?|pevna|stala|dedicated|dedi|dedicado",
)
_SERVES = _words(
    "mail|mailer|mx|smtp|relay|mta|ns|dns|www|web|servers?|srv|vps|vm|cloud|compute|hosting",
    "hosted|host[-_]?colo|colo|colocation|business|biz|corp|enterprise|proxy|gw|gateway|vpn",
    "firewall|fw",
)
_REMARKS_MOVE = re.compile(
    r"dynamic|dinámic|dinamic|dynamique|dynamisch|dynamisk|dynamick|dynamiczn|dinâmic|dinamik"
    r"|динамич|динаміч|دینامیک|ديناميك|动态|動態|動的|유동"
    r"|\bdhcp\b|\bpppoe\b|\bdial-?(?:up|in)\b"
    r"|\b(?:ip|address|nat|customer|adsl|dsl|cable) ?pools?\b"
    r"|\bpool for\b|\bpools?$|\bmobile (?:customers|users|data|network|subscribers)\b",
    re.IGNORECASE | re.MULTILINE,
)
_REMARKS_SHARE = re.compile(
    r"\bcgn(?:at)?\b|\bcarrier[- ]grade nat\b|\blarge[- ]scale nat\b|\bnat[ -]?pool\b|\bds-?lite\b"
    r"|\bshared (?:ip|address)",
    re.IGNORECASE,
)
_REMARKS_STAY = re.compile(r"\b(?:non|not|nicht|no|niet)[- ](?:dynami|dinami)", re.IGNORECASE)


def moves_by_name(name: str, address: Address) -> bool:
    """Whether a host name says that the address changes hands."""
    own = _own_part(name)
    if not own or _STAYS.search(own):
        return False
    if _MOVES.search(own):
        return True
    at_home = _AT_HOME.search(own) and not _SERVES.search(own)
    return bool(at_home) and _stands_in(address, own)


def is_shared_by_name(name: str) -> bool:
    """Whether a host name says that many customers stand behind the address."""
    return bool(_SHARES.search(_own_part(name)))


def moves_by_remark(remark: str) -> bool:
    """Whether a registry's remark, net name or description says so; "non-dynamic" does not."""
    return bool(_REMARKS_MOVE.search(remark)) and not _REMARKS_STAY.search(remark)


def is_shared_by_remark(remark: str) -> bool:
    return bool(_REMARKS_SHARE.search(remark))


def _own_part(name: str) -> str:
    """What stands in front of the registered domain, as far as its shape tells."""
    labels = name.strip().strip(".").lower().split(".")
    ending = 2
    if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SHORT_SECOND:
        ending = 3
    return ".".join(labels[:-ending])


def _stands_in(address: Address, text: str) -> bool:
    """Whether the address stands in its own name: octets either way round, padded, or in hex."""
    if isinstance(address, IPv6Address):
        groups = address.exploded.replace(":", "")
        return groups[-8:] in _APART.sub("", text)
    octets = str(address).split(".")
    digits = [piece.lstrip("0") or "0" for piece in _DIGITS.findall(text)]
    for order in (octets, octets[::-1]):
        if _runs(order, digits) or _runs(order[2:], digits) or _runs(order[:2], digits):
            return True
    padded = "".join(octet.zfill(3) for octet in octets)
    return padded in _APART.sub("", text) or f"{int(address):08x}" in text


def _runs(wanted: list[str], digits: list[str]) -> bool:
    size = len(wanted)
    return any(digits[at : at + size] == wanted for at in range(len(digits) - size + 1))
