"""Two workers at `find`, the index behind its question, and the command that loads registries."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection, transaction
from typer.testing import CliRunner

from openletter import shell
from openletter.cli import app
from openletter.contacts import steps
from openletter.contacts.models import Choice, RegistryLoad
from tests.builders import NOW, a_campaign
from tests.contacts_builders import a_case, a_dump, an_rdap_answer


@pytest.mark.django_db(transaction=True)
def test_two_workers_choose_once_for_each_case(tmp_path: Path) -> None:
    campaign = a_campaign()
    steps.load_registry(a_dump(tmp_path), exercise=campaign, now=NOW)
    for host in range(64, 74):
        a_case(campaign, f"198.51.100.{host}")
    settled: list[int] = []

    def other_worker() -> None:
        settled.append(steps.find(campaign, now=NOW, limit=100))
        connection.close()

    worker = threading.Thread(target=other_worker)
    with transaction.atomic():
        settled.append(steps.find(campaign, now=NOW, limit=4))
        worker.start()
        worker.join(1)  # it has its six cases and waits to write the timeline
    worker.join(60)
    assert settled == [4, 6]
    assert Choice.objects.filter(superseded_at=None).count() == 10


@pytest.mark.django_db
def test_the_question_for_waiting_cases_uses_indexes() -> None:
    waiting = steps.cases_without_choice(a_campaign(), now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = waiting.explain()
    assert "Index" in plan
    assert "Seq Scan" not in plan


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setattr(shell, "setup", lambda **_: None)
    return CliRunner()


@pytest.mark.django_db
def test_registry_load_says_what_it_took_and_what_it_refused(
    command: CliRunner, tmp_path: Path
) -> None:
    campaign = a_campaign("drill")
    files = [str(a_dump(tmp_path)), str(an_rdap_answer(tmp_path))]
    done = command.invoke(app, ["registry", "load", *files, "--exercise", "drill", "--yes"])
    assert done.exit_code == 0, done.output
    assert "4 netblocks" in done.stdout
    assert "person" in done.stdout
    assert RegistryLoad.objects.filter(exercise=campaign).count() == 2
    again = command.invoke(app, ["registry", "load", *files, "--exercise", "drill", "--yes"])
    assert sorted(again.stdout.splitlines()) == sorted(done.stdout.splitlines())


@pytest.mark.django_db
def test_registry_load_refuses_with_a_sentence(command: CliRunner, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    done = command.invoke(app, ["registry", "load", str(broken), "--yes"])
    assert done.exit_code == 2
    assert "broken.json can't be read (not-json); nothing was changed." in done.stderr
    missing = command.invoke(app, ["registry", "load", str(broken), "--exercise", "none"])
    assert (missing.exit_code, "there is no exercise" in missing.stderr) == (2, True)
    absent = command.invoke(app, ["registry", "load", str(tmp_path / "absent.txt")])
    assert absent.exit_code == 2
