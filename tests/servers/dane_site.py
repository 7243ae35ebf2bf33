"""The recipe's Postfix, four mail exchangers of a signed zone, and a resolver that validates.

Run as `python -m tests.servers.dane_site HOME` in a network of its own; prints one JSON object:
the smarthost's log, and who got a letter. The zone's keys are made for the run and are the only
ones that the resolver trusts.

    good.dane.example    its exchanger proves itself by its TLSA record
    wrong.dane.example   the TLSA record names another key
    forged.dane.example  somebody changed the TLSA record after it was signed
    bare.dane.example    a TLSA record, and an exchanger that offers no TLS
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.dnssec
import dns.dnssectypes
import dns.name
import dns.rdatatype
import dns.zone
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openletter.letters.rules.recipe import Tls, postfix
from openletter.net.mailbox import received
from openletter.net.smtp_client import Door
from openletter.net.smtp_fleet import Fleet
from openletter.wire.smtp import Envelope
from tests.servers import run
from tests.wires.sink import sink

ZONE = "dane.example."
NAMES = {"good": "192.0.2.25", "wrong": "192.0.2.26", "forged": "192.0.2.27", "bare": "192.0.2.28"}
RESOLVER = """\
server:
  do-daemonize: no
  use-syslog: no
  logfile: ""
  username: ""
  chroot: ""
  directory: "{home}"
  pidfile: ""
  interface: 127.0.0.1
  access-control: 127.0.0.0/8 allow
  module-config: "validator iterator"
  trust-anchor-file: "{home}/anchor"
auth-zone:
  name: "dane.example."
  zonefile: "{home}/zone"
  for-downstream: no
  for-upstream: yes
  fallback-enabled: no
remote-control:
  control-enable: no
"""
SERVICES = "tlsmgr unix - - n 1000? 1 tlsmgr\n"


def main(home: Path) -> dict[str, object]:
    """Hand a letter for each domain to the smarthost, and tell what became of them."""
    for address in ("127.0.0.1/8", *(f"{one}/32" for one in NAMES.values())):
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=False)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (home / "resolv").write_text("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", home / "resolv", "/etc/resolv.conf"], check=True)
    lay_zone(home, lay_certificate(home))
    program = run.needs("unbound")
    command: list[str | Path] = [program, "-d", "-p", "-c", home / "unbound.conf"]
    with (
        run.running(command, home=home, port=53),
        sink(home / "arrived") as behind,
        run.postfix(settings=exchanger(home, behind.port), more=("", exchangers())) as mx,
    ):
        told = letters(home)
        return {**told, "exchanger": (mx.home / "log").read_text()}


def letters(home: Path) -> dict[str, object]:
    recipe = postfix("bounce.example.org", tls=Tls.DANE)
    settings = {
        "smtp_host_lookup": "dns", "minimal_backoff_time": "2s", "maximal_backoff_time": "2s",
        "queue_run_delay": "2s", "myhostname": "smarthost.example.org",
    }  # fmt: skip
    with run.postfix(settings=settings, more=(recipe.main, recipe.master + SERVICES)) as server:
        door = Door(host="127.0.0.1", port=server.port, exercise=False)
        with Fleet(door) as fleet:
            fates: list[str] = []
            fleet.hand_over(
                [letter(name) for name in NAMES],
                settled=lambda _, fate: fates.append(str(fate.outcome)),
                look=lambda: True,
            )
        log, deadline = server.home / "log", time.monotonic() + 30
        while log.read_text().count(" status=") < len(NAMES) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        arrived = sorted(one.rcpt for one in received(home / "arrived"))
        return {"fates": fates, "log": log.read_text(), "arrived": arrived}


def letter(name: str) -> Envelope:
    to = f"abuse@{name}.{ZONE[:-1]}"
    raw = f"From: <l@bounce.example.org>\r\nTo: {to}\r\nMessage-ID: <{name}@x>\r\n\r\n.x\r\n"
    return Envelope(sender=f"b+{name}@bounce.example.org", recipient=to, raw=raw.encode())


# -- exchangers -----------------------------------------------------------------------------------


def exchanger(home: Path, behind: int) -> dict[str, str]:
    """One Postfix is all of them, by address; what it takes goes on to a sink."""
    return {
        "myhostname": "mx.dane.example", "default_transport": f"smtp:[127.0.0.1]:{behind}",
        "smtpd_tls_cert_file": str(home / "cert.pem"), "smtpd_tls_key_file": str(home / "key.pem"),
        "smtpd_tls_security_level": "may", "mynetworks": "127.0.0.0/8, 192.0.2.0/24",
    }  # fmt: skip


def exchangers() -> str:
    lines = [
        f"{address}:25 inet n - n - 20 smtpd"
        + ("\n    -o smtpd_tls_security_level=none" if name == "bare" else "")
        for name, address in NAMES.items()
    ]
    return "\n".join([*lines, SERVICES])


def lay_certificate(home: Path) -> str:
    """A certificate that no authority knows; the hash of its key, as a TLSA record has it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody.example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (home / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (home / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(public).hexdigest()


# -- the zone -------------------------------------------------------------------------------------


def lay_zone(home: Path, key_hash: str) -> None:
    """Sign the zone, then change one record of it, as somebody on the way might."""
    lines = [
        "@ 300 IN SOA ns x.example. 1 300 300 300 300",
        "@ 300 IN NS ns",
        "ns 300 IN A 192.0.2.53",
    ]
    for name, address in NAMES.items():
        digest = hashlib.sha256(b"another").hexdigest() if name == "wrong" else key_hash
        lines += [
            f"{name} 300 IN MX 10 mx.{name}", f"mx.{name} 300 IN A {address}",
            f"_25._tcp.mx.{name} 300 IN TLSA 3 1 1 {digest}",
        ]  # fmt: skip
    zone = dns.zone.from_text("\n".join(lines) + "\n", origin=ZONE, relativize=False)
    private = ec.generate_private_key(ec.SECP256R1())
    public = dns.dnssec.make_dnskey(
        private.public_key(), dns.dnssectypes.Algorithm.ECDSAP256SHA256, 257
    )
    now = datetime.now(UTC)
    dns.dnssec.sign_zone(
        zone, keys=[(private, public)], inception=now - timedelta(hours=1),
        expiration=now + timedelta(days=1), add_dnskey=True, dnskey_ttl=300,
    )  # fmt: skip
    text = zone.to_text(relativize=False)
    owner = f"_25._tcp.mx.forged.{ZONE}"
    signed, forged = f"{owner} 300 IN TLSA 3 1 1 {key_hash}", hashlib.sha256(b"forged").hexdigest()
    assert signed in text
    (home / "zone").write_text(text.replace(signed, signed.replace(key_hash, forged)))
    (home / "anchor").write_text(f"{ZONE} IN DNSKEY {public.to_text()}\n")
    (home / "unbound.conf").write_text(RESOLVER.format(home=home))


if __name__ == "__main__":
    os.umask(0o022)
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))
