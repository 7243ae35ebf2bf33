"""`openletter keys`: a rotation as an operator types it, from the second pair to the first one's end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from openletter.campaigns.models import Campaign, Wave
from openletter.cli import app
from openletter.cli import keys as commands
from openletter.letters import selectors
from openletter.letters.models import Letter
from openletter.shell.outside import Outside
from openletter.words import Reader, WaveKind
from tests.builders import NOW
from tests.site_builders import a_running_campaign
from tests.wires.resolving import Zone, resolving

pytestmark = pytest.mark.django_db
RUN = CliRunner()
NAMED = "main"


@pytest.fixture
def zone() -> Zone:
    return {}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any, zone: Zone) -> Iterator[Path]:
    settings.STATE, settings.DKIM_SELECTOR, settings.MAIL_DOMAIN = tmp_path, NAMED, "real.example"
    with resolving(zone) as resolver:
        settings.OUTSIDE = Outside(resolver=resolver, zones=(), keys={})
        yield tmp_path / "keys"


def call(*arguments: str) -> tuple[int, str]:
    result = RUN.invoke(app, ["keys", *arguments])
    return result.exit_code, result.output


def published(printed: str) -> dict[str, str]:
    return dict(re.findall(r"^(\S+\.) IN TXT (.+)$", printed, flags=re.MULTILINE))


def in_dns(records: dict[str, str]) -> Zone:
    return {(name, "TXT"): text for name, text in records.items()}


def a_real_letter(campaign: Campaign, *, at: datetime) -> Letter:
    wave, _ = Wave.objects.get_or_create(
        campaign=campaign, kind=WaveKind.FIRST, defaults={"opens_at": NOW}
    )
    return Letter.objects.create(
        campaign=campaign, wave=wave, partner=campaign.lead, mailbox="abuse@network.test",
        recipient="abuse@network.test", reader=Reader.OWNER, languages=["en"], reference="7K3QD9MX",
        secret_hash=b"1" * 32, message_id="<1@real.example>", envelope_from="b+1@real.example",
        subject="x", raw=b"x", body_sha256=b"2" * 32, wording_version="1", composed_at=at,
    )  # fmt: skip


def test_a_rotation_from_the_first_pair_to_its_end(
    place: Path, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("new")[0] == 0
    code, records = call("next", "--selector", "second")
    assert code == 0
    zone.update(in_dns(published(records)))
    names = {f"second{e}._domainkey.real.example." for e in ("", "-ed25519")}
    assert set(zone) == {(name, "TXT") for name in names}
    both = published(call("show-dns")[1])
    assert {"main._domainkey.real.example.", "second._domainkey.real.example."} <= set(both)
    assert call("list")[1].splitlines()[0] == "main  signs, for 0 days"
    code, told = call("switch")
    assert (code, "second signs from now on" in told) == (0, True)
    assert selectors.signing(place, named=NAMED) == "second"
    code, told = call("retire", "main")
    assert (code, "may still be on their way" in told) == (1, True)
    letter = a_real_letter(a_running_campaign(exercise=False), at=datetime.now(UTC) - timedelta(1))
    monkeypatch.setattr(commands, "datetime", InTenDays)
    code, told = call("retire", "main")
    assert (code, "1 letters that it signed have not left" in told) == (1, True)
    letter.delete()
    code, told = call("retire", "main")
    assert (code, "main-ed25519._domainkey.real.example" in told) == (0, True)
    assert sorted(file.name for file in place.glob("*.pem")) == [
        "dkim-second.ed25519.pem", "dkim-second.rsa.pem",
    ]  # fmt: skip


class InTenDays(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + timedelta(days=10)


def test_what_is_not_in_dns_does_not_sign(place: Path, zone: Zone) -> None:
    call("new")
    zone.update(in_dns(published(call("next")[1])))
    (name, *_) = [one for one in zone if "ed25519" in one[0]]
    right, zone[name] = zone[name], '"v=DKIM1; k=ed25519; p=AAAA"'
    code, told = call("switch")
    assert (code, name[0].rstrip(".") in told) == (1, True)
    assert selectors.signing(place, named=NAMED) == NAMED
    zone[name] = right
    assert call("switch")[0] == 0


def test_without_a_resolver_a_person_has_to_look(place: Path, settings: Any) -> None:
    settings.OUTSIDE = Outside(resolver=None, zones=(), keys={})
    call("new")
    call("next")
    assert call("switch")[0] == 1
    assert call("switch", "--published")[0] == 0
    assert call("switch", "--published")[0] == 1
    assert call("next", "--selector", "a.b")[0] == 1
