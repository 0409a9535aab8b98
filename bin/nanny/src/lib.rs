//! Checks one real server of one virtual service.
