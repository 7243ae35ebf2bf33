"""Partners' OpenPGP keys: one file each in the keys folder, which only its owner reads.

A key belongs to a real partner; having one is the option: its real letters are signed with it. A
key that can't be read lets no letter of its partner go unsigned: it is not written.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openletter.campaigns.models import Campaign, Partner
from openletter.letters.rules.facts import LetterError, one_line
from openletter.letters.rules.message import Unsigned
from openletter.letters.rules.openpgp import PgpKey, enclosed

_CREATED = b"Created: "


def path_of(folder: Path, partner: Partner) -> Path:
    return folder / f"openpgp-{partner.slug}.pem"


def make(folder: Path, partner: Partner, *, passphrase: str, created: int) -> PgpKey:
    """A fresh key for the partner; one that exists is never replaced."""
    if partner.exercise:
        raise LetterError("openpgp-exercise", partner.slug)
    private = Ed25519PrivateKey.generate()
    octets = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption(),
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path_of(folder, partner), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise LetterError("openpgp-key-exists", partner.slug) from None
    with os.fdopen(handle, "wb") as file:
        file.write(_CREATED + str(created).encode() + b"\n" + octets)
    return load(folder, partner, passphrase=passphrase)


def load(folder: Path, partner: Partner, *, passphrase: str) -> PgpKey:
    """The partner's key; raises where there is none, or where it does not open."""
    path = path_of(folder, partner)
    try:
        octets = path.read_bytes()
    except OSError:
        raise LetterError("openpgp-no-key", partner.slug) from None
    private, created = _opened(octets, passphrase)
    return PgpKey(private=private, created=created, user=_user(partner))


def _user(partner: Partner) -> str:
    name = one_line(partner.name).translate({ord(sign): None for sign in '<>()"'})
    return f"{name} <{partner.email}>"


@lru_cache(maxsize=64)
def _opened(octets: bytes, passphrase: str) -> tuple[Ed25519PrivateKey, int]:
    first, _, pem = octets.partition(b"\n")
    try:
        private = serialization.load_pem_private_key(pem, passphrase.encode() or None)
        created = int(first.removeprefix(_CREATED))
    except (ValueError, TypeError):
        raise LetterError("openpgp-key-locked") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise LetterError("openpgp-key-locked")
    return private, created


def signed(letter: Unsigned, *, campaign: Campaign, partner: Partner, folder: Path,
           passphrase: str) -> Unsigned:  # fmt: skip
    """The letter with its partner's signature, where a real partner has a key; else itself."""
    if campaign.exercise or not path_of(folder, partner).exists():
        return letter
    key = load(folder, partner, passphrase=passphrase)
    return enclosed(letter, lambda octets: key.signed(octets, at=letter.at))
