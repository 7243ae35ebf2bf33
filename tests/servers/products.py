"""What each executed guide needs: its packages, and how the server tells its version.

The packages are installed for real, but inside a namespace whose /usr, /etc and /var are overlays
(`images`): the distribution's own configuration and users come with them, and this machine stays
as it is.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass

VISITORS = ("swaks", "netcat-openbsd", "curl")
"""Tools that readers type their checks with; they are in every image."""


@dataclass(frozen=True, kw_only=True)
class Product:
    """One guide's server."""

    packages: tuple[str, ...]
    version: str
    """A command whose first match of digits and dots is the version."""
    wheels: tuple[str, ...] = ()
    """From Python's registry, with their versions."""
    modules: tuple[str, ...] = ()
    """From Node.js's registry, with their versions."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Debian's packages; Node.js too where a machine has none."""
        bare = self.modules and shutil.which("node") is None
        return (*self.packages, *VISITORS, *(("nodejs", "npm") if bare else ()))

    @property
    def holds(self) -> str:
        """What an image was made with, in a line."""
        return " ".join((*self.needs, *self.wheels, *self.modules))


PRODUCTS = {
    "postfix": Product(
        packages=("postfix", "dovecot-core", "libio-socket-inet6-perl"),
        version="postconf -h mail_version",
    ),
    "dante": Product(packages=("dante-server",), version="danted -v"),
    "exim": Product(
        packages=("exim4-daemon-light", "libio-socket-inet6-perl"),
        version="exim4 --version | head -n 1",
    ),
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
    "proxy-py": Product(
        packages=("python3",), version="proxy --version", wheels=("proxy.py==2.4.10",)
    ),
    "node": Product(
        packages=("libc-bin",),
        version="grep '\"version\"' /usr/local/lib/node/node_modules/proxy-chain/package.json",
        modules=("proxy-chain@3.0.1", "proxy@2.2.0", "socksv5@0.0.6"),
    ),
    "opensmtpd": Product(packages=("opensmtpd",), version="smtpd -h"),
    "nftables": Product(packages=("nftables", "iptables", "microsocks"), version="nft --version"),
    "iptables": Product(
        packages=("iptables-persistent", "iptables", "nftables", "microsocks"),
        version="iptables --version",
    ),
    "ufw": Product(packages=("ufw", "nftables", "microsocks"), version="ufw --version"),
    "firewalld": Product(
        packages=("firewalld", "nftables", "microsocks"),
        version="dpkg-query -W -f '${Version}' firewalld",
    ),
    "hidden-clients": Product(
        packages=("postfix", "dovecot-core", "nftables"), version="postconf -h mail_version"
    ),
    "published-port": Product(
        packages=("ufw", "nftables", "microsocks", "socat"), version="iptables --version"
    ),
    "second-daemon": Product(packages=("dante-server", "microsocks"), version="danted -v"),
    "ipv6-open": Product(
        packages=("iptables-persistent", "iptables", "nftables", "microsocks"),
        version="iptables --version",
    ),
}
