"""Asks whether this is really Debian's server; run by test_servers only."""

from __future__ import annotations

import os

import pytest


@pytest.mark.django_db
def test_this_is_postgresql_15() -> None:
    from django.db import connection

    assert os.environ["OPENLETTER_PG_BIN"]
    assert connection.pg_version // 10_000 == 15
