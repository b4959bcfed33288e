#![cfg(test)]
//! Mails as their readers see them, and their way out on both databases.

mod desk;
mod files;
mod mails;
mod smtp;
