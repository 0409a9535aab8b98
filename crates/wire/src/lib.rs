//! Bytes of the director's protocols: IPVS over generic netlink, heartbeat, ARP, neighbour discovery.
