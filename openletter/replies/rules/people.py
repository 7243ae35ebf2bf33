"""What a person wants: the words that letters ask for, and phrases in a few languages.

Unsure is a question for a person. A wrong "fixed" or "no more letters" is worse than a question
too many: a phrase counts only in the writer's own words, without a question mark beside it, and
alone.
"""

from __future__ import annotations

import re

from openletter.replies.rules.asked import asked_for
from openletter.replies.rules.kinds import Intent
from openletter.replies.rules.phrases import any_of

_OPT_OUT = any_of(r"""
    \bunsubscribe\b
    (?:stop|quit|cease) (?:sending|mailing|e-?mailing|writing|contacting)
    (?:do not|don't|never|please do not) (?:send|mail|e-?mail|write|\
      contact) (?:\w+ ){0,4}(?:again|any ?more|any further)
    (?:remove|delete|take) (?:me|us|this (?:address|mailbox)|our (?:address|mailbox)|\
      my (?:address|mailbox)) (?:\w+ )?from
    (?:want|wish|need|like)(?: to (?:get|receive|have))? no (?:\w+ )?(?:letters|mails?|e-?mails?|\
      messages)
    no (?:more|further) (?:letters|mails?|e-?mails?|messages|notifications)
    (?:geen|nooit meer) (?:verdere |nieuwe )?(?:brieven|mails?|e-mails?|berichten|\
      meldingen)(?: meer)?
    (?:stop|houd op) (?:a\.?u\.?b\.? )?met (?:mailen|schrijven|(?:het )?(?:sturen|versturen|\
      toesturen|e-mailen))
    (?:mail|schrijf|stuur|e-mail) (?:mij|ons|me) (?:\w+ ){0,3}niet (?:meer|langer)
    (?:schrijf|meld) (?:mij|ons) (?:\w+ ){0,2}(?:uit|af)\b
    uitschrijven
    afmelden
    wens(?:en)? geen (?:verdere )?(?:brieven|mails?|e-mails?|berichten|post)
    haal (?:mij|ons|dit adres|ons adres) (?:van|uit)
    keine (?:weiteren )?(?:mails|e-mails|briefe|nachrichten) mehr
    abmelden
    abbestellen
    (?:ne (?:nous|m')? ?(?:envoyez|écrivez) plus)
    désabonner
    désinscri
    no (?:nos|me) (?:envíen|escriban|manden) más
    darse? de baja
""")
_NOT_OURS = any_of(r"""
    \bnot (?:ours|mine)\b
    niet van mij\b
    (?:is|are|was|does)(?: not|n't) (?:\w+ ){0,3}(?:ours?\b|our (?:\w+ )?(?:server|address|ip|\
      network|range|customer|machine|system|netblock|host)|in our (?:network|range)|belong(?:s|\
      ing)? to us|under our (?:control|management|responsib))
    (?:do|does)(?: not|n't) belong to (?:us|our)
    not (?:our|in our|one of our|part of our) (?:ip|address|server|network|range|customer|\
      machine|system|netblock|host|as)\w*
    (?:we|i) (?:do not|don't|no longer) (?:own|manage|operate|run|control|use|host|\
      administer) (?:this|that|these|the|any)
    (?:we|i) (?:have )?(?:sold|transferred|returned|gave up) (?:this|the|these) (?:ip|range|\
      address|block|network|netblock)
    (?:wrong|incorrect) (?:address|contact|party|recipient|company|organi[sz]ation)
    (?:not|no longer) responsible for (?:this|that|these|the)
    niet (?:van|bij) ons\b
    (?:niet|geen) (?:\w+ ){0,3}(?:onze|ons) (?:\w+ )?(?:server|adres|ip|netwerk|klant|machine|\
      systeem|blok|reeks)
    (?:is|zijn) niet (?:van|in beheer (?:van|bij)|bij) (?:ons|onze)
    (?:hoort|horen|behoort|behoren) niet (?:tot|bij|aan|van|toe aan) (?:ons|onze)
    (?:beheren|hebben|bezitten|gebruiken) (?:dit|deze|die|dat) (?:\w+ ){0,4}niet
    (?:verkeerde|onjuiste) (?:adres|contact|partij|organisatie|bedrijf|geadresseerde)
    niet (?:meer )?(?:verantwoordelijk|aansprakelijk) voor
    (?:gehört|gehören) (?:uns )?nicht (?:uns|zu uns|mehr)
    ne (?:nous )?appartien(?:t|nent) pas
    no (?:nos )?pertenece
""")
_FIXED = any_of(r"""
    (?:we|i|it|they|this|that|now|issue|problem|proxy|relay|server|port)\b(?:'ve|\
      's)? (?:\w+ ){0,5}(?:fixed|closed|resolved|solved|corrected|remediated|patched|secured|\
      shut down|disabled|firewalled|switched off|turned off|taken offline|mitigated)\b
    (?:has|have|is|are|was|were) (?:now |been |just ){0,3}(?:fixed|closed|resolved|solved|\
      corrected|remediated|patched|secured|shut down|disabled|firewalled|switched off|\
      turned off|taken offline|mitigated)
    \A(?:\W*(?:hi|hello|dear|thanks|thank you)\b[^\n]{0,60}\n+)?\W*(?:it'?s |now )?(?:fixed|\
      done|closed|resolved)\b
    (?:is|zijn|hebben|heb|staat|werd|ook) (?:\w+ ){0,6}(?:opgelost|gesloten|gedicht|\
      dichtgezet|afgesloten|hersteld|verholpen|uitgeschakeld|uitgezet|beveiligd|aangepast|\
      gerepareerd|offline gehaald)
    (?:staat|is|zit) (?:\w+ ){0,3}dicht\b
    \A(?:\W*(?:hallo|beste|dank|geachte)\b[^\n]{0,60}\n+)?\W*(?:opgelost|gesloten|verholpen|\
      gedaan|geregeld)\b
    (?:wurde|ist|haben) (?:\w+ ){0,5}(?:behoben|geschlossen|gesperrt|abgeschaltet|gelöst)
    (?:a été|avons|est) (?:\w+ ){0,4}(?:corrigé|fermé|résolu|désactivé)
    (?:ha sido|hemos|está) (?:\w+ ){0,4}(?:corregid|cerrad|resuelt|solucionad|desactivad)\w*
""")
_FORWARDED = any_of(r"""
    (?:forwarded|passed|relayed|escalated|referred|handed) (?:\w+ ){0,6}(?:to|on to|\
      over to) (?:\w+ ){0,3}(?:customer|client|colleague|owner|user|team|department|responsible|\
      end user|abuse|tenant|reseller|provider|admin)
    (?:informed|notified|contacted|alerted) (?:\w+ ){0,3}(?:customer|client|owner|user|tenant|\
      reseller)
    (?:forwarded|passed) (?:it|this|your (?:\w+ )?(?:message|mail|letter|report|notice)|\
      the (?:\w+ )?(?:message|letter|report))
    (?:doorgestuurd|doorgezet|doorgegeven|doorgeleid)
    (?:klant|eigenaar|gebruiker|collega)\w* (?:\w+ ){0,4}(?:geïnformeerd|ingelicht|\
      op de hoogte|verwittigd|gewaarschuwd)
    (?:weitergeleitet|weitergegeben)
    kunden? (?:\w+ ){0,3}informiert
    (?:transmis|transféré|fait suivre)
    reenviado
    remitido
""")
_DENIED = any_of(r"""
    (?:not|n't|never|cannot|unable to|can't) (?:\w+ ){0,3}(?:fixed|closed|resolved|solved|fix|\
      close|resolve|solve|disabled|forwarded|forward)
    (?:already|always) (?:was|been) closed
    (?:niet|nog niet|nooit) (?:\w+ ){0,2}(?:opgelost|gesloten|verholpen|hersteld|doorgestuurd|\
      dicht)
    (?:will|shall|going to|try(?:ing)? to|want to|plan to) (?:\w+ ){0,3}(?:fix|close|resolve|\
      be (?:fixed|closed|resolved))
    (?:gaan|zullen|proberen|willen) (?:\w+ ){0,6}(?:oplossen|sluiten|dichtzetten)
    (?:should|must|could|would|if|when|once|until|before|after|als|wanneer|zodra|\
      indien) (?:\w+ ){0,5}(?:fixed|closed|resolved|gesloten|opgelost)
""")
_PATTERNS = (
    (Intent.OPT_OUT, _OPT_OUT),
    (Intent.NOT_OURS, _NOT_OURS),
    (Intent.FORWARDED, _FORWARDED),
    (Intent.FIXED, _FIXED),
)
_ASKS = re.compile("[?？؟\u037e]|[\u0370-\u03ff\u1f00-\u1fff][ \u00a0]?;")
"""A question mark; Greek has a semicolon for one."""
LONG = 1500


def intent_of(words: str) -> tuple[Intent, float]:
    """What the writer's own words ask for, and how sure that is."""
    asked = asked_for(words)
    found = [intent for intent, pattern in _PATTERNS if intent in asked or pattern.search(words)]
    asks = bool(_ASKS.search(re.sub(r"https?://\S+", "", words)))
    if not found:
        return Intent.QUESTION, 0.7 if words.strip() else 0.4
    if len(found) > 1 or asks:
        return Intent.QUESTION, 0.6
    if found[0] in (Intent.FIXED, Intent.FORWARDED) and _DENIED.search(words):
        return Intent.QUESTION, 0.6
    return found[0], 0.8 if len(words) > LONG else 0.9
