"""Which mail provider takes a domain's mail: what its mail servers' names have in common. Pure.

Letters are paced by provider, because a thousand domains behind one provider are one door. Without
a list of public suffixes the last two labels count, or three below a short second level (co.uk);
taking two providers for one only makes letters slower.
"""

from __future__ import annotations

from collections.abc import Sequence

_SHORT = 3
LONGEST = 253


def best_hosts(records: Sequence[tuple[int, str]]) -> list[str]:
    """The servers of the lowest preference; none where the domain takes no mail (RFC 7505)."""
    hosts = [(preference, host.rstrip(".").lower()) for preference, host in records]
    named = [(preference, host) for preference, host in hosts if host and len(host) <= LONGEST]
    lowest = min((preference for preference, _ in named), default=0)
    return sorted({host for preference, host in named if preference == lowest})


def provider_of(domain: str, hosts: Sequence[str]) -> str:
    """The provider behind these hosts; the domain itself where there is none to tell."""
    if not hosts:
        return domain
    shared = _shared(hosts)
    return shared if shared.count(".") else organisation(min(hosts))


def _shared(hosts: Sequence[str]) -> str:
    """The organisation that all hosts are of, or what their names end in alike."""
    found = {organisation(host) for host in hosts}
    if len(found) == 1:
        return found.pop()
    labels = [host.split(".")[::-1] for host in hosts]
    alike = []
    for level in zip(*labels, strict=False):
        if len(set(level)) > 1:
            break
        alike.append(level[0])
    suffix = ".".join(reversed(alike))
    return suffix if suffix.count(".") and not _is_registry(alike) else ""


def organisation(host: str) -> str:
    """The name below which one organisation names its hosts, as far as the name itself tells."""
    labels = host.split(".")
    keep = 3 if len(labels) > 2 and _is_registry(labels[:-3:-1]) else 2
    return ".".join(labels[-keep:])


def _is_registry(labels: Sequence[str]) -> bool:
    """Two labels, the last one first, that look like a registry's own second level."""
    return len(labels) == 2 and len(labels[0]) == 2 and len(labels[1]) <= _SHORT
