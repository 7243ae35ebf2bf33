"""What each executed guide needs from Debian: its packages, and how the server tells its version.

The packages are installed for real, but inside a namespace whose /usr, /etc and /var are overlays
(`images`): the distribution's own configuration and users come with them, and this machine stays
as it is.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Product:
    """One guide's server."""

    packages: tuple[str, ...]
    version: str
    """A command whose first match of digits and dots is the version."""


PRODUCTS = {
    "postfix": Product(packages=("postfix", "dovecot-core"), version="postconf -h mail_version"),
    "dante": Product(packages=("dante-server",), version="danted -v"),
    "exim": Product(packages=("exim4-daemon-light",), version="exim4 --version | head -n 1"),
    "squid": Product(packages=("squid", "nftables"), version="squid -v | head -n 1"),
    "tinyproxy": Product(packages=("tinyproxy",), version="tinyproxy -v"),
    "apache": Product(packages=("apache2",), version="apache2 -v | head -n 1"),
    "haproxy": Product(packages=("haproxy",), version="haproxy -v | head -n 1"),
    "nginx": Product(packages=("nginx", "libnginx-mod-stream"), version="nginx -v"),
    "privoxy": Product(packages=("privoxy",), version="privoxy --version"),
    "trafficserver": Product(packages=("trafficserver",), version="traffic_server -V | head -n 1"),
    "microsocks": Product(
        packages=("microsocks",), version="dpkg-query -W -f '${Version}' microsocks"
    ),
    "openssh": Product(packages=("openssh-server", "autossh"), version="ssh -V"),
    "sendmail": Product(
        packages=("sendmail-bin", "sasl2-bin"), version="sendmail -d0.1 -bv root | head -n 1"
    ),
    "opensmtpd": Product(packages=("opensmtpd",), version="smtpd -h"),
}

VISITORS = ("swaks", "netcat-openbsd", "curl")
"""Tools that readers type their checks with; they are in every image."""
