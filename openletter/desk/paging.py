"""A long list a page at a time."""

from __future__ import annotations

from typing import TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

A_PAGE = 50
_M = TypeVar("_M", bound=Model)


def page_of(request: HttpRequest, rows: QuerySet[_M], *, size: int = A_PAGE) -> Page[_M]:
    """The page that the address asks for; the nearest one where that does not exist."""
    return Paginator(rows, size).get_page(request.GET.get("page"))
