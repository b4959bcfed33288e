//! The only door out: addresses, DNS, connections, the SSRF guard.
