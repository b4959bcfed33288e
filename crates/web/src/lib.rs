//! HTTP: the public pages, the dashboard and the API.
