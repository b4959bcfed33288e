#![cfg(test)]
//! Behaviour of the door, over real sockets on the loopback interface.

mod cap;
mod check;
mod hostile;
mod inside;
mod rebinding;
mod redirects;
mod ssrf;
mod support;
