"""HTTP and sockets: the only package that imports starlette."""
