"""The one door to rows with a responsible partner."""

from __future__ import annotations

from typing import TypeVar, cast

from django.db.models import Manager, Model, QuerySet

from openletter.campaigns.models import PartnerScoped
from openletter.campaigns.rules import Viewer

_M = TypeVar("_M", bound=Model)


def mine(rows: QuerySet[_M] | Manager[_M], viewer: Viewer) -> QuerySet[_M]:
    """Only rows of the viewer's partners; rows without a responsible partner never pass."""
    chosen = rows.all()
    if not isinstance(chosen, PartnerScoped):
        raise TypeError(f"{chosen.model.__name__} has no responsible partner")
    return cast("QuerySet[_M]", chosen.for_viewer(viewer))
