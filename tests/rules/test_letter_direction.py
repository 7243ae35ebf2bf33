"""Scripts: right-to-left lines say so and keep foreign pieces apart; Chinese and Japanese break."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from openletter.guides.direction import APART, END, MARK, apart, led
from openletter.guides.layout import fill, plain, width
from openletter.letters.rules.facts import one_line
from openletter.letters.rules.typeset import columns, typeset

ARABIC = "يبدو أن خادم البريد يقبل البريد من أي شخص ويرسله إلى أي شخص"
JAPANESE = (
    "このメールサーバーは、誰からのメールでも受け取り、誰にでも送るようです（「オープンリレー」"
    "と呼ばれ、知らない人が使います）。192.0.2.17のポート25/tcpで、「閉じました」とご返信ください。"
)
CHINESE = "该地址上的邮件服务器似乎接受任何人的邮件，并将其转发给任何人。这称为“开放邮件中继”（open relay）。"
OPENS, CLOSES = "（「『【“‘(", "、。，．）」』】”’ー々ぁっゃッャ,.:;!?)"


def strong(line: str) -> str:
    depth, found = 0, ""
    for character in line:
        depth += (character == APART) - (character == END)
        kind = unicodedata.bidirectional(character)
        if not found and depth == 0 and kind in ("L", "R", "AL"):
            found = kind
    return found


def balanced(line: str) -> bool:
    return line.count(APART) == line.count(END)


def test_each_line_of_a_right_to_left_text_runs_from_right_to_left() -> None:
    text = f"{apart('192.0.2.17')} {ARABIC} {ARABIC} {apart('Agency Alpha of Elsewhere')} " * 3
    lines = led(fill(text)).split("\n")
    assert len(lines) > 4
    for line in lines:
        assert strong(line) in ("R", "AL"), line
        assert balanced(line), line
        assert width(line) <= 72


def test_commands_and_links_stay_as_they_are() -> None:
    text = "     postconf -e 'relay_domains ='\nhttps://campaign.example/en/c/abc\n----"
    assert led(text) == text


def test_a_cut_piece_is_closed_in_its_line_and_opened_in_the_next() -> None:
    text = fill(f"{ARABIC} {apart('a name that goes on and on over the end of its line')} {ARABIC}")
    assert not all(map(balanced, text.split("\n")))
    said = led(text)
    assert all(map(balanced, said.split("\n")))
    assert led(said) == said


@given(st.lists(st.sampled_from([ARABIC, "Alpha", "(25)", apart("192.0.2.1"), "\n"]), max_size=30))
def test_nothing_but_marks_is_added(pieces: list[str]) -> None:
    text = " ".join(pieces)
    bare = str.maketrans(dict.fromkeys((APART, END, MARK)))
    assert led(text).translate(bare) == text.translate(bare)


def test_values_of_a_table_stand_apart_and_links_do_not() -> None:
    link = "https://campaign.example/en/c/abcdefghij"
    long = "2026-03-01 04:10:03 UTC  Shadowserver " * 3
    table = columns([("عنوان", "2001:db8::1"), ("شوهد", long), ("صفحة", link)], rtl=True)
    lines = table.split("\n")
    assert lines[0].endswith(f"{APART}2001:db8::1{END}")
    assert lines[-1].endswith(link)
    assert all(map(balanced, lines))
    assert all(width(line) <= 72 for line in lines)


def test_code_in_a_right_to_left_step_stands_apart() -> None:
    assert plain("`250 OK` is open", rtl=True) == f"{APART}250\u00a0OK{END} is open"
    assert plain("`250 OK` is open") == "250\u00a0OK is open"


def test_chinese_and_japanese_lines_break_where_they_may() -> None:
    for text in (JAPANESE * 3, CHINESE * 3, JAPANESE + CHINESE):
        for room in range(20, 73):
            lines = fill(text, columns=room).split("\n")
            assert "".join(lines).replace(" ", "") == text.replace(" ", "")
            for line in lines:
                assert width(line) <= room, line
                assert line[0] not in CLOSES, line
                assert line[-1] not in OPENS, line
            assert "192.0.2.17" in "\n".join(lines) or "192.0.2.17" not in text


@given(st.text(alphabet="漢字かなーっ。、「」（）a1.- ", max_size=120), st.integers(20, 72))
def test_a_line_never_begins_with_a_closing_sign(text: str, room: int) -> None:
    lines = fill(text, columns=room).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for before, line in pairwise(lines):
        in_text = f"{before}{line}" in text
        assert not in_text or (line[0] not in CLOSES and before[-1] not in OPENS)


def test_thai_breaks_at_zero_width_spaces_and_prints_none() -> None:
    text = "\u200b".join(["เซิร์ฟเวอร์", "ดูเหมือน", "จะ", "รับ", "อีเมล", "จาก", "ทุกคน"] * 4)
    lines = fill(text).split("\n")
    assert len(lines) > 1
    assert "".join(lines) == text.replace("\u200b", "")


def test_a_heading_is_underlined_as_wide_as_it_is_shown() -> None:
    assert typeset("# 閉じ方").split("\n") == ["閉じ方", "------"]


def test_joiners_stay_in_words_that_are_written_with_them() -> None:
    assert one_line("نامه\u200cها") == "نامه\u200cها"
    assert one_line("क\u094d\u200dष") == "क\u094d\u200dष"
    assert one_line("pay\u200cpal \u200c\u2066x\u2069") == "pay?pal ??x?"
