//! Unsolicited neighbour advertisements (RFC 4861).
