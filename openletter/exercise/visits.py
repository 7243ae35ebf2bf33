"""How owners use the site: they follow the link in their letter and press what they find there.

Requests go through the whole of the real site (middleware, CSRF, limits); only the network
between browser and server is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlsplit

from django.test import Client

_HREF = re.compile(r'href="([^"]+)"')


class SiteError(Exception):
    """A page answered otherwise than an owner needs; the message says which kind of page."""


@dataclass(kw_only=True)
class Browser:
    """A person's browser at the site's address: follows links, sends forms, keeps nothing."""

    site: str
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        place = urlsplit(self.site)
        secure = place.scheme == "https"
        self.client = Client(
            enforce_csrf_checks=True, SERVER_NAME=place.hostname or "localhost",
            SERVER_PORT=str(place.port or (443 if secure else 80)),
        )  # fmt: skip
        self.client.defaults["wsgi.url_scheme"] = place.scheme

    def read(self, address: str) -> str:
        answer = self.client.get(_path(address), follow=True)
        if answer.status_code != 200:
            raise SiteError(f"reading a page behind a link: {answer.status_code}")
        return str(answer.content.decode())

    def press(self, address: str, answer: str) -> bool:
        """Open the page at `address`, follow its link to `answer`, and say yes there.

        False: the page does not offer it (it was said before, or the case is closed).
        """
        page = self.read(address)
        links = [unescape(link) for link in _HREF.findall(page)]
        found = [link for link in links if urlsplit(link).path.endswith(f"/{answer}")]
        if not found:
            return False
        self.read(found[0])
        told = self.client.post(_path(found[0]), {}, follow=True)
        if told.status_code != 200:
            raise SiteError(f"pressing `{answer}`: {told.status_code}")
        return True

    def one_click(self, address: str) -> None:
        """RFC 8058: what a mail program posts for its own unsubscribe button."""
        body = {"List-Unsubscribe": "One-Click"}
        told = self.client.post(_path(address), body)
        if told.status_code != 200:
            raise SiteError(f"one-click: {told.status_code}")


def _path(address: str) -> str:
    place = urlsplit(address)
    return f"{place.path}?{place.query}" if place.query else place.path
