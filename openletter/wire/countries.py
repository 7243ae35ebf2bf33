"""Country names as they end postal addresses in registries -> ISO 3166-1 alpha-2.

Owns: English names, the names countries use of themselves, and abbreviations nobody else uses.
Refuses: bare two-letter codes in free text ("CA" is California, "DE" Delaware).
"""

from __future__ import annotations

import re
import unicodedata

_TABLE = """
AD andorra|AE united arab emirates;uae;u.a.e.|AF afghanistan|AG antigua and barbuda|AI anguilla
AL albania;shqiperia|AM armenia|AO angola|AQ antarctica|AR argentina|AS american samoa
AT austria;osterreich;oesterreich|AU australia|AW aruba|AX aland islands|AZ azerbaijan
BA bosnia and herzegovina;bosna i hercegovina;bosnia & herzegovina|BB barbados|BD bangladesh
BE belgium;belgie;belgique;belgien|BF burkina faso|BG bulgaria|BH bahrain;kingdom of bahrain
BI burundi|BJ benin|BL saint barthelemy|BM bermuda|BN brunei;brunei darussalam
BO bolivia;plurinational state of bolivia|BQ bonaire;caribbean netherlands|BR brazil;brasil
BS bahamas;the bahamas|BT bhutan|BW botswana|BY belarus;republic of belarus|BZ belize|CA canada
CD democratic republic of the congo;dr congo;congo (drc)|CF central african republic
CG congo;republic of the congo|CH switzerland;schweiz;suisse;svizzera
CI cote d'ivoire;ivory coast|CK cook islands|CL chile|CM cameroon;cameroun
CN china;p.r. china;p.r.china;pr china;prc;people's republic of china|CO colombia
CR costa rica|CU cuba|CV cape verde;cabo verde|CW curacao|CY cyprus|CZ czech republic;czechia
CZ ceska republika|DE germany;deutschland;federal republic of germany|DJ djibouti
DK denmark;danmark|DM dominica|DO dominican republic;republica dominicana|DZ algeria;algerie
EC ecuador|EE estonia;eesti|EG egypt|ER eritrea|ES spain;espana|ET ethiopia|FI finland;suomi
FJ fiji|FK falkland islands|FM micronesia|FO faroe islands|FR france
GA gabon|GB united kingdom;great britain;england;scotland;wales;northern ireland;u.k.
GD grenada|GE georgia;republic of georgia|GF french guiana|GG guernsey|GH ghana|GI gibraltar
GL greenland|GM gambia;the gambia|GN guinea|GP guadeloupe|GQ equatorial guinea
GR greece;hellas|GT guatemala|GU guam|GW guinea-bissau|GY guyana
HK hong kong;hongkong;hong kong sar|HN honduras|HR croatia;hrvatska|HT haiti
HU hungary;magyarorszag|ID indonesia|IE ireland;republic of ireland|IL israel|IM isle of man
IN india|IO british indian ocean territory|IQ iraq|IR iran;islamic republic of iran
IR iran, islamic republic of;iran (islamic republic of)|IS iceland|IT italy;italia
JE jersey|JM jamaica|JO jordan;hashemite kingdom of jordan|JP japan|KE kenya|KG kyrgyzstan
KG kyrgyz republic|KH cambodia|KI kiribati|KM comoros|KN saint kitts and nevis
KP north korea|KR south korea;korea;republic of korea;korea, republic of|KW kuwait
KY cayman islands|KZ kazakhstan;republic of kazakhstan|LA laos;lao pdr|LB lebanon
LC saint lucia|LI liechtenstein|LK sri lanka|LR liberia|LS lesotho|LT lithuania;lietuva
LU luxembourg|LV latvia;latvija|LY libya|MA morocco;maroc|MC monaco
MD moldova;republic of moldova;moldova, republic of|ME montenegro;crna gora|MF saint martin
MG madagascar|MH marshall islands|MK north macedonia;macedonia|ML mali|MM myanmar;burma
MN mongolia|MO macau;macao|MP northern mariana islands|MQ martinique|MR mauritania
MS montserrat|MT malta|MU mauritius|MV maldives|MW malawi|MX mexico|MY malaysia
MZ mozambique;mocambique|NA namibia|NC new caledonia|NE niger|NF norfolk island|NG nigeria
NI nicaragua|NL netherlands;the netherlands;nederland;holland;netherlands, the
NL kingdom of the netherlands|NO norway;norge|NP nepal|NR nauru|NU niue|NZ new zealand
OM oman;sultanate of oman|PA panama|PE peru|PF french polynesia|PG papua new guinea
PH philippines;the philippines|PK pakistan|PL poland;polska|PM saint pierre and miquelon
PR puerto rico|PS palestine;state of palestine;palestinian territory|PT portugal|PW palau
PY paraguay|QA qatar|RE reunion|RO romania|RS serbia;srbija;republic of serbia
RU russia;russian federation|RW rwanda|SA saudi arabia;kingdom of saudi arabia;ksa
SB solomon islands|SC seychelles|SD sudan|SE sweden;sverige|SG singapore|SH saint helena
SI slovenia;slovenija|SK slovakia;slovak republic;slovensko|SL sierra leone|SM san marino
SN senegal|SO somalia|SR suriname|SS south sudan|ST sao tome and principe|SV el salvador
SX sint maarten|SY syria;syrian arab republic|SZ eswatini;swaziland|TC turks and caicos islands
TD chad;tchad|TG togo|TH thailand|TJ tajikistan|TK tokelau|TL timor-leste;east timor
TM turkmenistan|TN tunisia;tunisie|TO tonga|TR turkey;turkiye;republic of turkiye
TT trinidad and tobago|TV tuvalu|TW taiwan;taiwan, r.o.c.;taiwan r.o.c.;taiwan, province of china
TZ tanzania;united republic of tanzania|UA ukraine;ukraina|UG uganda
US united states;united states of america;usa;u.s.a.|UY uruguay|UZ uzbekistan
VA vatican city;holy see|VC saint vincent and the grenadines|VE venezuela
VE venezuela, bolivarian republic of|VG british virgin islands|VI u.s. virgin islands
VN vietnam;viet nam|VU vanuatu|WF wallis and futuna|WS samoa|XK kosovo|YE yemen|YT mayotte
ZA south africa;republic of south africa|ZM zambia|ZW zimbabwe
"""


def _fold(text: str) -> str:
    plain = text
    if not text.isascii():
        plain = unicodedata.normalize("NFKD", text.replace("Ø", "O").replace("ø", "o"))
        plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return re.sub(r"\s+", " ", plain).strip(" .,;").casefold()


def _names() -> dict[str, str]:
    table = {}
    for entry in _TABLE.replace("\n", "|").split("|"):
        code, _, names = entry.strip().partition(" ")
        table.update({_fold(name): code for name in names.split(";") if name})
    return table


BY_NAME = _names()
CODES = frozenset(BY_NAME.values())
LAST_LINES = 3


def of_name(text: str) -> str | None:
    """The country that this text names, and nothing but names."""
    return BY_NAME.get(_fold(text[:80]))


def of_address(text: str) -> str | None:
    """The country at the end of a postal address; line breaks may be real or spelled out."""
    lines = [line for line in re.split(r"\r?\n|\\n|\\r", text[-1_000:]) if line.strip()]
    for line in reversed(lines[-LAST_LINES:]):
        for piece in (line, *reversed(re.split(r"[,;/-]", line))):
            code = of_name(piece)
            if code:
                return code
    return None


def of_field(text: str) -> str | None:
    """A field meant for a country: its code or its name."""
    code = text.strip().upper()
    return code if code in CODES else of_name(text)
