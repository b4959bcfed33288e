//! What a status page is: records, value types and rules, without I/O, clock or randomness.
