"""The tables that composing fills by COPY: their columns, in the order in which rows give them."""

from __future__ import annotations

LETTER = {
    "id": "int8", "campaign_id": "int8", "wave_id": "int8", "kind": "varchar",
    "partner_id": "int8", "mailbox": "varchar", "recipient": "varchar", "reader": "varchar",
    "languages": "varchar[]", "country": "varchar", "reference": "varchar",
    "secret_hash": "bytea", "message_id": "varchar", "envelope_from": "varchar",
    "subject": "varchar", "raw": "bytea", "body_sha256": "bytea", "wording_version": "varchar",
    "wordings": "varchar[]", "told": "varchar[]", "thread": "varchar",
    "composed_at": "timestamptz",
}  # fmt: skip
TOKEN = {"letter_id": "int8", "purpose": "varchar", "token_hash": "bytea"}
ROW = {
    "letter_id": "int8", "wave_id": "int8", "case_id": "int8", "choice_id": "int8",
    "link_id": "int8", "number": "int4",
}  # fmt: skip
