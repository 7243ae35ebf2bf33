"""OpenPGP/MIME (RFC 3156): a letter signed by its partner's own key, inside the DKIM signatures.

Only what that takes: a version 4 key of Ed25519 (EdDSA, RFC 9580 §5.5.5.5), its user id with the
self-certification, detached signatures over SHA-512, and ASCII armour. Nothing is ever read here:
keys are made by us, and a signature is checked by whoever gets the letter.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from struct import pack

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openletter.letters.rules.dkim import canonical, names_of
from openletter.letters.rules.facts import LetterError
from openletter.letters.rules.headers import header
from openletter.letters.rules.message import Unsigned

MICALG = "pgp-sha512"
_EDDSA, _SHA512 = 22, 10
_CURVE = bytes.fromhex("092b06010401da470f01")
"""Ed25519's object identifier with its length before it."""
_DOCUMENT, _CERTIFIES = 0x00, 0x13
_SIGNATURE, _KEY, _USER = 2, 6, 13
_CERTIFY_AND_SIGN, _HASHES, _PRIMARY = b"\x1b\x03", b"\x15\x0a\x08", b"\x19\x01"
_DESCRIBES = (b"content-type", b"content-transfer-encoding", b"content-disposition")
_ARMOUR_LINE = 64
_ARMOURED = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n([^=-]*=*)"
)
_LONGEST_HEAD = 6
"""Octets of a packet's tag and length."""


@dataclass(frozen=True, kw_only=True)
class PgpKey:
    """A partner's signing key; `user` is `Name <address>`, `created` is in seconds since 1970."""

    private: Ed25519PrivateKey
    created: int
    user: str

    @property
    def body(self) -> bytes:
        """The public key packet's body."""
        point = self.private.public_key().public_bytes_raw()
        return pack(">BIB", 4, self.created, _EDDSA) + _CURVE + _number(b"\x40" + point)

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha1(_hashed(self.body)).digest()  # noqa: S324 - the format's own name

    def signed(self, octets: bytes, *, at: int) -> str:
        """A detached signature over these octets, armoured."""
        return armour("SIGNATURE", self._signature(_DOCUMENT, octets, at=at))

    def public(self) -> str:
        """What others import to check its signatures, armoured."""
        user = self.user.encode()
        over = _hashed(self.body) + pack(">BI", 0xB4, len(user)) + user
        about = (_CERTIFY_AND_SIGN, _HASHES, _PRIMARY)
        certified = self._signature(_CERTIFIES, over, at=self.created, about=about)
        packets = (_packet(_KEY, self.body), _packet(_USER, user), certified)
        return armour("PUBLIC KEY BLOCK", b"".join(packets))

    def _signature(
        self, kind: int, octets: bytes, *, at: int, about: tuple[bytes, ...] = ()
    ) -> bytes:
        """A signature packet (RFC 9580 §5.2.3), which names its key twice: old programs need it."""
        said = (b"\x21\x04" + self.fingerprint, pack(">BI", 2, at), *about)
        inside = b"".join(bytes([len(each)]) + each for each in said)
        head = pack(">BBBBH", 4, kind, _EDDSA, _SHA512, len(inside)) + inside
        digest = hashlib.sha512(octets + head + pack(">BBI", 4, 0xFF, len(head))).digest()
        both = self.private.sign(digest)
        issuer = b"\x10" + self.fingerprint[-8:]
        outside = bytes([len(issuer)]) + issuer
        body = head + pack(">H", len(outside)) + outside + digest[:2]
        return _packet(_SIGNATURE, body + _number(both[:32]) + _number(both[32:]))


def _hashed(key: bytes) -> bytes:
    return pack(">BH", 0x99, len(key)) + key


def _number(octets: bytes) -> bytes:
    """A multiprecision integer: how many bits, then the octets without leading zeros."""
    value = int.from_bytes(octets, "big")
    bits = value.bit_length()
    return pack(">H", bits) + value.to_bytes((bits + 7) // 8, "big")


def _packet(tag: int, body: bytes) -> bytes:
    """With the long form of its length, which every program reads."""
    return pack(">BBI", 0xC0 | tag, 0xFF, len(body)) + body


def armour(kind: str, octets: bytes) -> str:
    """Text lines ending in LF, with the checksum that some programs still ask for."""
    text = binascii.b2a_base64(octets, newline=False).decode()
    lines = [text[at : at + _ARMOUR_LINE] for at in range(0, len(text), _ARMOUR_LINE)]
    check = binascii.b2a_base64(_crc24(octets).to_bytes(3, "big"), newline=False).decode()
    begin, end = f"-----BEGIN PGP {kind}-----", f"-----END PGP {kind}-----"
    return "\n".join([begin, "", *lines, f"={check}", end, ""])


def holds(published: bytes, key: PgpKey) -> bool:
    """Whether a published key, armoured or not, begins with this very key."""
    text = published.decode("ascii", "ignore")
    found = _ARMOURED.search(text)
    octets = published
    if found is not None:
        try:
            octets = binascii.a2b_base64("".join(found[1].split()))
        except binascii.Error:
            return False
    return key.body in octets[: len(key.body) + _LONGEST_HEAD]


def _crc24(octets: bytes) -> int:
    found = 0xB704CE
    for octet in octets:
        found ^= octet << 16
        for _ in range(8):
            found = (found << 1) ^ (0x1864CFB if found & 0x800000 else 0)
    return found & 0xFFFFFF


# -- in a letter ---------------------------------------------------------------------------------


def enclosed(letter: Unsigned, sign: Callable[[bytes], str]) -> Unsigned:
    """The letter as the first part of a signed one (RFC 3156 §5); `sign` armours a signature.

    What is signed is the part as it travels, without the line break before the next boundary.
    """
    fields = [(field.partition(b":")[0], field) for field in _fields(letter.head)]
    own = b"".join(field for name, field in fields if name.lower() in _DESCRIBES)
    part = own + b"\r\n" + letter.body
    _must_survive(part)
    boundary = f"=_signed-{hashlib.sha256(part).hexdigest()[:32]}"
    kind = f'multipart/signed; boundary="{boundary}"; micalg={MICALG}'
    content = header("Content-Type", f'{kind}; protocol="application/pgp-signature"')
    kept = [(name, field) for name, field in fields if name.lower() not in _DESCRIBES]
    headers = [*kept, (b"Content-Type", content)]
    body = _joined(boundary, part, sign(part))
    return replace(
        letter,
        names=names_of(name for name, _ in headers),
        canonical=canonical(headers),
        head=b"".join(field for _, field in headers),
        body=body,
        body_sha256=hashlib.sha256(body).digest(),
    )


def _fields(head: bytes) -> Iterator[bytes]:
    """Each header field with its folded lines and its CRLF."""
    field = b""
    for line in head.splitlines(keepends=True):
        if field and not line.startswith((b" ", b"\t")):
            yield field
            field = b""
        field += line
    yield field


def _must_survive(part: bytes) -> None:
    """Nothing that a relay may change (RFC 3156 §3): ASCII, CRLF, no blank at a line's end."""
    lines = part.split(b"\r\n")
    if not part.isascii() or any(
        b"\n" in line or b"\r" in line or line.endswith((b" ", b"\t")) or line.startswith(b"From ")
        for line in lines
    ):
        raise LetterError("not-for-openpgp")


def _joined(boundary: str, part: bytes, signature: str) -> bytes:
    line = f"--{boundary}".encode()
    about = (
        "Content-Type: application/pgp-signature; name=signature.asc\r\n"
        "Content-Description: OpenPGP digital signature\r\n"
        "Content-Disposition: attachment; filename=signature.asc\r\n\r\n"
    )
    text = signature.replace("\n", "\r\n").encode()
    return b"".join(
        (
            line,
            b"\r\n",
            part,
            b"\r\n",
            line,
            b"\r\n",
            about.encode(),
            text,
            b"\r\n",
            line,
            b"--\r\n",
        )
    )
