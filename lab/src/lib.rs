//! A kernel with IPVS, networks of namespaces, faults and a timeline: where Caribe is tested.
