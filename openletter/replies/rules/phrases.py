"""One alternative a line: how the phrase lists of these rules are written and compiled."""

from __future__ import annotations

import re


def any_of(lines: str, *, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    """Match any of the lines; a line that ends in a backslash goes on in the next."""
    joined = re.sub(r"\\\n[ ]*", "", lines)
    return re.compile("|".join(filter(None, (line.strip() for line in joined.split("\n")))), flags)
