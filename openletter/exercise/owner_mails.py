"""The owners' own words, in Dutch and English, as real mails with the headers of real senders.

The same letter makes the same bytes: a mail that is sent again after a crash is the same mail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from openletter.exercise import dice
from openletter.exercise.letterbox import ReadLetter
from openletter.exercise.owners import Act, Deed

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "nl": (
        (
            "Goedendag,\n\nWe hebben uw brief gelezen en willen het goed doen. Draait er op dit"
            " adres misschien nog een oude printer die scans mailt? Hoe zien we of het daaraan"
            " ligt?\n\nMet vriendelijke groet,\nBeheer, {organisation}"
        ),
        (
            "Beste mensen,\n\nMoet poort 25 helemaal dicht, of alleen voor de buitenwereld? Onze"
            " webwinkel verstuurt bevestigingen via deze server.\n\nGroeten,\n{organisation}"
        ),
        (
            "Hallo,\n\nHoe weet ik zeker dat deze brief echt is? En wordt ons adres ergens openbaar"
            " genoemd?\n\nVriendelijke groet,\n{organisation}"
        ),
    ),
    "en": (
        (
            "Hello,\n\nThank you for writing. Could you tell us at what time of day this was last"
            " seen? We rebuilt the machine recently and wonder which one it is.\n\nKind regards,\n"
            "IT desk, {organisation}"
        ),
        (
            "Hi,\n\nOur bookkeeper needs the proxy from home. Is there a way to keep it for her"
            " and shut everybody else out?\n\nThanks,\n{organisation}"
        ),
        (
            "Dear all,\n\nHow can we be sure this letter is genuine, and does anybody else get to"
            " see our address?\n\nRegards,\n{organisation}"
        ),
    ),
}

TEXTS: Mapping[Deed, Mapping[str, str]] = {
    Deed.AWAY_MESSAGE: {
        "nl": "Ik ben afwezig tot en met maandag en lees mijn mail niet. Voor dringende zaken"
        " kunt u bellen met de receptie van {organisation}.",
        "en": "I am out of the office until Monday with no access to mail. For anything urgent"
        " please call the reception of {organisation}.",
    },
    Deed.TICKET_MESSAGE: {
        "nl": "Uw melding is ontvangen onder nummer {ticket}. Vermeld dit nummer bij verdere"
        " berichten. Dit is een automatisch bericht van {organisation}.",
        "en": "Your report has been received and given the number {ticket}. Please quote this"
        " number. This is an automatic message from {organisation}.",
    },
    Deed.FIXED_MAIL: {
        "nl": "Goedemiddag,\n\nDank voor uw brief. De server is gesloten; hij stond sinds een"
        " verhuizing open voor iedereen.\n\nGroet,\n{organisation}",
        "en": "Good afternoon,\n\nThank you for your letter. The server is now closed. It had"
        " been open since we moved offices.\n\nRegards,\n{organisation}",
    },
    Deed.NOT_OURS_MAIL: {
        "nl": "Geachte,\n\nDit adres is niet van ons. Wij hebben die lijn jaren geleden"
        " opgezegd.\n\nMet vriendelijke groet,\n{organisation}",
        "en": "Hello,\n\nThis address does not belong to us. We gave that line up years ago."
        "\n\nRegards,\n{organisation}",
    },
    Deed.STOP_MAIL: {
        "nl": "Wij wensen geen verdere brieven.\n\n{organisation}",
        "en": "Please do not send us any more letters.\n\n{organisation}",
    },
    Deed.PASSED_ON_MAIL: {
        "nl": "Dank u. Doorgegeven aan de klanten van deze adressen.\n\nAbusedesk, {organisation}",
        "en": "Thank you. Passed on to the customers of these addresses.\n\nAbuse desk,"
        " {organisation}",
    },
}


def mail_of(act: Act) -> tuple[bytes, str]:
    """The bytes of an act's mail and its envelope sender (empty for reports)."""
    if act.deed is Deed.DELIVERY_REPORT:
        return _delivery_report(act.letter), ""
    message = _answer(act.letter, act)
    automatic = act.deed in {Deed.AWAY_MESSAGE, Deed.TICKET_MESSAGE}
    if automatic:
        message["Auto-Submitted"] = "auto-replied"
    if act.deed is Deed.TICKET_MESSAGE:
        message["X-Ticket-Number"] = ticket_number(act.letter)
    below = "" if automatic else _quoted(act.letter, act.person.speaks)
    message.set_content(_words(act) + below, cte="8bit")
    return message.as_bytes(
        policy=SMTP
    ), "" if act.deed is Deed.AWAY_MESSAGE else act.letter.mailbox


def ticket_number(letter: ReadLetter) -> str:
    return f"#{dice.number(10_000, 99_999, 'ticket', letter.mailbox, letter.subject[-11:])}"


def _words(act: Act) -> str:
    organisation, language = act.person.organisation, act.person.speaks
    if act.deed is Deed.QUESTION:
        words = dice.pick(QUESTIONS[language], "question", act.letter.mailbox)
    else:
        words = TEXTS[act.deed][language]
    return words.format(organisation=organisation, ticket=ticket_number(act.letter)) + "\n"


QUOTES = {
    "nl": "Op {date:%d-%m-%Y} om {date:%H:%M} schreef {sender}:",
    "en": "On {date:%Y-%m-%d} at {date:%H:%M}, {sender} wrote:",
}


def _quoted(letter: ReadLetter, language: str) -> str:
    """The first lines of the letter below the answer, as mail programs put them."""
    head = QUOTES[language].format(date=letter.date, sender=letter.sender)
    return f"\n{head}\n" + "".join(f"> {line}\n" for line in letter.text.split("\n")[:12])


def _answer(letter: ReadLetter, act: Act) -> EmailMessage:
    message = EmailMessage(policy=SMTP.clone(cte_type="8bit"))
    subject = letter.subject
    if act.deed is Deed.AWAY_MESSAGE:
        prefix = {"nl": "Afwezig", "en": "Out of office"}[act.person.speaks]
        subject = f"{prefix}: {subject}"
    elif act.deed is Deed.TICKET_MESSAGE:
        subject = f"[{ticket_number(letter)}] {subject}"
    else:
        subject = f"Re: {subject}"
    name = act.person.organisation.replace('"', "")
    message["From"] = f'"{name}" <{letter.mailbox}>'
    message["To"] = letter.reply_to
    message["Subject"] = subject
    message["Date"] = format_datetime(letter.date + timedelta(hours=2 + 24 * act.after))
    message["Message-ID"] = f"<{_mark(act)}@{letter.domain}>"
    message["In-Reply-To"] = letter.message_id
    message["References"] = letter.message_id
    return message


def _mark(act: Act) -> str:
    return hashlib.sha256(act.key.encode()).hexdigest()[:24]


REPORT = """\
From: Mail Delivery System <MAILER-DAEMON@mx.{domain}>
To: {bounce_to}
Subject: Undelivered Mail Returned to Sender
Date: {date}
Message-ID: <{mark}@mx.{domain}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{mark}"

--{mark}
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.{domain}.

Your message could not be delivered to one recipient. The mailbox has been
closed; there is nobody to read it.

<{mailbox}>: host store.{domain} said: 550 5.1.1 mailbox closed

--{mark}
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.{domain}

Final-Recipient: rfc822; {mailbox}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 mailbox closed

--{mark}
Content-Type: text/rfc822-headers

From: {sender}
To: {mailbox}
Subject: {subject}
Message-ID: {message_id}

--{mark}--
"""


def _delivery_report(letter: ReadLetter) -> bytes:
    """What a relaying mail server writes when it finds out later (RFC 3464)."""
    subject = letter.subject.encode("ascii", "replace").decode()
    text = REPORT.format(
        domain=letter.domain, bounce_to=letter.bounce_to, mailbox=letter.mailbox,
        date=format_datetime(letter.date + timedelta(hours=23)), sender=letter.sender,
        mark=hashlib.sha256(letter.message_id.encode()).hexdigest()[:24],
        subject=subject, message_id=letter.message_id,
    )  # fmt: skip
    return text.replace("\n", "\r\n").encode("ascii", "replace")
