"""Lists of networks: loaded, replaced, and what they make of statements that stand."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.cli import app
from openletter.evidence.models import Observation, RangeListing, SpaceList
from openletter.evidence.rules.spaces import ListKind
from openletter.evidence.spacelists import known_spaces, load_list
from openletter.evidence.telling import ranges_over
from tests.builders import NOW, a_campaign
from tests.records.evidence_builders import a_scan, a_zone, take_in

pytestmark = pytest.mark.django_db


def loaded(kind: ListKind, *networks: str) -> SpaceList:
    return load_list(
        str(kind),
        kind,
        [ip_network(network) for network in networks],
        said_by="test",
        as_of=NOW,
        actor="test",
        now=NOW,
    )


def test_what_a_list_knows_is_recorded_with_the_row() -> None:
    loaded(ListKind.TOR_EXIT, "192.0.2.9/32")
    loaded(ListKind.DYNAMIC, "192.0.2.128/25")
    batch = a_scan("192.0.2.9", "192.0.2.200", "192.0.2.1", campaign=a_campaign())
    rows = {
        str(row.ip): (row.judgement, row.reason, row.space) for row in Observation.objects.all()
    }
    assert rows == {
        "192.0.2.9": ("corroborates", "tor-exit", "tor-exit"),
        "192.0.2.200": ("accept", "says-open", "dynamic-by-list"),
        "192.0.2.1": ("accept", "says-open", ""),
    }
    assert batch.by_reason == {"tor-exit": 1, "says-open": 2}


def test_a_list_that_comes_later_has_its_addresses_weighed_again() -> None:
    campaign = a_campaign()
    a_scan("192.0.2.9", "192.0.2.1", campaign=campaign)
    Observation.objects.update(weighed_at=NOW)
    loaded(ListKind.TOR_EXIT, "192.0.2.9/32")
    (waiting,) = Observation.objects.filter(weighed_at=None)
    assert (str(waiting.ip), waiting.space) == ("192.0.2.9", "tor-exit")
    Observation.objects.update(weighed_at=NOW)
    loaded(ListKind.TOR_EXIT, "192.0.2.10/32")
    (again,) = Observation.objects.filter(weighed_at=None)
    assert (str(again.ip), again.space) == ("192.0.2.9", "")
    assert SpaceList.objects.count() == 1


def test_networks_of_a_file_are_kept_beside_the_observations() -> None:
    campaign = a_campaign()
    zone = a_zone("192.0.2.0/28", "192.0.2.100", campaign=campaign)
    (kept,) = RangeListing.objects.all()
    assert (str(kept.first), str(kept.last)) == ("192.0.2.0", "192.0.2.15")
    assert (kept.judgement, kept.reason, kept.weakness) == (
        "corroborates", "range", "open-http-proxy",
    )  # fmt: skip
    assert zone.by_judgement == {"corroborates": 1, "accept": 1}
    assert [str(row.ip) for row in Observation.objects.all()] == ["192.0.2.100"]
    over = {
        ip: list(ranges_over(ip_address(ip), exercise=campaign))
        for ip in ("192.0.2.0", "192.0.2.15", "192.0.2.16", "2001:db8::1")
    }
    assert list(map(len, over.values())) == [1, 1, 0, 0]
    assert not ranges_over(ip_address("192.0.2.1"), exercise=None)


def test_lists_are_loaded_from_the_command_line(tmp_path: Path) -> None:
    place = tmp_path / "exits"
    place.write_text(
        "ExitNode ABC\nExitAddress 192.0.2.9 2026-03-01 10:00:00\n# more\n2001:db8::/64\n"
    )
    told = CliRunner().invoke(
        app,
        [
            "spaces",
            "load",
            "tor-exit",
            str(place),
            "--said-by",
            "the Tor project",
            "--as-of",
            "2026-03-01",
        ],
    )
    assert told.exit_code == 0, told.output
    assert "2 networks" in told.output
    row = SpaceList.objects.get()
    assert (row.pk, row.said_by, row.networks) == (
        "tor-exit", "the Tor project", ["192.0.2.9/32", "2001:db8::/64"],
    )  # fmt: skip
    assert known_spaces().listed(ip_network("2001:db8::/64")[7]) == "tor-exit"
    assert "the Tor project" in CliRunner().invoke(app, ["spaces", "list"]).output


@pytest.mark.parametrize(
    ("text", "as_of"), [("192.0.2.1\nnobody\n", "2026-03-01"), ("192.0.2.1\n", "yesterday")]
)
def test_a_list_that_cannot_be_read_changes_nothing(text: str, as_of: str, tmp_path: Path) -> None:
    place = tmp_path / "list"
    place.write_text(text)
    told = CliRunner().invoke(
        app, ["spaces", "load", "dynamic", str(place), "--said-by", "x", "--as-of", as_of]
    )
    assert told.exit_code == 2
    assert not SpaceList.objects.exists()


def test_a_packed_file_is_opened_before_the_transaction_begins() -> None:
    from tests.wire.feed_files import zipped

    batch = take_in(zipped({"list.txt": b"http://192.0.2.3:80\n"}), "day.zip", a_campaign())
    assert batch.state == "done"
