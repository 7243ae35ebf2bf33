"""Report mails for tests, built as mail programs build them; documentation addresses only."""

from __future__ import annotations

import base64

BOUNDARY = "=_part"
HEADERS = (
    "Received: from relay.example.net (relay.example.net [198.51.100.7])\r\n"
    "\tby mx.example.org with ESMTP; Mon, 2 Mar 2026 07:00:05 +0100\r\n"
    "From: Reports <reports@example.net>\r\n"
    "To: abuse@example.org\r\n"
    "Date: Mon, 02 Mar 2026 07:00:00 +0100\r\n"
    "Message-ID: <1@example.net>\r\n"
    "Subject: report about 203.0.113.99\r\n"
    "MIME-Version: 1.0\r\n"
)
PROSE = "Content-Type: text/plain; charset=utf-8\r\n\r\nWe saw 203.0.113.99 do it.\r\n"


def attached(name: str, content: bytes, kind: str = "application/octet-stream") -> str:
    """A part in base64, with its name."""
    body = base64.encodebytes(content).decode().replace("\n", "\r\n")
    return (
        f'Content-Type: {kind}; name="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n{body}'
    )


def mail(*parts: str, kind: str = "multipart/mixed", headers: str = "") -> bytes:
    """A mail of several parts."""
    body = "".join(f"--{BOUNDARY}\r\n{part}\r\n" for part in parts)
    head = f'{HEADERS}{headers}Content-Type: {kind}; boundary="{BOUNDARY}"\r\n\r\n'
    return f"{head}{body}--{BOUNDARY}--\r\n".encode()


def within(raw: bytes, *, mark: str) -> str:
    """A mail as a part of another; its boundary is renamed so that each has its own."""
    text = raw.decode().replace(BOUNDARY, f"{BOUNDARY}{mark}")
    return f"Content-Type: message/rfc822\r\n\r\n{text}"


def feedback(**fields: str | None) -> str:
    """The machine-readable part of an ARF report."""
    told: dict[str, str | None] = {
        "Feedback-Type": "abuse",
        "User-Agent": "Example/1.0",
        "Version": "1",
        "Source-IP": "192.0.2.80",
        "Arrival-Date": "Mon, 02 Mar 2026 05:00:00 +0000",
    }
    told.update({name.replace("_", "-"): value for name, value in fields.items()})
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value is not None)
    return f"Content-Type: message/feedback-report\r\n\r\n{lines}"


def arf(*more: str, **fields: str | None) -> bytes:
    """A feedback report with the mail that somebody complained of."""
    evidence = (
        "Content-Type: message/rfc822\r\n\r\n"
        "Received: from sender.example (sender.example [198.51.100.66])\r\n"
        "From: a@example\r\nSubject: buy\r\n\r\nvisit http://203.0.113.200/\r\n"
    )
    kind = "multipart/report; report-type=feedback-report"
    return mail(PROSE, feedback(**fields), *more, evidence, kind=kind)


def x_arf(text: str) -> bytes:
    """A report mail as blocklist.de and its like write it."""
    report = f'Content-Type: text/plain; charset=utf-8; name="report.txt";\r\n\r\n{text}'
    log = (
        'Content-Type: text/plain; charset=utf-8; name="logfile.log";\r\n\r\n'
        '198.51.100.23 - - [02/Mar/2026] "GET /"\r\n'
    )
    return mail(PROSE, report, log, headers="X-XARF: PLAIN\r\n")


X_ARF = (
    "---\nReported-From: abuse@example.net\nCategory: abuse\nReport-Type: login-attack\n"
    "Service: ssh\nVersion: 0.2\nUser-Agent: Example 0.2\n"
    "Date: Mon, 02 Mar 2026 06:00:00 +0100\nSource-Type: ip-address\nSource: 192.0.2.150\n"
    "Port: 22\nReport-ID: 1@example.net\nSchema-URL: http://example.net/s.json\n"
    "Attachment: text/plain\n"
)
HONEY_POT = (
    "Report Date Range: 02/01/2026 - 03/01/2026\nIPs Monitored: 4,608\nMalicious IPs : 2\n\n"
    "IPs Engaged In Harvesting On Your Network:\n\n192.0.2.31\n\n\n"
    "IPs Engaged In Email Spamming On Your Network:\n\nnone\n\n"
    "IPs Engaged In Comment Spamming On Your Network:\n\n192.0.2.32\nnonsense here\n\n"
    "---------------------------------------\nWrite to 192.0.2.99\n"
)


def honey_pot(text: str = HONEY_POT) -> bytes:
    return f"{HEADERS}Honey-Pot-Monitor-ID: 7\r\n\r\n{text}".encode()
