"""What a mail in a journal mailbox is a copy of."""

from __future__ import annotations

import pytest

from openletter.letters.rules.copies import copy_of
from openletter.wire.mime import read_mail
from openletter.words import new_reference, print_reference


@pytest.mark.parametrize("mark", ["", "ref "])
def test_the_reference_is_read_as_subjects_print_it(mark: str) -> None:
    """Subjects of languages without small letters say "ref" before it."""
    reference = new_reference()
    subject = f"Subject: [{mark}{print_reference(reference)}]\r\n\r\n"
    assert copy_of(read_mail(subject.encode())).references == {reference}
