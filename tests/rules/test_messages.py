"""Every text of the faces is translated, and the compiled catalogues fit their sources."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

from babel.messages.pofile import read_po

PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")
Texts = str | tuple[str, ...]


def script() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "messages.py"
    spec = importlib.util.spec_from_file_location("messages", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def placeholders(texts: Texts) -> set[str]:
    return set(PLACEHOLDER.findall(texts if isinstance(texts, str) else "\n".join(texts)))


def test_no_text_is_untranslated_and_nothing_is_stale() -> None:
    assert script().stale() == []


def test_a_translation_keeps_every_placeholder() -> None:
    for _folder, po in script().faces():
        with po.open("rb") as file:
            catalog = read_po(file, locale=po.parents[1].name)
        for message in catalog:
            assert placeholders(message.id) == placeholders(message.string), message.id


def test_texts_are_found_in_templates_and_in_code(tmp_path: Path) -> None:
    found = script()
    face = found.PACKAGE / "site"
    texts = {message.id for message in found.collect(face)}
    assert "What is an open relay?" in texts
    assert "It is fixed" in texts
    assert ("Usual port: %(ports)s", "Usual ports: %(ports)s") in texts
