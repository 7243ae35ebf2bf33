"""`openletter letter preview`: what is built is offered, and what is offered is built."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import dkim
import pytest
from typer.testing import CliRunner

from openletter.cli import app
from openletter.letters import keys, library, preview
from openletter.letters.rules.facts import LetterError
from openletter.words import Reader

RUN = CliRunner()


def call(*arguments: str) -> tuple[int, str]:
    result = RUN.invoke(app, ["letter", "preview", *arguments])
    return result.exit_code, result.output


def test_a_letter_is_shown_as_asked_for() -> None:
    code, shown = call(
        "--lang", "nl", "--to", "provider", "--weakness", "open-http-proxy", "--product", "squid",
        "--ip", "2001:db8:0::5", "--port", "8080",
    )  # fmt: skip
    assert code == 0
    assert shown.startswith("Subject: Open HTTP-proxy: 2001:db8::5 [")
    assert "8080/tcp" in shown
    assert "-x http://[2001:db8::5]:8080" in shown
    assert "Geachte abusedesk," in shown


def test_a_mistake_was_written_about_after_it_was_seen() -> None:
    code, shown = call("--kind", "correction")
    assert code == 0
    assert "On 2026-03-01 we wrote to you" in shown
    assert "2026-03-01 04:10:03 UTC" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("--kind", "second"),
        ("--lang", "tlh"),
        ("--to", "nobody"),
        ("--weakness", "open-door"),
        ("--product", "no-such-product"),
        ("--product", "squid"),
        ("--ip", "300.1.1.1"),
        ("--port", "0"),
    ],
)
def test_what_is_not_built_is_refused(arguments: tuple[str, str]) -> None:
    code, _ = call(*arguments)
    assert code == 2


def test_it_needs_neither_django_nor_a_database() -> None:
    script = (
        "import sys; from openletter.letters import preview; "
        "preview.written(preview.Asked(language='nl')); "
        "import openletter.cli.letters; "
        "sys.exit(any(name.split('.')[0] in ('django', 'psycopg') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_all_writes_every_letter_an_index_and_the_zone(tmp_path: Path) -> None:
    preview.write_all(tmp_path, languages=("nl",))
    index = json.loads((tmp_path / "index.json").read_text())
    assert len(index) == len(library.kinds()) * len(Reader) * len(preview.SUBJECTS)
    zone = {
        name.encode(): "".join(re.findall(r'"([^"]*)"', text)).encode()
        for name, text in re.findall(
            r"^(\S+) TXT (.*)$", (tmp_path / "dkim.zone").read_text(), flags=re.MULTILINE
        )
    }
    for row in index:
        raw = (tmp_path / row["file"]).read_bytes()
        assert len(raw) == row["bytes"]
        assert row["file"].startswith(f"{row['language']}/{row['to']}-{row['kind']}-")
    raw = (tmp_path / index[0]["file"]).read_bytes()
    assert dkim.DKIM(raw).verify(idx=1, dnsfunc=lambda name, **_: zone.get(name, b""))


def test_eml_is_the_message_as_it_would_leave() -> None:
    result = RUN.invoke(app, ["letter", "preview", "--eml"])
    assert result.stdout_bytes.startswith(b"DKIM-Signature: v=1; a=ed25519-sha256;")
    assert b"\r\nSubject: Open mail relay: 192.0.2.17 [" in result.stdout_bytes


def test_a_product_must_fit_what_is_wrong() -> None:
    with pytest.raises(LetterError, match="product-does-not-fit"):
        preview.written(preview.Asked(about="open-socks", product="postfix"))


def test_keys_are_kept_private_and_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    with pytest.raises(LetterError, match="no-signing-key"):
        keys.load(folder, domain="campaign.example", selector="s1")
    keys.make(folder, selector="s1")
    before = keys.dns_records(folder, domain="campaign.example", selector="s1")
    keys.make(folder, selector="s1")
    assert keys.dns_records(folder, domain="campaign.example", selector="s1") == before
    assert [name for name, _ in before] == [
        "s1-ed25519._domainkey.campaign.example",
        "s1._domainkey.campaign.example",
    ]
    modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert modes == {0o600}


def test_the_exercises_pair_is_made_by_itself_and_is_another(tmp_path: Path) -> None:
    made = keys.load(tmp_path, domain="campaign.example", selector=keys.EXERCISE)
    keys.make(tmp_path, selector="real")
    real = keys.load(tmp_path, domain="campaign.example", selector="real")
    assert {key.dns_record() for key in made}.isdisjoint(key.dns_record() for key in real)


def test_a_file_that_is_no_signing_key_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    octets = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for kind in ("rsa", "ed25519"):
        (tmp_path / f"dkim-s.{kind}.pem").write_bytes(octets)
    with pytest.raises(LetterError, match="not-a-signing-key"):
        keys.load(tmp_path, domain="campaign.example", selector="s")
