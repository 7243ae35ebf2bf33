"""The signing keys: files in the state folder that only their owner reads, one pair a selector.

The exercise has its own pair, made when it is first needed: nothing that an exercise signs can
be taken for a real letter. A real pair is made by a person (`openletter keys new`).
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from openletter.letters.rules.dkim import SigningKey
from openletter.letters.rules.facts import LetterError

EXERCISE = "exercise"
"""The exercise's selector; no real key may have it."""

Private = RSAPrivateKey | Ed25519PrivateKey


def draw() -> dict[str, Private]:
    """A fresh pair: RSA-2048, which every verifier knows, and Ed25519 beside it."""
    return {
        "rsa": generate_private_key(public_exponent=65537, key_size=2048),
        "ed25519": Ed25519PrivateKey.generate(),
    }


def make(folder: Path, *, selector: str) -> None:
    """Make the pair of a selector; one that exists is kept."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for kind, private in draw().items():
        _keep(_file(folder, selector, kind), private)


def load(folder: Path, *, domain: str, selector: str) -> tuple[SigningKey, ...]:
    """The pair of a selector for a domain; the exercise's is made on the way."""
    if selector == EXERCISE:
        make_missing(folder)
    return tuple(
        SigningKey(
            domain=domain,
            selector=name_of(selector, kind),
            private=_read(_file(folder, selector, kind)),
        )
        for kind in ("ed25519", "rsa")
    )


def make_missing(folder: Path) -> None:
    """The exercise's pair, once."""
    if not exists(folder, selector=EXERCISE):
        make(folder, selector=EXERCISE)


def dns_records(folder: Path, *, domain: str, selector: str) -> list[tuple[str, str]]:
    """(name, TXT) for the zone of the domain."""
    keys = load(folder, domain=domain, selector=selector)
    return [(key.dns_name(), key.dns_record()) for key in keys]


def exists(folder: Path, *, selector: str) -> bool:
    return all(_file(folder, selector, kind).exists() for kind in ("rsa", "ed25519"))


def made_at(folder: Path, *, selector: str) -> float:
    """When the pair was made, in seconds since 1970, as its file says."""
    return _file(folder, selector, "rsa").stat().st_mtime


def delete(folder: Path, *, selector: str) -> None:
    """Take a pair's private keys away for good."""
    for kind in ("rsa", "ed25519"):
        _file(folder, selector, kind).unlink(missing_ok=True)


def name_of(selector: str, kind: str) -> str:
    """The selector in DNS: each algorithm has its own name."""
    return selector if kind == "rsa" else f"{selector}-{kind}"


def _file(folder: Path, selector: str, kind: str) -> Path:
    return folder / f"dkim-{selector}.{kind}.pem"


def _keep(path: Path, private: Private) -> None:
    """Written beside and linked into place: two first callers agree on one key."""
    octets = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _read(path: Path) -> Private:
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise LetterError("no-signing-key", path.name) from None
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise LetterError("not-a-signing-key", path.name)
    return private
