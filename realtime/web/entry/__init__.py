"""What every request passes before its route: hosts, authentication, body limit."""
