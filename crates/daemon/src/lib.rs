//! What the daemons share: poll loop, signals, children, lifeline, pid file, syslog.
