//! nginx with one worker that serves the same bytes from a file, with the same headers.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use hyper::header::HeaderMap;

use crate::running::Running;

/// Headers that nginx makes itself, and those that belong to one answer only.
const OWN: [&str; 9] = [
    "content-type",
    "content-length",
    "content-encoding",
    "date",
    "etag",
    "last-modified",
    "connection",
    "vary",
    "x-request-id",
];

/// Serves the files of `folder/www`, with a `.gz` beside a file for those who take gzip.
pub(crate) fn start(folder: &Path, address: SocketAddr, headers: &HeaderMap) -> anyhow::Result<Running> {
    let config = folder.join("nginx.conf");
    fs::write(&config, configuration(folder, address, headers))?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(&config).arg("-p").arg(folder).arg("-e").arg(folder.join("nginx.log"));
    Running::start(&mut command, &folder.join("nginx.log"))
}

fn configuration(folder: &Path, address: SocketAddr, headers: &HeaderMap) -> String {
    let folder = folder.display();
    let mut added = String::new();
    for (name, value) in headers.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        let value = value.to_str().unwrap_or_default().replace('\\', "\\\\").replace('"', "\\\"");
        let _ = writeln!(added, "      add_header {name} \"{value}\";");
    }
    let user = if is_root() { "user root;" } else { "" };
    format!(
        "{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  open_file_cache max=16 inactive=1h;
  open_file_cache_valid 1h;
  gzip_static on;
  gzip_vary on;
  default_type text/html;
  charset utf-8;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {address};
    root {folder}/www;
    location / {{
      add_header x-request-id req_$request_id;
{added}    }}
  }}
}}
"
    )
}

/// The worker of an nginx that root starts belongs to somebody who may not read our folder.
fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
}
