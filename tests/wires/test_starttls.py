"""With `starttls` a letter leaves encrypted to the smarthost that proves its name, or not at all."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from openletter.net.smtp_client import Door, DoorClosedError, Session
from openletter.wire.smtp import Outcome
from tests.wires.test_mailbox import FAST, letter, server_that, until


def contexts(folder: Path, address: str = "127.0.0.1") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for an address, and a client's that trusts it."""
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "smarthost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, private)
    return server, ssl.create_default_context(cafile=str(certificate))


def answer_all(connection: socket.socket) -> None:
    for ending, answer in (
        (b"\r\n", b"250 x\r\n"), (b">\r\n", b"250 x\r\n"), (b">\r\n", b"250 x\r\n"),
        (b"DATA\r\n", b"354 x\r\n"), (b"\r\n.\r\n", b"250 ok id=12345\r\n"),
    ):  # fmt: skip
        until(connection, ending)
        connection.sendall(answer)


def offers(server: ssl.SSLContext, connection: socket.socket) -> None:
    connection.sendall(b"220 x\r\n")
    until(connection, b"\r\n")
    connection.sendall(b"250-x\r\n250 STARTTLS\r\n")
    until(connection, b"STARTTLS\r\n")
    connection.sendall(b"220 go\r\n")
    try:
        with server.wrap_socket(connection, server_side=True) as secure:
            answer_all(secure)
    except (ssl.SSLError, ConnectionError):
        return


def door(port: int, client: ssl.SSLContext) -> Door:
    return Door(host="127.0.0.1", port=port, exercise=False, timeouts=FAST, tls=client)


def test_a_letter_leaves_encrypted(tmp_path: Path) -> None:
    server, client = contexts(tmp_path)
    with (
        server_that(lambda connection: offers(server, connection)) as port,
        Session(door(port, client)) as session,
    ):
        assert session.hand_over(letter()).outcome is Outcome.ACCEPTED


def test_a_certificate_for_another_name_closes_the_door(tmp_path: Path) -> None:
    server, client = contexts(tmp_path, "127.0.0.9")
    with (
        server_that(lambda connection: offers(server, connection)) as port,
        pytest.raises(DoorClosedError, match="not encrypted"),
        Session(door(port, client)),
    ):
        pass


def test_a_server_without_starttls_closes_the_door(tmp_path: Path) -> None:
    def plain(connection: socket.socket) -> None:
        connection.sendall(b"220 x\r\n")
        until(connection, b"\r\n")
        connection.sendall(b"250 x\r\n")

    _, client = contexts(tmp_path)
    with (
        server_that(plain) as port,
        pytest.raises(DoorClosedError, match="no STARTTLS"),
        Session(door(port, client)),
    ):
        pass
