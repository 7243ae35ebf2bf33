"""A process that writes drafts beside others; it keeps nothing between two batches but skeletons.

This module is imported before Django is ready, so that a fresh process can be told to make it so.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from datetime import datetime


def begin() -> None:
    """First thing in a new process: Ctrl-C is for whoever started it, and it ends with him."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import django  # noqa: PLC0415 - the process that starts this one has its own

    django.setup()


def _end_with_parent() -> None:
    """An open transaction goes with it; nobody has seen its drafts."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def write(campaign_id: int, mailboxes: Sequence[str], now: datetime) -> int:
    """Drafts for these mailboxes, as far as they may be written to now; how many cases in them."""
    from django.db import close_old_connections  # noqa: PLC0415 - see the module's first lines

    from openletter.campaigns.models import Campaign  # noqa: PLC0415
    from openletter.letters import steps  # noqa: PLC0415

    close_old_connections()
    campaign = Campaign.objects.get(pk=campaign_id)
    return steps.write_beside_others(campaign, mailboxes, now=now)
