//! Claims deliveries from the outbox and sends them.
