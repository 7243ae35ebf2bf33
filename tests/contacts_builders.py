"""Rows for tests of contacts: a case at an address, registry files in RPSL and RDAP."""

from __future__ import annotations

import json
from pathlib import Path

from openletter.campaigns.models import Campaign
from openletter.cases.models import Case
from openletter.evidence.models import Finding
from openletter.evidence.weighing import knobs_of
from openletter.words import Weakness, new_reference
from tests.builders import NOW

DUMP = """\
inetnum:        198.51.100.0 - 198.51.100.255
netname:        LAAGLAND-NET
descr:          Laagland Internet
country:        NL
org:            ORG-LL1-TEST
admin-c:        NOC1-TEST
tech-c:         NOC1-TEST
status:         ALLOCATED PA
mnt-by:         LAAGLAND-MNT
source:         TEST

organisation:   ORG-LL1-TEST
org-name:       Laagland Internet B.V.
org-type:       LIR
country:        NL
address:        Dijk 1
address:        Utrecht
abuse-c:        ABU1-TEST
e-mail:         info@laagland.example
mnt-by:         LAAGLAND-MNT
source:         TEST

role:           Laagland Abuse
nic-hdl:        ABU1-TEST
abuse-mailbox:  abuse@laagland.example
e-mail:         noc@laagland.example
source:         TEST

role:           Laagland NOC
nic-hdl:        NOC1-TEST
e-mail:         noc@laagland.example
source:         TEST

inetnum:        198.51.100.64 - 198.51.100.95
netname:        BAKKERIJ
descr:          Bakkerij De Korst
country:        NL
org:            ORG-BK1-TEST
admin-c:        JB1-TEST
tech-c:         JB1-TEST
status:         ASSIGNED PA
mnt-by:         LAAGLAND-MNT
source:         TEST

organisation:   ORG-BK1-TEST
org-name:       Bakkerij De Korst
org-type:       OTHER
country:        NL
abuse-c:        ABU2-TEST
source:         TEST

role:           De Korst Abuse
nic-hdl:        ABU2-TEST
abuse-mailbox:  abuse@dekorst.example
source:         TEST

person:         Jan Bakker
nic-hdl:        JB1-TEST
e-mail:         jan.bakker@dekorst.example
source:         TEST

inetnum:        198.51.100.128 - 198.51.100.159
netname:        BRUXELLES
descr:          Atelier du Canal
country:        BE
status:         ASSIGNED PA
mnt-by:         LAAGLAND-MNT
source:         TEST

inetnum:        192.0.2.0 - 192.0.2.255
netname:        SOLO
descr:          Only a person
country:        DE
admin-c:        EM1-TEST
status:         ASSIGNED PI
source:         TEST

person:         Erika Mustermann
nic-hdl:        EM1-TEST
e-mail:         erika.mustermann@solo.example
source:         TEST
"""

RDAP = {
    "objectClassName": "ip network",
    "handle": "NET-203-0-113-0-1",
    "startAddress": "203.0.113.0",
    "endAddress": "203.0.113.255",
    "name": "PRAIRIE",
    "type": "DIRECT ALLOCATION",
    "port43": "whois.arin.net",
    "entities": [
        {
            "objectClassName": "entity",
            "handle": "PRAIRIE-1",
            "roles": ["registrant"],
            "vcardArray": [
                "vcard",
                [
                    ["version", {}, "text", "4.0"],
                    ["fn", {}, "text", "Prairie Broadband Inc."],
                    ["kind", {}, "text", "org"],
                    ["adr", {"label": "1 Main St\nFargo\nND\n58102\nUnited States"}, "text", []],
                ],
            ],
            "entities": [
                {
                    "objectClassName": "entity",
                    "handle": "ABUSE1-ARIN",
                    "roles": ["abuse", "technical"],
                    "vcardArray": [
                        "vcard",
                        [
                            ["fn", {}, "text", "Abuse"],
                            ["kind", {}, "text", "group"],
                            ["email", {}, "text", "abuse@prairie.example"],
                        ],
                    ],
                }
            ],
        }
    ],
}


def a_case(campaign: Campaign, ip: str, *, weakness: Weakness = Weakness.OPEN_RELAY) -> Case:
    """An open case at an address, with the finding it needs."""
    finding = Finding.objects.create(
        exercise=campaign.world, ip=ip, weakness=weakness, ports=[25], state="open",
        confidence=0.9, rule_version="test", weighed_at=NOW, first_seen=NOW, last_seen=NOW,
    )  # fmt: skip
    made = Case.objects.create(
        campaign=campaign, exercise=campaign.exercise, partner=campaign.lead, ip=ip,
        weakness=weakness, finding=finding, reference=new_reference(), opened_at=NOW,
        last_evidence_at=NOW, judged_at=NOW, judged_by=knobs_of(campaign).knobs,
    )  # fmt: skip
    return Case.objects.get(pk=made.pk)


def a_dump(folder: Path, *, text: str = DUMP, name: str = "laagland.db.txt") -> Path:
    """An RPSL dump in a file."""
    path = folder / name
    path.write_text(text)
    return path


def an_rdap_answer(folder: Path, *, name: str = "prairie.json") -> Path:
    """An RDAP answer in a file."""
    path = folder / name
    path.write_text(json.dumps(RDAP))
    return path
