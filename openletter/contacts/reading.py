"""Registries' files as blocks with judged contacts: RPSL dumps, ARIN's bulk, RDAP, delegated, IANA.

Owns: telling what a file is by how it begins, reading dumps whose objects point into one another
as one (objects first, then networks: two passes, so that nothing but the objects pointed at is
held), and judging contacts that many blocks share once. Refuses: a file that can't be read
whole, with its name and why. A bad object or line is noted with file, line and reason, and the
rest goes on.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from openletter.contacts.errors import ContactError
from openletter.contacts.rules.blocks import NOBODY, Block, block_of
from openletter.contacts.rules.judging import Judge
from openletter.contacts.rules.refuse import World
from openletter.wire import arinxml, delegated, nrtm4, rdap, rpsl, rpsl_links, special
from openletter.wire.registry import (
    Holder,
    Registration,
    Source,
    Subject,
    UnreadableError,
)
from openletter.words import Reason

PIECE = 1 << 20
HEAD = 4_096
MOST_GROUPS = 40
NOT_PASSED_ON = frozenset({"arin", "afrinic"})
"""Registries whose terms forbid passing their bulk data on."""
Progress = Callable[[str, int], None]
"""Told a file's name and how many bytes of it were read since the last time."""


class Group(NamedTuple):
    """What becomes one load: a registry's blocks of one kind."""

    registry: str
    kind: str
    format: str
    files: str = ""
    """whose word it is; the load's name"""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file as it was found: its form (`rpsl`, `arin-xml`, `delegated`, ...) by its beginning."""

    path: Path
    sha256: bytes
    form: str


@dataclass(kw_only=True)
class Read:
    """What came of files that belong together."""

    files: Sequence[File]
    faults: rpsl.Faults = field(default_factory=rpsl.Faults)
    passed_over: dict[str, int] = field(default_factory=dict)
    mirror: nrtm4.Mirror | None = None


def look(paths: Sequence[Path]) -> list[File]:
    """What each file is; reads every one to its end once, for its hash."""
    found = []
    for path in paths:
        try:
            found.append(File(path=path, sha256=_sha256(path), form=_form(_head(path))))
        except UnreadableError as problem:
            raise unreadable(path, problem.reason) from problem
        except OSError as problem:
            raise unreadable(path, problem.strerror or "cannot be opened") from problem
    return found


def blocks(
    read: Read, *, world: World, key: bytes | None = None, progress: Progress = lambda *_: None
) -> Iterator[tuple[Group, Block]]:
    """Every block of the files, with what becomes one load."""
    judge = Judge(world)
    dumps = [_Dump(file, read, progress) for file in read.files if file.form in _DUMPS]
    mirrored = [file for file in read.files if file.form.startswith("nrtm4")]
    if mirrored:
        dumps.append(_mirror(mirrored, read, key, progress))
    groups: set[Group] = set()
    for group, block in _all(read, dumps, judge, progress):
        if group not in groups:
            if len(groups) >= most_groups(read.files):
                rpsl.note(read.faults, "too-many-registries")
                continue
            groups.add(group)
        yield group, block
    if not groups:
        raise unreadable(read.files[0].path, "no-network")


def most_groups(files: Sequence[File]) -> int:
    """How many loads a command may make: each RDAP answer is one, registries there are few."""
    return MOST_GROUPS + len(files)


def _all(
    read: Read, dumps: Sequence[_Dump], judge: Judge, progress: Progress
) -> Iterator[tuple[Group, Block]]:
    directory = rpsl_links.Directory()
    together = ", ".join(dict.fromkeys(dump.file.path.name for dump in dumps))
    for dump in dumps:
        dump.together = together
        dump.collect(directory)
    for dump in dumps:
        yield from dump.networks(directory, judge)
    for file in read.files:
        try:
            yield from _READERS.get(file.form, _nothing)(file, read, judge, progress)
        except UnreadableError as problem:
            raise unreadable(file.path, problem.reason) from problem


def unreadable(path: Path, why: str) -> ContactError:
    return ContactError(Reason(code="registry-unreadable", values={"file": path.name, "why": why}))


# -- what a file is -----------------------------------------------------------------------------


def _sha256(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _head(path: Path) -> bytes:
    return next(pieces(path), b"")[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")


def _form(head: bytes) -> str:
    if head[:1] == b"\x1e":
        return "nrtm4"
    if nrtm4.is_notification(head):
        return "nrtm4-notification"
    if head[:1] == b"{":
        return "rdap"
    if head[:1] == b"<":
        return "special" if special.is_special(head) else "arin-xml"
    if special.is_special(head):
        return "special"
    return "delegated" if delegated.is_delegated(head) else "rpsl"


def pieces(path: Path) -> Iterator[bytes]:
    """A file's content: gzip taken off, a zip's one member read; never collected."""
    with path.open("rb") as stream:
        head = stream.read(4)
        stream.seek(0)
        if head == b"PK\x03\x04":
            yield from _of_zip(path)
        else:
            yield from rpsl.unpacked(iter(lambda: stream.read(PIECE), b""))


def _of_zip(path: Path) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            if len(members) != 1:
                raise UnreadableError("zip-of-several")
            if members[0].file_size > rpsl.LARGEST_TEXT or members[0].flag_bits & 1:
                raise UnreadableError("too-large")
            with archive.open(members[0]) as member:
                yield from iter(lambda: member.read(PIECE), b"")
    except (zipfile.BadZipFile, EOFError, RuntimeError) as problem:
        raise UnreadableError("bad-zip") from problem


# -- dumps of objects that point into one another -----------------------------------------------


class _Dump:
    """One dump, read twice: for the objects pointed at, and for the networks."""

    def __init__(
        self,
        file: File,
        read: Read,
        progress: Progress,
        content: Callable[[], Iterator[bytes]] | None = None,
    ) -> None:
        self.file, self.read, self.progress = file, read, progress
        self.content = content or (lambda: pieces(file.path))
        self.found = 0
        self.together = file.path.name

    def _objects(self, wanted: frozenset[str], faults: rpsl.Faults) -> Iterator[rpsl.RpslObject]:
        faults.file = self.file.path.name
        try:
            if self.file.form == "arin-xml":
                yield from arinxml.objects(self._pieces(), wanted=wanted, faults=faults)
            else:
                yield from rpsl.objects(self._pieces(), wanted=wanted, faults=faults)
        except UnreadableError as problem:
            raise unreadable(self.file.path, problem.reason) from problem

    def _pieces(self) -> Iterator[bytes]:
        for piece in self.content():
            self.progress(self.file.path.name, len(piece))
            yield piece

    def collect(self, directory: rpsl_links.Directory) -> None:
        """The objects that networks point at."""
        for each in self._objects(rpsl_links.DIRECTORY | rpsl_links.ROUTES, self.read.faults):
            self.found += 1
            if each.kind in rpsl_links.ROUTES:
                self.read.passed_over["route"] = self.read.passed_over.get("route", 0) + 1
            else:
                directory.add(each)

    def networks(
        self, directory: rpsl_links.Directory, judge: Judge
    ) -> Iterator[tuple[Group, Block]]:
        """The networks with all they point at."""
        form = "rpsl" if self.file.form.startswith("nrtm4") else self.file.form
        faults = _SecondLook(self.read.faults)
        for each in self._objects(rpsl_links.NETWORKS, faults):
            self.found += 1
            found = rpsl_links.registration(each, directory)
            if found is None or found.first is None:
                faults.note("bad-range")
                continue
            kind = "inetnum" if found.first.version == 4 else "inet6num"
            group = Group(found.registry[:20], kind, form, self.together)
            yield group, block_of(found, judge(found))
        if not self.found and not self._has_others():
            raise unreadable(self.file.path, "no-object")

    def _has_others(self) -> bool:
        """Whether it holds objects of classes that we have no use for, as key certificates."""
        if self.file.form == "arin-xml":
            return False
        others = rpsl.objects(self.content(), faults=rpsl.Faults())
        return any(each.attributes for each in others)


class _SecondLook(rpsl.Faults):
    """Notes for the first look's owner what that has not noted yet."""

    def __init__(self, first: rpsl.Faults) -> None:
        super().__init__()
        self.first = first

    def note(self, reason: str) -> None:
        if reason != "too-large":
            self.first.file, self.first.line = self.file, self.line
            self.first.note(reason)


def _mirror(files: Sequence[File], read: Read, key: bytes | None, progress: Progress) -> _Dump:
    """A snapshot and its deltas as one dump."""
    try:
        mirror = nrtm4.mirror(
            [
                nrtm4.Part(
                    name=each.path.name, sha256=each.sha256, open=_opener(each.path),
                    is_notification=each.form == "nrtm4-notification",
                )
                for each in files
            ],
            key=key,
        )  # fmt: skip
    except nrtm4.MirrorError as problem:
        raise ContactError(problem.reason) from problem
    read.mirror = mirror
    named = next(each for each in files if each.path.name == mirror.snapshot)
    return _Dump(named, read, progress, mirror.content)


def _opener(path: Path) -> Callable[[], Iterator[bytes]]:
    return lambda: pieces(path)


_DUMPS = frozenset({"rpsl", "arin-xml"})

# -- files of one record a line, or one record --------------------------------------------------


def _rdap(
    file: File, read: Read, judge: Judge, progress: Progress
) -> Iterator[tuple[Group, Block]]:
    content = _whole(_told(file, progress), rdap.LARGEST)
    found = [each for each in rdap.read(content) if each.subject is Subject.NETWORK]
    if not found:
        raise UnreadableError("no-network")
    for each in found:
        kind = f"rdap {each.first}-{each.last}"
        yield Group(each.registry[:20], kind, "rdap", file.path.name), block_of(each, judge(each))


def _delegated(
    file: File, read: Read, judge: Judge, progress: Progress
) -> Iterator[tuple[Group, Block]]:
    read.faults.file = file.path.name
    for each in delegated.read(
        rpsl.lines(_told(file, progress), longest=delegated.LONGEST_LINE), faults=read.faults
    ):
        if each.first is not None:
            group = Group(each.registry[:20], "delegated", "delegated", file.path.name)
            yield group, block_of(_of_delegation(each), NOBODY)


def _of_delegation(each: delegated.Delegation) -> Registration:
    return Registration(
        source=Source.RPSL,
        registry=each.registry,
        subject=Subject.NETWORK,
        handle=each.holder,
        status=each.status,
        first=each.first,
        last=each.last,
        country=each.country if each.is_held else None,
        holder=Holder(),
    )


def _special(
    file: File, read: Read, judge: Judge, progress: Progress
) -> Iterator[tuple[Group, Block]]:
    read.faults.file = file.path.name
    for each in special.read(_whole(_told(file, progress), special.LARGEST), faults=read.faults):
        version = each.first.version if each.first else 4
        group = Group("iana", f"special-ipv{version}", "special", file.path.name)
        yield group, block_of(each, NOBODY)


def _whole(content: Iterator[bytes], largest: int) -> bytes:
    """A small file; a large one, also one that only unpacks to it, is refused."""
    found = bytearray()
    for piece in content:
        found += piece
        if len(found) > largest:
            raise UnreadableError("too-large")
    return bytes(found)


def _told(file: File, progress: Progress) -> Iterator[bytes]:
    for piece in pieces(file.path):
        progress(file.path.name, len(piece))
        yield piece


def _nothing(
    file: File, read: Read, judge: Judge, progress: Progress
) -> Iterable[tuple[Group, Block]]:
    return ()


_READERS = {"rdap": _rdap, "delegated": _delegated, "special": _special}
