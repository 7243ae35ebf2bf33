"""Who in the reader's own country can be asked whether a letter is genuine, without trusting us.

A partner of the campaign that answers for the country knows its references. Else the country's
national team is named, where a named person of this installation signed its entry; it takes no
part. Else there is nobody, and the letter says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from openletter.campaigns.models import Campaign, Partner
from openletter.contacts import teams


@dataclass(frozen=True, kw_only=True)
class Vouchers:
    """The partners of a campaign by what they answer for, and the signed teams by country."""

    partners: Sequence[Partner]
    teams: Mapping[str, str]

    def authority(self, country: str, *, writer: int) -> str:
        """The participant that answers for the country, the writer before another; or none."""
        first = [one for one in self.partners if one.pk == writer]
        found = (one for one in [*first, *self.partners] if country in _answers_for(one))
        return next((one.name for one in found), "") if country else ""

    def responder(self, country: str) -> str:
        """The country's national team, as it was signed; or none."""
        return self.teams.get(country, "")


def _answers_for(partner: Partner) -> Iterable[str]:
    return {row.country for row in partner.constituencies.all()} | {partner.country}


def vouchers_of(campaign: Campaign) -> Vouchers:
    """Two queries for partners, one for the signed teams."""
    return Vouchers(
        partners=list(campaign.partners.prefetch_related("constituencies").order_by("name")),
        teams=teams.names(campaign),
    )
