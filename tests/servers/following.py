"""Follows a guide: opens the server, sees it open, types the fix, sees it closed, takes it back.

`python -m tests.servers.following` follows every guide in every bad state and writes
`openletter/guides/tested.json`, which ties the outcome to the guide's digest.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from openletter.guides import library
from openletter.guides.model import BlockRole, Command, Guide
from openletter.guides.values import VARIABLE
from tests.servers.laboratory import VALUES, Laboratory, laboratory, why_not

RECORD = Path(__file__).resolve().parents[2] / "openletter" / "guides" / "tested.json"
VERSIONS = {"postfix": "postconf -h mail_version", "squid": "squid -v | head -n 1"}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at, and whether it was as the guide says."""

    what: str
    held: bool
    printed: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class Follower:
    """Follows one guide in one laboratory."""

    guide: Guide
    lab: Laboratory

    def follow(self, case: str) -> Iterator[Check]:
        """Everything that must hold in one bad state, in the order in which a reader meets it."""
        self._all(BlockRole.LAB_STOP)
        self._all(BlockRole.OPEN, case=case)
        self._all(BlockRole.LAB_START)
        yield from self._is("open", "as it was")
        self._all(BlockRole.FIX, case=case)
        self.lab.type("sleep 1.5")
        yield from self._is("closed", "after the fix")
        yield from self._still_works()
        yield from self._abuse()
        self._all(BlockRole.UNDO, case=case)
        self.lab.type("sleep 1.5")
        yield from self._is("open", "taken back")
        self._all(BlockRole.LAB_STOP)

    def cases(self) -> list[str]:
        return [command.case for command in self._of(BlockRole.OPEN)]

    def set_up(self) -> None:
        self._all(BlockRole.LAB_SETUP)

    def _of(self, role: BlockRole, case: str = "") -> list[Command]:
        commands = self.guide.commands.values()
        return [c for c in commands if c.role is role and (not case or c.case in {"", case})]

    def _type(self, command: Command, where: str = "server") -> str:
        values = {**VALUES, "port": str(self.guide.ports[0])}
        text = VARIABLE.sub(lambda found: values[found[1]], command.text)
        return self.lab.type(text, where=where)

    def _all(self, role: BlockRole, case: str = "") -> None:
        for command in self._of(role, case):
            self._type(command)

    def _is(self, state: str, when: str) -> Iterator[Check]:
        """From outside and from inside. Open: one way in is enough. Closed: every way is shut."""
        outside = [
            (command, self._type(command, "outside"))
            for command in self._of(BlockRole.CHECK_OUTSIDE)
        ]
        inside = [
            (command, self._type(command))
            for command in self._of(BlockRole.CHECK_INSIDE)
            if command.opened and command.closed
        ]
        for where, looked in (("outside", outside), ("inside", inside)):
            found = [_says(command, state, printed) for command, printed in looked]
            held = any(found) if state == "open" and where == "outside" else all(found)
            printed = "\n".join(text for _, text in looked)
            yield Check(
                what=f"{when}: {state} from {where}", held=bool(found) and held, printed=printed
            )

    def _still_works(self) -> Iterator[Check]:
        for command in self._of(BlockRole.LEGIT):
            where = "outside" if command.where == "ext" else "lan"
            printed = self._type(command, where)
            held = re.search(command.expect, printed) is not None
            yield Check(what=f"after the fix: {command.id}", held=held, printed=printed)

    def _abuse(self) -> Iterator[Check]:
        for command in self._of(BlockRole.ABUSE):
            printed = self._type(command)
            held = re.search(command.expect, printed) is not None
            yield Check(what=f"after the fix: {command.id}", held=held, printed=printed)


def _says(command: Command, state: str, printed: str) -> bool:
    pattern = command.opened if state == "open" else command.closed
    return re.search(pattern, printed) is not None


def executed() -> list[str]:
    """Guides that have bad states to be tried in."""
    return [
        name
        for name in library.ids()
        if any(c.role is BlockRole.OPEN for c in library.guide(name).commands.values())
    ]


def follow_all(names: list[str], *, only_first: bool = False) -> dict[str, dict[str, object]]:
    """The outcome of each guide: digest, the product's version, the date, every check by case."""
    outcome: dict[str, dict[str, object]] = {}
    for name in names:
        with laboratory() as lab:
            follower = Follower(guide=library.guide(name), lab=lab)
            follower.set_up()
            cases = follower.cases()[:1] if only_first else follower.cases()
            checks = {case: list(follower.follow(case)) for case in cases}
            version = lab.type(VERSIONS[name]).strip().removeprefix("Squid Cache: Version ")
        outcome[name] = {
            "digest": follower.guide.digest,
            "version": version,
            "date": datetime.now(UTC).date().isoformat(),
            "cases": {
                case: {check.what: check.held for check in listed}
                for case, listed in checks.items()
            },
        }
        for case, listed in checks.items():
            for check in listed:
                sys.stderr.write(
                    f"{'ok  ' if check.held else 'FAIL'} {name} {case}: {check.what}\n"
                )
                if not check.held:
                    sys.stderr.write(f"{check.printed[-1500:]}\n")
    return outcome


def main() -> int:
    """Follow every guide and keep the record; without a laboratory say so and change nothing."""
    if reason := why_not():
        sys.stderr.write(f"guides: not followed ({reason})\n")
        return 0
    outcome = follow_all(executed())
    RECORD.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    held = [
        value
        for guide in outcome.values()
        for case in guide["cases"].values()
        for value in case.values()
    ]
    sys.stderr.write(f"guides: {sum(held)} of {len(held)} checks held; {RECORD.name} written\n")
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
