"""Follows a guide: opens the server, sees it open, types the fix, sees it closed, takes it back.

`python -m tests.servers.following [GUIDE...]` follows every guide (or those named) in every bad
state of every lived-in configuration and writes `openletter/guides/tested.json`, which ties the
outcome to the digest of the guide's commands.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from openletter.guides import library
from openletter.guides.model import BlockRole, Command, Guide
from openletter.guides.values import VARIABLE
from tests.servers.laboratory import VALUES, Laboratory, laboratory, why_not
from tests.servers.products import PRODUCTS

RECORD = Path(__file__).resolve().parents[2] / "openletter" / "guides" / "tested.json"
SITE = "Example Domain"
PLACES = {"ext": "outside", "lan": "lan", "server": "server"}
SETTLES = "sleep 1.5"
PATIENCE = 4
LIST_FILES = (
    "find /etc -type f ! -name '*.before' ! -path '/etc/systemd/*' ! -path '/etc/firewalld/*.old'"
    " -exec sha256sum {} + | sort -k 2"
)
"""Without our copies, and without those that firewalld keeps by itself."""
Outcome = dict[str, object]
NONE: Mapping[str, str] = {}


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
    touched: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)

    def follow(self, case: str, lived: str) -> Iterator[Check]:
        """Everything that must hold in one bad state, in the order in which a reader meets it."""
        self._all(BlockRole.LAB_STOP, case, lived)
        self._move_in(case, lived)
        self._all(BlockRole.OPEN, case, lived)
        self._all(BlockRole.LAB_START, case, lived)
        yield from self._soon("open", "as it was", case, lived)
        yield from self._uses("as it was", case, lived)
        over_six = self._open_over_six(case, lived)
        before = self._files()
        self._all(BlockRole.FIX, case, lived)
        self.touched.update(_differ(before, self._files()))
        self.lab.type(SETTLES)
        yield from self._soon("closed", "after the fix", case, lived)
        yield from self._over_six("closed", "after the fix", over_six)
        yield from self._uses("after the fix", case, lived)
        yield from self._abuse(case, lived)
        yield from self._restarted(case, lived)
        self._all(BlockRole.UNDO, case, lived)
        self.lab.type(SETTLES)
        yield from self._soon("open", "taken back", case, lived)
        yield from self._over_six("open", "taken back", over_six)
        changed = _differ(before, self._files())
        yield Check(
            what="taken back: every file as it was", held=not changed, printed="\n".join(changed)
        )
        self._all(BlockRole.LAB_STOP, case, lived)
        self.lab.type("find /etc -name '*.before' -delete")

    def _open_over_six(self, case: str, lived: str) -> list[Command]:
        """Which of the reader's checks find it open over IPv6 as well, on the same machine."""
        checks = self._of(BlockRole.CHECK_OUTSIDE, case, lived) if self.guide.is_for_letters else []
        return [check for check in checks if self._says(check, "open", self._type_six(check))]

    def _over_six(self, state: str, when: str, checks: Sequence[Command]) -> Iterator[Check]:
        """What was open over IPv6 too is closed there too; nothing is said where it never was."""
        for check in checks:
            printed = self._type_six(check)
            for _ in range(PATIENCE):
                if self._says(check, state, printed):
                    break
                self.lab.type(SETTLES)
                printed = self._type_six(check)
            held = self._says(check, state, printed)
            yield Check(what=f"{when}: {state} over IPv6", held=held, printed=printed)

    def _restarted(self, case: str, lived: str) -> Iterator[Check]:
        """What must hold after the machine was off: what the fix changed was not only in memory."""
        if self._of(BlockRole.LAB_BOOT, case, lived):
            self._all(BlockRole.LAB_BOOT, case, lived)
            self.lab.type(SETTLES)
            yield from self._soon("closed", "after a restart of the machine", case, lived)
            yield from self._uses("after a restart of the machine", case, lived)

    def _move_in(self, case: str, lived: str) -> None:
        """Lay out the configuration; `# value NAME=TEXT` in it says what this reader fills in."""
        self.values.clear()
        for command in self._of(BlockRole.LIVED, case, lived):
            self.values.update(re.findall(r"^# value (\w+)=(.*)$", command.text, re.MULTILINE))
        self._all(BlockRole.LIVED, case, lived)

    def pairs(self) -> list[tuple[str, str]]:
        """Every bad state in every configuration in which it can be."""
        lived = [command.lived for command in self._of(BlockRole.LIVED)]
        return [
            (command.case, name)
            for command in self._of(BlockRole.OPEN)
            for name in dict.fromkeys(lived)
            if command.speaks_of(lived=name)
        ]

    def set_up(self) -> None:
        self._all(BlockRole.LAB_SETUP)

    def _of(self, role: BlockRole, case: str = "", lived: str = "") -> list[Command]:
        commands = self.guide.commands.values()
        return [c for c in commands if c.role is role and c.speaks_of(case=case, lived=lived)]

    def _type_six(self, command: Command) -> str:
        """From outside, with the machine's IPv6 address for the other one."""
        six = {"ip": VALUES["six"], "host": f"[{VALUES['six']}]", "family": "6"}
        return self._type(command, "outside", six)

    def _type(self, command: Command, where: str = "server", over: Mapping[str, str] = NONE) -> str:
        usual = {"port": str(self.guide.ports[0])} if self.guide.ports else {}
        values = {**VALUES, **usual, **self.values, **over}
        text = VARIABLE.sub(lambda found: values[found[1]], command.text)
        return self.lab.type(text, where=where)

    def _all(self, role: BlockRole, case: str = "", lived: str = "") -> None:
        for command in self._of(role, case, lived):
            self._type(command)

    def _soon(self, state: str, when: str, case: str, lived: str) -> list[Check]:
        """The same, given some seconds: a busy server closes its ports while it reads its rules."""
        looked = list(self._is(state, when, case, lived))
        for _ in range(PATIENCE):
            if all(check.held for check in looked):
                break
            self.lab.type(SETTLES)
            looked = list(self._is(state, when, case, lived))
        return looked

    def _is(self, state: str, when: str, case: str, lived: str) -> Iterator[Check]:
        """From outside and from inside. Open: one way in is enough. Closed: every way is shut."""
        outside = [
            (command, self._type(command, "outside"))
            for role in (BlockRole.CHECK_OUTSIDE, BlockRole.LAB_CHECK)
            for command in self._of(role, case, lived)
            if command.opened and command.closed
        ]
        inside = [
            (command, self._type(command))
            for command in self._of(BlockRole.CHECK_INSIDE, case, lived)
            if command.opened and command.closed
        ]
        for where, looked in (("outside", outside), ("inside", inside)):
            found = [self._says(command, state, printed) for command, printed in looked]
            held = any(found) if state == "open" and where == "outside" else all(found)
            printed = "\n".join(text for _, text in looked)
            yield Check(
                what=f"{when}: {state} from {where}", held=bool(found) and held, printed=printed
            )

    def _says(self, command: Command, state: str, printed: str) -> bool:
        """By content: the site's page counts only with the nonce of this run beside it."""
        if SITE in printed and self.lab.nonce not in printed:
            return False
        pattern = command.opened if state == "open" else command.closed
        return re.search(pattern, printed) is not None

    def _uses(self, when: str, case: str, lived: str) -> Iterator[Check]:
        """What the server is for: all that it did before, it does after the fix."""
        for role in (BlockRole.LEGIT, BlockRole.LAB_USE):
            for command in self._of(role, case, lived):
                printed = self._type(command, PLACES[command.where])
                held = re.search(command.expect, printed) is not None
                defect = f" (known defect: {command.defect})" if command.defect and not held else ""
                yield Check(
                    what=f"{when}: {command.id}{defect}", held=held or bool(defect), printed=printed
                )

    def _abuse(self, case: str, lived: str) -> Iterator[Check]:
        for command in self._of(BlockRole.ABUSE, case, lived):
            printed = self._type(command)
            held = re.search(command.expect, printed) is not None
            yield Check(what=f"after the fix: {command.id}", held=held, printed=printed)

    def _files(self) -> dict[str, str]:
        listed = (line.split("  ", 1) for line in self.lab.type(LIST_FILES).splitlines())
        return {parts[1]: parts[0] for parts in listed if len(parts) == 2}


def _differ(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )


def executed() -> list[str]:
    """Guides that are followed on a real server."""
    return [name for name in library.ids() if library.guide(name).is_followed]


def follow(name: str, *, only_first: bool = False) -> Outcome:
    """One guide's outcome: digest, the product's version, the date, every check by state."""
    with laboratory(name) as lab:
        follower = Follower(guide=library.guide(name), lab=lab)
        follower.set_up()
        pairs = follower.pairs()[:1] if only_first else follower.pairs()
        checks = {f"{case} / {lived}": list(follower.follow(case, lived)) for case, lived in pairs}
        told = re.search(r"\d+(?:\.\d+)+\w*", lab.type(PRODUCTS[name].version))
    for state, listed in checks.items():
        for check in listed:
            _tell(name, state, check)
    return {
        "digest": follower.guide.followed,
        "version": told[0] if told else "",
        "date": datetime.now(UTC).date().isoformat(),
        "changes": sorted(follower.touched),
        "cases": {
            state: {check.what: check.held for check in listed} for state, listed in checks.items()
        },
    }


def _tell(name: str, state: str, check: Check) -> None:
    sys.stderr.write(f"{'ok  ' if check.held else 'FAIL'} {name} {state}: {check.what}\n")
    if not check.held:
        sys.stderr.write(f"{check.printed[-1500:]}\n")


def held(outcomes: Sequence[Outcome]) -> list[bool]:
    """Every check's outcome."""
    return [
        value
        for outcome in outcomes
        for case in outcome["cases"].values()  # type: ignore[attr-defined]
        for value in case.values()
    ]


def main(names: list[str]) -> int:
    """Follow the guides, some at a time (they wait more than they work), and keep the record; what can't be followed is said."""
    wanted = names or executed()
    for name in wanted:
        if reason := why_not(name):
            sys.stderr.write(f"guides: {name} is not followed ({reason})\n")
    able = [name for name in wanted if not why_not(name)]
    with ThreadPoolExecutor(4) as pool:
        outcomes = dict(zip(able, pool.map(follow, able), strict=True))
    record = json.loads(RECORD.read_text(encoding="utf-8")) | outcomes
    kept = {name: record[name] for name in sorted(record) if name in executed()}
    RECORD.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    every = held(list(outcomes.values()))
    sys.stderr.write(f"guides: {sum(every)} of {len(every)} checks held; {RECORD.name} written\n")
    return 0 if all(every) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
