"""An SMTP or LMTP server in a thread of its own: what the mailbox and the intake stand on."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class NotLoopbackError(Exception):
    """A server of ours was to listen where strangers can reach it."""


class SmtpServer:
    """Serves one aiosmtpd handler; `start` returns the port, `stop` waits for the thread."""

    def __init__(
        self,
        handler: object,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        size_limit: int,
        name: str = "localhost",
        lmtp: bool = False,
    ) -> None:
        if host not in LOOPBACK:
            raise NotLoopbackError(host)
        self._handler, self._host, self._port = handler, host, port
        self._options: dict[str, Any] = {
            "hostname": name, "ident": "openletter", "data_size_limit": size_limit, "timeout": 120,
            "auth_exclude_mechanism": ["LOGIN", "PLAIN"],
        }  # fmt: skip
        self._protocol: Callable[..., asyncio.Protocol] = LMTP if lmtp else SMTP
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failed: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="smtp-server", daemon=True)

    def start(self) -> int:
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # it writes addresses: tokens
        self._thread.start()
        self._ready.wait(30)
        if self._failed is not None:
            raise self._failed
        return self._port

    def stop(self) -> None:
        """Twice is once."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def join(self) -> None:
        """Wait until somebody stops it."""
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._port

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            server = self._loop.run_until_complete(self._listen())
        except OSError as error:
            self._failed = error
            self._ready.set()
            self._loop.close()
            return
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._wind_down())
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        server = await self._loop.create_server(
            lambda: self._protocol(self._handler, loop=self._loop, **self._options),
            self._host,
            self._port,
            family=socket.AF_UNSPEC if self._host == "localhost" else 0,
        )
        self._port = server.sockets[0].getsockname()[1]
        return server

    async def _wind_down(self) -> None:
        """End the conversations that still go on."""
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_default_executor()


def sender_of(mail_from: str | None) -> str:
    """The envelope sender; the null sender is an empty string."""
    return "" if mail_from in (None, "<>") else str(mail_from)
