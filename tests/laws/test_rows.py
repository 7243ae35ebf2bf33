"""Rows of one room hang on rows of another without a way back."""

from __future__ import annotations

from django.apps import apps
from django.db.models import ForeignObject


def ours() -> list[type]:
    return [model for model in apps.get_models() if model.__module__.startswith("openletter.")]


def test_keys_across_rooms_have_no_reverse_accessor() -> None:
    found = []
    for model in apps.get_models():
        if not model.__module__.startswith("openletter."):
            continue
        for field in model._meta.get_fields():
            if not isinstance(field, ForeignObject) or field.related_model is None:
                continue
            crosses = field.related_model._meta.app_label != model._meta.app_label
            if crosses and not field.remote_field.hidden:
                found.append(f"{model._meta.label}.{field.name}")
    assert found == []


def test_every_table_has_a_noun_of_its_own() -> None:
    tables = [model._meta.db_table for model in ours()]  # type: ignore[attr-defined]
    prefixed = [
        model._meta.db_table  # type: ignore[attr-defined]
        for model in ours()
        if model._meta.db_table.startswith(f"{model._meta.app_label}_")  # type: ignore[attr-defined]
        and "db_table" not in model._meta.original_attrs  # type: ignore[attr-defined]
    ]
    assert prefixed == []
    assert len(tables) == len(set(tables))
