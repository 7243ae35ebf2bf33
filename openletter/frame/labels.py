"""Words for the closed sets: each member has a label, translated where it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from openletter.words import CaseState, OutcomeResult, Reader, Role, WaveKind, Weakness

Label = str | Promise

WEAKNESS: Final[Mapping[Weakness, Label]] = {
    Weakness.OPEN_RELAY: _("open mail relay"),
    Weakness.OPEN_HTTP_PROXY: _("open HTTP proxy"),
    Weakness.OPEN_SOCKS: _("open SOCKS proxy"),
}

CASE_STATE: Final[Mapping[CaseState, Label]] = {
    CaseState.OPEN: _("not closed yet"),
    CaseState.ANNOUNCED_FIXED: _("reported fixed"),
    CaseState.CLOSED: _("closed"),
    CaseState.WITHDRAWN: _("withdrawn"),
}

CASE_CHIP: Final[Mapping[CaseState, str]] = {
    CaseState.OPEN: "open",
    CaseState.ANNOUNCED_FIXED: "mind",
    CaseState.CLOSED: "good",
    CaseState.WITHDRAWN: "",
}

ROLE: Final[Mapping[Role, Label]] = {
    Role.ENTRY: _("the server listens at this address"),
    Role.EXIT: _("the traffic leaves from this address"),
    Role.UNKNOWN: _("the source does not say whether the server listens here"),
}

SAYS: Final[Mapping[Weakness, Label]] = {
    Weakness.OPEN_RELAY: _("passes on mail from anybody to anybody"),
    Weakness.OPEN_HTTP_PROXY: _("lets anybody use its HTTP proxy"),
    Weakness.OPEN_SOCKS: _("lets anybody use its SOCKS proxy"),
}

OUTCOME: Final[Mapping[OutcomeResult, Label]] = {
    OutcomeResult.CLOSED: pgettext_lazy("outcome", "closed"),
    OutcomeResult.STILL_OPEN: _("still open"),
    OutcomeResult.GONE: _("no longer seen"),
    OutcomeResult.MOVED: _("moved to another address"),
    OutcomeResult.UNREACHABLE: _("nobody could be reached"),
}

READER: Final[Mapping[Reader, Label]] = {
    Reader.OWNER: _("owner"),
    Reader.PROVIDER: _("provider"),
    Reader.CSIRT: _("response team"),
}

WAVE: Final[Mapping[WaveKind, Label]] = {
    WaveKind.FIRST: _("first letter"),
    WaveKind.UPDATE: _("update"),
    WaveKind.REMINDER: _("reminder"),
    WaveKind.CLOSING: _("closing letter"),
    WaveKind.CORRECTION: _("correction"),
}
