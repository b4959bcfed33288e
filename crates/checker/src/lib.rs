//! Decides what is due, runs it and hands the results in.
