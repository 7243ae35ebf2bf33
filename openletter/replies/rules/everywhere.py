"""No letters from any campaign: who asks for it, and whether he said yes when asked. Pure.

Only the mailbox's own answer to our question stops all campaigns (contracts section 2): whoever
can write in its name to a letter's reply address has proved less than that.
"""

from __future__ import annotations

import re

from openletter.letters.library import ANSWERS, wordings
from openletter.letters.skeletons import said
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


def asks_for_all(words: str) -> bool:
    """Whether somebody who wants no more letters wants none from any campaign."""
    return bool(_ALL.search(words[:LONGEST]))


def confirms(words: str) -> bool:
    """Whether the answer to our question is the word we asked for, and nothing that doubts it."""
    plain = words[:LONGEST]
    return bool(_YES.search(plain)) and not _NO.search(plain)


def question(mailbox: str, *, languages: list[str]) -> tuple[str, str]:
    """Subject and text of the one mail that asks, in the letter's language and in English."""
    spoken = wordings(ANSWERS)
    tags = [*[tag for tag in languages if tag in spoken and tag != "en"][:1], "en"]
    text = "\n\n---\n\n".join(said("stop-all", language=tag, mailbox=mailbox) for tag in tags)
    return " / ".join(said("stop-all-title", language=tag) for tag in tags), text
