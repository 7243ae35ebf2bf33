"""No letters from any campaign: who asks for it, and whether he said yes when asked. Pure.

Only the mailbox's own answer to our question stops all campaigns (contracts section 2): whoever
can write in its name to a letter's reply address has proved less than that.
"""

from __future__ import annotations

import re

from openletter.replies.rules.phrases import any_of

_ALL = any_of(r"""
    (?:any|all|every|each|other|future|further) (?:of )?(?:the |your |other |future )?campaigns?\b
    (?:any|all) (?:of )?your (?:letters|mails|e-?mails|messages|mailings)
    (?:alle|elke|iedere|enige|andere|toekomstige|geen(?: enkele)?|welke) (?:van )?(?:uw |jullie |\
      andere |toekomstige )?campagnes?\b
    (?:alle|aller|jede|jeder|keine|keiner|irgendeine|andere|anderen|künftige)n? (?:Ihrer |\
      anderen )?Kampagnen?\b
    (?:toutes?|aucune|autres?|quelque) (?:les |de |vos |des |autres )*campagnes?\b
    (?:todas|ninguna|cualquier|otras?) (?:las |sus |otras |de )*campañas?\b
    (?:todas|nenhuma|qualquer|outras?) (?:as |suas |outras )*campanhas?\b
    (?:tutte|nessuna|qualsiasi|altre|altra) (?:le |vostre |altre )*campagn[ae]\b
""")  # fmt: skip
CONFIRMING_WORD = "STOP"
_YES = re.compile(r"(?i)(?<![\w@.-])stop(?![\w@-])")
_NO = any_of(r"""
    \b(?:not|don't|do not|never|no|wrong|mistake|somebody else|someone else)\b
    \b(?:niet|geen|nooit|nee|vergissing|iemand anders)\b
    \b(?:nicht|kein|nein|irrtum|pas|non|aucun|ninguna?|nunca|não|non)\b
    \?
""")  # fmt: skip
LONGEST = 4_000

TEXTS = {
    "en": (
        "Somebody asked in the name of {mailbox} for no more letters from any campaign.\n"
        "From this campaign no more letters come to you already.\n\n"
        "If you want this for all campaigns, answer this mail with the one word STOP.\n"
        "If it was not you, do nothing: nothing changes, and we do not ask again.\n\n"
        "This mail was written by a machine. Letters tell of servers in your network that\n"
        "others can misuse; whoever stops them for all campaigns hears of none."
    ),
    "nl": (
        "Iemand vroeg namens {mailbox} om geen brieven van welke campagne dan ook.\n"
        "Van deze campagne krijgt u al geen brieven meer.\n\n"
        "Wilt u dit voor alle campagnes, beantwoord deze mail dan met het ene woord STOP.\n"
        "Was u het niet, doe dan niets: er verandert niets, en wij vragen het niet nog eens.\n\n"
        "Deze mail is door een machine geschreven. Brieven vertellen over servers in uw netwerk\n"
        "die anderen kunnen misbruiken; wie ze voor alle campagnes stopt, hoort van geen enkele."
    ),
}
SUBJECTS = {"en": "No letters from any campaign?", "nl": "Geen brieven van welke campagne dan ook?"}


def asks_for_all(words: str) -> bool:
    """Whether somebody who wants no more letters wants none from any campaign."""
    return bool(_ALL.search(words[:LONGEST]))


def confirms(words: str) -> bool:
    """Whether the answer to our question is the word we asked for, and nothing that doubts it."""
    plain = words[:LONGEST]
    return bool(_YES.search(plain)) and not _NO.search(plain)


def question(mailbox: str, *, languages: list[str]) -> tuple[str, str]:
    """Subject and text of the one mail that asks, in the letter's language and in English."""
    tags = [*[tag for tag in languages if tag in TEXTS and tag != "en"][:1], "en"]
    text = "\n\n---\n\n".join(TEXTS[tag].format(mailbox=mailbox) for tag in tags)
    return " / ".join(SUBJECTS[tag] for tag in tags), text
