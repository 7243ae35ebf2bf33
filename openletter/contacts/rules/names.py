"""Whether a mailbox looks like a desk's or like somebody's own.

Words of many languages for what desks are called. Registries print both kinds side by side, and
a letter to somebody's own address needs a person's decision, so doubt goes to the person.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORDS = frozenset(re.findall(r"[a-z0-9]+", """
abuse abuso abus antispam spam cert csirt cirt irt soc security sec secure seguridad seguranca
securite sicherheit infosec itsec cyber cybersecurity incident incidents ciso
noc nocc gnoc nmc network networks netwerk netzwerk net netz red redes rede rete reseau reseaux
sit sieci halozat verkko natverk netops neteng netadmin netadm netmaster netsupport netcontact
ops operations operaciones operacoes operation operator oper engineering engineers eng core
backbone transit routing bgp peering ix
ip ipadmin ipadm ipmaster ipmgr ipteam ipops ipam ipreg ipaddr ipv4 ipv6 ipnoc ipcontact maint
hostmaster hostmasters postmaster webmaster dnsmaster dns dnsadmin dnsadm domain domains hostinfo
rir ripe ripencc arin apnic lacnic afrinic lir registry registro registrar registration whois nic
poc
admin admins administrator administrators administrador administracion administracao adm root
sysadmin sysadmins sysadm sysop system systems sistema sistemas systeme systemes systemy
tech techs technical technic technik tecnico tecnica tecnicos technique techsupport it ict tic ti
edv rz informatica informatique informatik computing computer dsi sti cti nti ntic cpd datacenter
dc telecom telecoms telecomunicaciones telematica infraestrutura infraestructura infrastructure
infra tecnologia technology ingenieria engenharia
support soporte suporte supporto helpdesk help servicedesk service services servicio desk customer
customers care ayuda atendimento atencion contact contacts contacto contato kontakt info
information informacion mail email correo office oficina sekretariat secretariat reception
hello team isp hosting host hosts cloud corp legal compliance fraud trust safety
"""))  # fmt: skip
_SECURITY = frozenset({"cert", "csirt", "cirt", "irt", "soc", "security", "seguridad", "infosec"})
_NETWORK = frozenset({"noc", "gnoc", "network", "netops", "neteng", "ops", "operations", "redes"})
_COMPANIES = frozenset(re.findall(r"[a-z]+", """
gmbh ag kg ug ltd limited llc llp inc incorporated corp corporation company co plc bv nv sa sas sarl
srl spa sl sro oy oyj ab as aps doo ooo oao zao pjsc jsc ltda eireli pt pvt private pty kk sdn bhd
group holding holdings university universidad universidade institute foundation association verein
stichting internet digital solutions
"""))  # fmt: skip
_STEMS = (
    "abuse", "admin", "hostmaster", "postmaster", "webmaster", "master", "support", "soporte",
    "suporte", "security", "seguridad", "seguranca", "sistema", "network", "netops", "neteng",
    "helpdesk", "service", "technical", "registr", "kontakt", "contact", "operations", "peering",
    "routing", "telecom", "whois", "csirt", "dns", "redes", "informat", "hosting", "datacent",
)  # fmt: skip
_ENDS = ("noc", "cert", "isp", "lir")
_SPLIT = re.compile(r"[._+\-=&/]+|\d+")
_NAME_LIKE = re.compile(
    r"[a-z]{1,15}([._-][a-z]{1,12}){1,4}[._-]?\d{0,3}|[a-z]{3,12}_[a-z]|[a-z][._][a-z]{3,}"
)

FREEMAIL = frozenset({
    "gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "live.com", "msn.com",
    "yahoo.com", "yahoo.fr", "yahoo.es", "yahoo.com.br", "yahoo.co.jp", "yahoo.co.uk", "aol.com",
    "icloud.com", "me.com", "mail.ru", "bk.ru", "list.ru", "inbox.ru", "yandex.ru", "yandex.com",
    "ya.ru", "rambler.ru", "qq.com", "163.com", "126.com", "sina.com", "foxmail.com", "gmx.de",
    "gmx.net", "gmx.com", "web.de", "t-online.de", "freenet.de", "libero.it", "tiscali.it",
    "virgilio.it", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "terra.com.br",
    "uol.com.br", "bol.com.br", "ig.com.br", "ukr.net", "seznam.cz", "wp.pl", "o2.pl", "onet.pl",
    "interia.pl", "protonmail.com", "proton.me", "pm.me", "zoho.com", "mail.com", "naver.com",
    "hanmail.net", "daum.net", "abv.bg", "rediffmail.com",
})  # fmt: skip
_TWO_LEVEL = frozenset({
    "co", "com", "net", "org", "gov", "edu", "ac", "or", "ne", "ad", "go", "gob", "gub", "gouv",
    "mil", "govt", "school", "nom", "biz", "info", "id", "web", "my", "sch",
})  # fmt: skip


@lru_cache(maxsize=1 << 16)
def is_functional(local: str, *, domain: str = "") -> bool:
    """A desk's name (noc, soporte, hostmaster) or the holder's own brand before the at sign."""
    plain = fold(local)
    if any(token in _WORDS for token in _SPLIT.split(plain)) or plain in _WORDS:
        return True
    if any(stem in plain for stem in _STEMS) or plain.startswith(_ENDS) or plain.endswith(_ENDS):
        return True
    return len(plain) >= 3 and plain == brand_of(domain)


@lru_cache(maxsize=1 << 16)
def desk_order(local: str, *, domain: str = "") -> int:
    """Which desk is nearest to abuse handling: abuse, security, network, any other, none."""
    tokens = set(_SPLIT.split(fold(local)))
    if "abuse" in local:
        return 0
    if tokens & _SECURITY or "csirt" in local:
        return 1
    if tokens & _NETWORK or local.endswith("noc"):
        return 2
    return 3 if is_functional(local, domain=domain) else 4


def is_name_like(local: str) -> bool:
    """`first.last`, `f.last` or `last_f`, without a desk's word in it."""
    plain = fold(local)
    return bool(_NAME_LIKE.fullmatch(plain)) and not is_functional(local)


def is_named_after(local: str, person: str) -> bool:
    """Whether the local part is made of the record's name: jsmith, smith.j, john."""
    plain = re.sub(r"[^a-z]", "", fold(local))
    tokens = [token for token in re.split(r"[^a-z]+", fold(person)) if len(token) > 1]
    if len(plain) < 2 or not tokens:
        return False
    long_ones = [token for token in tokens if len(token) >= 3]
    if any(plain == token or (len(token) >= 4 and token in plain) for token in long_ones):
        return True
    initials = {token[0] for token in tokens}
    return any(
        plain.startswith(token[:5]) or (plain[0] in initials and plain[1:].startswith(token[:4]))
        for token in long_ones
        if len(token) >= 4
    )


def is_a_desk(party_name: str) -> bool:
    """A record filed as a person whose name is a desk's: "NOC Team", "Soporte Tecnico"."""
    tokens = re.split(r"[^a-z]+", fold(party_name))
    return any(token in _WORDS for token in tokens)


def is_a_house(party_name: str) -> bool:
    """A desk's or a company's name, not a person's."""
    tokens = set(re.split(r"[^a-z]+", fold(party_name)))
    return is_a_desk(party_name) or bool(tokens & _COMPANIES)


def brand_of(domain: str) -> str:
    """The label somebody registered: `bt` of bt.com, `uco` of uco.edu.co."""
    labels = domain.split(".")
    if len(labels) >= 3 and labels[-2] in _TWO_LEVEL and len(labels[-1]) == 2:
        return labels[-3]
    return labels[-2] if len(labels) >= 2 else domain


def is_other_brand(one: str, other: str) -> bool:
    """Whether two domains belong to different houses, as far as their names tell."""
    if one in FREEMAIL or other in FREEMAIL:
        return False
    first, second = sorted((brand_of(one), brand_of(other)), key=len)
    return not (first == second or (len(first) >= 3 and first[:6] in second))


def fold(text: str) -> str:
    """Lower case without accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()
