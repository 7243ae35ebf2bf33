"""Behind a letter's link: all its files in one archive, for the desk that the letter went to."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from openletter.letters import bundle
from openletter.letters.rules.attached import Attachment
from openletter.site import errors, passing
from openletter.site.doors import reading
from openletter.site.holders import Door, rows_of_letter
from openletter.site.letters import opened_by_letter

_NO_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that the format knows: the archive tells nothing but its files."""


def _files(request: HttpRequest, door: Door) -> HttpResponse:
    letter = door.letter
    if letter is None or not bundle.is_offered(letter):
        return errors.unknown_link(request)
    rows = rows_of_letter(letter).select_related("link")
    files = bundle.files_of(letter, passing.secrets_of(letter, rows))
    if not files:
        return HttpResponseRedirect(door.to())
    response = HttpResponse(_packed(files), content_type="application/zip")
    name = f"openletter-{letter.reference.lower()}.zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _packed(files: Iterable[Attachment]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(
                zipfile.ZipInfo(file.name, date_time=_NO_TIME), file.text.encode(),
                compress_type=zipfile.ZIP_DEFLATED,
            )  # fmt: skip
    return out.getvalue()


letter_files = reading(opened_by_letter(_files))
