"""NRTMv4 (RFC 10063): a registry's snapshot and the deltas after it, checked, as one dump.

The notification file is a JWS in compact form (RFC 7515) that lists snapshot and deltas with
SHA-256; snapshot and deltas are JSON text sequences (RFC 7464) with a header record. Owns: the
signature, that every file is the one the notification names, that session, source and versions
agree, and the order of deltas. Refuses what does not fit as a whole (`MirrorError`): half a
mirror names wrong contacts.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from openletter.wire.registry import plain
from openletter.words import Reason

LARGEST_NOTIFICATION = 8 * 1024 * 1024
LARGEST_RECORD = 2_000_000
MOST_DELTAS = 10_000
MOST_CHANGES = 2_000_000
_MARK, _END = b"\x1e", b"\n"
_BY_HANDLE = frozenset({"person", "role"})
_BY_ORIGIN = frozenset({"route", "route6"})


class MirrorError(Exception):
    """A mirror that must not be loaded; `reason` says why and what to do."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.reason = Reason(code=code, values=values)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of the operator's files."""

    name: str
    sha256: bytes
    """of the file as it lies there, still packed: what the notification gives"""
    open: Callable[[], Iterator[bytes]]
    is_notification: bool = False


@dataclass(frozen=True, kw_only=True)
class Header:
    """First record of a snapshot or delta."""

    type: str
    source: str
    session: str
    version: int


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """Everything checked; `content` gives the objects as a dump, with the deltas worked in."""

    source: str
    session: str
    version: int
    snapshot: str
    content: Callable[[], Iterator[bytes]]
    signed: bool


def is_notification(head: bytes) -> bool:
    """Whether a file begins as a notification does: a JWS, or (unsigned) its JSON."""
    if head[:3] == b"eyJ" and b"." in head and b" " not in head[:100]:
        return True
    return head[:1] == b"{" and b'"nrtm_version"' in head and b'"notification"' in head


def mirror(parts: Sequence[Part], *, key: bytes | None) -> Mirror:
    """Check the files against one another; `key` is the registry's public key (PEM)."""
    notification = next((each for each in parts if each.is_notification), None)
    files = [each for each in parts if not each.is_notification]
    headers = {each.name: _header(each) for each in files}
    snapshots = [each for each in files if headers[each.name].type == "snapshot"]
    if len(snapshots) != 1:
        raise MirrorError("nrtm-one-snapshot", count=len(snapshots))
    deltas = sorted(
        (each for each in files if headers[each.name].type == "delta"),
        key=lambda each: headers[each.name].version,
    )
    first = headers[snapshots[0].name]
    _in_order(first, [headers[each.name] for each in deltas])
    if notification is not None:
        _agrees(_notified(notification, key), files, headers)
    elif key is not None:
        raise MirrorError("nrtm-no-notification")
    return Mirror(
        source=first.source, session=first.session,
        version=headers[deltas[-1].name].version if deltas else first.version,
        snapshot=snapshots[0].name, content=_content(snapshots[0], deltas),
        signed=notification is not None and key is not None,
    )  # fmt: skip


def _in_order(first: Header, deltas: Sequence[Header]) -> None:
    """Of one session and source, each one version after the other."""
    version = first.version
    for each in deltas:
        if (each.session, each.source) != (first.session, first.source):
            raise MirrorError("nrtm-other-session", version=each.version)
        if each.version <= first.version:
            raise MirrorError("nrtm-old-delta", version=each.version, snapshot=first.version)
        if each.version != version + 1:
            raise MirrorError("nrtm-gap", after=version, found=each.version)
        version = each.version


# -- the notification file ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Notified:
    """What the notification lists: (type, version) -> SHA-256 in hex."""

    source: str
    session: str
    version: int
    files: dict[tuple[str, int], str]


def _notified(part: Part, key: bytes | None) -> _Notified:
    document = b""
    for piece in part.open():
        document += piece
        if len(document) > LARGEST_NOTIFICATION:
            raise MirrorError("nrtm-bad-file", file=part.name, why="too-large")
    payload = _verified(document.strip(), part.name, key)
    try:
        said = json.loads(payload)
        snapshot, deltas = said["snapshot"], said["deltas"]
        files = {("snapshot", int(snapshot["version"])): str(snapshot["hash"]).lower()}
        for each in deltas[:MOST_DELTAS]:
            files["delta", int(each["version"])] = str(each["hash"]).lower()
        found = _Notified(
            source=str(said["source"]).upper(), session=str(said["session_id"]).lower(),
            version=int(said["version"]), files=files,
        )  # fmt: skip
        is_one = said["nrtm_version"] == 4 and said["type"] == "notification"
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise MirrorError("nrtm-bad-file", file=part.name, why="not-json") from problem
    if not is_one:
        raise MirrorError("nrtm-bad-file", file=part.name, why="no-notification")
    return found


def _verified(document: bytes, name: str, key: bytes | None) -> bytes:
    """The payload; with a key only if that key signed it."""
    if document[:1] == b"{":
        if key is not None:
            raise MirrorError("nrtm-not-signed", file=name)
        return document
    try:
        protected, body, signature = document.split(b".")
        header = json.loads(_unbase(protected))
        payload, signed = _unbase(body), _unbase(signature)
        algorithm = str(header["alg"])
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as problem:
        raise MirrorError("nrtm-bad-file", file=name, why="no-jws") from problem
    if key is not None and not _is_signed(key, algorithm, protected + b"." + body, signed):
        raise MirrorError("nrtm-bad-signature", file=name)
    return payload


def _is_signed(key: bytes, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """ES256 (P-256) or EdDSA (Ed25519), whichever the key is for; nothing else is a signature."""
    try:
        public = load_pem_public_key(key)
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise MirrorError("nrtm-bad-key") from problem
    try:
        if isinstance(public, ed25519.Ed25519PublicKey) and algorithm in ("EdDSA", "Ed25519"):
            public.verify(signature, signed)
            return True
        if isinstance(public, ec.EllipticCurvePublicKey) and algorithm == "ES256":
            if len(signature) != 64 or not isinstance(public.curve, ec.SECP256R1):
                return False
            low, high = (int.from_bytes(each, "big") for each in (signature[:32], signature[32:]))
            public.verify(utils.encode_dss_signature(low, high), signed, ec.ECDSA(SHA256()))
            return True
    except InvalidSignature:
        return False
    return False


def _unbase(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _agrees(said: _Notified, files: Sequence[Part], headers: dict[str, Header]) -> None:
    """Each file is named there, of the same session, with the same hash."""
    for part in files:
        header = headers[part.name]
        if (header.source, header.session) != (said.source, said.session):
            raise MirrorError("nrtm-other-session", version=header.version)
        named = said.files.get((header.type, header.version))
        if named is None:
            raise MirrorError("nrtm-not-named", file=part.name)
        if named != part.sha256.hex():
            raise MirrorError("nrtm-bad-hash", file=part.name)
    newest = max(header.version for header in headers.values())
    if newest < said.version:
        raise MirrorError("nrtm-gap", after=newest, found=said.version)


# -- snapshot and deltas ------------------------------------------------------------------------


def records(pieces: Iterable[bytes], *, name: str) -> Iterator[dict[str, object]]:
    """The records of a JSON text sequence; one that was cut off makes the file no mirror."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(_MARK)
        for text in whole:
            if text.strip():
                yield _record(text, name)
        if len(rest) > LARGEST_RECORD:
            raise MirrorError("nrtm-bad-file", file=name, why="too-large")
    if rest.strip():
        yield _record(rest, name)


def _record(text: bytes, name: str) -> dict[str, object]:
    try:
        found = json.loads(text) if text.endswith(_END) else None
    except (ValueError, RecursionError) as problem:
        raise MirrorError("nrtm-bad-file", file=name, why="not-json") from problem
    if not isinstance(found, dict):
        raise MirrorError("nrtm-bad-file", file=name, why="cut-off")
    return found


def _header(part: Part) -> Header:
    found = next(records(part.open(), name=part.name), {})
    version, type_ = found.get("version"), found.get("type")
    if found.get("nrtm_version") != 4 or type_ not in ("snapshot", "delta"):
        raise MirrorError("nrtm-bad-file", file=part.name, why="no-header")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise MirrorError("nrtm-bad-file", file=part.name, why="no-version")
    return Header(
        type=str(type_), version=version, source=plain(str(found.get("source", "")), 40).upper(),
        session=plain(str(found.get("session_id", "")), 60).lower(),
    )  # fmt: skip


def _content(snapshot: Part, deltas: Sequence[Part]) -> Callable[[], Iterator[bytes]]:
    changes: dict[tuple[str, str], str | None] = {}
    for part in deltas:
        _take(part, changes)

    def content() -> Iterator[bytes]:
        for found in _after_header(snapshot):
            text = found.get("object")
            if not isinstance(text, str):
                raise MirrorError("nrtm-bad-file", file=snapshot.name, why="no-object")
            if not changes or identity(text) not in changes:
                yield _paragraph(text)
        yield from (_paragraph(text) for text in changes.values() if text is not None)

    return content


def _take(part: Part, changes: dict[tuple[str, str], str | None]) -> None:
    """The changes of a delta, over those before it."""
    count = 0
    for found in _after_header(part):
        count += 1
        action, text = found.get("action"), found.get("object")
        if action == "add_modify" and isinstance(text, str):
            changes[identity(text)] = text
        elif action == "delete" and {"object_class", "primary_key"} <= found.keys():
            class_, key = str(found["object_class"]), str(found["primary_key"])
            changes[class_.strip().lower(), _squeezed(key)] = None
        else:
            raise MirrorError("nrtm-bad-file", file=part.name, why="no-action")
        if len(changes) > MOST_CHANGES:
            raise MirrorError("nrtm-bad-file", file=part.name, why="too-large")
    if not count:
        raise MirrorError("nrtm-bad-file", file=part.name, why="empty-delta")


def _after_header(part: Part) -> Iterator[dict[str, object]]:
    every = records(part.open(), name=part.name)
    next(every, None)
    return every


def _paragraph(text: str) -> bytes:
    """One object of the dump; an empty line inside would make two of it."""
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    return "\n".join(lines).encode("utf-8", "replace") + b"\n\n"


def identity(text: str) -> tuple[str, str]:
    """Class and primary key of an object (RFC 2622): a person's is its handle, a route has two."""
    class_, _, first = text.partition("\n")[0].partition(":")
    class_ = class_.strip().lower()
    if class_ in _BY_HANDLE:
        return class_, _squeezed(_value(text, "nic-hdl"))
    if class_ in _BY_ORIGIN:
        return class_, _squeezed(first + _value(text, "origin"))
    return class_, _squeezed(first.partition("#")[0])


def _value(text: str, name: str) -> str:
    for line in text.split("\n"):
        found, _, value = line.partition(":")
        if found.strip().lower() == name:
            return value.partition("#")[0]
    return ""


def _squeezed(key: str) -> str:
    return "".join(key.split()).upper()
