"""Many ranges of addresses, merged and sorted, to be asked often whether they hold one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address


class Intervals:
    """First and last addresses; both families may stand in one."""

    def __init__(self, ends: Iterable[tuple[Address, Address]] = ()) -> None:
        self._starts: dict[int, list[int]] = {4: [], 6: []}
        self._ends: dict[int, list[int]] = {4: [], 6: []}
        for version, first, last in sorted((a.version, int(a), int(b)) for a, b in ends):
            starts, closings = self._starts[version], self._ends[version]
            if closings and first <= closings[-1] + 1:
                closings[-1] = max(closings[-1], last)
            else:
                starts.append(first)
                closings.append(last)

    def __bool__(self) -> bool:
        return bool(self._starts[4] or self._starts[6])

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, IPv4Address | IPv6Address):
            return False
        starts = self._starts[address.version]
        number = int(address)
        at = bisect_right(starts, number) - 1
        return at >= 0 and number <= self._ends[address.version][at]

    def ends(self) -> Iterator[tuple[int, int, int]]:
        """Version, first and last number of each merged range, in order."""
        for version, starts in self._starts.items():
            for first, last in zip(starts, self._ends[version], strict=True):
                yield version, first, last
