"""Who may do what, arms that nobody moves, and the timeline's chain."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from openletter.campaigns.rules import (
    MOVES,
    CampaignState,
    Entry,
    Level,
    MemberRole,
    Viewer,
    arm_of,
    chain,
    commitment,
    may_move,
)

AT = datetime(2026, 1, 2, tzinfo=UTC)


def test_every_state_has_its_moves_and_a_finished_campaign_stays_finished() -> None:
    assert set(MOVES) == set(CampaignState)
    assert not MOVES[CampaignState.FINISHED]
    assert not may_move(CampaignState.DRAFT, CampaignState.RUNNING)


def test_a_stranger_has_no_level_anywhere() -> None:
    assert Viewer().level_at(1) is Level.STRANGER
    assert Viewer().highest is Level.STRANGER


def test_a_role_counts_at_its_own_partner_only() -> None:
    viewer = Viewer(user_id=1, roles={1: MemberRole.APPROVER})
    assert viewer.level_at(1) is Level.APPROVER
    assert viewer.level_at(2) is Level.STRANGER
    assert viewer.level_at(None) is Level.STRANGER


@given(st.text(min_size=1), st.text())
def test_an_arm_depends_on_holder_stratum_and_key_only(holder: str, stratum: str) -> None:
    shares = {"letter": 0.5, "control": 0.5}
    first = arm_of(holder, stratum=stratum, key=b"k", shares=shares)
    assert first == arm_of(holder, stratum=stratum, key=b"k", shares=shares)
    assert first in shares


def test_arms_come_out_in_their_shares() -> None:
    shares = {"letter": 3.0, "control": 1.0}
    arms = [arm_of(f"h{n}", stratum="nl", key=b"k", shares=shares) for n in range(4000)]
    assert 0.72 < arms.count("letter") / len(arms) < 0.78


def test_without_arms_everybody_is_written_to() -> None:
    assert arm_of("h", stratum="", key=b"", shares={}) == "letter"


def test_the_commitment_does_not_tell_the_key() -> None:
    assert commitment(b"k") != commitment(b"l")
    assert len(commitment(b"k")) == 64


def test_any_changed_word_breaks_the_chain() -> None:
    entry = Entry(subject="case:1", actor="step:open", action="opened", at=AT, after={"state": "x"})
    link = chain(b"\0" * 32, entry)
    assert link != chain(b"\1" * 32, entry)
    assert link != chain(b"\0" * 32, replace(entry, after={"state": "y"}))
    assert link != chain(b"\0" * 32, replace(entry, actor="user:eve"))
