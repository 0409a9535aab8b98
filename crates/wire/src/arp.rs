//! Gratuitous ARP frames (RFC 826, RFC 5227).
