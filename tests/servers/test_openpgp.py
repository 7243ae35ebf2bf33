"""GnuPG itself believes the partners' signatures, and believes none that somebody changed."""

from __future__ import annotations

import binascii
import email
import email.policy
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openletter.letters import library, preview
from openletter.letters.rules import message
from openletter.letters.rules.openpgp import PgpKey, enclosed
from openletter.words import Reader, WaveKind
from tests.letter_samples import addressing
from tests.servers import debian

PGP = PgpKey(
    private=Ed25519PrivateKey.generate(), created=1_700_000_000, user="Bücher & Co <a@b.example>"
)
KEYS = preview.fresh_keys()


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    if debian.program("gpgv") is None:
        pytest.skip("gpgv is not unpacked: make tools")
    lines = PGP.public().split("\n\n", 1)[1].split("\n=", 1)[0]
    ring = tmp_path / "ring.gpg"
    ring.write_bytes(binascii.a2b_base64(lines))
    return ring


def believed(raw: bytes, ring: Path) -> bool:
    """Whether GnuPG finds a good signature over the first part as it travelled."""
    parsed = email.message_from_bytes(raw, policy=email.policy.SMTP)
    line = b"--" + parsed.get_boundary().encode()
    _, first, second, _ = raw.split(line)
    part, signature = ring.with_name("part"), ring.with_name("part.asc")
    part.write_bytes(first.removeprefix(b"\r\n").removesuffix(b"\r\n"))
    signature.write_bytes(second.partition(b"\r\n\r\n")[2])
    command = [debian.program("gpgv"), "--homedir", ring.parent, "--keyring", ring]
    told = subprocess.run(
        [*map(str, command), str(signature), str(part)],
        env=debian.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return told.returncode == 0 and "Good signature" in told.stderr


def signed(asked: preview.Asked, key: PgpKey = PGP) -> bytes:
    facts, written = preview.written(asked)
    letter = message.unsigned(written, addressing(languages=facts.languages))
    return enclosed(letter, lambda octets: key.signed(octets, at=letter.at)).sign(KEYS).raw


def some() -> list[preview.Asked]:
    """Each language once, kinds and readers in turn."""
    kinds, readers = library.kinds(), tuple(Reader)
    return [
        preview.Asked(language=tag, kind=kinds[n % len(kinds)], to=readers[n % 3], about="several")
        for n, tag in enumerate(library.languages())
    ]


def test_gnupg_believes_letters_of_every_language(ring: Path) -> None:
    for asked in some():
        assert believed(signed(asked), ring), asked


def test_gnupg_believes_none_that_was_changed_or_signed_by_another(ring: Path) -> None:
    asked = preview.Asked(
        language="nl", kind=WaveKind.FIRST, to=Reader.PROVIDER, about="several"
    )  # fmt: skip
    raw = signed(asked)
    assert believed(raw, ring)
    assert not believed(raw.replace(b"Reference", b"Referense", 1), ring)
    assert not believed(raw.replace(b"charset=utf-8", b"charset=utf-7", 1), ring)
    other = replace(PGP, private=Ed25519PrivateKey.generate())
    assert not believed(signed(asked, other), ring)
