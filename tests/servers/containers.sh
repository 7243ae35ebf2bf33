#!/bin/sh
# A container's network as Docker lays it out, without Docker: a bridge, a namespace called `box`
# behind it, and for each PUBLISHED:INNER port the rules that Docker 20 to 27 writes for it.
#   containers.sh make           the bridge and the container, once
#   containers.sh publish P:I... the rules, also after the machine was off
#   containers.sh forget         takes its rules out of the chains that others share
set -e
INNER=172.17.0.2

make() {
  ip netns add box
  ip -n box link set lo up
  ip link add docker0 type bridge
  ip link add box0 type veth peer name eth0 netns box
  ip link set box0 master docker0
  ip addr add 172.17.0.1/16 dev docker0
  ip -n box addr add $INNER/16 dev eth0
  ip link set docker0 up; ip link set box0 up; ip -n box link set eth0 up
  ip -n box route add default via 172.17.0.1
}

forget() {
  for table in filter nat; do
    iptables -t $table -S | grep -E '^-A (FORWARD|PREROUTING|OUTPUT|POSTROUTING) ' |
      grep -E 'docker0|DOCKER|172\.17' | sed 's/^-A/-D/' |
      while read -r rule; do
        # shellcheck disable=SC2086
        iptables -t $table $rule
      done
  done
}

publish() {
  for chain in DOCKER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2 DOCKER-USER; do
    iptables -N $chain 2>/dev/null || iptables -F $chain
  done
  iptables -P FORWARD DROP
  iptables -I FORWARD -i docker0 -o docker0 -j ACCEPT
  iptables -I FORWARD -i docker0 ! -o docker0 -j ACCEPT
  iptables -I FORWARD -o docker0 -j DOCKER
  iptables -I FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  iptables -I FORWARD -j DOCKER-ISOLATION-STAGE-1
  iptables -I FORWARD -j DOCKER-USER
  iptables -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
  iptables -A DOCKER-ISOLATION-STAGE-1 -j RETURN
  iptables -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
  iptables -A DOCKER-ISOLATION-STAGE-2 -j RETURN
  iptables -A DOCKER-USER -j RETURN
  iptables -t nat -N DOCKER 2>/dev/null || iptables -t nat -F DOCKER
  iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
  iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
  iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
  iptables -t nat -A DOCKER -i docker0 -j RETURN
  for pair in "$@"; do
    published=${pair%:*} inner=${pair##*:}
    at=; case $published in *:*) at="-d ${published%:*}" published=${published##*:} ;; esac
    iptables -t nat -A POSTROUTING -s $INNER -d $INNER -p tcp --dport "$inner" -j MASQUERADE
    # shellcheck disable=SC2086
    iptables -t nat -A DOCKER $at ! -i docker0 -p tcp --dport "$published" -j DNAT --to-destination "$INNER:$inner"
    iptables -A DOCKER -d $INNER ! -i docker0 -o docker0 -p tcp --dport "$inner" -j ACCEPT
  done
}

"$@"
