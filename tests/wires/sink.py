"""A plain SMTP server process that keeps every message it accepts: `python -m tests.wires.sink FOLDER PORT`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from openletter.net.mailbox import _Keeper
from openletter.net.smtp_server import SmtpServer

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """Accepts everything. It does not say that it is a built-in mailbox."""

    def __init__(self, folder: Path) -> None:
        self._keeper = _Keeper(folder, lambda _: None)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return await self._keeper.handle_DATA(server, session, envelope)


def sink(folder: Path, port: int = 0) -> SmtpServer:
    folder.mkdir(parents=True, exist_ok=True)
    return SmtpServer(Sink(folder), port=port, size_limit=10**7, name="sink.test")


if __name__ == "__main__":
    running = sink(Path(sys.argv[1]), int(sys.argv[2]))
    running.start()
    running.join()
