"""PostgreSQL's inet and cidr as Python's ipaddress objects."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from django.db import models

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
    _Lookup = models.Lookup[Any]
else:  # Django's own classes take no type arguments at run time
    _Field, _Lookup = models.Field, models.Lookup


class _NetField(_Field):
    pg: str

    def db_type(self, connection: object) -> str:
        return self.pg

    @staticmethod
    def parse(value: str) -> object:
        raise TypeError(value)

    def from_db_value(self, value: object, expression: object, connection: object) -> object:
        return self.parse(value) if isinstance(value, str) else value

    def to_python(self, value: object) -> object:
        return self.parse(value) if isinstance(value, str) else value

    def get_prep_value(self, value: object) -> str | None:
        return None if value is None else str(value)


class InetField(_NetField):
    """One address, never with a prefix length."""

    pg = "inet"

    @staticmethod
    def parse(value: str) -> Address:
        return ipaddress.ip_address(value.partition("/")[0])


class CidrField(_NetField):
    """One network; host bits must be zero."""

    pg = "cidr"

    @staticmethod
    def parse(value: str) -> Network:
        return ipaddress.ip_network(value)


@InetField.register_lookup
class WithinNetwork(_Lookup):
    """`ip__within=network`: PostgreSQL's `<<=`."""

    lookup_name = "within"
    prepare_rhs = False

    def as_sql(
        self,
        compiler: Any,  # noqa: ANN401  (Django types neither)
        connection: Any,  # noqa: ANN401  (Django types neither)
    ) -> tuple[str, tuple[Any, ...]]:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} <<= %s::cidr", (*parameters, str(self.rhs))


@CidrField.register_lookup
class CoversAddress(_Lookup):
    """`network__covers=address`: PostgreSQL's `>>=`."""

    lookup_name = "covers"
    prepare_rhs = False

    def as_sql(
        self,
        compiler: Any,  # noqa: ANN401  (Django types neither)
        connection: Any,  # noqa: ANN401  (Django types neither)
    ) -> tuple[str, tuple[Any, ...]]:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} >>= %s::inet", (*parameters, str(self.rhs))
