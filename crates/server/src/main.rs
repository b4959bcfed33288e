//! The `indie-status` binary: reads the command line and the configuration, runs one command, ends with its code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use server::cli::{Cli, Exit};
use server::commands;
use server::config::{Config, Sources};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The one TLS implementation of every part; a second call would be an error, and there is none.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let loaded =
        Sources::of_process(cli.options.config.as_deref(), cli.options.flags()).and_then(Config::load);
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return fail(Exit::Config, &error.to_string()),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(Exit::Failed, &format!("the runtime cannot be started: {error}")),
    };
    match runtime.block_on(commands::run(cli.chosen(), loaded.config, loaded.warnings)) {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => fail(failure.exit, &failure.message),
    }
}

fn fail(exit: Exit, message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "indie-status: {message}");
    exit.into()
}
