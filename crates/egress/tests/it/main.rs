#![cfg(test)]
//! Behaviour of the door, over real sockets on the loopback interface.

mod assertions;
mod cap;
mod check;
mod dns;
mod domain_expiry;
mod forms;
mod grpc;
mod hostile;
mod icmp;
mod inside;
mod kinds_ssrf;
mod opt_out;
mod options;
mod own;
mod rebinding;
mod redirects;
mod ssrf;
mod support;
mod tcp;
mod tls_certificate;
mod websocket;
