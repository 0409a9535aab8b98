//! The kernel's virtual server table by command line: drop-in for ipvsadm 1.31.
