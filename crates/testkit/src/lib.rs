//! Test-only: people, clock, databases, sinks, a target server, a browser.
