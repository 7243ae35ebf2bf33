"""Addresses as two 64-bit numbers, and their canonical spelling, in SQL. Equal to `wire.address`.

An IPv4 address is the number of its mapped form (`::ffff:192.0.2.1`): high half 0, low half
0xffff00000000 and above. Mapped spellings so are the same target without further ado, and no IPv6
address has such a number.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address

MAPPED = 0xFFFF << 32
_LOW = (1 << 64) - 1
_TRANSLATED = 0x64_FF9B << 32
"""High half of `64:ff9b::/96`, which spells IPv4 addresses (RFC 6052)."""
_GROUP = "[0-9a-fA-F]{1,4}"
_GROUPS = f"({_GROUP}:){{0,6}}{_GROUP}"
PLAIN6 = f"({_GROUP}:){{7}}{_GROUP}|({_GROUPS})?::({_GROUPS})?"


def key_of(address: Address) -> tuple[int, int]:
    """High and low half."""
    if isinstance(address, IPv4Address):
        return 0, MAPPED | int(address)
    return int(address) >> 64, int(address) & _LOW


def address_of(high: int, low: int) -> Address:
    """The address that two halves are."""
    if high == 0 and low >> 32 == 0xFFFF:
        return IPv4Address(low & 0xFFFFFFFF)
    return IPv6Address(high << 64 | low)


PAIRS = """
CREATE TEMP TABLE IF NOT EXISTS pairs AS
SELECT encode((n >> 8) || '.' || (n & 255))::BIT::UBIGINT AS spelled, n::UINTEGER AS number
FROM range(65536) AS r(n)
"""
"""Every half of an IPv4 address: its letters as one number, and what they say."""
_DOT = 0x2E


def fours(source: str) -> str:
    """SQL: all of `source`, and `k4`: the number of an `addr` that is a plain dotted quad, or NULL.

    Plain is four numbers up to 255 without leading zeros. The letters, at most fifteen, are one
    number; its halves around the middle dot are looked up among `pairs`, so nothing else is found.
    """
    letters = "CASE WHEN strlen(addr) BETWEEN 7 AND 15 THEN encode(addr)::BIT::UHUGEINT END"
    behind = f"{_width('k_end')} + 8"
    return f"""
    SELECT asked.* EXCLUDE (k_head, k_tail), (a.number << 16) | b.number AS k4 FROM (
      SELECT * EXCLUDE (k_text, k_end, k_cut), k_end & ((1::UBIGINT << k_cut) - 1) AS k_tail,
             ((k_text >> (k_cut::UHUGEINT + 8)) & {_LOW})::UBIGINT AS k_head
      FROM (SELECT * EXCLUDE (k_last, k_rest), k_last + {_width("k_rest")} AS k_cut
      FROM (SELECT *, k_end >> k_last AS k_rest
      FROM (SELECT *, {behind} AS k_last
      FROM (SELECT *, (k_text & {_LOW})::UBIGINT AS k_end
      FROM (SELECT *, {letters} AS k_text FROM {source})))))) AS asked
    LEFT JOIN pairs AS a ON asked.k_head = a.spelled
    LEFT JOIN pairs AS b ON asked.k_tail = b.spelled
    """


def _width(letters: str) -> str:
    """SQL: bits of the digits behind the last dot, one to three of them; else NULL."""
    found = " ".join(
        f"WHEN {letters} & {0xFF << bits} = {_DOT << bits} THEN {bits}" for bits in (8, 16, 24)
    )
    return f"(CASE {found} END)::UBIGINT"


def halves(source: str, *, keep: str) -> str:
    """SQL: a query of `keep`, `hi`, `lo` for the rows of `source` whose `addr` is plain IPv6.

    Eight groups, or fewer around one `::`; no dotted tail, no zone, no brackets, and nothing that
    spells an IPv4 address: such rows are for `wire.address`.
    """
    spelled = (
        "array_to_string(list_transform(string_split({0}, ':'), "
        "lambda g: CASE WHEN g = '' THEN '' ELSE lpad(g, 4, '0') END), '')"
    )
    left, right = spelled.format("before"), spelled.format("behind")
    return f"""
    SELECT * FROM (
    SELECT {keep}, ('0x' || substr(digits, 1, 16))::UBIGINT AS hi,
           ('0x' || substr(digits, 17, 16))::UBIGINT AS lo
    FROM (SELECT {keep}, front || repeat('0', 32 - length(front) - length(back)) || back AS digits
          FROM (SELECT {keep}, is_short, {left} AS front, {right} AS back
                FROM (SELECT {keep}, contains(addr, '::') AS is_short,
                             split_part(addr, '::', 1) AS before,
                             split_part(addr, '::', 2) AS behind
                      FROM {source} WHERE regexp_full_match(addr, '{PLAIN6}')))
          WHERE length(front) + length(back) BETWEEN 0 AND CASE WHEN is_short THEN 28 ELSE 32 END))
    WHERE NOT ((hi = 0 AND lo >> 32 = {MAPPED >> 32}) OR (hi = {_TRANSLATED} AND lo >> 32 = 0))
    """
