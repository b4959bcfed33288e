//! One attribute macro for database tests.
