#![cfg(test)]
//! Faults, each for minutes and against the real binary (`faults.md`): `scripts/faults` runs them, the usual tests do
//! not. What the usual tests have of each fault is shorter.

mod black_holes;
mod clocks;
mod hostile;
mod kill_nine;
mod own_network;
mod support;
