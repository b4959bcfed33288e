#![cfg(test)]
//! The loops, on both databases, against a real server.

mod faults;
mod fleets;
mod hostile;
mod network;
mod outages;
mod removal;
mod scenarios;
mod scripted;
mod support;
