#![cfg(test)]
//! Views with sample data: they render, escape, stay small, and follow the rules of accessible markup.

mod contrast;
mod listen;
mod openapi;
mod samples;
mod views;
